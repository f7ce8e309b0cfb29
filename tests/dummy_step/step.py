"""watch: the wiring."""

from collections.abc import Mapping
from typing import Any

from modelyard.core.verdict import Verdict
from modelyard.steps.context import Context
from modelyard.steps.definition import Outcome, Stage, StepDefinition
from tests.dummy_step.present import WatchPresenter
from tests.dummy_step.spec import SPEC, WATCHED, WatchInputs, WatchResult


def reads(context: Context, inputs: WatchInputs) -> Mapping[str, Any]:
    """Everything that decides the result."""
    return {"window": inputs.window}


def run(context: Context, inputs: WatchInputs) -> Outcome:
    """Find what drifted."""
    return Outcome(WatchResult(drifted=("size",)), Verdict.PASS)


WATCH = StepDefinition(SPEC, WATCHED, ("detect",), reads, run, WatchPresenter(), stage=Stage())
