"""What scoring uses of a context: the environments, what may be loaded, and today's predict command."""

from pathlib import Path

from modelyard.core import files
from modelyard.core.errors import ConfigError
from modelyard.models import environment
from modelyard.models.environment import Environment
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
        without_pins: Where the user's requirements do not fit what is installed, go by what is, so that a version's own
            environment can still be built.
    """
    config = context.config
    predict = config.evaluate.predict
    return Workbench(
        environments=context.environments,
        current=lambda: _installed(context) if without_pins else context.read_environment(),
        allow_pickles=config.may_load_pickles,
        folder=context.policy.base,
        lock=command_lock(context),
        command=predict.command if predict else "",
        timeout=predict.timeout if predict else "1h",
        logs=logs_of(context),
    )


def _installed(context: Context) -> Environment:
    try:
        return context.read_environment()
    except ConfigError:
        return environment.current_environment()
