"""The gates as they will be judged: from the configuration, or the defaults where it names none.

Each rule says which linear contrast of the models' metric must lie above (or below) which bound. Contrasts are written
for a metric of which more is better; for losses the sign is turned inside and never displayed so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from modelyard.config.models import Gate, Operator
from modelyard.errors import ConfigError, Place, nearest
from modelyard.metrics.catalogue import METRICS, Metric, Task

Reference = Literal["champion", "baseline", ""]


@dataclass(frozen=True)
class Contrast:
    """challenger + champion·w + baseline·w + perfect·w, tested as one paired quantity against ``bound``."""

    champion: float = 0.0
    baseline: float = 0.0
    perfect: float = 0.0
    bound: float = 0.0


@dataclass(frozen=True)
class Rule:
    """One gate. A level gate has a ``bound`` and no contrasts; a difference gate passes if one contrast does."""

    metric: Metric
    operator: Operator
    text: str
    reference: Reference = ""
    bound: float | None = None
    margin: float | None = None
    contrasts: tuple[Contrast, ...] = ()
    by: tuple[str, ...] = ()
    slice_drop: float | None = None
    every_slice: bool = False
    allow: bool = False
    default: bool = False
    line: int | None = None


def from_config(gates: Sequence[Gate], task: Task, line_of: Callable[[int], int | None], file: str) -> tuple[Rule, ...]:
    """Rules of the configuration's gates.

    Raises:
        ConfigError: a metric that is unknown, or not for this task, or that a baseline maxes out.
    """
    return tuple(_rule(gate, at, task, line_of(at), file) for at, gate in enumerate(gates))


def _rule(gate: Gate, at: int, task: Task, line: int | None, file: str) -> Rule:
    place = Place(file, line, f"evaluate.gates[{at}].metric")
    metric = metric_for(gate.metric, task, place)
    reference: Reference = gate.no_worse_than or gate.better_than or ""
    if reference == "baseline" and metric.maxed_by_positive:
        raise ConfigError(
            f"{metric.name} against the baseline says nothing: predicting every row positive maxes it out",
            do="Use a bound (at_least) for it, or compare with the champion.",
            place=place,
        )
    if not reference:
        bound = gate.at_least if gate.at_least is not None else gate.at_most
        words = "at least" if gate.operator == "at_least" else "at most"
        return Rule(metric, gate.operator, f"{metric.name} {words} {bound:g}", bound=bound, **_common(gate, line))
    margin = gate.margin or 0.0
    if gate.operator == "no_worse_than":
        text = f"{metric.name} no worse than {reference}, margin {margin:g}"
        bound = -margin
    else:
        text = f"{metric.name} better than {reference}" + (f" by more than {margin:g}" if margin else "")
        bound = margin
    contrast = Contrast(
        champion=-1.0 if reference == "champion" else 0.0,
        baseline=-1.0 if reference == "baseline" else 0.0,
        bound=bound,
    )
    return Rule(metric, gate.operator, text, reference, None, margin, (contrast,), **_common(gate, line))


def _common(gate: Gate, line: int | None) -> dict[str, Any]:
    return {
        "by": gate.by,
        "slice_drop": gate.slice_drop,
        "every_slice": gate.require == "every",
        "allow": gate.inconclusive == "allow",
        "line": line,
    }


def metric_for(name: str, task: Task, place: Place | None = None) -> Metric:
    """A metric of the catalogue that fits the task.

    Raises:
        ConfigError: unknown, or for another task.
    """
    fitting = [known.name for known in METRICS.values() if task in known.tasks]
    if name not in METRICS:
        raise ConfigError(
            f"unknown metric {name!r}. {nearest(name, fitting)}".strip(),
            do=f"Metrics for a {task} task: {', '.join(fitting)}.",
            place=place,
        )
    if task not in METRICS[name].tasks:
        raise ConfigError(
            f"{name} is not a metric of a {task} task", do=f"Metrics for it: {', '.join(fitting)}.", place=place
        )
    return METRICS[name]


def defaults(primary: Metric, *, champion_gains: bool) -> tuple[Rule, ...]:
    """The gates that are on when none are written (docs/statistics.md, defaults).

    Better than the baseline; and no worse than the champion by a tenth of the champion's gain over the baseline and,
    where a perfect score exists, with the shortfall from it growing by at most a tenth, or the loss under a hundredth
    of the gain. ``champion_gains`` is false where the champion itself is no better than the baseline.
    """
    rules = []
    if not primary.maxed_by_positive:
        rules.append(Rule(primary, "better_than", f"{primary.name} better than baseline", "baseline", margin=0.0,
                          contrasts=(Contrast(baseline=-1.0),), default=True))  # fmt: skip
    if not champion_gains:
        return tuple(rules)
    rules.append(
        Rule(primary, "no_worse_than", f"{primary.name} keeps nine tenths of the champion's gain over the baseline",
             "champion", contrasts=(Contrast(champion=-0.9, baseline=-0.1),), default=True)
    )  # fmt: skip
    if primary.perfect is not None:
        rules.append(
            Rule(
                primary,
                "no_worse_than",
                f"{primary.name} falls short of perfect by at most a tenth more than the champion",
                "champion",
                contrasts=(Contrast(champion=-1.1, perfect=0.1), Contrast(champion=-0.99, baseline=-0.01)),
                default=True,
            )
        )
    return tuple(rules)
