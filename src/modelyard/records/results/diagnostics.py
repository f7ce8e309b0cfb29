"""Where models err: confusion, thresholds, scores, errors over ranges. Counts and rates of ten rows or more, no row.

A rate or mean over fewer rows than that is ``None``; ranges with fewer are merged with their neighbours, and cells of a
chart are left out and counted. Ends of ranges are rounded to three digits, as in profiles.
"""

from typing import Annotated, Literal

from modelyard.records.results.estimate import Estimate
from modelyard.records.results.part import CIRCUMSTANCE, Part

Contender = Literal["challenger", "champion"]


class Confusion(Part):
    """Rows by their own class, then by the class that a model gives them.

    ``counts`` is square: row ``i`` is class ``i`` of ``Diagnostics.classes``. Where ``Diagnostics.others`` is not 0,
    the last row and column are all the classes that have no place of their own, unknown ones of a champion included.
    """

    model: Contender
    counts: tuple[tuple[int, ...], ...]


class ThresholdRow(Part):
    """What calling rows positive from a threshold on gives; shares are weighted where rows are."""

    threshold: float
    rows: int
    """Called positive."""
    flagged: float
    """Share of all rows that are called positive."""
    precision: float | None = None
    recall: float | None = None
    cost: float | None = None
    """Mean cost of a row by ``Thresholds.cost``, where costs are configured."""


class Thresholds(Part):
    """One model's choices: 0.05, 0.10, … 0.95, and the one that it was made with where that is none of them."""

    model: Contender
    chosen: float | None = None
    """The threshold that the labels follow from; None where it is not known."""
    cost: str = ""
    """Name of the metric of costs."""
    rows: tuple[ThresholdRow, ...]


class ScoreBin(Part):
    """Rows with a score in [low, high), by their class; the last one holds 1 as well."""

    low: float
    high: float
    negatives: int
    positives: int


class Scores(Part):
    """The histogram of one model's scores."""

    model: Contender
    bins: tuple[ScoreBin, ...]


class LiftRow(Part):
    """The rows with the highest scores; ties of the lowest of them are in."""

    share: float
    """Of all rows."""
    rows: int
    rate: float
    """Share of positives among them."""
    lift: float
    """That over the share of positives among all rows."""
    captured: float
    """Share of all positives that are among them."""


class Lift(Part):
    """One model's lift, from the top tenth to all rows."""

    model: Contender
    rows: tuple[LiftRow, ...]


class ReliabilityBin(Part):
    """Rows of similar scores: mean score, share of positives."""

    said: float
    seen: float
    rows: int


class Reliability(Part):
    """One model's bins of equal mass."""

    model: Contender
    bins: tuple[ReliabilityBin, ...]


class ClassRow(Part):
    """One class of several, of the most frequent ones."""

    name: str
    support: int
    recall: Estimate
    champion: Estimate | None = None
    difference: Estimate | None = None
    """Recall of the challenger minus that of the champion on the same rows; the interval is of this class alone."""
    precision: float | None = None
    precision_champion: float | None = None


class ConfusedPair(Part):
    """Rows of one class that are given another."""

    actual: str
    predicted: str
    rows: int
    before: int | None = None
    """By the champion."""


class ErrorBin(Part):
    """Rows in a range: [low, high) in the target's unit, or a stretch of time to the minute, ``since`` to ``until``.

    The outermost ends of a range of values, which are single rows', are ``None``.
    """

    low: float | None = None
    high: float | None = None
    since: str = ""
    until: str = ""
    rows: int
    bias: float
    """Mean of predicted minus actual."""
    spread: float
    """Standard deviation of that."""
    error: float
    """Mean absolute error."""
    champion_bias: float | None = None
    champion_error: float | None = None


class Hexagon(Part):
    """A cell of the chart of predicted against actual: its place in units of the chart's sides, and its rows."""

    x: float
    y: float
    rows: int


class Hexbin(Part):
    """Predicted against actual of one model, on one scale for both, from ``low`` to ``high``."""

    model: Contender
    low: float
    high: float
    across: int
    """Hexagons along x."""
    cells: tuple[Hexagon, ...]
    left_out: int
    """Rows outside of the scale, or in a cell with fewer than ten."""


class Errors(Part):
    """Where a regression errs."""

    bias: Estimate
    """Mean of predicted minus actual."""
    champion_bias: Estimate | None = None
    by_actual: tuple[ErrorBin, ...] = ()
    """Tenths of the rows by their true value."""
    by_prediction: tuple[ErrorBin, ...] = ()
    """Tenths of the rows by the challenger's prediction; the champion's numbers are of the same rows."""
    over_time: tuple[ErrorBin, ...] = ()
    """Stretches of equally many rows, where a column of times is named."""
    hexbins: tuple[Hexbin, ...] = ()


class Importance(Part):
    """What permuting a column costs, in the metric's own unit; more than 0: the model uses it."""

    feature: str
    drop: float | None = None
    """None where the model does not take the column."""
    champion: float | None = None


class Permuted(Part):
    """Permutation importance on a sample of the test rows, seeded; the same permutations for both models."""

    metric: str
    rows: int
    features: tuple[Importance, ...]
    left_out: int = 0
    """Columns that were not permuted, so that rows times columns stay bounded."""


class Moved(Part):
    """How far the distribution of a column moved, from profiles.

    ``wasserstein`` is the mean distance of twenty quantiles in standard deviations of the training rows; ``variation``
    is half the summed difference of category shares, 0 to 1.
    """

    feature: str
    measure: Literal["wasserstein", "variation"]
    to_test: float | None = None
    """From training to test rows."""
    since_champion: float | None = None
    """From the champion's training rows to today's."""


class Footprint(Part):
    """What a model costs to make, to keep and to ask."""

    model: Contender
    size: int | None = None
    """Bytes of the model."""
    training_seconds: Annotated[float | None, CIRCUMSTANCE] = None
    """Of its whole training step, search included; a champion's as its record has it."""
    scoring_seconds: Annotated[float | None, CIRCUMSTANCE] = None
    """For the test rows of this evaluation, without loading the model."""
    rows: int = 0


class Diagnostics(Part):
    """Where the challenger errs, beside the champion on the same rows."""

    classes: tuple[str, ...] = ()
    """Of a confusion, in its order: of binary tasks the negative one first; of several the most frequent ones."""
    others: int = 0
    """Classes that have no place of their own there."""
    confusion: tuple[Confusion, ...] = ()
    thresholds: tuple[Thresholds, ...] = ()
    scores: tuple[Scores, ...] = ()
    lift: tuple[Lift, ...] = ()
    reliability: tuple[Reliability, ...] = ()
    by_class: tuple[ClassRow, ...] = ()
    confused: tuple[ConfusedPair, ...] = ()
    """Five at most: the ones that grew most against the champion; without one, the largest."""
    errors: Errors | None = None
    importance: Permuted | None = None
    moved: Annotated[tuple[Moved, ...], CIRCUMSTANCE] = ()
    """Columns of the model, the one that moved most first; categories are known where there is a profile key."""
    footprints: tuple[Footprint, ...] = ()
