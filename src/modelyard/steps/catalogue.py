"""Every step by name."""

from collections.abc import Mapping
from types import MappingProxyType

from modelyard.steps.detect.step import DETECT
from modelyard.steps.evaluate.step import EVALUATE
from modelyard.steps.execution import StepDefinition
from modelyard.steps.promote.step import PROMOTE
from modelyard.steps.report.step import REPORT
from modelyard.steps.rollback.step import ROLLBACK
from modelyard.steps.train.step import TRAIN
from modelyard.steps.validate.step import VALIDATE

STEP: Mapping[str, StepDefinition] = MappingProxyType(
    {step.name: step for step in (DETECT, VALIDATE, TRAIN, EVALUATE, REPORT, PROMOTE, ROLLBACK)}
)
