"""The commands that are steps: one step, its record, its outputs."""

import json
from collections.abc import Mapping

from modelyard.cli import annotations, comment, issue, output, runner
from modelyard.cli.flags import Command
from modelyard.cli.session import working
from modelyard.core.errors import OK, ModelyardError
from modelyard.records.envelope import Envelope
from modelyard.records.results import DetectResult
from modelyard.report.escape import code as code_span
from modelyard.steps.catalogue import STEP
from modelyard.steps.context import Context
from modelyard.steps.declaration import Outputs
from modelyard.steps.execution import execute, perform
from modelyard.steps.pipeline import stages
from modelyard.steps.promote.step import PromoteInputs
from modelyard.steps.prove.step import PROVE, RollbackInputs
from modelyard.steps.report.step import ReportInputs


def run(command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Run one step; returns its exit code."""
    step = STEP[command.name]
    with_json = given.get("json") == "true"
    inputs = step.spec.inputs.from_strings({name: value for name, value in given.items() if name != "json"})
    if isinstance(inputs, ReportInputs) and inputs.part == "comment":
        return comment.run(given)
    chosen = PROVE if isinstance(inputs, RollbackInputs) and inputs.part == "prove" else step
    with working(given, needs_checkout=step.name not in ("promote", "rollback")) as context:
        try:
            if isinstance(inputs, PromoteInputs) and inputs.dry_run:
                envelope = Envelope.seal(perform(chosen, context, inputs, keep=False))
            else:
                envelope = execute(chosen, context, inputs)
        except ModelyardError:
            runner.outputs({"run-dir": context.run_dir})
            raise
        code = output.exit_code(envelope, context.mode)
        publish(envelope, context, code, step.spec.outputs, promote=given.get("promote") == "true")
        issue.tell(context, envelope)
        if with_json:
            print(json.dumps(output.outputs(envelope, context, code)))
        else:
            print(output.step_lines(envelope))
            if command.name == "report":
                print(f"  {context.run_dir / 'report.html'}")
    return code


def publish(envelope: Envelope, context: Context, code: int, declared: type[Outputs], *, promote: bool) -> None:
    """Tell the runner of GitHub Actions: outputs, then the step summary, then annotations."""
    values = output.outputs(envelope, context, code)
    outcome = envelope.record.outcome
    if isinstance(outcome, DetectResult):
        validates = context.config.validate_ is not None
        following = stages(context.trigger, promote=promote, validates=validates) if outcome.changed else ("report",)
        values["stages"] = ",".join(stage for stage in following if stage != "detect")
    names = [info.alias or name for name, info in declared.model_fields.items()]
    runner.outputs({name: values[name] for name in names if name in values})
    runner.summary(_summary(envelope, context))
    ours = context.policy.rules.folder is None
    config = context.loaded.file if ours else ""
    suites = dict(context.config.validate_.suites) if ours and context.config.validate_ else {}
    runner.annotate(annotations.of_record(envelope, config=config, suites=suites, red=code != OK))


def _summary(envelope: Envelope, context: Context) -> str:
    report = context.run_dir / "report.md"
    if envelope.record.step == "report" and report.is_file():
        return report.read_text("utf-8")
    if envelope.record.step in ("prove", "rollback"):
        return issue.text_of(context, envelope)
    return f"- {envelope.record.step}: {code_span(output.one_line(envelope))}"
