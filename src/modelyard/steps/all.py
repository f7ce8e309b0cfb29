"""Every step by name."""

from collections.abc import Mapping
from types import MappingProxyType

from modelyard.records.envelope import Step
from modelyard.steps.base import StepDefinition
from modelyard.steps.detect import DETECT
from modelyard.steps.evaluate import EVALUATE
from modelyard.steps.promote import PROMOTE
from modelyard.steps.report import REPORT
from modelyard.steps.rollback import ROLLBACK
from modelyard.steps.train import TRAIN
from modelyard.steps.validate import VALIDATE

STEP: Mapping[str, StepDefinition] = MappingProxyType(
    {step.name: step for step in (DETECT, VALIDATE, TRAIN, EVALUATE, REPORT, PROMOTE, ROLLBACK)}
)
STEP_NAMES: tuple[Step, ...] = tuple(step.name for step in STEP.values())
