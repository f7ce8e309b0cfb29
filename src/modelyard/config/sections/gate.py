"""``evaluate.gates``: the rules that a challenger must meet."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, create_model, model_validator

from modelyard.core.operators import OPERATORS, Demand, Operator
from modelyard.core.sections import Label, Section, Text, worded, wrong

Relative = Annotated[
    str,
    worded(
        r"^(0|[1-9][0-9]?)(\.[0-9]{1,4})? ?%( of gain)?$", "a share of the reference such as '2 %', or '10 % of gain'"
    ),
]


NamedSlices = Annotated[
    dict[Text, Label | Annotated[tuple[Label, ...], Field(min_length=1)]], Field(min_length=1, max_length=1)
]
"""One column, and one or more of its values."""


class _Measured(Section):
    metric: Text
    """A metric by scikit-learn's name, without neg_."""


def _demands() -> dict[str, Any]:
    """Return a field for each operator."""
    return {
        each.name: (
            Annotated[each.value, Field(min_length=each.length, max_length=each.length)] | None
            if each.length
            else each.value | None,
            Field(default=None, description=each.asks),
        )
        for each in OPERATORS
    }


if TYPE_CHECKING:

    class _Demands(_Measured):
        """The operators' keys, of which a type checker knows nothing."""

else:
    _Demands = create_model("_Demands", __base__=_Measured, **_demands())


class Gate(_Demands):
    """One rule that the challenger must meet."""

    margin: Annotated[float, Field(ge=0)] | Relative | None = None
    """Size of a difference that matters: in the metric's own unit, or '2 %' of the reference's value, or
    '10 % of gain', the reference's gain over the baseline."""
    by: tuple[Text | NamedSlices, ...] = ()
    """Columns whose values are judged as slices too: one that is surely beyond the bound fails the gate. A slice named
    by its value, {carrier: AA} or {carrier: [AA, UA]}, must be judged: the gate cannot pass while that slice cannot."""
    require: Literal["guard", "every"] = "guard"
    """every: each slice has to reach the bound on its own, with confidence."""
    slice_drop: Annotated[float, Field(gt=0)] | None = None
    """A shortfall that a slice's rows have to be able to show; 0.10 for proportions and areas, a tenth of the bound for
    losses."""
    adjust_by: Text | None = None
    """A column of numbers that tells hard rows from easy ones, such as an earlier score: its mean on the training rows,
    which chance dealt, adjusts the level. It narrows the interval where the column goes with the loss."""
    inconclusive: Literal["hold", "allow"] = "hold"
    """allow: an inconclusive gate is counted and shown, and does not hold the model back."""

    if TYPE_CHECKING:

        def __init__(self, **fields: Any) -> None: ...

    @model_validator(mode="after")
    def _one_operator(self) -> Self:
        named = [each for each in OPERATORS if getattr(self, each.name) is not None]
        if len(named) != 1:
            found = " and ".join(each.name for each in named) or "none of them"
            raise wrong(
                f"a gate has exactly one of {', '.join(OPERATORS.names())}; found {found}",
                code="config/one-operator",
                at=(named[1].name,) if len(named) > 1 else (),
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
    def _adjusts_a_level(self) -> Self:
        if self.adjust_by is not None and (self.operator.compares or self.by):
            raise wrong(
                "adjust_by is for the level of all rows"
                + (", and a gate with slices judges parts of them" if self.by else ", and this gate compares models"),
                code="config/adjusted-gate",
                at=("adjust_by",),
                hint="Remove it: differences on the same rows are paired already, and slices belong in another gate.",
            )
        return self

    @model_validator(mode="after")
    def _operator_makes_sense(self) -> Self:
        guarding = bool(self.by) and self.require != "every"
        misuse = self.operator.misuse(getattr(self, self.operator.name), self.margin, guarding=guarding)
        if misuse is not None:
            raise wrong(misuse.message, code="config/misused-operator", at=(misuse.key,), hint=misuse.hint)
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
        """Return which of the operators this gate uses."""
        return next(each for each in OPERATORS if getattr(self, each.name) is not None)

    @property
    def demand(self) -> Demand:
        """Return what it asks for."""
        return self.operator.demand(getattr(self, self.operator.name))
