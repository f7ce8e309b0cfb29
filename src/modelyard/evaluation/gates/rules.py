"""The gates as they will be judged: from the configuration, or the defaults where it names none.

Each rule says which linear contrast of the models' metric must lie above (or below) which bound. Contrasts are written
for a metric of which more is better; for losses the sign is turned inside and never displayed so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from modelyard.config.sections.gate import Gate
from modelyard.core.errors import ConfigError, Place
from modelyard.core.operators import OPERATORS, Contrast, Demand, Difference, Operator
from modelyard.core.vocabulary import Keeps, Reference, Task
from modelyard.evaluation.gates import names
from modelyard.evaluation.gates.misuse import adjust_misuse, aim_misuse, baseline_misuse, metric_for, no_primary
from modelyard.metrics.metric import Metric

NO_CUSTOM: Mapping[str, Metric] = {}


@dataclass(frozen=True)
class Rule:
    """One gate. A level gate has a bound and no contrasts; a difference gate passes if one contrast does."""

    metric: Metric
    operator: Operator
    demand: Demand
    id: str = ""
    margin: float | None = None
    relative: str = ""
    """A margin in percent, as it was written."""
    keeps: Keeps = ""
    """What a default gate holds the challenger to."""
    contrasts: tuple[Contrast, ...] = ()
    by: tuple[str, ...] = ()
    """Columns of which every value is a slice."""
    named: tuple[tuple[str, str], ...] = ()
    """Column and value of the slices that must be judged."""
    slice_drop: float | None = None
    adjust_by: str = ""
    """The column whose mean on other rows adjusts the level."""
    every_slice: bool = False
    allow: bool = False
    default: bool = False
    line: int | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it slices by."""
        return tuple(dict.fromkeys([*self.by, *(column for column, _ in self.named)]))

    @property
    def sign(self) -> float:
        """1 where more of the metric is better, else −1."""
        return 1.0 if self.metric.higher_is_better else -1.0


def from_config(
    gates: Sequence[Gate],
    task: Task,
    line_of: Callable[[int], int | None],
    file: str,
    custom: Mapping[str, Metric] = NO_CUSTOM,
) -> tuple[Rule, ...]:
    """Return the rules of the configuration's gates; ``custom`` are the metrics that the configuration defines.

    Raises:
        ConfigError: a metric that is unknown, or not for this task, or that a baseline maxes out.
    """
    ids = names.of_gates(gates)
    return tuple(
        _rule(gate, ids[at], task, Place(file, line_of(at), f"evaluate.gates[{at}].metric"), custom)
        for at, gate in enumerate(gates)
    )


def _rule(gate: Gate, name: str, task: Task, place: Place, custom: Mapping[str, Metric]) -> Rule:
    metric, operator, demand = metric_for(gate.metric, task, place, custom), gate.operator, gate.demand
    problem = baseline_misuse(gate, metric) or aim_misuse(gate, metric) or adjust_misuse(gate, metric)
    if problem is not None:
        raise ConfigError(problem.message, code="config/baseline-gate", hint=problem.hint, place=place)
    rule = Rule(
        metric,
        operator,
        demand,
        name,
        by=gate.whole_columns,
        named=gate.named_slices,
        slice_drop=gate.slice_drop,
        adjust_by=gate.adjust_by or "",
        every_slice=gate.require == "every",
        allow=gate.inconclusive == "allow",
        line=place.line,
    )
    if not isinstance(operator, Difference):
        return rule
    contrasts = (operator.contrast(gate.margin, higher_is_better=metric.higher_is_better),)
    if isinstance(gate.margin, str):
        return replace(rule, relative=gate.margin, contrasts=contrasts)
    return replace(rule, margin=gate.margin or 0.0, contrasts=contrasts)


WORTH = 0.05
"""Share of the way from the baseline to a perfect score that a first model has to go."""


def defaults(
    primary: Metric, *, champion_gains: bool, best_gains: bool = True, first: bool = False, worth: float = WORTH
) -> tuple[Rule, ...]:
    """Return the gates that are on when none are written (docs/statistics.md, defaults).

    Better than the baseline, a ``first`` model by a share ``worth`` of the way from it to a perfect score, where one
    exists: "better" alone lets an AUC of 0.5 through in 2.5 %, and a useless one of 0.51 on many rows always. And no
    worse than the champion, and than the best model ever promoted, by a tenth of its gain over the baseline and, where
    a perfect score exists, with the shortfall from it growing by at most a tenth, or the loss under a hundredth of the
    gain. ``champion_gains`` and ``best_gains`` are false where that model itself is no better than the baseline.
    """
    problem = no_primary(primary)
    if problem is not None:
        raise problem
    rules = []
    if not primary.maxed_by_positive:
        asks = first and primary.perfect is not None and worth > 0
        contrast = Contrast(baseline=worth - 1, perfect=-worth) if asks else Contrast(baseline=-1.0)
        rules.append(_default(primary, "better_than", "baseline", (contrast,), "worth" if asks else "", worth))
    references: tuple[tuple[Reference, bool], ...] = (("champion", champion_gains), ("best-promoted", best_gains))
    for reference, gains in references:
        if gains or primary.maxed_by_positive:
            rules += _keeping(primary, reference)
    return tuple(rules)


def _keeping(primary: Metric, reference: Reference) -> list[Rule]:
    rules = []
    if not primary.maxed_by_positive:
        gain = (Contrast(reference=-0.9, baseline=-0.1),)
        rules.append(_default(primary, "no_worse_than", reference, gain, "gain"))
    if primary.perfect is not None:
        little = () if primary.maxed_by_positive else (Contrast(reference=-0.99, baseline=-0.01),)
        shortfall = (Contrast(reference=-1.1, perfect=0.1), *little)
        rules.append(_default(primary, "no_worse_than", reference, shortfall, "shortfall"))
    return rules


def _default(
    primary: Metric,
    operator: str,
    reference: Reference,
    contrasts: tuple[Contrast, ...],
    keeps: Keeps = "",
    worth: float = 0.0,
) -> Rule:
    return Rule(
        primary,
        OPERATORS.get(operator),
        Demand(reference=reference),
        names.of_default(primary.name, operator, reference, "" if keeps == "worth" else keeps),
        margin=worth if keeps == "worth" else None if keeps else 0.0,
        keeps=keeps,
        contrasts=contrasts,
        default=True,
    )
