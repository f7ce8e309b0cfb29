"""An engine of validation behind one protocol: it knows types of expectations, checks their arguments, and judges.

Suites are written in Great Expectations' language, whatever engine judges them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from modelyard.records.results.validate import ExpectationState, Note, Observed

if TYPE_CHECKING:
    import polars as pl

    from modelyard.validation.suite import Item


@dataclass(frozen=True)
class Outcome:
    """How one expectation ended, whichever engine judged it.

    Attributes:
        state: passed, failed, errored (could not be judged) or vacuous (judged on nothing).
        evaluated: rows that entered the judgement; None for what judges the table or a type.
        unexpected: rows, or values, that broke the expectation.
        missing: rows without a value, which were not judged.
        observed: what else was measured.
        notes: why it could not be judged.
    """

    state: ExpectationState
    evaluated: int | None = None
    unexpected: int | None = None
    missing: int | None = None
    observed: Observed | None = None
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class ArgumentFault:
    """What is wrong with the arguments of an expectation; ``argument`` is empty where it is not one alone."""

    argument: str
    message: str


class Judge(Protocol):
    """Judges expectations on one data set."""

    def __call__(self, item: "Item", *, hidden: bool) -> Outcome:
        """Judge one expectation; an exception of the library ends as ``errored``, and takes no other with it.

        Args:
            item: the expectation; its columns are there, and it can fail.
            hidden: a column is personal, so that nothing but counts may leave.
        """


class Engine(Protocol):
    """A library that judges expectations."""

    name: str
    """The name that it is registered under."""
    title: str
    """What people call it."""
    package: str
    """The distribution whose version decides what it judges."""

    def version(self) -> str:
        """Return name and version of what judges, for the record."""

    def knows(self) -> Mapping[str, frozenset[str]]:
        """Return the types of expectations with the names of their arguments."""

    def checks(self, kind: str, arguments: Mapping[str, Any]) -> ArgumentFault | None:
        """Return what is wrong with arguments whose names are known."""

    def evaluates(self, expression: str, parameters: Mapping[str, Any]) -> Any:
        """Return the value of a suite parameter's expression.

        Raises:
            LookupError: it has none.
        """

    def asks_for_time(self, expression: str) -> bool:
        """Return whether a suite parameter's expression has another value at another time."""

    def judges(self, frame: "pl.DataFrame") -> Judge:
        """Return the judge of a data set, which holds at least one row."""
