"""``evaluate.gates``: the rules that a challenger must meet."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from modelyard.core.sections import Label, Section, Text, worded, wrong
from modelyard.core.vocabulary import OPERATORS, Operator, Reference

Relative = Annotated[
    str,
    worded(
        r"^(0|[1-9][0-9]?)(\.[0-9]{1,4})? ?%( of gain)?$", "a share of the reference such as '2 %', or '10 % of gain'"
    ),
]


LARGER_IS_LOOSER = "larger is looser"
"""Marks a number of a gate that lets more through when it grows; without it, less."""
MARGIN_IS_ROOM = "margin is room"
"""Marks an operator whose margin is room to be worse, so that a larger one lets more through."""
NamedSlices = Annotated[
    dict[Text, Label | Annotated[tuple[Label, ...], Field(min_length=1)]], Field(min_length=1, max_length=1)
]
"""One column, and one or more of its values."""


class Gate(Section):
    """One rule that the challenger must meet."""

    metric: Text
    """A metric by scikit-learn's name, without neg_."""
    at_least: float | None = None
    """The metric's lower confidence limit must reach this."""
    at_most: Annotated[float | None, LARGER_IS_LOOSER] = None
    """The metric's upper confidence limit may not exceed this."""
    between: Annotated[tuple[float, ...], Field(min_length=2, max_length=2)] | None = None
    """The whole confidence interval must lie between these two."""
    no_worse_than: Annotated[Reference | None, MARGIN_IS_ROOM] = None
    """Worse than this reference by less than the margin, with confidence."""
    better_than: Reference | None = None
    """Better than this reference by more than the margin, with confidence."""
    margin: Annotated[float, Field(ge=0)] | Relative | None = None
    """Size of a difference that matters: in the metric's own unit, or '2 %' of the reference's value, or
    '10 % of gain', the reference's gain over the baseline."""
    by: tuple[Text | NamedSlices, ...] = ()
    """Columns whose values are judged as slices too: one that is surely beyond the bound fails the gate. A slice named
    by its value, {carrier: AA} or {carrier: [AA, UA]}, must be judged: the gate cannot pass while that slice cannot."""
    require: Literal["guard", "every"] = "guard"
    """every: each slice has to reach the bound on its own, with confidence."""
    slice_drop: Annotated[Annotated[float, Field(gt=0)] | None, LARGER_IS_LOOSER] = None
    """A shortfall that a slice's rows have to be able to show; 0.10 for proportions and areas, a tenth of the bound for
    losses."""
    inconclusive: Literal["hold", "allow"] = "hold"
    """allow: an inconclusive gate is counted and shown, and does not hold the model back."""

    @model_validator(mode="after")
    def _one_operator(self) -> Self:
        named = [operator for operator in OPERATORS if getattr(self, operator) is not None]
        if len(named) != 1:
            found = " and ".join(named) or "none of them"
            raise wrong(
                f"a gate has exactly one of {', '.join(OPERATORS)}; found {found}",
                code="config/one-operator",
                at=(named[1],) if len(named) > 1 else (),
                hint="Make two gates of it." if named else "Example: at_least: 0.8",
            )
        return self

    @model_validator(mode="after")
    def _slices_are_named(self) -> Self:
        if not self.by and (self.require == "every" or self.slice_drop is not None):
            raise wrong(
                "require and slice_drop are about slices, and this gate names none",
                code="config/needs-slices",
                at=("require" if self.require == "every" else "slice_drop",),
                hint="Add by: [column], or remove it.",
            )
        return self

    @model_validator(mode="after")
    def _between_holds_a_number(self) -> Self:
        if self.between is not None and not self.between[0] < self.between[1]:
            raise wrong(
                f"between [{self.between[0]:g}, {self.between[1]:g}] holds no number",
                code="config/empty-range",
                at=("between",),
                hint="The smaller number comes first.",
            )
        if self.between is not None and self.by and self.require != "every":
            raise wrong(
                "between has two ends, and slices as a guard watch one",
                code="config/between-with-slices",
                at=("between",),
                hint="Add require: every, or write at_least and at_most as two gates.",
            )
        return self

    @model_validator(mode="after")
    def _margin_has_a_reference(self) -> Self:
        if "of gain" in str(self.margin) and "baseline" in (self.no_worse_than, self.better_than):
            raise wrong(
                "a gain is counted from the baseline, so the baseline itself has none",
                code="config/gain-of-baseline",
                at=("margin",),
                hint="Write a number in the metric's own unit.",
            )
        if self.no_worse_than and self.margin is None:
            raise wrong(
                "no_worse_than needs a margin: how much worse is still acceptable, in the metric's own unit",
                code="config/needs-margin",
                at=("no_worse_than",),
                hint="Example: margin: 0.005",
            )
        if self.margin is not None and not (self.no_worse_than or self.better_than):
            raise wrong(
                f"a margin belongs to no_worse_than or better_than, not to {self.operator}",
                code="config/margin-without-reference",
                at=("margin",),
                hint="Remove it, or use one of those.",
            )
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it slices by."""
        names = [each if isinstance(each, str) else next(iter(each)) for each in self.by]
        return tuple(dict.fromkeys(names))

    @property
    def whole_columns(self) -> tuple[str, ...]:
        """Those of which every value is a slice."""
        return tuple(dict.fromkeys(each for each in self.by if isinstance(each, str)))

    @property
    def named_slices(self) -> tuple[tuple[str, str], ...]:
        """Column and value of each slice that must be judged."""
        found: list[tuple[str, str]] = []
        for each in self.by:
            for column, values in () if isinstance(each, str) else each.items():
                found += [(column, str(value)) for value in (values if isinstance(values, tuple) else (values,))]
        return tuple(dict.fromkeys(found))

    @property
    def operator(self) -> Operator:
        """Which of the operators this gate uses."""
        return next(operator for operator in OPERATORS if getattr(self, operator) is not None)
