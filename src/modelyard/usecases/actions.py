"""Every action but the root one: the steps that are commands of their own, what finds models, what answers comments."""

from modelyard.steps.catalogue import commands
from modelyard.steps.declaration import ActionSpec
from modelyard.usecases.affected_models import MODELS
from modelyard.usecases.answer.spec import ANSWER


def action_specs() -> tuple[ActionSpec, ...]:
    """Return what each action declares, steps in their order first."""
    return (*(step.spec for step in commands()), MODELS, ANSWER)
