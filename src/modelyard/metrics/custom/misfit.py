"""What keeps a custom metric from being one of a task; known before any data is read."""

from modelyard.config.sections.evaluate import OwnMetric
from modelyard.core.errors import ConfigError, Place
from modelyard.core.vocabulary import Task
from modelyard.metrics.catalogue import METRICS


def misfit(name: str, custom: OwnMetric, task: Task, place: Place | None = None) -> ConfigError | None:
    """Return what is wrong with a custom metric for a task: a name that is taken, or the wrong kind of output."""
    if name in METRICS:
        return ConfigError(
            f"{name} is a built-in metric already", code="config/metric-taken", hint="Choose another name.", place=place
        )
    if custom.costs and task == "regression":
        message = f"evaluate.metrics.{name}: costs are of classes, and a regression has none"
        hint = "Write a function of the values instead."
    elif custom.function and (custom.needs == "value") != (task == "regression"):
        message = f"evaluate.metrics.{name}.needs is {custom.needs}, and this is a {task} task"
        hint = "Write needs: value." if task == "regression" else "Write needs: label, or probability."
    else:
        return None
    return ConfigError(message, code="config/metric-of-another-task", hint=hint, place=place)
