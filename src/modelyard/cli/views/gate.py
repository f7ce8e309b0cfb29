"""The story of one gate's verdict, line by line, with the command that reproduces it."""

import math
from collections.abc import Callable, Iterator

from modelyard.core.operators import OPERATORS, Difference
from modelyard.core.verdict import Verdict
from modelyard.records.results import GateResult
from modelyard.report import wording
from modelyard.usecases.explain_gate import Judged


def listing(judged: Judged) -> Iterator[str]:
    """List the gates with their verdicts."""
    width = max((len(gate.id) for gate in judged.result.gates), default=0)
    for gate in judged.result.gates:
        yield f"  {gate.id:<{width}}  {gate.verdict.value:<14}  {wording.rule(gate)}"


def story(gate: GateResult, judged: Judged) -> Iterator[str]:
    """Tell how a verdict came about."""
    result = judged.result
    yield f"{wording.rule(gate)}: {gate.verdict.value}{' (allowed)' if gate.allowed else ''}"
    yield f"  {wording.explanation(gate, result.champion)}"
    estimate = gate.estimate
    if estimate.value is None:
        return
    rows = wording.rows_behind(estimate)
    yield f"  judged on   {wording.judged_on(estimate)}{f', {rows}' if rows else ''}"
    if estimate.method:
        yield f"  method      {wording.method(estimate)}{', approximate' if estimate.approximate else ''}"
    if gate.smallest_visible is not None:
        yield f"  visible     differences of {wording.visible(gate)} or more"
    told = wording.dependence(estimate)
    if told:
        yield f"  units       {told}"
    decides, held = wording.would_decide(gate), wording.if_held(gate)
    if decides:
        yield f"  to decide   {decides}"
    equal = wording.for_equal(gate)
    if equal:
        yield f"  equal model {equal}"
    if held:
        yield f"  if it held  {held}"
    chosen = after_the_fact(gate)
    if chosen:
        yield f"  hindsight   {chosen}"
    for row in gate.slices:
        if row.verdict is not Verdict.PASS:
            chance = f", p = {row.p:.2g}" if row.p is not None and row.p < 1 else ""
            shown = wording.with_limits(row.difference or row.challenger, signed=row.difference is not None)
            share = "" if row.share is None else f", {row.share:.1%} of the rows"
            note = f"; {wording.because(row.note)}" if row.note else ""
            yield f"  slice       {row.column} = {row.value}: {row.verdict.value}, {shown}{chance}{share}{note}"
    yield f"  rules       {wording.whose_rules(result)}"
    yield f"  evidence    {judged.evidence}"
    if result.reproduce:
        yield f"  again       {result.reproduce}"


def after_the_fact(gate: GateResult) -> str:
    """Name the bound that would just have passed; it says nothing about a bound that was chosen before."""
    estimate = gate.estimate
    if estimate.low is None or estimate.high is None or wording.is_contrast(gate):
        return ""
    if gate.on_all_rows not in (None, gate.verdict):
        return ""  # its slices decided, and no bound for all rows would have changed that
    low, high = _rounded(estimate.low, math.floor), _rounded(estimate.high, math.ceil)
    hindsight = "would just have passed; chosen after the fact, it proves nothing"
    operator = OPERATORS.get(gate.operator)
    if gate.upper is not None:
        return f"{gate.operator} [{low:.4g}, {high:.4g}] {hindsight}"
    limit = low if wording.passes_above(gate) else high
    if not isinstance(operator, Difference):
        return f"{gate.operator} {limit:.4g} {hindsight}"
    shortfall = -limit if gate.higher_is_better else limit
    return f"a margin of {shortfall:.4g} {hindsight}" if not operator.better and shortfall > 0 else ""


def _rounded(value: float, to: Callable[[float], int]) -> float:
    """Round to four digits, on the side that passes, so that what is named would indeed have passed."""
    if value == 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 3)
    return to(value / unit) * unit
