"""What keeps a custom metric from being one of a task; known before any data is read."""

from modelyard.config.sections.evaluate import OwnMetric
from modelyard.core.errors import ConfigError, Place, nearest
from modelyard.core.vocabulary import Task
from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.templates import TEMPLATES


def misfit(name: str, custom: OwnMetric, task: Task, place: Place | None = None) -> ConfigError | None:
    """Return what is wrong with a custom metric for a task: a name that is taken, or the wrong kind of output."""
    if name in METRICS:
        return ConfigError(
            f"{name} is a built-in metric already", code="config/metric-taken", hint="Choose another name.", place=place
        )
    if custom.metric is not None:
        return _of_template(name, custom, task, place)
    if custom.costs and task == "regression":
        message = f"evaluate.metrics.{name}: costs are of classes, and a regression has none"
        hint = "Write a function of the values instead."
    elif custom.function and (custom.needs == "value") != (task == "regression"):
        message = f"evaluate.metrics.{name}.needs is {custom.needs}, and this is a {task} task"
        hint = "Write needs: value." if task == "regression" else "Write needs: label, or probability."
    else:
        return None
    return ConfigError(message, code="config/metric-of-another-task", hint=hint, place=place)


def _of_template(name: str, custom: OwnMetric, task: Task, place: Place | None) -> ConfigError | None:
    """Return what is wrong with a metric and its parameter."""
    at, metric = f"evaluate.metrics.{name}", custom.metric or ""
    if metric not in TEMPLATES:
        return ConfigError(
            f"{at}.metric: {metric[:40]!r} takes no parameter; these do: {', '.join(TEMPLATES.names())}",
            code="config/metric-without-parameter",
            hint=nearest(metric, TEMPLATES.names()) or "A gate names other metrics by themselves.",
            place=place,
        )
    template = TEMPLATES.get(metric)
    if task != template.task:
        return ConfigError(
            f"{at}: {metric} with {template.parameter} is a metric for {template.task}, and this task is {task}",
            code="config/metric-of-another-task",
            hint=f"Gate by {metric} itself." if metric in METRICS else "Choose another metric.",
            place=place,
        )
    found = ", ".join(custom.parameters) or "none"
    problem = (
        f"{metric} takes {template.parameter} and nothing else; found {found}"
        if list(custom.parameters) != [template.parameter]
        else template.problem(custom.parameters[template.parameter])
    )
    if not problem:
        return None
    return ConfigError(f"{at}: {problem}", code="config/metric-parameter", hint=template.hint, place=place)
