"""The commands that are steps: one step, its record, its outputs."""

import json
from collections.abc import Mapping

from modelyard.cli import say
from modelyard.cli.flags import Command
from modelyard.cli.open import working
from modelyard.steps.all import STEP
from modelyard.steps.base import execute


def run(command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Run one step; returns its exit code."""
    step = STEP[command.name]
    with_json = given.get("json") == "true"
    inputs = step.spec.inputs.from_strings({name: value for name, value in given.items() if name != "json"})
    with working(given) as context:
        envelope = execute(step, context, inputs)
        code = say.exit_code(envelope, context.mode)
        if with_json:
            print(json.dumps(say.outputs(envelope, context, code)))
        else:
            print(say.step_lines(envelope))
            if command.name == "report":
                print(f"  {context.run_dir / 'report.html'}")
    return code
