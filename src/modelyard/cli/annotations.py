"""A record as annotations on the run's page: one a gate, an expectation or a problem that needs a person's eye."""

from collections.abc import Iterator

import modelyard.records.results as r
from modelyard.core.errors import ModelyardError
from modelyard.core.verdict import Verdict
from modelyard.github.log import Annotation, Level
from modelyard.records.envelope import Envelope
from modelyard.registry.evidence import advice
from modelyard.report.wording import explanation


def of_record(envelope: Envelope, *, config: str, suites: dict[str, str], red: bool) -> list[Annotation]:
    """What did not pass.

    Args:
        envelope: the record of a step that ended with a result.
        config: the configuration's path in the repository; empty where its lines are not the checkout's.
        suites: data set to the path of its suite; empty likewise.
        red: the step ends red; otherwise these are warnings, as in report-only.
    """
    level: Level = "error" if red else "warning"
    outcome = envelope.record.outcome
    if isinstance(outcome, r.EvaluateResult):
        return list(_gates(outcome, config, level))
    if isinstance(outcome, r.ValidateResult):
        return list(_expectations(outcome, suites, level))
    if isinstance(outcome, r.ProveResult) and envelope.record.verdict is not Verdict.PASS:
        text = f"{outcome.version}: {outcome.said}"
        return [Annotation(level, f"{text}. {advice(outcome)}" if red else text, title="modelyard rollback")]
    if isinstance(outcome, r.RollbackResult) and outcome.shown != "golden":
        text = f"{outcome.alias} points at {outcome.version} again: {outcome.proof}"
        return [Annotation("warning", text, title="modelyard rollback")]
    return []


def of_error(error: ModelyardError) -> list[Annotation]:
    """One for each mistake that was found."""
    problems = error.problems
    return [_of_one(problem) for problem in problems]


def _of_one(error: ModelyardError) -> Annotation:
    message = f"{error.message}\n{error.hint}" if error.hint else error.message
    place = error.place
    if place is None:
        return Annotation("error", message, title="modelyard")
    return Annotation("error", message, title=place.key or "modelyard", file=place.file, line=place.line)


def _gates(outcome: r.EvaluateResult, config: str, level: Level) -> Iterator[Annotation]:
    order = (Verdict.ERROR, Verdict.FAIL, Verdict.INCONCLUSIVE)
    for verdict in order:
        for gate in outcome.gates:
            if gate.verdict is verdict:
                milder: Level = "warning" if gate.allowed or gate.waived else level
                file, line = (config, gate.line) if config and gate.line else ("", None)
                text = explanation(gate, outcome.champion)
                yield Annotation(milder, text, title=f"{gate.rule}: {verdict.value}", file=file, line=line)
        for check in outcome.checks:
            if check.gate and check.verdict is verdict:
                yield Annotation(level, check.said, title=f"{check.name}: {verdict.value}")


def _expectations(outcome: r.ValidateResult, suites: dict[str, str], level: Level) -> Iterator[Annotation]:
    for suite in outcome.suites:
        file = suites.get(suite.set, "")
        for item in suite.expectations:
            if item.state != "passed":
                parts = [f"{item.type} on {item.subject}" if item.subject else item.type, item.expected, item.observed]
                text = "; ".join(part for part in (*parts, item.note) if part)
                line = item.line if file else None
                yield Annotation(level, text, title=f"{suite.set}: {item.state}", file=file, line=line)
