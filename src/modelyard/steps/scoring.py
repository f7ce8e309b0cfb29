"""What scoring uses of a context: the environments, what may be loaded, and today's predict command."""

from pathlib import Path

from modelyard.core import files
from modelyard.models import environment
from modelyard.models.scorer import Workbench
from modelyard.steps.bundle import command_lock
from modelyard.steps.context import Context


def logs_of(context: Context) -> Path:
    """Return the folder of what models, metrics and commands print and raise, which may hold values of rows."""
    return files.self_ignoring(context.root / ".modelyard") / "logs"


def workbench(context: Context, *, without_pins: bool = False) -> Workbench:
    """Return what models are scored with here.

    Args:
        context: The run.
        without_pins: Leave the user's requirements of today out: a version is scored in its own packages.
    """
    config = context.config
    predict = config.evaluate.predict
    return Workbench(
        environments=context.environments,
        interpreter=environment.this_interpreter if without_pins else context.find_interpreter,
        allow_pickles=config.may_load_pickles,
        folder=context.policy.base,
        lock=command_lock(context),
        command=predict.command if predict else "",
        timeout=predict.timeout if predict else "1h",
        logs=logs_of(context),
    )
