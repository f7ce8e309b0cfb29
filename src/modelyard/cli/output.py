"""What commands print about a record: lines for people, outputs for programs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import modelyard.records.results as r
from modelyard.core.canonical import digest
from modelyard.core.errors import NOT_PASSED, OK, ModelyardError
from modelyard.core.verdict import Verdict, worst
from modelyard.records.envelope import Envelope, Step
from modelyard.registry.evidence import advice
from modelyard.steps.context import Context
from modelyard.steps.pipeline import Decision


def exit_code(envelope: Envelope, mode: str) -> int:
    """Exit code of a step's record; report-only turns 1 into 0 and nothing else."""
    problem = envelope.record.problem
    code = problem.exit_code if problem else envelope.record.verdict.exit_code
    if envelope.record.step == "prove" and envelope.record.verdict is Verdict.NOT_APPLICABLE:
        return OK  # moved without a proof, as asked; the record says so
    return OK if mode == "report-only" and code == NOT_PASSED else code


def run_verdict(envelopes: Mapping[Step, Envelope], *, failed: bool) -> Verdict:
    """The run's verdict: its worst, and error where a stage ended with one."""
    return Verdict.ERROR if failed else worst(envelope.record.verdict for envelope in envelopes.values())


def outputs(envelope: Envelope, context: Context, code: int) -> dict[str, Any]:
    """The outputs that the step's action has, as JSON data."""
    record = envelope.record
    found: dict[str, Any] = {
        "verdict": record.verdict.value,
        "exit-code": code,
        "run-dir": str(context.run_dir),
        "record-digest": envelope.digest,
        "result-digest": envelope.result_digest,
        "report-path": str(context.run_dir / "report.md") if (context.run_dir / "report.md").is_file() else "",
    }
    if record.result is None:
        return found
    outcome = record.outcome
    if isinstance(outcome, r.DetectResult):
        found |= {"changed": outcome.changed, "reasons": ",".join(outcome.reasons)}
        found |= {"data-digest": digest({part.name: part.digest for part in outcome.sets})}
        found |= {"model": record.model, "models": json.dumps([record.model])}
    if isinstance(outcome, r.TrainResult):
        found |= {"model-digest": record.model_digest or ""}
    if isinstance(outcome, r.PromoteResult | r.ProveResult | r.RollbackResult):
        found |= {"version": outcome.version}
    if isinstance(outcome, r.PromoteResult) and outcome.pull_request is not None:
        found |= {"pull-request": outcome.pull_request.url}
    return found


def one_line(envelope: Envelope) -> str:
    """A record in a line."""
    record = envelope.record
    if record.problem is not None:
        return f"{record.verdict}: {record.problem.message}"
    return f"{record.verdict} · {_facts(record.outcome)}"


def _facts(outcome: r.Part) -> str:
    match outcome:
        case r.DetectResult():
            return (
                "changed: " + ", ".join(outcome.reasons) if outcome.changed else f"unchanged since {outcome.champion}"
            )
        case r.ValidateResult():
            return _validated(outcome)
        case r.TrainResult():
            return _trained(outcome)
        case r.EvaluateResult():
            states = [gate.verdict for gate in outcome.gates]
            counted = ", ".join(f"{states.count(state)} {state}" for state in Verdict if state in states)
            return f"{outcome.test_rows:,} test rows, gates: {counted}"
        case r.ReportResult():
            return f"{outcome.markdown}, {outcome.html}"
        case r.PromoteResult():
            return _promoted(outcome)
        case r.ProveResult():
            return f"{outcome.version}: {outcome.said}"
        case r.RollbackResult():
            return f"{outcome.alias} points at {outcome.version} again (was {outcome.previous}); {outcome.proof}"
        case _:
            return ""


def _promoted(outcome: r.PromoteResult) -> str:
    was = f" (was {outcome.previous})" if outcome.previous else ""
    if outcome.dry_run:
        target = outcome.version or "the next version"
        return f"a dry run: {outcome.alias} would move to {target}{was}; nothing was changed"
    if outcome.pull_request is not None:
        return f"{outcome.version} is published; {outcome.alias} moves to it when {outcome.pull_request.url} is merged"
    return f"{outcome.alias} now points at {outcome.version}{was}"


def _validated(outcome: r.ValidateResult) -> str:
    states = [expectation.state for suite in outcome.suites for expectation in suite.expectations]
    return ", ".join(
        f"{states.count(state)} {state}" for state in ("passed", "failed", "errored", "vacuous") if state in states
    )


def _trained(outcome: r.TrainResult) -> str:
    if outcome.how == "candidates":
        winner = next((row for row in outcome.candidates if row.winner), None)
        name = f", best: {winner.name}" if winner else ""
        return f"{outcome.fits} fits, {outcome.fits_from_cache} from the cache{name}"
    cached = "from the cache" if outcome.fits == 0 else "trained"
    return f"{outcome.how}, {cached}, {outcome.train_rows:,} rows"


def step_lines(envelope: Envelope) -> str:
    """A record as a few lines: what a person wants after running one step."""
    lines = [f"{envelope.record.step}: {one_line(envelope)}"]
    if envelope.record.result is None:
        return "\n".join(lines)
    outcome = envelope.record.outcome
    if isinstance(outcome, r.DetectResult):
        lines += [f"  {reason}: {detail}" for reason, details in outcome.details.items() for detail in details[:20]]
    if isinstance(outcome, r.ValidateResult):
        lines += [
            f"  {item.state}: {suite.set} · {item.type} {item.subject}: {item.observed or item.note}"
            f" (expected {item.expected})"
            for suite in outcome.suites
            for item in suite.expectations
            if item.state != "passed"
        ]
    if isinstance(outcome, r.TrainResult):
        lines += [
            f"  {'*' if row.winner else ' '} {'error' if row.score is None else f'{row.score:.4f}':>9}  {row.name}"
            f"{'  (cached)' if row.cached else ''}{f'  {row.problem}' if row.problem else ''}"
            for row in outcome.candidates
        ]
    if isinstance(outcome, r.EvaluateResult):
        lines += gate_lines(outcome)
    if isinstance(outcome, r.ProveResult) and envelope.record.verdict.exit_code and outcome.asked != "none":
        lines.append(f"  {advice(outcome)}")
    return "\n".join(lines)


def gate_lines(outcome: r.EvaluateResult) -> list[str]:
    """The gates as a small table, and below them the checks that gate and did not pass."""
    rows = [(f"{gate.verdict}{_mark(gate)}", gate.rule, _numbers(gate)) for gate in outcome.gates]
    rows += [
        (str(check.verdict), check.name, check.said)
        for check in outcome.checks
        if check.gate and check.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE)
    ]
    widths = [max((len(row[at]) for row in rows), default=0) for at in range(2)]
    return [f"  {verdict:<{widths[0]}}  {rule:<{widths[1]}}  {numbers}".rstrip() for verdict, rule, numbers in rows]


def _mark(gate: r.GateResult) -> str:
    return ", waived" if gate.waived else ", allowed" if gate.allowed else ""


def _numbers(gate: r.GateResult) -> str:
    found = gate.estimate
    if found.value is None or found.low is None or found.high is None:
        return gate.reason or found.refused
    sign = "+" if gate.reference else ""
    text = f"{found.value:{sign}.4f} [{found.low:{sign}.4f}, {found.high:{sign}.4f}], {found.n:,} {found.unit}s"
    if gate.smallest_visible is not None and gate.verdict is Verdict.INCONCLUSIVE:
        text += f", smallest visible difference {gate.smallest_visible:.2g}"
    return text


def run_lines(
    envelopes: Mapping[Step, Envelope], context: Context, decisions: Sequence[Decision], error: ModelyardError | None
) -> str:
    """The end of a run: verdict first, then the gates, then where to read on."""
    if error is not None:
        return f"\nverdict: error ({Verdict.ERROR.words})\n{error}"
    unchanged = [decision.why for decision in decisions if decision.step == "evaluate" and decision.action == "skip"]
    evaluated = envelopes.get("evaluate")
    if evaluated is None and unchanged and run_verdict(envelopes, failed=False) is Verdict.PASS:
        return f"\nnothing to do: {unchanged[0]}"
    verdict = run_verdict(envelopes, failed=False)
    lines = ["", f"verdict: {verdict} ({verdict.words})"]
    if evaluated is not None and isinstance(evaluated.record.outcome, r.EvaluateResult):
        lines += gate_lines(evaluated.record.outcome)
    if context.mode == "report-only" and verdict is not Verdict.PASS:
        lines.append(
            f"mode is report-only: with gates on, this run would have ended with exit code {verdict.exit_code}"
        )
    if "promote" in envelopes:
        lines.append(one_line(envelopes["promote"]).split(" · ", 1)[-1])
    lines.append(f"report: {context.run_dir / 'report.html'}")
    return "\n".join(lines)
