"""The gates as they will be judged: from the configuration, or the defaults where it names none.

Each rule says which linear contrast of the models' metric must lie above (or below) which bound. Contrasts are written
for a metric of which more is better; for losses the sign is turned inside and never displayed so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from modelyard.config.sections.gate import Gate
from modelyard.core.errors import ConfigError, Place, nearest
from modelyard.core.vocabulary import Operator, Reference, Task
from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.metric import Metric

NO_OWN: Mapping[str, Metric] = {}


@dataclass(frozen=True)
class Contrast:
    """challenger + reference·w + baseline·w + perfect·w, tested as one paired quantity against ``bound``."""

    reference: float = 0.0
    baseline: float = 0.0
    perfect: float = 0.0
    bound: float = 0.0


@dataclass(frozen=True)
class Rule:
    """One gate. A level gate has a ``bound`` and no contrasts; a difference gate passes if one contrast does."""

    metric: Metric
    operator: Operator
    text: str
    reference: Literal[Reference, ""] = ""
    bound: float | None = None
    upper: float | None = None
    """The other end of ``between``."""
    margin: float | None = None
    contrasts: tuple[Contrast, ...] = ()
    by: tuple[str, ...] = ()
    """Columns of which every value is a slice."""
    named: tuple[tuple[str, str], ...] = ()
    """Column and value of the slices that must be judged."""
    slice_drop: float | None = None
    every_slice: bool = False
    allow: bool = False
    default: bool = False
    line: int | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it slices by."""
        return tuple(dict.fromkeys([*self.by, *(column for column, _ in self.named)]))


def from_config(
    gates: Sequence[Gate],
    task: Task,
    line_of: Callable[[int], int | None],
    file: str,
    own: Mapping[str, Metric] = NO_OWN,
) -> tuple[Rule, ...]:
    """Rules of the configuration's gates; ``own`` are the metrics that the configuration defines.

    Raises:
        ConfigError: a metric that is unknown, or not for this task, or that a baseline maxes out.
    """
    return tuple(_rule(gate, at, task, line_of(at), file, own) for at, gate in enumerate(gates))


def _rule(gate: Gate, at: int, task: Task, line: int | None, file: str, own: Mapping[str, Metric]) -> Rule:
    place = Place(file, line, f"evaluate.gates[{at}].metric")
    metric = metric_for(gate.metric, task, place, own)
    reference: Literal[Reference, ""] = gate.no_worse_than or gate.better_than or ""
    if reference == "baseline" and metric.maxed_by_positive:
        raise ConfigError(
            f"{metric.name} against the baseline says nothing: predicting every row positive maxes it out",
            hint="Use a bound (at_least) for it, or compare with the champion.",
            place=place,
        )
    if gate.between is not None:
        low, high = gate.between
        text = f"{metric.name} between {low:g} and {high:g}"
        return Rule(metric, gate.operator, text, bound=low, upper=high, **_common(gate, line))
    if not reference:
        bound = gate.at_least if gate.at_least is not None else gate.at_most
        words = "at least" if gate.operator == "at_least" else "at most"
        return Rule(metric, gate.operator, f"{metric.name} {words} {bound:g}", bound=bound, **_common(gate, line))
    worse = gate.operator == "no_worse_than"
    shown = gate.margin if isinstance(gate.margin, str) else f"{gate.margin or 0.0:g}"
    text = f"{metric.name} no worse than {reference}, margin {shown}"
    if not worse:
        text = f"{metric.name} better than {reference}" + (f" by more than {shown}" if gate.margin else "")
    if isinstance(gate.margin, str):
        contrast = _relative(gate.margin, metric, worse=worse)
        return Rule(metric, gate.operator, text, reference, contrasts=(contrast,), **_common(gate, line))
    margin = gate.margin or 0.0
    contrast = Contrast(reference=-1.0, bound=-margin if worse else margin)
    return Rule(metric, gate.operator, text, reference, margin=margin, contrasts=(contrast,), **_common(gate, line))


def _relative(margin: str, metric: Metric, *, worse: bool) -> Contrast:
    """A share of the reference's value, or of its gain over the baseline, as one paired quantity."""
    share = float(margin.partition("%")[0]) / 100
    kept = 1 - share if worse else 1 + share
    if "gain" in margin:
        return Contrast(reference=-kept, baseline=kept - 1)
    # Of a loss, worse is more: the reference's value is scaled the other way.
    return Contrast(reference=-kept if metric.higher_is_better else -(2 - kept))


def _common(gate: Gate, line: int | None) -> dict[str, Any]:
    return {
        "by": gate.whole_columns,
        "named": gate.named_slices,
        "slice_drop": gate.slice_drop,
        "every_slice": gate.require == "every",
        "allow": gate.inconclusive == "allow",
        "line": line,
    }


def metric_for(name: str, task: Task, place: Place | None = None, own: Mapping[str, Metric] = NO_OWN) -> Metric:
    """A metric of the catalogue, or of the configuration, that fits the task.

    Raises:
        ConfigError: unknown, or for another task.
    """
    if name in own:
        return own[name]
    fitting = [*own, *(known.name for known in METRICS if task in known.tasks)]
    if name not in METRICS:
        raise ConfigError(
            f"unknown metric {name!r}. {nearest(name, fitting)}".strip(),
            hint=f"Metrics for a {task} task: {', '.join(fitting)}.",
            place=place,
        )
    if task not in METRICS.get(name).tasks:
        raise ConfigError(
            f"{name} is not a metric of a {task} task", hint=f"Metrics for it: {', '.join(fitting)}.", place=place
        )
    return METRICS.get(name)


def defaults(primary: Metric, *, champion_gains: bool, best_gains: bool = True) -> tuple[Rule, ...]:
    """The gates that are on when none are written (docs/statistics.md, defaults).

    Better than the baseline; and no worse than the champion, and than the best model ever promoted, by a tenth of its
    gain over the baseline and, where a perfect score exists, with the shortfall from it growing by at most a tenth, or
    the loss under a hundredth of the gain. ``champion_gains`` and ``best_gains`` are false where that model itself is
    no better than the baseline.
    """
    rules = []
    if not primary.maxed_by_positive:
        rules.append(Rule(primary, "better_than", f"{primary.name} better than baseline", "baseline", margin=0.0,
                          contrasts=(Contrast(baseline=-1.0),), default=True))  # fmt: skip
    named: tuple[tuple[Reference, bool], ...] = (("champion", champion_gains), ("best-promoted", best_gains))
    for reference, gains in named:
        if gains or primary.maxed_by_positive:
            rules += _keeps(primary, reference)
    return tuple(rules)


def _keeps(primary: Metric, reference: Reference) -> list[Rule]:
    whose = "the champion" if reference == "champion" else "the best promoted model"
    found = [] if primary.maxed_by_positive else [
        Rule(primary, "no_worse_than", f"{primary.name} keeps nine tenths of {whose}'s gain over the baseline",
             reference, contrasts=(Contrast(reference=-0.9, baseline=-0.1),), default=True)
    ]  # fmt: skip
    gain = () if primary.maxed_by_positive else (Contrast(reference=-0.99, baseline=-0.01),)
    if primary.perfect is not None:
        found.append(
            Rule(
                primary,
                "no_worse_than",
                f"{primary.name} falls short of perfect by at most a tenth more than {whose}",
                reference,
                contrasts=(Contrast(reference=-1.1, perfect=0.1), *gain),
                default=True,
            )
        )
    return found
