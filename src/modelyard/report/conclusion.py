"""The verdict of a run in words, and the one sentence that says why."""

from modelyard.core.errors import DataError
from modelyard.core.verdict import Verdict, worst
from modelyard.records.envelope import Envelope, Step
from modelyard.records.results import (
    DETECT,
    EVALUATE,
    ROLLBACK,
    TRAIN,
    VALIDATE,
    DetectResult,
    Part,
    PromoteResult,
    ProveResult,
    RollbackResult,
    ValidateResult,
    in_order,
)
from modelyard.report import leads, numbers
from modelyard.report.document import Headline, Inline, Line, Text, line
from modelyard.report.registry import Records, report_of


def outcome(envelope: Envelope) -> Part | None:
    """Return a record's result; None where the step ended without one, or with one that cannot be read."""
    try:
        return envelope.record.outcome
    except DataError:
        return None


def step_verdict(envelope: Envelope) -> Verdict:
    """Return a step's verdict, never better than its content: a record without a readable result is an error."""
    found = outcome(envelope)
    claimed = envelope.record.verdict
    if found is None:
        return Verdict.ERROR
    shown = report_of(envelope.record.step)
    return claimed if shown is None or shown.verdict is None else shown.verdict(found, claimed)


def headline(records: Records) -> Headline:
    """Return the run's verdict and why.

    A promotion or a rollback speaks for itself; otherwise the first of the worst steps decides. A run that nothing
    judged is never a pass.
    """
    for kind in reversed(in_order()):
        shown = report_of(kind.name)
        if shown is not None and shown.headline is not None and kind.name in records:
            return shown.headline(records[kind.name])
    judging = [kind.name for kind in in_order() if kind.judges and kind.name in records]
    found = {step: step_verdict(records[step]) for step in judging}
    if not found:
        return Headline(Verdict.ERROR, Verdict.ERROR.words, "There is no record of any step.")
    verdict = worst(found.values())
    if verdict is Verdict.PASS and EVALUATE.name not in found:
        return _unjudged(records, judging)
    decisive = next((step for step in judging if found[step] is verdict), "")
    if verdict is Verdict.PASS:
        decisive = EVALUATE.name
    if not decisive:
        return Headline(Verdict.ERROR, Verdict.ERROR.words, "No step of this run has a verdict that counts.")
    lead = _sentence(records[decisive], verdict)
    return Headline(verdict, verdict.words, leads.plain(lead), lead)


def problem_of(envelope: Envelope) -> str:
    """Say why a step has no result."""
    if envelope.record.problem is not None:
        return envelope.record.problem.message or "It ended with an error that says nothing."
    return f"The {envelope.record.step} record holds no result that can be read."


def moved(envelope: Envelope) -> Headline:
    """Return the headline of a promotion or a rollback."""
    step, result, verdict = envelope.record.step, outcome(envelope), step_verdict(envelope)
    if isinstance(result, PromoteResult | RollbackResult) and verdict is Verdict.PASS:
        return _done(result)
    refused = "not rolled back" if step == ROLLBACK.name else "not promoted"
    return Headline(verdict, refused, f"{step.capitalize()}: {_first_line(problem_of(envelope))}")


def _done(result: PromoteResult | RollbackResult) -> Headline:
    before = f"; before it, {result.previous}" if result.previous else "; it is the first"
    if isinstance(result, PromoteResult) and result.dry_run:
        text = f"A dry run: the alias {result.alias} would move to a new version{before}. Nothing was changed."
        return Headline(Verdict.PASS, "would be promoted", text)
    if isinstance(result, PromoteResult) and result.pull_request is not None:
        text = f"{result.version} is published. The alias {result.alias} moves to it when the pull request is merged."
        return Headline(Verdict.PASS, "published, and waits for its pull request", text)
    text = f"The alias {result.alias} is now {result.version}{before}."
    if isinstance(result, PromoteResult) and result.rolled_back is not None:
        left = result.rolled_back
        text += f" It is the same model as {left.version}, which was rolled back on {left.at[:10]}: {left.reason}"
    if isinstance(result, RollbackResult) and result.shown != "golden":
        words = {"none": "rolled back without proof", "loading": "rolled back, proved by loading alone"}[result.shown]
        return Headline(Verdict.INCONCLUSIVE, words, text)
    return Headline(Verdict.PASS, "promoted" if isinstance(result, PromoteResult) else "rolled back", text)


def proved(envelope: Envelope) -> Headline:
    """Return the headline of a proof."""
    result, verdict = outcome(envelope), step_verdict(envelope)
    if not isinstance(result, ProveResult):
        return Headline(verdict, "not proved", f"Proof: {_first_line(problem_of(envelope))}")
    words = {Verdict.PASS: "proved", Verdict.NOT_APPLICABLE: "not proved, as asked"}.get(verdict, "not proved")
    return Headline(verdict, words, f"{result.version}: {result.said}.")


def _unjudged(records: Records, judging: list[Step]) -> Headline:
    detect = records[DETECT.name].record.find(DetectResult) if DETECT.name in records else None
    if detect is not None and not detect.changed and TRAIN.name not in judging:
        against = f" since {detect.champion}" if detect.champion else ""
        text = f"Data, code, configuration and packages are unchanged{against}."
        if VALIDATE.name in judging:
            text += " The suites still pass."
        return Headline(Verdict.NOT_APPLICABLE, "nothing to do", text)
    done = ", ".join(judging)
    return Headline(Verdict.ERROR, Verdict.ERROR.words, f"There is no evaluation: this run holds {done} only.")


def _sentence(envelope: Envelope, verdict: Verdict) -> Line:
    step, result = envelope.record.step, outcome(envelope)
    if result is None:
        return line(f"{step.capitalize()}: {_first_line(problem_of(envelope))}")
    shown = report_of(step)
    if shown is not None and shown.sentence is not None:
        said = shown.sentence(result, verdict)
        return line(said) if isinstance(said, str) else said
    return line(f"The step {step} ended without a verdict of {Verdict.PASS.words}.")


def validation(result: ValidateResult, _verdict: Verdict) -> Line:
    """Say how many expectations did not pass."""
    parts: list[Inline | str] = []
    for suite in result.suites:
        bad = sum(expectation.state != "passed" for expectation in suite.expectations)
        if bad or suite.verdict is not Verdict.PASS:
            total = numbers.plural(len(suite.expectations), "expectation")
            parts += ["; "] if parts else []
            parts += [Text(f"{numbers.count(bad)} of {total}", "strong"), f" on “{suite.set}” did not pass"]
    return line(*(parts or ["A suite did not pass"]), ". Nothing was trained.")


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[0]
