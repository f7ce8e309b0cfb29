"""One gate, judged: the rule, what was observed, what could be seen, and the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from scipy.special import ndtr

from modelyard.core.verdict import Verdict, worst
from modelyard.evaluation.gates import slices
from modelyard.evaluation.gates.rules import Contrast, Rule
from modelyard.evaluation.intervals import measure
from modelyard.evaluation.intervals.strategy import Combination
from modelyard.evaluation.test_set import Groups, TestSet
from modelyard.metrics.metric import Metric, Proportion
from modelyard.metrics.predictions import Ints, Predictions
from modelyard.records.results import Estimate, GateResult, SliceRow
from modelyard.stats import clusters, decide, power
from modelyard.stats.interval import Interval, z_value

MOST_SLICES = 200
"""Slices of one column that are reported, the largest first."""

Models = Mapping[str, Predictions]
"""``challenger``, and ``champion``, ``best-promoted`` and ``baseline`` where there are such."""
Columns = Mapping[str, Groups]
"""The columns that rules slice by."""


def judge(rule: Rule, at: int, truth: TestSet, models: Models, columns: Columns) -> GateResult:
    """Judge one gate on all test rows, and report its slices.

    Args:
        rule: the gate.
        at: its position, which names it.
        truth: the test rows.
        models: predictions by role, in the order of the rows.
        columns: of the columns that rules slice by.
    """
    sign = 1.0 if rule.metric.higher_is_better else -1.0
    blank = GateResult(
        id=f"g{at + 1}-{rule.metric.name.replace('_', '-')}",
        metric=rule.metric.name,
        operator=rule.operator,
        reference=rule.reference,
        bound=rule.bound,
        upper=rule.upper,
        margin=rule.margin,
        rule=rule.text,
        default=rule.default,
        line=rule.line,
        verdict=Verdict.ERROR,
        estimate=Estimate(unit=truth.unit_name),
        challenger=Estimate(unit=truth.unit_name),
        higher_is_better=rule.metric.higher_is_better,
    )
    models = baseline_for(rule.metric, models)
    if rule.reference in ("champion", "best-promoted") and rule.reference not in models:
        why = "there is no champion yet" if "champion" not in models else _NO_BEST
        return blank.model_copy(update={"verdict": Verdict.NOT_APPLICABLE, "reason": why})
    absent = [role for role in _roles(rule) if role not in models]
    if absent:
        return blank.model_copy(update={"reason": f"there is no {absent[0]} to compare with"})
    without = [role for role in _roles(rule) if not models[role].has(rule.metric.needs)]
    if without:
        return blank.model_copy(
            update={"reason": f"{rule.metric.name} needs a {rule.metric.needs}, which the {without[0]} does not give"}
        )
    decided = _decide(rule, truth, models, sign)
    sliced = _slices(rule, truth, models, columns, sign)
    verdict = decided.verdict if sliced.verdict is None else worst([decided.verdict, sliced.verdict])
    low_level = decided.interval if not rule.contrasts else measure.level(rule.metric, truth, models["challenger"])
    reference = _reference_level(rule, truth, models)
    return blank.model_copy(
        update={
            "verdict": verdict,
            "allowed": rule.allow and verdict is Verdict.INCONCLUSIVE,
            "estimate": estimate_of(decided.interval, truth),
            "challenger": estimate_of(low_level, truth),
            "reference_level": reference,
            "smallest_visible": decided.smallest_visible,
            "units_to_decide": decided.units,
            "would_decide": decided.would,
            "reason": decided.interval.refused or _of_slices(sliced, decided.verdict) or decided.interval.note,
            "slices": sliced.rows,
            "every_slice": rule.every_slice,
            "slices_left_out": sliced.left_out,
            "on_all_rows": decided.verdict,
            "equal_chance": _equal_chance(rule, truth, models, sign, decided.error),
        }
    )


_NO_BEST = "the champion is the best model that was promoted"


def baseline_for(metric: Metric, models: Models) -> Models:
    """The models, with the baseline that is hardest to beat by this metric."""
    own = models.get(f"baseline:{metric.baseline}")
    return models if own is None else {**models, "baseline": own}


@dataclass(frozen=True)
class _Decided:
    """A verdict with the interval that decided it, in natural units, and what could be seen."""

    verdict: Verdict
    interval: Interval
    smallest_visible: float | None = None
    units: int | None = None
    would: str = ""
    error: float | None = None
    """Standard error behind the interval."""


def _weigh(
    verdict: Verdict, shown: Interval, turned: Interval, bound: float, minimum: int, confidence: float
) -> _Decided:
    if turned.estimate is None or turned.low is None or turned.high is None or turned.identical:
        return _Decided(verdict, shown)
    error = (turned.high - turned.low) / (2 * z_value(confidence))
    visible = power.smallest_visible_difference(error, confidence)
    if verdict is not Verdict.INCONCLUSIVE:
        return _Decided(verdict, shown, visible, error=error)
    needed = power.units_to_decide(turned.estimate, bound, error, turned.n, minimum=minimum, confidence=confidence)
    return _Decided(verdict, shown, visible, needed.units, needed.direction or needed.reason, error)


def _equal_chance(rule: Rule, truth: TestSet, models: Models, sign: float, error: float | None) -> float | None:
    """Chance that a model exactly as good as the champion passes; None where that cannot be said."""
    equal = models.get(rule.reference or "champion")
    if error is None or error <= 0 or equal is None or rule.upper is not None or rule.reference == "baseline":
        return None
    value = rule.metric.value(truth.y, equal, truth.weight)
    if value is None:
        return None
    z = z_value(truth.confidence)
    if rule.bound is not None:
        ahead = (value - rule.bound) * (1 if rule.operator == "at_least" else -1)
        return float(ndtr(ahead / error - z))
    chances = []
    for contrast in rule.contrasts:
        of_baseline = 0.0
        if contrast.baseline:
            of_baseline = rule.metric.value(truth.y, models["baseline"], truth.weight) or 0.0
        perfect = contrast.perfect * (rule.metric.perfect or 0.0)
        left = sign * (value * (1 + contrast.reference) + of_baseline * contrast.baseline + perfect)
        chances.append(float(ndtr((left - contrast.bound) / error - z)))
    return max(chances)


def _roles(rule: Rule) -> list[str]:
    roles = ["challenger"]
    if rule.reference:
        roles.append(rule.reference)
    if any(contrast.baseline for contrast in rule.contrasts):
        roles.append("baseline")
    return list(dict.fromkeys(roles))


def _decide(rule: Rule, truth: TestSet, models: Models, sign: float, *, in_slice: bool = False) -> _Decided:
    """The rule on some rows; what they could have shown is summed exactly for all rows alone, where it is printed."""
    if rule.bound is not None and rule.upper is not None:
        return _between(rule, rule.bound, rule.upper, truth, models)
    if rule.bound is not None:
        found = measure.level(rule.metric, truth, models["challenger"], bounds=(rule.bound,))
        verdict = (decide.at_least if rule.operator == "at_least" else decide.at_most)(found, rule.bound)
        upward = found if rule.operator == "at_least" else found.scaled(-1.0)
        bound = rule.bound if rule.operator == "at_least" else -rule.bound
        return _weigh(verdict, found, upward, bound, clusters.FEWEST_FOR_LEVEL, truth.confidence)
    decided = [_contrast(rule, each, truth, models, sign, in_slice=in_slice) for each in rule.contrasts]
    order = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.ERROR)
    return min(decided, key=lambda one: order.index(one.verdict))


def _between(rule: Rule, low: float, high: float, truth: TestSet, models: Models) -> _Decided:
    found = measure.level(rule.metric, truth, models["challenger"], bounds=(low, high))
    verdict = decide.between(found, low, high)
    if found.estimate is not None and abs(found.estimate - high) < abs(found.estimate - low):
        return _weigh(verdict, found, found.scaled(-1.0), -high, clusters.FEWEST_FOR_LEVEL, truth.confidence)
    return _weigh(verdict, found, found, low, clusters.FEWEST_FOR_LEVEL, truth.confidence)


def _contrast_interval(rule: Rule, contrast: Contrast, truth: TestSet, models: Models, sign: float) -> Interval:
    """The contrast, turned so that more is better. Equal models are no worse and not better, by whatever margin."""
    if models["challenger"].same_as(models[rule.reference]):
        return Interval(0.0, 0.0, 0.0, "identical on every row", truth.units, len(truth.y), identical=True)
    weights: dict[str, float] = {"challenger": 1.0, rule.reference: contrast.reference}
    weights["baseline"] = weights.get("baseline", 0.0) + contrast.baseline
    roles = [role for role, weight in weights.items() if weight]
    perfect = rule.metric.perfect or 0.0
    combination = Combination(
        [models[role] for role in roles],
        [sign * weights[role] for role in roles],
        constant=sign * contrast.perfect * perfect,
        margin=rule.margin or 0.0,
        bound=contrast.bound,
        constant_reference=rule.reference == "baseline",
    )
    return measure.contrast(rule.metric, truth, combination)


def _contrast(
    rule: Rule, contrast: Contrast, truth: TestSet, models: Models, sign: float, *, in_slice: bool
) -> _Decided:
    turned = _contrast_interval(rule, contrast, truth, models, sign)
    if rule.operator == "no_worse_than":
        verdict = decide.no_worse_than(turned, -contrast.bound)
    else:
        verdict = decide.better_than(turned, contrast.bound)
    fewest = clusters.FEWEST_FOR_DIFFERENCE
    found = _weigh(verdict, turned.scaled(sign), turned, contrast.bound, fewest, truth.confidence)
    few = None if in_slice else _disagreeing(rule, contrast, truth, models)
    if found.smallest_visible is None or few is None:
        return found
    visible = power.visible_with_few(turned.n_rows, sum(few), contrast.bound, truth.confidence)
    if verdict is not Verdict.INCONCLUSIVE:
        return replace(found, smallest_visible=visible)
    needed = power.rows_to_decide_with_few(
        *few, turned.n_rows, contrast.bound, minimum=fewest, confidence=truth.confidence
    )
    return replace(found, smallest_visible=visible, units=needed.units, would=needed.direction or needed.reason)


def _disagreeing(rule: Rule, contrast: Contrast, truth: TestSet, models: Models) -> tuple[int, int] | None:
    """Rows that either model alone has right, where they are so few that power is summed exactly."""
    plain = contrast.reference == -1.0 and not contrast.baseline
    if not isinstance(rule.metric, Proportion) or not plain or truth.unit is not None or truth.weight is not None:
        return None
    first, considered = rule.metric.events(truth.codes, models["challenger"])
    second, _ = rule.metric.events(truth.codes, models[rule.reference])
    pair = int((first & ~second & considered).sum()), int((~first & second & considered).sum())
    return pair if 0 < sum(pair) < power.FEW_DISAGREEING else None


def _turned(rule: Rule, sign: float) -> slices.Turned:
    """The rule's quantity on any rows, turned so that more is better, with its bound."""

    def of(truth: TestSet, models: dict[str, Predictions]) -> tuple[Interval, float]:
        if rule.bound is None:
            (contrast,) = rule.contrasts[:1]
            return _contrast_interval(rule, contrast, truth, models, sign), contrast.bound
        found = measure.level(rule.metric, truth, models["challenger"], bounds=(rule.bound,))
        if rule.operator == "at_least":
            return found, rule.bound
        return found.scaled(-1.0), -rule.bound

    return of


@dataclass(frozen=True)
class _Sliced:
    """The slices of a gate as they are reported, what they say of it together, and how many were not looked at."""

    rows: tuple[SliceRow, ...] = ()
    verdict: Verdict | None = None
    left_out: int = 0
    reason: str = ""


def _slices(rule: Rule, truth: TestSet, models: Models, columns: Columns, sign: float) -> _Sliced:
    """Every slice of a gate, and what they say of it together."""
    if not rule.columns:
        return _Sliced()
    of: dict[tuple[str, str], Ints] = {}
    for column in rule.by:
        of |= {(column, name): rows for name, rows in columns[column].largest(MOST_SLICES)}
    left_out = sum(max(len(columns[column].names) - MOST_SLICES, 0) for column in rule.by)
    for column, name in rule.named:
        of.setdefault((column, name), columns[column].rows_of(name))
        if len(of[column, name]) == 0:
            return _Sliced(verdict=Verdict.ERROR, reason=f"no test row has {column} = {name}, which the gate names")
    parts = [slices.slice_of(name, rows, truth, models) for (_, name), rows in of.items()]
    shown = [_shown(rule, column, part, sign, len(truth.y)) for (column, _), part in zip(of, parts, strict=True)]
    if rule.every_slice:
        verdict = worst([*(row.verdict for row in shown), *([Verdict.INCONCLUSIVE] if left_out else [])])
        return _Sliced(tuple(shown), verdict, left_out)
    judged = slices.judge_slices(rule, parts, truth, dict(models), _turned(rule, sign))
    rows = tuple(
        row.model_copy(update={"verdict": one.verdict, "p": one.p, "rows_needed": one.rows_needed, "note": one.note})
        for row, one in zip(shown, judged, strict=True)
    )
    verdict = slices.verdict_of(judged)
    unjudged = [
        f"{column} = {name}"
        for (column, name), one in zip(of, judged, strict=True)
        if (column, name) in rule.named and not one.powered
    ]
    if unjudged and verdict is Verdict.PASS:
        reason = f"{', '.join(unjudged[:3])} must be judged, and has too few rows for it"
        return _Sliced(rows, Verdict.INCONCLUSIVE, left_out, reason)
    return _Sliced(rows, verdict, left_out)


def _shown(rule: Rule, column: str, part: slices.Slice, sign: float, rows: int) -> SliceRow:
    decided = _decide(replace(rule, by=(), named=()), part.truth, part.models, sign, in_slice=True)
    level = decided.interval
    if rule.contrasts:
        level = measure.level(rule.metric, part.truth, part.models["challenger"])
    return SliceRow(
        column=column,
        value=part.name,
        challenger=estimate_of(level, part.truth),
        reference=_reference_level(rule, part.truth, part.models),
        difference=estimate_of(decided.interval, part.truth) if rule.contrasts else None,
        verdict=decided.verdict,
        share=len(part.truth.y) / rows,
        named=(column, part.name) in rule.named,
    )


def _of_slices(sliced: _Sliced, on_all_rows: Verdict) -> str:
    """Why the slices changed the verdict, where they did."""
    rows = sliced.rows
    if sliced.reason:
        return sliced.reason
    below = [f"{row.column} = {row.value}" for row in rows if row.verdict is Verdict.FAIL]
    if below and on_all_rows is not Verdict.FAIL:
        more = f" and {len(below) - 3} more" if len(below) > 3 else ""
        return f"{', '.join(below[:3])}{more} is below the bound, beyond chance among {len(rows)} slices"
    if rows and on_all_rows is Verdict.PASS and not any(row.verdict is Verdict.PASS for row in rows):
        return f"none of the {len(rows)} slices has rows enough to show a shortfall that matters"
    return ""


def _reference_level(rule: Rule, truth: TestSet, models: Models) -> Estimate | None:
    reference = models.get(rule.reference) if rule.reference else None
    return None if reference is None else estimate_of(measure.level(rule.metric, truth, reference), truth)


def estimate_of(found: Interval, truth: TestSet) -> Estimate:
    """An interval as it stands in a record."""
    return Estimate(
        value=found.estimate,
        low=found.low,
        high=found.high,
        method=found.method,
        n=found.n,
        unit=truth.unit_name,
        rows=found.n_rows,
        approximate=found.approximate,
        identical=found.identical,
        refused=found.refused,
    )
