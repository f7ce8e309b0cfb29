"""A step of a package of its own, registered by importing it: what adding a step takes, and nothing else."""

from modelyard.report.registry import StepReport
from modelyard.steps.catalogue import register
from tests.dummy_step.present import sections
from tests.dummy_step.step import WATCH

register(WATCH, StepReport(WATCH.name, sections))
