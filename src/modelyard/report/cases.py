"""What a run judged, a case each, for other tools: expectations, gates, checks, and steps that ended with an error."""

from collections.abc import Iterator
from dataclasses import dataclass

from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope
from modelyard.records.results import EvaluateResult, ValidateResult, in_order
from modelyard.report import conclusion, expectations, wording
from modelyard.report.places import Places
from modelyard.report.registry import Records

_STATES = {"passed": Verdict.PASS, "failed": Verdict.FAIL, "errored": Verdict.ERROR, "vacuous": Verdict.ERROR}


@dataclass(frozen=True)
class Case:
    """One thing that was judged.

    Attributes:
        kind: expectation, gate, check or step.
        group: the step, with the data set where there are several.
        name: the rule in words.
        rule: a stable name of its kind, such as ``gate/roc_auc``.
        verdict: how it ended.
        message: why, in words; empty where it passed.
        held_back: it counts: it is neither waived nor allowed to stay open.
        file: where the rule stands; empty where that is not known.
        line: its line there.
    """

    kind: str
    group: str
    name: str
    rule: str
    verdict: Verdict
    message: str = ""
    held_back: bool = True
    file: str = ""
    line: int | None = None


def cases(records: Records, places: Places) -> tuple[Case, ...]:
    """Return what was judged, in the order of the steps."""
    known = [records[kind.name] for kind in in_order() if kind.name in records]
    return tuple(case for envelope in known for case in _of(envelope, places))


def _of(envelope: Envelope, places: Places) -> Iterator[Case]:
    step, result = envelope.record.step, conclusion.outcome(envelope)
    if isinstance(result, ValidateResult):
        yield from _expectations(result, places)
    elif isinstance(result, EvaluateResult):
        yield from _gates(result, places)
    elif result is None:
        yield Case("step", step, step, f"step/{step}", Verdict.ERROR, conclusion.problem_of(envelope))


def _expectations(result: ValidateResult, places: Places) -> Iterator[Case]:
    for suite in result.suites:
        file = places.suites.get(suite.set, "")
        for item in suite.expectations:
            words = (expectations.observed(item), expectations.notes(item))
            expected = expectations.expected(item)
            verdict = _STATES[item.state]
            found = "; ".join(filter(None, (*words, f"expected {expected}" if expected else "")))
            yield Case(
                "expectation",
                f"validate {suite.set}",
                f"{item.type} on {expectations.subject(item)}",
                f"expectation/{item.type}",
                verdict,
                "" if verdict is Verdict.PASS else found,
                file=file,
                line=item.line if file else None,
            )


def _gates(result: EvaluateResult, places: Places) -> Iterator[Case]:
    for gate in result.gates:
        passed = gate.verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE)
        yield Case(
            "gate",
            "evaluate",
            wording.rule(gate),
            f"gate/{gate.metric}",
            gate.verdict,
            "" if passed else wording.explanation(gate, result.champion),
            held_back=not (gate.waived or (gate.allowed and gate.verdict is Verdict.INCONCLUSIVE)),
            file=places.config if gate.line else "",
            line=gate.line if places.config else None,
        )
    for check in result.checks:
        passed = check.verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE)
        said = "" if passed else wording.because(check.finding)
        name = wording.check_name(check)
        yield Case("check", "evaluate", name, f"check/{check.name}", check.verdict, said, held_back=check.gate)
