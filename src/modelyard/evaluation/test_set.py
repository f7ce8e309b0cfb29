"""The test rows as gates see them: targets, what is independent, weights; and the baseline's constant predictions."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from modelyard.metrics.predictions import Bools, Floats, Ints, Predictions
from modelyard.records.results import Signature
from modelyard.stats import auc, clusters

LAGS = {"hour": 168, "day": 7, "week": 1, "month": 1}
"""Units of each kind in a week, and at least one."""


@dataclass(frozen=True)
class TestSet:
    """n test rows. ``y``: (n,) class codes (binary: 1 is positive) or values. ``unit``: (n,) codes, or None for rows.

    ``in_time_order``: the units are equal stretches of time, numbered in their order. ``seed`` comes from the digests
    of the test rows and both models, so that a second run cannot draw other resamples.
    """

    __test__: ClassVar[bool] = False
    """Not a test, whatever pytest makes of the name."""

    y: Ints | Floats
    unit: Ints | None
    unit_name: str
    in_time_order: bool
    weight: Floats | None
    seed: int
    confidence: float
    classes: tuple[str, ...] = ()
    """Names of the classes in the order of their codes; the codes name them where there are none."""

    def take(self, rows: Bools | Ints) -> "TestSet":
        """Return the test set of some rows."""
        return replace(
            self,
            y=self.y[rows],
            unit=None if self.unit is None else self.unit[rows],
            weight=None if self.weight is None else self.weight[rows],
        )

    @cached_property
    def codes(self) -> Ints:
        """Class codes as whole numbers."""
        return self.y.astype(np.int64)

    @cached_property
    def _placements(self) -> dict[int, tuple[Predictions, auc.Placed]]:
        return {}

    def placed(self, model: Predictions) -> auc.Placed:
        """Return a binary model's placements among these rows, sorted once for all that asks for them."""
        known = self._placements.get(id(model))
        if known is None or known[0] is not model:
            known = model, auc.placements(self.codes, model.probabilities)
            self._placements[id(model)] = known
        return known[1]

    @property
    def lags(self) -> int:
        """Units in a week, over which levels are allowed to depend on each other; 0 where units have no order."""
        return LAGS.get(self.unit_name, 0) if self.in_time_order else 0

    @cached_property
    def units(self) -> int:
        """How many independent units there are."""
        return len(self.y) if self.unit is None else len(np.unique(self.unit))

    @cached_property
    def effective_units(self) -> int:
        """Units of equal size that these are worth, weights included (Kish)."""
        own = np.ones(len(self.y)) if self.weight is None else self.weight
        return clusters.worth(self.unit, own)


@dataclass(frozen=True)
class Groups:
    """The values of one column, for slices: ``names``, and the code of each row's value (n,)."""

    names: tuple[str, ...]
    codes: Ints

    @classmethod
    def of(cls, values: Iterable[object]) -> "Groups":
        """From any values; equal texts are one slice."""
        texts = np.array([str(value) for value in values], dtype=object)
        names, codes = np.unique(texts, return_inverse=True)
        return cls(tuple(map(str, names)), codes.astype(np.int64))

    @classmethod
    def of_column(cls, column: Any) -> "Groups":
        """From a Polars series, without touching each value in Python."""
        distinct = column.unique(maintain_order=True)
        lookup = column.to_frame("value").join(
            distinct.to_frame("value").with_row_index("at"), on="value", how="left", nulls_equal=True,
            maintain_order="left",
        )  # fmt: skip
        merged = cls.of(distinct.to_list())
        return cls(merged.names, merged.codes[lookup["at"].to_numpy()])

    def rows_of(self, name: str) -> Ints:
        """Rows of one value; none where no row has it."""
        if name not in self.names:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(self.codes == self.names.index(name))

    def largest(self, most: int) -> Iterator[tuple[str, Ints]]:
        """Name and rows of each value, the most frequent first, at most so many."""
        counts = np.bincount(self.codes, minlength=len(self.names))
        # Numbers of 16 bits are sorted in one pass over the rows.
        short = self.codes.astype(np.int16) if len(self.names) < np.iinfo(np.int16).max else self.codes
        order = np.argsort(short, kind="stable")
        ends = np.cumsum(counts)
        for at in np.argsort(-counts, kind="stable")[:most]:
            yield self.names[at], order[ends[at] - counts[at] : ends[at]]


def baseline_predictions(baseline: Mapping[str, float], signature: Signature, rows: int) -> dict[str, Predictions]:
    """Return the predictions of models without features: class shares and the majority class, or each constant.

    Returns:
        ``baseline``; of a regression also ``baseline:mean``, ``baseline:median`` and so on, of which each metric takes
        the one that is hardest to beat by it (``gates.baseline_for``).

    Args:
        baseline: ``share_<code>`` per class (binary: ``share_1`` is the positive class), or ``mean`` and ``median``.
        signature: the task and its classes.
        rows: number of test rows.
    """
    if signature.task == "regression":
        found = {f"baseline:{name}": Predictions(value=np.full(rows, value)) for name, value in baseline.items()}
        return {"baseline": found["baseline:mean"], **found}
    shares = np.array([baseline[f"share_{code}"] for code in range(len(signature.classes))])
    label = np.full(rows, int(np.argmax(shares)), dtype=np.int64)
    if signature.task == "binary":
        return {"baseline": Predictions(2, label=label, probability=np.full(rows, shares[1]))}
    return {"baseline": Predictions(len(shares), label=label, probability=np.tile(shares, (rows, 1)))}
