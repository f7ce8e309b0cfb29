"""What is wrong with gates and custom metrics, as far as it can be known before any data is read.

Nothing heavy is imported: every command asks for it before it does anything.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from modelyard.config.configuration import Config
from modelyard.config.load import Loaded
from modelyard.config.sections.gate import Gate
from modelyard.core.documents import KeyPath, shown
from modelyard.core.errors import ConfigError, Place, nearest
from modelyard.core.operators import Misuse
from modelyard.core.vocabulary import Task
from modelyard.metrics.catalogue import METRICS, fitting
from modelyard.metrics.custom.misfit import misfit
from modelyard.metrics.metric import Metric
from modelyard.metrics.templates import TEMPLATES


def problems(loaded: Loaded) -> Iterator[ConfigError]:
    """Yield every problem of the metrics and gates of a configuration, each with its place."""
    config = loaded.config
    for name in config.evaluate.metrics:
        yield from _custom(loaded, name)
    if config.model.metric is not None:
        yield from _primary(loaded, config.model.metric)
    yield from of_gates(config.evaluate.gates, config.model.task, loaded.place, [*config.evaluate.metrics])
    for at, gate in enumerate(config.evaluate.gates):
        if gate.adjust_by is not None and (config.data.split is None or config.data.split.by == "time"):
            found = "given sets" if config.data.split is None else "a split by time"
            yield ConfigError(
                f"adjust_by needs rows that chance dealt to training and test, and with {found} the two may differ",
                code="config/adjusted-without-chance",
                hint="Split one set by random, hash or stratified, or remove adjust_by.",
                place=loaded.place(("evaluate", "gates", at, "adjust_by")),
            )


def of_gates(
    gates: Sequence[Gate], task: Task, place: Callable[[KeyPath], Place], custom: Sequence[str] = ()
) -> Iterator[ConfigError]:
    """Yield every problem of gates, each with its place; ``custom`` are the metrics that the configuration defines."""
    for at, gate in enumerate(gates):
        if gate.metric not in custom:
            problem = _unknown(gate.metric, task, place(("evaluate", "gates", at, "metric")), custom)
            if problem is not None:
                yield problem
    for at, gate in enumerate(gates):
        if gate.metric in METRICS and task in METRICS.get(gate.metric).tasks:
            for each in misuses(gate, METRICS.get(gate.metric)):
                where = place(("evaluate", "gates", at, each.key))
                yield ConfigError(each.message, code="config/senseless-gate", hint=each.hint, place=where)


def metric_for(name: str, task: Task, place: Place | None = None, custom: Mapping[str, Metric] | None = None) -> Metric:
    """Return a metric of the catalogue, or of the configuration, that fits the task.

    Raises:
        ConfigError: unknown, or for another task.
    """
    if custom is not None and name in custom:
        return custom[name]
    problem = _unknown(name, task, place, list(custom or ()))
    if problem is not None:
        raise problem
    return METRICS.get(name)


def baseline_misuse(gate: Gate, metric: Metric) -> Misuse | None:
    """Return why a gate against the baseline makes no sense for its metric."""
    if gate.demand.reference != "baseline" or not metric.maxed_by_positive:
        return None
    return Misuse(
        f"{metric.name} cannot be compared with the baseline: predicting every row as positive already gives 1.0",
        "Use a bound (at_least) for it, or compare with the champion.",
        "metric",
    )


def aim_misuse(gate: Gate, metric: Metric) -> Misuse | None:
    """Return why a metric that is to be near a number cannot be compared."""
    if metric.aim is None or not gate.operator.compares:
        return None
    return Misuse(
        f"{metric.name} is to be near {metric.aim:g}, and neither more nor less is better",
        f"Write between: [{metric.aim - 0.02:g}, {metric.aim + 0.02:g}], or compare by "
        f"mean_pinball_loss_{round(metric.aim * 100):02d}.",
        gate.operator.name,
    )


def adjust_misuse(gate: Gate, metric: Metric) -> Misuse | None:
    """Return why a metric cannot be adjusted by a column."""
    if gate.adjust_by is None or metric.of_all_rows:
        return None
    return Misuse(
        f"{metric.name} is no mean over all rows, so that no column adjusts it",
        "Remove it; mean losses, accuracy, top_k_accuracy and quantile_coverage can be adjusted.",
        "adjust_by",
    )


def misuses(gate: Gate, metric: Metric) -> Iterator[Misuse]:
    """Yield why a gate makes no sense for its metric."""
    nearness = aim_misuse(gate, metric)
    if nearness is not None:
        yield nearness
        return
    for problem in (baseline_misuse(gate, metric), adjust_misuse(gate, metric)):
        if problem is not None:
            yield problem
    low, high = metric.lowest, metric.highest
    for bound in (gate.demand.bound, gate.demand.upper):
        if bound is not None and ((low is not None and bound < low) or (high is not None and bound > high)):
            yield Misuse(
                f"{metric.name} lies {_range(low, high)}, so that {bound:g} decides nothing",
                "Write a bound that the metric can reach.",
                gate.operator.name,
            )
    width = math.inf if low is None or high is None else high - low
    if isinstance(gate.margin, int | float) and gate.margin >= width:
        yield Misuse(
            f"{metric.name} lies {_range(low, high)}, so that a margin of {gate.margin:g} decides nothing",
            f"Write it in the metric's own unit: {gate.margin / 100:g} for {gate.margin:g} points.",
            "margin",
        )


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at or below {high:g}"
    return f"at or above {low:g}" if high is None else f"between {low:g} and {high:g}"


def _primary(loaded: Loaded, name: str) -> Iterator[ConfigError]:
    task, place = loaded.config.model.task, loaded.place(("model", "metric"))
    if name in loaded.config.evaluate.metrics:
        yield ConfigError(
            f"{name} is a custom metric, and the primary one has to be built in",
            code="config/custom-primary-metric",
            hint=f"Gate by {name}, and choose the primary one from {', '.join(sorted(fitting(task)))}.",
            place=place,
        )
        return
    problem = _unknown(name, task, place, [])
    problem = problem or no_primary(METRICS.get(name), place)
    if problem is not None:
        yield problem


def no_primary(metric: Metric, place: Place | None = None) -> ConfigError | None:
    """Return why no model is the best by a metric."""
    if metric.aim is None:
        return None
    return ConfigError(
        f"{metric.name} is to be near {metric.aim:g}, so that no model is the best by it",
        code="config/primary-with-aim",
        hint=f"Gate by it with between, and choose mean_pinball_loss_{round(metric.aim * 100):02d} as the primary one.",
        place=place,
    )


def _unknown(name: str, task: Task, place: Place | None, custom: Sequence[str]) -> ConfigError | None:
    usable = [*custom, *sorted(fitting(task))]
    if name not in METRICS:
        return ConfigError(
            f"unknown metric {shown(name)}; for a {task} task: {', '.join(usable)}",
            code="config/unknown-metric",
            hint=TEMPLATES.get(name).hint if name in TEMPLATES else meant(name, usable),
            place=place,
        )
    if task not in METRICS.get(name).tasks:
        return ConfigError(
            f"{name} is a metric for {' and '.join(sorted(METRICS.get(name).tasks))}, and this task is {task}",
            code="config/metric-of-another-task",
            hint=f"Choose from {', '.join(usable)}.",
            place=place,
        )
    return None


def meant(name: str, usable: Sequence[str]) -> str:
    """Return the nearest of the usable metrics, by what other libraries call it too."""
    plain = name.lower().replace("-", "_").removeprefix("neg_")
    called = {other: metric.name for metric in METRICS for other in metric.also_called}
    known = called.get(plain, plain)
    return f"Did you mean {known!r}?" if known in usable else nearest(plain, usable)


def _custom(loaded: Loaded, name: str) -> Iterator[ConfigError]:
    config, place = loaded.config, loaded.place(("evaluate", "metrics", name))
    custom, task = config.evaluate.metrics[name], config.model.task
    problem = misfit(name, custom, task, place)
    if problem is not None:
        yield problem
    elif custom.function and config.data.columns.weight is not None and _gated(config, name):
        yield ConfigError(
            f"evaluate.metrics.{name}: a custom function does not support row weights",
            code="config/weighted-function",
            hint="Remove data.columns.weight, or the gate by this metric.",
            place=place,
        )


def _gated(config: Config, name: str) -> bool:
    return any(gate.metric == name for gate in config.evaluate.gates)
