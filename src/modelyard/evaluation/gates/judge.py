"""One gate, judged: the rule, what was observed, what could be seen, and the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from modelyard.core.reasons import Reason, because
from modelyard.core.verdict import Verdict, worst
from modelyard.evaluation.gates import slices
from modelyard.evaluation.gates.decision import Case, Decision, Models, baseline_for
from modelyard.evaluation.gates.rules import Rule
from modelyard.evaluation.test_set import Groups, TestSet
from modelyard.metrics.predictions import Ints
from modelyard.records.results import Estimate, GateResult, SliceRow
from modelyard.stats.adjusted import Control
from modelyard.stats.interval import Interval

MOST_SLICES = 200
"""Slices of one column that are reported, the largest first."""

NO_CONTROLS: Mapping[str, Control] = {}
Columns = Mapping[str, Groups]
"""The columns that rules slice by."""


def judge(
    rule: Rule, test_set: TestSet, models: Models, columns: Columns, controls: Mapping[str, Control] = NO_CONTROLS
) -> GateResult:
    """Judge one gate on all test rows, and report its slices.

    Args:
        rule: the gate.
        test_set: the test rows.
        models: predictions by role, in the order of the rows.
        columns: of the columns that rules slice by.
        controls: control variates by the name of their column.
    """
    case = Case(rule, test_set, baseline_for(rule.metric, models), controls.get(rule.adjust_by))
    blank = _blank(case)
    missing = _missing(case)
    if missing is not None:
        verdict, reason = missing
        return blank.model_copy(update={"verdict": verdict, "reason": reason})
    decided = case.decide()
    sliced = _slices(case, columns)
    verdict = decided.verdict if sliced.verdict is None else worst([decided.verdict, sliced.verdict])
    return blank.model_copy(
        update={
            "verdict": verdict,
            "allowed": rule.allow and verdict is Verdict.INCONCLUSIVE,
            "reason": decided.interval.refused or _of_slices(sliced, decided.verdict),
            "slices": sliced.rows,
            "slices_left_out": sliced.left_out,
            "on_all_rows": decided.verdict,
            "equal_chance": case.equal_chance(decided.error),
            **_numbers(case, decided),
        }
    )


def _blank(case: Case) -> GateResult:
    rule, unit = case.rule, case.test_set.unit_name
    return GateResult(
        id=rule.id,
        metric=rule.metric.name,
        operator=rule.operator.name,
        reference=rule.demand.reference or "",
        bound=rule.demand.bound,
        upper=rule.demand.upper,
        margin=rule.margin,
        relative=rule.relative,
        keeps=rule.keeps,
        effect=rule.metric.effect.value,
        default=rule.default,
        line=rule.line,
        verdict=Verdict.ERROR,
        estimate=Estimate(unit=unit),
        challenger=Estimate(unit=unit),
        higher_is_better=rule.metric.higher_is_better,
        every_slice=rule.every_slice,
    )


def _missing(case: Case) -> tuple[Verdict, Reason] | None:
    """Return what keeps the gate from being judged: no such reference yet, or a model without what is needed."""
    metric, models, reference = case.rule.metric, case.models, case.rule.demand.reference
    if reference in ("champion", "best-promoted") and reference not in models:
        return Verdict.NOT_APPLICABLE, because("no-champion" if "champion" not in models else "champion-is-best")
    absent = [role for role in case.roles if role not in models]
    if case.rule.adjust_by and case.control is None:
        return Verdict.ERROR, because("no-control", column=case.rule.adjust_by)
    if absent:
        return Verdict.ERROR, because("no-reference", reference=absent[0])
    without = [role for role in case.roles if not models[role].has(metric.needs)]
    if without:
        return Verdict.ERROR, because("lacks-output", metric=metric.name, needs=metric.needs, role=without[0])
    return None


def _numbers(case: Case, decided: Decision) -> dict[str, object]:
    """Return what was observed, and what could be seen."""
    level = case.level() if case.rule.operator.compares else decided.interval
    return {
        "estimate": estimate_of(decided.interval, case.test_set),
        "challenger": estimate_of(level, case.test_set),
        "reference_level": _reference_level(case),
        "smallest_visible": decided.smallest_visible,
        "units_to_decide": None if decided.needed is None else decided.needed.units,
        "units_for_equal": case.units_for_equal(decided) if decided.verdict is Verdict.INCONCLUSIVE else None,
        "units_if_held": None if decided.needed is None else decided.needed.if_held,
        "would_decide": "" if decided.needed is None else decided.needed.direction,
    }


@dataclass(frozen=True)
class _Sliced:
    """The slices of a gate as they are reported, what they say of it together, and how many were not looked at."""

    rows: tuple[SliceRow, ...] = ()
    verdict: Verdict | None = None
    left_out: int = 0
    reason: Reason | None = None


def _slices(case: Case, columns: Columns) -> _Sliced:
    """Judge every slice of a gate, and what they say of it together."""
    rule = case.rule
    if not rule.columns:
        return _Sliced()
    of: dict[tuple[str, str], Ints] = {}
    for column in rule.by:
        of |= {(column, name): rows for name, rows in columns[column].largest(MOST_SLICES)}
    left_out = sum(max(len(columns[column].names) - MOST_SLICES, 0) for column in rule.by)
    for column, name in rule.named:
        of.setdefault((column, name), columns[column].rows_of(name))
        if len(of[column, name]) == 0:
            return _Sliced(verdict=Verdict.ERROR, reason=because("slice-absent", column=column, value=name))
    parts = [_part(case, rows) for rows in of.values()]
    shown = [_shown(case, named, part) for named, part in zip(of, parts, strict=True)]
    if rule.every_slice:
        verdict = worst([*(row.verdict for row in shown), *([Verdict.INCONCLUSIVE] if left_out else [])])
        return _Sliced(tuple(shown), verdict, left_out)
    judged = slices.judge_slices(case, parts, [row.verdict for row in shown])
    rows = tuple(
        row.model_copy(update={"verdict": one.verdict, "p": one.p, "rows_needed": one.rows_needed, "note": one.note})
        for row, one in zip(shown, judged, strict=True)
    )
    verdict = slices.verdict_of(judged)
    unjudged = tuple(_name(row) for row, one in zip(rows, judged, strict=True) if row.named and not one.judged)
    if unjudged and verdict is Verdict.PASS:
        return _Sliced(rows, Verdict.INCONCLUSIVE, left_out, because("slices-unjudged", slices=unjudged[:3]))
    return _Sliced(rows, verdict, left_out)


def _part(case: Case, rows: Ints) -> Case:
    """Return the same rule on some rows, without slices of its own."""
    models = {role: each.take(rows) for role, each in case.models.items()}
    return Case(replace(case.rule, by=(), named=()), case.test_set.take(rows), models)


def _shown(case: Case, named: tuple[str, str], part: Case) -> SliceRow:
    decided = part.decide(in_slice=True)
    compares = case.rule.operator.compares
    return SliceRow(
        column=named[0],
        value=named[1],
        challenger=estimate_of(part.level() if compares else decided.interval, part.test_set),
        reference=_reference_level(part),
        difference=estimate_of(decided.interval, part.test_set) if compares else None,
        verdict=decided.verdict,
        share=len(part.test_set.y) / len(case.test_set.y),
        named=named in case.rule.named,
    )


def _of_slices(sliced: _Sliced, on_all_rows: Verdict) -> Reason | None:
    """Return why the slices changed the verdict, where they did."""
    rows = sliced.rows
    if sliced.reason:
        return sliced.reason
    below = tuple(_name(row) for row in rows if row.verdict is Verdict.FAIL)
    if below and on_all_rows is not Verdict.FAIL:
        return because("slices-below", slices=below[:3], more=max(len(below) - 3, 0), tested=len(rows))
    if rows and on_all_rows is Verdict.PASS and not any(row.verdict is Verdict.PASS for row in rows):
        return because("no-powered-slice", slices=len(rows))
    return None


def _name(row: SliceRow) -> str:
    return f"{row.column} = {row.value}"


def _reference_level(case: Case) -> Estimate | None:
    reference = case.rule.demand.reference
    if reference is None or reference not in case.models:
        return None
    return estimate_of(case.level(reference), case.test_set)


def estimate_of(found: Interval, test_set: TestSet) -> Estimate:
    """Return an interval as it stands in a record."""
    return Estimate(
        value=found.estimate,
        low=found.low,
        high=found.high,
        method=found.method,
        n=found.n,
        unit=test_set.unit_name,
        rows=found.n_rows,
        approximate=found.approximate,
        identical=found.identical,
        refused=found.refused,
        effective=found.effective,
        largest=found.largest,
        memory=found.memory,
    )
