"""evaluate, presented: the gates as a small table, and an annotation for each that did not pass."""

from modelyard.core.verdict import Verdict
from modelyard.github.log import Annotation, Level
from modelyard.records.envelope import Envelope
from modelyard.records.results import EvaluateResult, GateResult
from modelyard.report import wording
from modelyard.steps.presenter import Places, Plain


class EvaluatePresenter(Plain[EvaluateResult]):
    """The judgement."""

    closes_run = True

    def facts(self, result: EvaluateResult) -> str:
        """Return the rows and how many gates ended how."""
        states = [gate.verdict for gate in result.gates]
        counted = ", ".join(f"{states.count(state)} {state}" for state in Verdict if state in states)
        before = result.base_rows.verdict if result.base_rows is not None else None
        also = f"; on the base's test rows: {before}" if before is not None else ""
        return f"{result.test_rows:,} test rows, gates: {counted}{also}"

    def lines(self, envelope: Envelope, result: EvaluateResult) -> list[str]:
        """Return the gates, and below them the checks that gate and did not pass."""
        del envelope
        rows = [(f"{gate.verdict}{_mark(gate)}", wording.rule(gate), wording.terminal(gate)) for gate in result.gates]
        rows += [
            (str(check.verdict), wording.check_name(check), wording.because(check.finding))
            for check in result.checks
            if check.gate and check.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE)
        ]
        widths = [max((len(row[at]) for row in rows), default=0) for at in range(2)]
        return [f"  {verdict:<{widths[0]}}  {rule:<{widths[1]}}  {numbers}".rstrip() for verdict, rule, numbers in rows]

    def annotations(self, envelope: Envelope, result: EvaluateResult, places: Places, level: Level) -> list[Annotation]:
        """Return one for each gate and gating check that did not pass, the worst first."""
        del envelope
        found = []
        for verdict in (Verdict.ERROR, Verdict.FAIL, Verdict.INCONCLUSIVE):
            for gate in result.gates:
                if gate.verdict is verdict:
                    undecided = verdict is Verdict.INCONCLUSIVE
                    milder: Level = "warning" if undecided or gate.allowed or gate.waived else level
                    file, line = (places.config, gate.line) if places.config and gate.line else ("", None)
                    text = wording.explanation(gate, result.champion)
                    found.append(
                        Annotation(milder, text, title=f"{wording.rule(gate)}: {verdict.value}", file=file, line=line)
                    )
            found += [
                Annotation(
                    "warning" if verdict is Verdict.INCONCLUSIVE else level,
                    wording.because(check.finding),
                    title=f"{wording.check_name(check)}: {verdict.value}",
                )
                for check in result.checks
                if check.gate and check.verdict is verdict
            ]
        return found


def _mark(gate: GateResult) -> str:
    return ", waived" if gate.waived else ", allowed" if gate.allowed else ""
