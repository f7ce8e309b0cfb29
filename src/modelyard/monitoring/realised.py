"""Performance of what serves, as labels arrive: each rule looked at again and again, with limits that hold throughout.

A rule's quantity is a mean of bounded values (``levels``), and two things watch it. A confidence sequence of the mean
of all values since the version began to serve gives the limits that are shown (``stats.sequences``). A detector looks
for a mean that has left the good side of the bound at some time, which the mean of a long good life would hide
(``stats.change``). ``fail`` is either of both; ``pass`` is limits on the good side, no fall, and a last window that
does not contradict.

Errors: a rule calls a version that keeps its bound in at most 2.5 % of lives, and passes one that never did in at most
2.5 %. Against the test result that is split in two: one half for the labels to come, and one for the test result, which
is an estimate itself: what fails is worse than even the lower of its limits less the margin, and what passes is better
than the upper one less the margin. Slices of a rule share the same 5 % once more, in equal parts.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from modelyard.config.sections.monitor import Performance
from modelyard.core.errors import DataError
from modelyard.core.operators import OPERATORS
from modelyard.core.reasons import Reason, because
from modelyard.core.verdict import Verdict
from modelyard.core.vocabulary import Operator
from modelyard.evaluation.gates.misuse import metric_for
from modelyard.evaluation.intervals import measure
from modelyard.evaluation.test_set import TestSet
from modelyard.log.schema import FEATURE
from modelyard.metrics.metric import Metric
from modelyard.metrics.predictions import Bools
from modelyard.monitoring.levels import Level, Rows, Watched, level_of, watched
from modelyard.monitoring.served import Served, labelled, scores
from modelyard.records.results import Estimate, Signature
from modelyard.records.results.monitor import RealisedPerformance, ServedCalibration
from modelyard.stats import calibration, change, sequences
from modelyard.stats.interval import Interval

ALPHA = 0.05
"""Of a rule, both sides together; of its slices as much again."""
MOST_SLICES = 20
SELECTIVE = 0.1
"""Standard deviations by which predictions with labels may differ from those without, on average."""
_SURE = 3.3
_FIRST = 0.8
"""Share of a sequence's error before the metric ever moved; later sequences share the rest."""


@dataclass(frozen=True)
class Rule:
    """What a metric of served predictions is held to.

    Attributes:
        metric: the metric.
        operator: ``at_least`` or ``at_most`` a bound; ``no_worse_than`` the test result.
        bound: of the first two.
        margin: of the third; None: the usual one.
        by: features whose values are slices.
    """

    metric: Metric
    operator: Operator
    bound: float | None = None
    margin: float | None = None
    by: tuple[str, ...] = ()

    @property
    def compares(self) -> bool:
        """Return whether it compares with the test result."""
        return OPERATORS.get(self.operator).compares

    @property
    def above(self) -> bool:
        """Return whether values above the bound are the bad ones."""
        operator = OPERATORS.get(self.operator)
        return not (self.metric.higher_is_better if operator.compares else operator.above)


def rules_of(
    performance: Sequence[Performance], primary: Metric, signature: Signature,
    custom: Mapping[str, Metric] | None = None,
) -> tuple[Rule, ...]:  # fmt: skip
    """Return the configured rules; without any the primary metric, no worse than on the test rows by its usual margin.

    Raises:
        ConfigError: an unknown metric, or one of another task.
    """
    if not performance:
        return (Rule(primary, "no_worse_than"),)
    found = []
    for each in performance:
        metric = metric_for(each.metric, signature.task, custom=custom)
        if each.no_worse_than is not None:
            found.append(Rule(metric, "no_worse_than", margin=each.margin, by=each.by))
        elif each.at_least is not None:
            found.append(Rule(metric, "at_least", each.at_least, by=each.by))
        else:
            found.append(Rule(metric, "at_most", each.at_most, by=each.by))
    return tuple(found)


def usual_margin(metric: Metric, value: float, baseline: float | None) -> float | None:
    """Return how far a metric may fall behind its test value where no margin is written.

    As the default gates have it: a tenth of the gain over the baseline and, where a perfect score exists, a shortfall
    from it that grows by at most a tenth, or a hundredth of the gain where that is more.

    Returns:
        None without a baseline and a perfect score, or of a version without a gain.
    """
    gain = None if baseline is None else abs(value - baseline)
    better = baseline is None or (value > baseline) == metric.higher_is_better
    short = None if metric.perfect is None else abs(metric.perfect - value) / 10
    if gain is None or not better:
        return short or None
    found = gain / 10 if short is None else min(gain / 10, max(short, gain / 100))
    return found or None


@dataclass(frozen=True)
class _Line:
    """One sequence: of all rows, or of a slice."""

    slice: str
    column: str
    value: str
    alpha: float
    level: Level | None
    bound: float | None = None
    """As it is shown."""
    margin: float | None = None
    fails: float | None = None
    """The bound that a mean fails for certain, on the scale of values."""
    passes: float | None = None
    state: sequences.State | None = None
    detector: change.Detector | None = None
    looks: int = 0
    rows: int = 0
    restarts: int = 0
    since: str = ""
    fell: str = ""
    """Begin of the window from which on the detector saw what it sees now."""


class Watch:
    """One rule over the life of one version: looked at once a window, in the order of time.

    Args:
        rule: what is held to what.
        signature: of the version.
        levels: of its test rows, of this metric and others, of slices too.
        unit: what a unit is called; ``row``.
        ordered: units are stretches of time.
        seed: from what is fixed before labels come, such as the version's digest.
    """

    def __init__(
        self, rule: Rule, signature: Signature, levels: Sequence[Level] = (), *, unit: str = "row",
        ordered: bool = False, seed: int = 0,
    ) -> None:  # fmt: skip
        self.rule, self.signature, self.unit, self.ordered, self.seed = rule, signature, unit, ordered, seed
        self._how: Watched | None = watched(rule.metric)
        self._levels = {level.slice: level for level in levels if level.metric == rule.metric.name}
        self.until = ""
        """Where the last window that was counted ends; none that ends before it is counted."""
        self._last_key = ""
        self._last_unit = ""
        self._lines: tuple[_Line, ...] = (self._line("", "", "", ALPHA),)
        self._sliced = not rule.by

    def look(
        self, frame: pl.DataFrame, *, begin: str, end: str, key: str = "", unit: Any = None, mature: bool = True
    ) -> tuple[RealisedPerformance, ...]:
        """Look at one window; what it says of all rows comes first, then of slices.

        A window whose labels are not mature is told and not counted: labels that come late are often of one kind.

        Args:
            frame: the log's rows of the window, of this version.
            begin: first moment of the window, in UTC as ISO 8601 writes it.
            end: the moment at which it is over.
            key: names the window, where several may end at one moment; default: its begin.
            unit: (n,) names of what is independent, the same in every window; None: rows. Rows of the unit that ended
                the last look are left out, since it was counted already.
            mature: its labels are as complete as they get.

        Raises:
            DataError: the window was counted, or ends before the last one that was.
        """
        if mature and (end < self.until or (end == self.until and (key or begin) == self._last_key)):
            raise DataError(
                f"the window from {begin} ends before {self.until}, up to where labels were counted already",
                code="data/counted-already",
                hint="Look at windows in the order of time, each once; Watch.until says how far it came.",
            )
        served = labelled(frame, self.signature)
        names = None if unit is None else np.asarray(unit)[served.rows]
        if not self._sliced and mature and len(served.rows):
            self._lines, self._sliced = (*self._lines, *self._slices(frame)), True
        held_back = self._held_back(frame, served, mature=mature)
        found, lines = [], []
        for line in self._lines:
            own = self._rows_of(line, frame, served)
            part = served if own is None else served.take(own)
            part_names = names if names is None or own is None else names[own]
            looked, shown = self._looked(line, part, part_names, begin, held_back)
            lines.append(looked)
            found.append(shown)
        self._lines = tuple(lines)
        if mature and held_back is None:
            self.until, self._last_key = end, key or begin
            if names is not None and len(names):
                self._last_unit = str(names[-1])
        return tuple(found)

    def as_data(self) -> dict[str, Any]:
        """Return all that has to be kept between two looks, as JSON has it."""
        lines = [
            {
                **{name: value for name, value in asdict(line).items() if name not in ("level", "state", "detector")},
                "level": None if line.level is None else line.level.model_dump(mode="json"),
                "state": None if line.state is None else line.state.as_data(),
                "detector": None if line.detector is None else line.detector.as_data(),
            }
            for line in self._lines
        ]
        return {
            "until": self.until, "last_key": self._last_key, "last_unit": self._last_unit, "sliced": self._sliced,
            "lines": lines,
        }  # fmt: skip

    def resume(self, data: Mapping[str, Any]) -> None:
        """Go on from a state that was saved by ``as_data`` of the same rule and version.

        Raises:
            DataError: another form.
        """
        with suppress(TypeError, ValueError, KeyError, AttributeError):
            lines = tuple(
                _Line(
                    **{
                        **each,
                        "level": None if each["level"] is None else Level.model_validate(each["level"]),
                        "state": None if each["state"] is None else sequences.State.of(each["state"]),
                        "detector": None if each["detector"] is None else change.Detector.of(each["detector"]),
                    }
                )
                for each in data["lines"]
            )
            if lines and not lines[0].slice:
                self._lines, self._sliced = lines, bool(data["sliced"])
                self.until, self._last_key = str(data["until"]), str(data["last_key"])
                self._last_unit = str(data["last_unit"])
                return
        raise DataError(
            f"no state of a watch: {', '.join(sorted(map(str, data)))[:200]}",
            code="data/no-watch",
            hint="Remove the state; all windows are then looked at again from the first.",
        )

    # what is watched

    def _line(self, slice_: str, column: str, value: str, alpha: float) -> _Line:
        """Return a sequence without values, and what it is held to."""
        rule, how = self.rule, self._how
        level = self._levels.get(slice_)
        line = _Line(slice_, column, value, alpha, level, bound=rule.bound)
        if how is None:
            return line
        if not rule.compares:
            bound = how.hidden(rule.bound or 0.0)
            return self._begun(replace(line, fails=bound, passes=bound))
        limits = None if level is None else level.limits(1 - alpha / 2)
        if level is None or limits is None:
            return line
        value_ = how.shown(level.mean)
        margin = usual_margin(rule.metric, value_, level.baseline) if rule.margin is None else rule.margin
        if margin is None:
            return line
        worse = margin if rule.above else -margin
        low, high = (self._within(how.shown(limit) + worse) for limit in limits)
        fails, passes = (high, low) if rule.above else (low, high)
        line = replace(line, bound=value_ + worse, margin=margin, fails=how.hidden(fails), passes=how.hidden(passes))
        return self._begun(line)

    def _error(self, line: _Line) -> float:
        """Return the error of a line's sequence and detector at each side: half of it goes to the test result."""
        return line.alpha / (4 if self.rule.compares else 2)

    def _within(self, value: float) -> float:
        """Return a bound no further out than the metric can be."""
        lowest, highest = self.rule.metric.lowest, self.rule.metric.highest
        value = value if lowest is None else max(value, lowest)
        return value if highest is None else min(value, highest)

    def _begun(self, line: _Line) -> _Line:
        """Return the line with its sequence and its detector, which share its error."""
        how, fails = self._how, line.fails
        if how is None or fails is None:
            return line
        lowest, highest = how.lowest, how.highest
        if highest is None and line.level is not None:
            highest = line.level.most
        if self.rule.compares and line.level is not None and line.level.band is not None:
            lowest, highest = line.level.band
        if highest is None:
            return line
        effect = 1.0 if line.level is None else line.level.effect
        error = self._error(line)
        return replace(
            line,
            state=sequences.start(lowest, highest, confidence=1 - error * _FIRST, effect=effect),
            detector=change.begin(lowest, highest, fails, above=self.rule.above, alpha=error / 2, effect=effect),
        )

    def _slices(self, frame: pl.DataFrame) -> tuple[_Line, ...]:
        """Return a line for each slice: those of the test rows, else the most frequent values of the first window."""
        named: list[tuple[str, str]] = []
        for column in self.rule.by:
            known = [name.partition(" = ")[2] for name in self._levels if name.startswith(f"{column} = ")]
            if not known and FEATURE + column in frame.columns:
                counted = frame[FEATURE + column].drop_nulls().cast(pl.String).value_counts(sort=True)
                known = sorted(counted[FEATURE + column].to_list()[:MOST_SLICES])
            named += [(column, value) for value in known[:MOST_SLICES]]
        return tuple(self._line(f"{column} = {value}", column, value, ALPHA / len(named)) for column, value in named)

    def _rows_of(self, line: _Line, frame: pl.DataFrame, served: Served) -> Any:
        """Return which of the labelled rows are the slice's; None: all."""
        if not line.column:
            return None
        if FEATURE + line.column not in frame.columns:
            return np.zeros(len(served.rows), dtype=np.bool_)
        is_own = (frame[FEATURE + line.column].cast(pl.String) == line.value).fill_null(value=False)
        return is_own.to_numpy()[served.rows]

    # one look

    def _held_back(self, frame: pl.DataFrame, served: Served, *, mature: bool) -> Reason | None:
        """Return why labels of this window are not counted."""
        if len(served.rows) == 0:
            return because("no-labels", rows=len(frame))
        if not mature:
            return because("labels-immature", labelled=len(served.rows), rows=len(frame))
        return selective(frame, served, self.signature)

    def _looked(
        self, line: _Line, served: Served, names: Any, begin: str, held_back: Reason | None
    ) -> tuple[_Line, RealisedPerformance]:
        window = self._window(served, names)
        reason = held_back or self._missing(line, served, units=names is not None)
        if reason is None:
            line = self._counted(line, served, names, begin)
            verdict, reason = self._verdict(line, window)
        else:
            absent = reason.code in ("no-labels", "no-rows-of-slice")
            verdict = Verdict.NOT_APPLICABLE if absent else Verdict.INCONCLUSIVE
        return line, self._shown(line, window, verdict, reason)

    def _missing(self, line: _Line, served: Served, *, units: bool) -> Reason | None:
        """Return why there is nothing to count."""
        metric = self.rule.metric
        if self._how is None:
            return because("no-sequence", metric=metric.name)
        if line.state is None:
            if self.rule.compares:
                return because("no-test-level", metric=metric.name)
            return because("no-limit-of-losses", metric=metric.name)
        if len(served.y) == 0:
            return because("no-rows-of-slice", slice=line.slice) if line.slice else because("no-labels", rows=0)
        if not served.predictions.has(metric.needs):
            return because("lacks-output", metric=metric.name, needs=metric.needs, role="version")
        if self.rule.compares and line.level is not None and line.level.by_unit != units:
            return because("units-not-logged")
        return metric.undefined(served.y, served.predictions)

    def _window(self, served: Served, names: Any) -> Estimate:
        """Return the metric on the window alone, with an ordinary interval."""
        metric, n = self.rule.metric, len(served.y)
        if n == 0 or not served.predictions.has(metric.needs):
            return Estimate(unit=self.unit, rows=n)
        codes = None if names is None else np.unique(names, return_inverse=True)[1].astype(np.int64)
        rows = TestSet(
            served.y, codes, self.unit if codes is not None else "row", self.ordered and codes is not None, None,
            self.seed, 0.95, tuple(map(str, self.signature.classes)),
        )  # fmt: skip
        return estimate_of(measure.level(metric, rows, served.predictions), rows.unit_name)

    def _counted(self, line: _Line, served: Served, names: Any, begin: str) -> _Line:
        """Return the line with the values of a window."""
        how, state, detector = self._how, line.state, line.detector
        if how is None or state is None or detector is None:
            return line
        if names is not None and self._last_unit:
            fresh = names.astype(str) != self._last_unit
            served, names = served.take(fresh), names[fresh]
        most = None if line.level is None else line.level.most
        values = how.values(Rows(served.y, served.predictions, names, self.seed, most))
        if len(values.found) == 0:
            return line
        found = np.clip(values.found, state.lowest, state.highest)
        state, was_down = sequences.update(state, found), change.fell(detector)
        detector = change.look(detector, found)
        restarts, since = line.restarts, line.since or begin
        if state.low > state.high or (change.fell(detector) and not was_down):
            # No mean fits all values, since it has moved. What follows is looked at anew, with a part of the error.
            restarts, since = restarts + 1, begin
            error = self._error(line) * (1 - _FIRST) / (restarts * (restarts + 1))
            fresh_state = sequences.start(state.lowest, state.highest, confidence=1 - error, effect=state.effect)
            state = sequences.update(fresh_state, found)
        fell = begin if detector.since == detector.looks else line.fell
        return replace(
            line, state=state, detector=detector, looks=line.looks + 1, rows=line.rows + values.rows,
            restarts=restarts, since=since, fell=fell,
        )  # fmt: skip

    def _verdict(self, line: _Line, window: Estimate) -> tuple[Verdict, Reason | None]:
        how, state, detector = self._how, line.state, line.detector
        if how is None or state is None or detector is None or line.passes is None or line.fails is None:
            return Verdict.INCONCLUSIVE, because("nothing-known")
        if line.looks == 0:
            return Verdict.INCONCLUSIVE, because("nothing-known")
        low, high = (-state.high, -state.low) if detector.above else (state.low, state.high)
        fails, passes = (-line.fails, -line.passes) if detector.above else (line.fails, line.passes)
        if change.fell(detector) and max(detector.run) > 0:
            mean = how.shown(detector.total / max(detector.count, 1))
            return Verdict.FAIL, because("fell-since", since=line.fell, mean=mean, values=detector.count)
        if high < fails:
            return Verdict.FAIL, None
        if low < passes or change.fell(detector):
            return Verdict.INCONCLUSIVE, because("not-known-yet", looks=line.looks)
        bound = how.shown(line.passes)
        if window.low is not None and window.high is not None:
            behind = window.low > bound if detector.above else window.high < bound
            if behind:
                return Verdict.INCONCLUSIVE, because("window-contradicts")
        return Verdict.PASS, None

    def _shown(self, line: _Line, window: Estimate, verdict: Verdict, reason: Reason | None) -> RealisedPerformance:
        how, state, detector = self._how, line.state, line.detector
        low, high = None, None
        if how is not None and state is not None and detector is not None and line.looks > 0:
            low, high = how.shown(state.low), how.shown(state.high)
            if verdict is Verdict.FAIL and line.fails is not None:
                # It is on the bad side for certain, also where the detector alone says so.
                fails = how.shown(line.fails)
                low, high = (
                    (max(low, fails), max(high, fails)) if detector.above else (min(low, fails), min(high, fails))
                )
        return RealisedPerformance(
            metric=self.rule.metric.name,
            slice=line.slice,
            operator=self.rule.operator,
            against="test" if self.rule.compares else "",
            bound=line.bound,
            margin=line.margin,
            test=None if how is None or line.level is None else how.shown(line.level.mean),
            window=window,
            low=low,
            high=high,
            since=line.since,
            n=line.rows,
            units=0 if state is None else state.units,
            looks=line.looks,
            verdict=verdict,
            reason=reason,
        )


def estimate_of(found: Interval, unit: str) -> Estimate:
    """Return an interval as records keep it."""
    return Estimate(
        value=found.estimate, low=found.low, high=found.high, method=found.method, n=found.n, unit=unit,
        rows=found.n_rows, approximate=found.approximate, refused=found.refused, effective=found.effective,
        largest=found.largest, memory=found.memory,
    )  # fmt: skip


def selective(frame: pl.DataFrame, served: Served, signature: Signature) -> Reason | None:
    """Return that predictions with labels differ from those without, so that labels say little of the others.

    Their means, in standard deviations of all: more than a tenth, and more than chance gives.
    """
    predictions, scored = scores(frame, signature)
    value = predictions.value if signature.task == "regression" else predictions.probability
    if value is None:
        value = predictions.labels.astype(np.float64)
    value = value if value.ndim == 1 else value.max(axis=1)
    has = np.zeros(len(frame), dtype=np.bool_)
    has[served.rows] = True
    with_label, without = value[has & scored], value[~has & scored]
    spread = float(value[scored].std()) if scored.any() else 0.0
    if min(len(with_label), len(without)) < 2 or spread == 0:
        return None
    apart = float(with_label.mean() - without.mean()) / spread
    chance = math.sqrt(1 / len(with_label) + 1 / len(without))
    if abs(apart) <= SELECTIVE or abs(apart) <= _SURE * chance:
        return None
    return because("labels-selective", labelled=len(with_label), rows=len(frame), apart=apart)


def levels_of(
    rules: Sequence[Rule], rows: Rows, *, ordered: bool = False, baselines: Mapping[str, float | None] | None = None,
    slices: Mapping[str, Any] | None = None,
) -> tuple[Level, ...]:  # fmt: skip
    """Return what has to be kept of a version's test rows so that served predictions can be held to them.

    Args:
        rules: that will watch it.
        rows: the test rows.
        ordered: units follow each other in time, in the order of their codes.
        baselines: by metric, the best constant's value on these rows.
        slices: by column of a rule's ``by``, (n,) texts of the rows; the most frequent values are kept as slices.
    """
    parts = {column: list(_parts(texts)) for column, texts in (slices or {}).items()}
    found: dict[tuple[str, str], Level] = {}
    for rule in rules:
        name = rule.metric.name
        level = level_of(rule.metric, rows, ordered=ordered, baseline=(baselines or {}).get(name))
        if level is None:
            continue
        found[name, ""] = level
        for column in rule.by:
            for value, own in parts.get(column, ()):
                part = Rows(
                    rows.y[own], rows.predictions.take(own), None if rows.unit is None else rows.unit[own], rows.seed,
                    level.most,
                )  # fmt: skip
                named = f"{column} = {value}"
                one = level_of(rule.metric, part, ordered=ordered, slice_=named, baseline=level.baseline)
                if one is not None:
                    found[name, named] = one
    return tuple(found.values())


def _parts(texts: Any) -> Iterator[tuple[str, Bools]]:
    """Return the most frequent texts, and which rows have each."""
    values, code, counts = np.unique(np.asarray(texts, dtype=str), return_inverse=True, return_counts=True)
    for at in sorted(np.argsort(-counts, kind="stable")[:MOST_SLICES].tolist()):
        yield str(values[at]), code == at


def calibrated(served: Served, *, unit: Any = None, unit_name: str = "row") -> ServedCalibration | None:
    """Return whether served probabilities are observed shares; None where no probability of two classes was served.

    Args:
        served: of one window.
        unit: (n,) names of what is independent; None: rows.
        unit_name: what a unit is called.
    """
    probability = served.predictions.probability
    if probability is None or probability.ndim > 1 or len(served.y) == 0:
        return None
    codes = None if unit is None else np.unique(unit, return_inverse=True)[1].astype(np.int64)
    y = served.y.astype(np.int64)
    slope, intercept = calibration.slope_and_intercept(y, probability, unit=codes)
    error = calibration.error_interval(y, probability, unit=codes)
    name = "row" if unit is None else unit_name
    return ServedCalibration(
        slope=estimate_of(slope, name), intercept=estimate_of(intercept, name), error=estimate_of(error, name)
    )
