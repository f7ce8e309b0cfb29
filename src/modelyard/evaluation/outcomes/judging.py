"""Judge paired cases by gates: the same rules, intervals and slices as for rows with predictions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from modelyard.config.sections.gate import Gate
from modelyard.core.documents import KeyPath, dotted
from modelyard.core.errors import ConfigError, DataError, Place, nearest
from modelyard.core.verdict import Verdict
from modelyard.core.vocabulary import Direction
from modelyard.evaluation.gates import judgement, misuse, rules
from modelyard.evaluation.gates.judge import estimate_of, judge
from modelyard.evaluation.intervals import measure
from modelyard.evaluation.outcomes.cases import Cases
from modelyard.evaluation.outcomes.metrics import MEASURE_OF, metrics
from modelyard.evaluation.test_set import Groups, TestSet
from modelyard.metrics.metric import Metric
from modelyard.metrics.predictions import Predictions
from modelyard.records.results import GateResult, MetricRow


@dataclass(frozen=True)
class Judged:
    """What the gates say of the cases."""

    gates: tuple[GateResult, ...]
    metrics: tuple[MetricRow, ...]
    test_set: TestSet

    @property
    def verdict(self) -> Verdict:
        """The verdict.

        Raises:
            ConfigError: nothing counts.
        """
        return judgement.verdict_of(self.gates)


@dataclass(frozen=True)
class Asked:
    """How cases are judged.

    Attributes:
        gates: the rules.
        direction: which scores are better.
        unit: the tag whose values are independent; empty for the case.
        confidence: level of the intervals.
        seed: of resamples.
        place: the place of a key, for messages.
        line_of: the line of a gate.
    """

    gates: tuple[Gate, ...]
    direction: Direction = "higher"
    unit: str = ""
    confidence: float = 0.95
    seed: int = 0
    place: Callable[[KeyPath], Place] = lambda path: Place(dotted(path))
    line_of: Callable[[int], int | None] = lambda _at: None

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that are looked at: by the gates, and for the unit."""
        named = [tag for gate in self.gates for tag in gate.columns]
        return tuple(dict.fromkeys([*named, *([self.unit] if self.unit else [])]))


def judge_cases(cases: Cases, asked: Asked) -> Judged:
    """Judge.

    Raises:
        ConfigError: a gate that makes no sense, an unknown metric or tag, or none that applies.
        DataError: outcomes that have not what a metric needs, or cases without a unit.
    """
    known = metrics(averaged=cases.averaged, direction=asked.direction)
    _refuse(asked, known, cases)
    made = rules.from_config(asked.gates, "binary", asked.line_of, "", known)
    test_set = _test_set(cases, asked)
    columns = {tag: Groups.of(_each(cases, cases.tags[tag])) for rule in made for tag in rule.columns}
    models = {name: _models(cases, each) for name, each in known.items() if MEASURE_OF[name] in _measured(cases)}
    gates = tuple(judge(rule, test_set, models[rule.metric.name], columns) for rule in made)
    judgement.refuse_nothing(gates)
    return Judged(gates, tuple(_row(known[name], test_set, models[name]) for name in models), test_set)


def _measured(cases: Cases) -> Mapping[str, object]:
    return cases.measures["challenger"]


def _refuse(asked: Asked, known: Mapping[str, Metric], cases: Cases) -> None:
    for at, gate in enumerate(asked.gates):
        where = ("evaluate", "gates", at, "metric")
        if gate.metric not in known:
            raise ConfigError(
                f"unknown metric {gate.metric!r}; of outcomes: {', '.join(known)}",
                code="config/unknown-metric",
                hint=nearest(gate.metric, known) or "Choose one of them.",
                place=asked.place(where),
            )
        for slip in misuse.misuses(gate, known[gate.metric]):
            raise ConfigError(
                slip.message,
                code="config/senseless-gate",
                hint=slip.hint,
                place=asked.place(("evaluate", "gates", at, slip.key)),
            )
        if gate.demand.reference == "baseline" or "of gain" in str(gate.margin):
            raise ConfigError(
                "outcomes have no baseline: no constant could have answered the cases",
                code="outcomes/no-baseline",
                hint="Write at_least, at_most, or no_worse_than: champion with a margin in the metric's own unit.",
                place=asked.place(where),
            )
        for tag in gate.columns:
            if all(value is None for value in cases.tags[tag]):
                raise ConfigError(
                    f"no case has {tag!r}",
                    code="config/unknown-slice",
                    hint="Slices of cases are columns of a table, properties (junit), or metadata of the cases.",
                    place=asked.place(("evaluate", "gates", at, "by")),
                )
        if MEASURE_OF[gate.metric] not in _measured(cases):
            raise DataError(
                f"{gate.metric} is gated, and {_LACKS[gate.metric]}",
                code="outcomes/lacks-measure",
                hint=f"Gate by {' or '.join(name for name in known if MEASURE_OF[name] in _measured(cases))}.",
                place=asked.place(where),
            )


_LACKS = {
    "pass_rate": "not every attempt of both sides passed or failed; some have only a score",
    "mean_score": "not every attempt of both sides has a score",
    "mean_cost": "not every attempt of both sides has a cost",
}


def _test_set(cases: Cases, asked: Asked) -> TestSet:
    unit = None
    if asked.unit:
        values = cases.tags[asked.unit]
        missing = sum(value is None for value in values)
        if missing:
            raise DataError(
                f"unit: {missing:,} of {len(cases):,} cases have no {asked.unit!r}",
                code="outcomes/no-unit",
                hint="Every case needs one; leave the unit out where the cases are independent.",
            )
        unit = Groups.of(_each(cases, values)).codes
    elif cases.attempts > 1:
        unit = np.repeat(np.arange(len(cases)), cases.attempts)
    return TestSet(
        y=np.ones(len(cases) * cases.attempts, dtype=np.int64),
        unit=unit,
        unit_name=asked.unit or "case",
        in_time_order=False,
        weight=None,
        seed=asked.seed,
        confidence=asked.confidence,
    )


def _each(cases: Cases, values: Sequence[str | None]) -> list[str | None]:
    """Return a value of each case for each of its attempts."""
    return [value for value in values for _ in range(cases.attempts)]


def _models(cases: Cases, metric: Metric) -> dict[str, Predictions]:
    """Return each side's outcomes as the metric takes them; the champion is the best that was ever kept."""
    found = {}
    for role, measures in cases.measures.items():
        values = measures[MEASURE_OF[metric.name]]
        found[role] = (
            Predictions(2, label=values.astype(np.int64)) if metric.needs == "label" else Predictions(value=values)
        )
    if "champion" in found:
        found["best-promoted"] = found["champion"]
    return found


def _row(metric: Metric, test_set: TestSet, models: Mapping[str, Predictions]) -> MetricRow:
    champion = models.get("champion")
    return MetricRow(
        metric=metric.name,
        higher_is_better=metric.higher_is_better,
        challenger=estimate_of(measure.level(metric, test_set, models["challenger"]), test_set),
        champion=None if champion is None else estimate_of(measure.level(metric, test_set, champion), test_set),
    )
