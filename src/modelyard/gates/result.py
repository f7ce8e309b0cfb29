"""What a judgement holds: the verdict, and for each gate its rule, numbers and reason in words."""

from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from modelyard.core.verdict import Verdict


class Word:
    """A verdict, equal to its word.

    It is no ``str``: of two texts pytest shows which letters differ, and of anything else where it came from.
    """

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict

    def __eq__(self, other: object) -> bool:
        return self.verdict == (other.verdict if isinstance(other, Word) else other)

    def __hash__(self) -> int:
        return hash(self.verdict)

    def __str__(self) -> str:
        return self.verdict.value

    def __repr__(self) -> str:
        return repr(self.verdict.value)


@dataclass(frozen=True)
class Estimate:
    """A number with its interval.

    Attributes:
        value: the estimate; None where there is none.
        low: the lower limit; None where no interval can be had.
        high: the upper limit.
        method: how the interval was made.
        n: independent units behind it.
        effective: units of equal size that they are worth, by sizes and weights; minima go by it.
        largest: the largest unit's share of the rows; None where units are equal.
        memory: correlation of a unit with the one before, where they follow each other in time.
        unit: what they are: ``row``, ``day``, a column.
        rows: rows behind it.
        approximate: the method holds its level only approximately.
        refused: why there is no interval; empty where there is one.
    """

    value: float | None
    low: float | None
    high: float | None
    method: str
    n: int
    unit: str
    rows: int
    approximate: bool
    refused: str
    effective: float
    largest: float | None = None
    memory: float | None = None


@dataclass(frozen=True)
class SliceJudgement:
    """One slice of a gate.

    Attributes:
        column: what it slices by.
        value: whose rows they are.
        state: ``pass``, ``fail``, ``inconclusive`` or ``not-applicable``.
        challenger: the challenger's level.
        reference: the reference's, where the gate compares.
        difference: challenger less reference, where the gate compares.
        note: why it was not judged; may be empty.
    """

    column: str
    value: str
    state: Verdict
    challenger: Estimate
    reference: Estimate | None
    difference: Estimate | None
    note: str


@dataclass(frozen=True)
class GateJudgement:
    """One gate.

    Attributes:
        name: its id, made of metric, operator, reference and slices.
        rule: the rule in words.
        metric: the metric's name.
        state: ``pass``, ``fail``, ``inconclusive``, ``error``, or ``not-applicable``, which is not counted.
        estimate: what decided: the challenger's level, or challenger less reference in the metric's own direction.
        required: what it has to lie beyond, such as ``≥ 0.8``.
        challenger: the challenger's level.
        reference: the reference's level, where the gate compares.
        smallest_visible: true difference that these rows call four times in five.
        units_to_decide: units at which a true value like today's decides an open gate four times in five; None once it
            is decided, and where no number would.
        allowed: it is inconclusive, may be so, and holds nothing back.
        reason: why it has this state, in one sentence.
        numbers: the numbers on one line.
        slices: its slices.
    """

    name: str
    rule: str
    metric: str
    state: Verdict
    estimate: Estimate
    required: str
    challenger: Estimate
    reference: Estimate | None
    smallest_visible: float | None
    units_to_decide: int | None
    allowed: bool
    reason: str
    numbers: str
    slices: tuple[SliceJudgement, ...] = ()

    @property
    def interval(self) -> tuple[float, float] | None:
        """Return the limits that decided, where there are any."""
        low, high = self.estimate.low, self.estimate.high
        return None if low is None or high is None else (low, high)


@dataclass(frozen=True)
class MetricValues:
    """One metric of all models on the test rows."""

    metric: str
    higher_is_better: bool
    challenger: Estimate
    champion: Estimate | None
    baseline: float | None


@dataclass(frozen=True, repr=False)
class Judgement:
    """What the gates say.

    Attributes:
        verdict: equal to ``"pass"``, ``"fail"``, ``"inconclusive"`` or ``"error"``: the worst of the gates that count.
        gates: each gate, in the order in which they were written.
        metrics: the gated metrics and the usual ones, of all models.
        rows: test rows.
        units: independent units among them.
        unit: what a unit is.
        confidence: level of the intervals.
        equal_chance: chance that a challenger exactly as good as the champion passes all gates on such rows; None where
            it is not known.
        remarks: what is odd about a challenger that may pass all the same, such as that it calls no row positive.
    """

    verdict: Word
    gates: tuple[GateJudgement, ...]
    metrics: tuple[MetricValues, ...]
    rows: int
    units: int
    unit: str
    confidence: float
    equal_chance: float | None
    remarks: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return whether the verdict is pass, so that a bare ``assert judge(…)`` holds nothing else."""
        return self.verdict == Verdict.PASS

    def __getitem__(self, name: str) -> GateJudgement:
        """Return a gate by its name."""
        for gate in self.gates:
            if gate.name == name:
                return gate
        raise KeyError(f"{name!r}; gates: {', '.join(gate.name for gate in self.gates)}")

    def as_data(self) -> dict[str, Any]:
        """Return everything as plain data, ready for JSON."""
        return {**asdict(self), "verdict": str(self.verdict)}

    @property
    def headline(self) -> str:
        """The verdict in words, how many gates ended how, and on how much."""
        states = [gate.state for gate in self.gates]
        counted = ", ".join(f"{states.count(state)} {state}" for state in Verdict if state in states)
        on = f"{self.rows:,} {'cases' if self.unit == 'case' else 'rows'}"
        if self.unit not in ("row", "case"):
            on += f", {self.units:,} units ({self.unit})"
        return f"{self.verdict.verdict.words}: {counted}; {on}"

    def __repr__(self) -> str:
        """Return one short line, which is what pytest shows of a failed comparison."""
        first = next((gate for gate in self.gates if gate.state == self.verdict), None)
        gate = f"; {first.rule}: {first.numbers or first.reason}" if first and not self else ""
        text = f"<{self.headline}{gate}>"
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 2]}…>"

    def __str__(self) -> str:
        """Return the headline, a line for each gate, and a sentence for each that does not pass."""
        lines = [self.headline]
        columns = zip(*map(_cells, self.gates), strict=True)
        widths = [max(len(cell) for cell in column) for column in columns]
        for gate in self.gates:
            state, rule, numbers = _cells(gate)
            lines.append(f"  {state:<{widths[0]}}  {rule:<{widths[1]}}  {numbers}".rstrip())
            if gate.state is not Verdict.PASS and gate.reason and gate.reason != gate.numbers:
                lines.append(f"  {'':<{widths[0]}}  {gate.reason}")
        return "\n".join([*lines, *(f"  note: {remark}" for remark in self.remarks)])

    def _repr_html_(self) -> str:
        """Return a table, for notebooks."""
        rows = "".join(
            f'<tr style="text-align: left"><td><b>{escape(_state(gate))}</b></td><td>{escape(gate.rule)}</td>'
            f"<td>{escape(gate.numbers)}</td><td>{escape('' if gate.reason == gate.numbers else gate.reason)}</td></tr>"
            for gate in self.gates
        )
        head = "".join(f'<th style="text-align: left">{name}</th>' for name in ("state", "gate", "numbers", "reason"))
        notes = "".join(f"<p>Note: {escape(remark)}.</p>" for remark in self.remarks)
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        return f"<p><b>{escape(self.headline)}</b></p>{table}{notes}"


_LONGEST = 230
"""Of a line, before pytest cuts it."""


def _state(gate: GateJudgement) -> str:
    return f"{gate.state}, allowed" if gate.allowed else str(gate.state)


def _cells(gate: GateJudgement) -> tuple[str, str, str]:
    return _state(gate), gate.rule, gate.numbers
