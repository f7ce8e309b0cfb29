"""The commands that are steps: one step, its record, its outputs."""

import json
from collections.abc import Mapping

from modelyard.cli import annotations, comment, issue, output, runner
from modelyard.cli.flags import Command
from modelyard.cli.session import working
from modelyard.core import terminal
from modelyard.core.errors import OK, ModelyardError
from modelyard.core.files import write_atomic
from modelyard.records.envelope import Envelope
from modelyard.steps import catalogue, pipeline
from modelyard.steps.catalogue import STEPS
from modelyard.steps.context import Context
from modelyard.steps.definition import StepDefinition
from modelyard.steps.execution import execute, perform
from modelyard.steps.places import places
from modelyard.steps.report.step import ReportInputs


def run(command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Run one step; returns its exit code."""
    whole = STEPS.get(command.name)
    with_json = given.get("json") == "true"
    inputs = whole.spec.inputs.from_strings({name: value for name, value in given.items() if name != "json"})
    if isinstance(inputs, ReportInputs) and inputs.part == "comment":
        return comment.run(given)
    step = whole.part(inputs) or whole
    with working(given, needs_checkout=step.needs_checkout) as context:
        runner.outputs(_known_before(step, context))
        try:
            if inputs.keeps_record:
                envelope = execute(step, context, inputs)
                for name, page in step.present.pages(envelope, context).items():
                    write_atomic(context.run_dir / name, page.encode())
            else:
                envelope = Envelope.seal(perform(step, context, inputs, keep=False))
        except ModelyardError:
            runner.outputs({"run-dir": context.run_dir})
            raise
        code = output.exit_code(envelope, context.mode)
        publish(envelope, step, context, code, given)
        issue.tell(context, envelope)
        if with_json:
            terminal.data(json.dumps(output.outputs(envelope, context, code)))
        else:
            terminal.put(output.step_lines(envelope))
            for name in step.present.files(envelope.record.outcome) if inputs.keeps_record else ():
                terminal.put(f"  {context.run_dir / name}")
        error = step.afterwards(envelope.record.outcome)
        if error is not None:
            raise error
    return code


def _known_before(step: StepDefinition, context: Context) -> dict[str, str]:
    """Return the outputs that hold however the step ends: what is named after the model has its name by then."""
    model = context.config.model.name
    known = {"model": model, "models": json.dumps([model])}
    return {name: value for name, value in known.items() if name in step.spec.outputs.model_fields}


def publish(envelope: Envelope, step: StepDefinition, context: Context, code: int, given: Mapping[str, str]) -> None:
    """Tell the runner of GitHub Actions: outputs, then the step summary, then annotations."""
    values = output.outputs(envelope, context, code)
    if step.stage is not None and step.stage.starts:
        values["stages"] = ",".join(following(envelope, step, context, given))
    names = [info.alias or name for name, info in step.spec.outputs.model_fields.items()]
    runner.outputs({name: values[name] for name in names if name in values})
    runner.summary(step.present.summary(envelope, context, output.one_line(envelope)))
    runner.annotate(annotations.of_record(envelope, places(context), red=code != OK))


def following(envelope: Envelope, step: StepDefinition, context: Context, given: Mapping[str, str]) -> list[str]:
    """Return the stages that the event calls for from here on; where nothing changed, the report alone."""
    unchanged = step.present.unchanged_since(envelope.record.outcome)
    asked = frozenset(name for name, value in given.items() if value == "true")
    sections = pipeline.sections_of(context.config)
    stages = pipeline.stages(catalogue.stages(), context.trigger, asked=asked, sections=sections)
    return [
        each.name
        for each in stages
        if each.stage is not None
        and not each.stage.starts
        and (not unchanged or each.stage.whatever_came_before or each.time_passes(context))
    ]
