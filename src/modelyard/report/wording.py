"""A gate in words and numbers: required, observed, interval, n, and what the effect means for rows.

Differences are challenger minus reference in the metric's own unit, so for a loss the better side is below zero.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from modelyard.core.verdict import Verdict, worst
from modelyard.records.results import Estimate, GateResult
from modelyard.report import numbers
from modelyard.report.verdict_style import SEVERITY


@dataclass(frozen=True)
class _Unit:
    """What one unit of a rate counts: ``flipped`` where the metric counts the good ones and people count the bad."""

    one: str
    many: str
    of: str
    flipped: bool = True


_JOINED = "\N{NO-BREAK SPACE}"
_RATES = {
    "accuracy": _Unit("error", "errors", "1,000 rows"),
    "zero_one_loss": _Unit("error", "errors", "1,000 rows", flipped=False),
    "recall": _Unit("miss", "misses", "1,000 positive rows"),
    "specificity": _Unit("false alarm", "false alarms", "1,000 negative rows"),
    "precision": _Unit("false alarm", "false alarms", "1,000 rows called positive"),
    "roc_auc": _Unit("wrong ranking", "wrong rankings", "1,000 pairs of a positive and a negative"),
}


def is_difference(gate: GateResult) -> bool:
    """Whether the gate compares with a reference rather than with a fixed bound."""
    return gate.operator in ("no_worse_than", "better_than")


def is_contrast(gate: GateResult) -> bool:
    """Whether the estimate is what is left over the rule's own least, rather than challenger minus reference.

    Default gates ask for a share of the champion's gain, so they have no margin to show and no effect per rows.
    """
    return is_difference(gate) and gate.margin is None


def threshold(gate: GateResult) -> float | None:
    """The number that the interval must lie beyond, on the scale of ``gate.estimate``."""
    if not is_difference(gate):
        return gate.bound
    margin = gate.margin or 0.0
    towards_better = margin if gate.operator == "better_than" else -margin
    return towards_better if gate.higher_is_better else -towards_better


def passes_above(gate: GateResult) -> bool:
    """Whether larger numbers pass."""
    if is_difference(gate):
        return gate.higher_is_better
    return gate.operator in ("at_least", "between")


def required(gate: GateResult) -> str:
    """``≥ 0.8``, ``> −0.005``."""
    limit = threshold(gate)
    if limit is None:
        return numbers.NONE
    if gate.upper is not None:
        return f"{numbers.exact(limit)}{_JOINED}to{_JOINED}{numbers.exact(gate.upper)}"
    if is_difference(gate):
        return f"{'>' if passes_above(gate) else '<'}{_JOINED}{numbers.exact(limit, signed=True)}"
    return f"{'≥' if passes_above(gate) else '≤'}{_JOINED}{numbers.exact(limit)}"


def observed(estimate: Estimate, *, signed: bool = False) -> str:
    """The estimate, with the decimals that its limits have too."""
    return numbers.metric(estimate.value, _places(estimate), signed=signed)


def limits(estimate: Estimate, *, signed: bool = False) -> str:
    """``[0.9050, 0.9230]``, or a dash; ``≈`` before an interval whose method is approximate."""
    if estimate.low is None or estimate.high is None:
        return numbers.NONE
    text = numbers.interval(estimate.low, estimate.high, _places(estimate), signed=signed)
    return f"≈ {text}" if estimate.approximate else text


def with_limits(estimate: Estimate, *, signed: bool = False) -> str:
    """``0.9144 [0.9050, 0.9230]``."""
    value = observed(estimate, signed=signed)
    interval = limits(estimate, signed=signed)
    return value if interval == numbers.NONE else f"{value} {interval}"


def judged_on(estimate: Estimate) -> str:
    """``92 days``: what n counts."""
    return numbers.units(estimate.n, estimate.unit) if estimate.n else numbers.NONE


def rows_behind(estimate: Estimate) -> str:
    """``84,059 rows`` where the unit is coarser than the row, else nothing."""
    return numbers.units(estimate.rows, "row") if estimate.rows and estimate.unit != "row" else ""


def effect(gate: GateResult) -> str:
    """A difference of rates as a count a person can weigh: ``12 fewer errors per 1,000 rows``; nothing for others."""
    unit, difference = _RATES.get(gate.metric), gate.estimate.value
    if unit is None or difference is None or not is_difference(gate) or is_contrast(gate):
        return ""
    worse = -difference if unit.flipped else difference
    number = abs(worse) * 1000
    text = f"{number:.0f}" if number >= 9.95 else f"{number:.1f}"
    if text == "0.0":
        return f"no change in {unit.many} per {unit.of}"
    noun = unit.one if text == "1.0" else unit.many
    return f"{text.removesuffix('.0')} {'more' if worse > 0 else 'fewer'} {noun} per {unit.of}"


def visible(gate: GateResult) -> str:
    """The smallest difference that this test set can show, as a number."""
    if gate.smallest_visible is None:
        return numbers.NONE
    return numbers.exact(float(f"{gate.smallest_visible:.2g}"))


def would_decide(gate: GateResult) -> str:
    """How many units would decide an open gate, and which way; nothing once it is decided."""
    if gate.verdict is not Verdict.INCONCLUSIVE:
        return ""
    if gate.units_to_decide is None:
        return gate.would_decide
    number = f"about {numbers.units(gate.units_to_decide, gate.estimate.unit)} would"
    if gate.would_decide in ("pass", "fail"):
        return f"{number} decide it as a {gate.would_decide}, if today’s estimate held"
    return f"{number} decide it, if today’s estimate held{f': {gate.would_decide}' if gate.would_decide else ''}"


def counted(gates: Iterable[GateResult]) -> Verdict:
    """The verdict of some gates together: an allowed *cannot tell* and a waived gate count as met.

    No applicable gate is an error.
    """
    return worst(
        Verdict.PASS if gate.waived or (gate.allowed and gate.verdict is Verdict.INCONCLUSIVE) else gate.verdict
        for gate in gates
    )


def worst_first(gates: Iterable[GateResult]) -> list[GateResult]:
    """Gates by severity, in their written order within one."""
    return sorted(gates, key=lambda gate: (SEVERITY[gate.verdict], gate.allowed))


def explanation(gate: GateResult, champion: str | None) -> str:
    """One sentence: what was seen, what was required, on how much, and what it means."""
    estimate = gate.estimate
    if estimate.value is None:
        why = gate.reason or estimate.refused or "there is no estimate"
        return f"The gate “{gate.rule}” has no estimate: {why}."
    signed = is_difference(gate)
    if signed:
        named = gate.reference == "champion" and champion
        against = f"champion {champion}" if named else f"the {gate.reference.replace('-', ' ')} model"
        text = f"Against {against.removesuffix(' model') if gate.reference == 'baseline' else against}, {gate.metric} "
        text += "stands from the least that the rule allows by " if is_contrast(gate) else "differs by "
    else:
        text = f"The challenger’s {gate.metric} is "
    text += f"{with_limits(estimate, signed=signed)} on {judged_on(estimate)}, required {required(gate)}"
    meaning = effect(gate)
    text = f"{text}: {meaning}." if meaning else f"{text}."
    if estimate.refused:
        return f"{text} There is no interval: {estimate.refused}."
    # The numbers above are of all rows; where the slices decided otherwise, they say so.
    lead = "Of its slices: " if gate.slices else "Note: "
    return f"{text} {lead}{gate.reason}." if gate.reason else text


def _places(estimate: Estimate) -> int:
    return numbers.decimals([estimate.value] if estimate.value else [estimate.low, estimate.high])
