"""What commands print about a record: lines for people, outputs for programs, as the step's presenter tells them."""

from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.core.errors import NOT_PASSED, OK, ModelyardError
from modelyard.core.verdict import Verdict, worst
from modelyard.records.envelope import Envelope, Step
from modelyard.steps import presenter
from modelyard.steps.catalogue import STEPS
from modelyard.steps.context import Context
from modelyard.steps.pipeline import Decision


def exit_code(envelope: Envelope, mode: str) -> int:
    """Return the exit code of a step's record; report-only turns 1 into 0 and nothing else."""
    record = envelope.record
    code = record.problem.exit_code if record.problem else record.verdict.exit_code
    if record.verdict in STEPS.get(record.step).present.accepts:
        return OK
    return OK if mode == "report-only" and code == NOT_PASSED else code


def run_verdict(envelopes: Mapping[Step, Envelope], *, failed: bool) -> Verdict:
    """Return the run's verdict: its worst, and error where a stage ended with one."""
    return Verdict.ERROR if failed else worst(envelope.record.verdict for envelope in envelopes.values())


def outputs(envelope: Envelope, context: Context, code: int) -> dict[str, Any]:
    """Return the outputs that the step's action has, as JSON data."""
    record = envelope.record
    found: dict[str, Any] = {
        "verdict": record.verdict.value,
        "exit-code": code,
        "run-dir": str(context.run_dir),
        "record-digest": envelope.digest,
        "result-digest": envelope.result_digest,
        "report-path": str(context.run_dir / "report.md") if (context.run_dir / "report.md").is_file() else "",
    }
    page = context.run_dir / f"report-{record.model}.html"
    found |= {"report-page": str(page)} if page.is_file() else {}
    if record.result is not None:
        found |= STEPS.get(record.step).present.outputs(envelope, record.outcome)
    return found


def one_line(envelope: Envelope) -> str:
    """Return a record in a line."""
    return presenter.one_line(STEPS.get(envelope.record.step).present, envelope)


def step_lines(envelope: Envelope) -> str:
    """Return a record as a few lines: what a person wants after running one step."""
    return "\n".join([f"{envelope.record.step}: {one_line(envelope)}", *details(envelope)])


def details(envelope: Envelope) -> list[str]:
    """Return what a record holds, a line each."""
    record = envelope.record
    return [] if record.result is None else STEPS.get(record.step).present.lines(envelope, record.outcome)


def run_lines(
    envelopes: Mapping[Step, Envelope], context: Context, decisions: Sequence[Decision], error: ModelyardError | None
) -> str:
    """Return the end of a run: verdict first, then the gates, then where to read on."""
    if error is not None:
        return f"\nverdict: error ({Verdict.ERROR.words})\n{error}"
    verdict = run_verdict(envelopes, failed=False)
    skipped = [decision.why for decision in decisions if decision.action == "skip"]
    judged = [step for step in envelopes if STEPS.get(step).present.closes_run]
    told = [step for step, each in envelopes.items() if step in judged or _decided(each, verdict)]
    if not judged and skipped and verdict is Verdict.PASS:
        return f"\nnothing to do: {skipped[0]}"
    lines = ["", f"verdict: {verdict} ({verdict.words})"]
    lines += [text for step in told for text in details(envelopes[step])]
    if context.mode == "report-only" and verdict is not Verdict.PASS:
        lines.append(
            f"mode is report-only: with gates on, this run would have ended with exit code {verdict.exit_code}"
        )
    lines += [_facts(envelope) for step, envelope in envelopes.items() if not STEPS.get(step).record.of_run]
    lines.append(f"report: {context.run_dir / 'report.html'}")
    return "\n".join(lines)


def _decided(envelope: Envelope, verdict: Verdict) -> bool:
    """Tell whether a step judged, and is why the run did not pass."""
    judges = STEPS.get(envelope.record.step).record.judges
    return judges and verdict is not Verdict.PASS and envelope.record.verdict is verdict


def _facts(envelope: Envelope) -> str:
    return STEPS.get(envelope.record.step).present.facts(envelope.record.outcome)
