"""A number with its interval, as records keep it."""

from modelyard.core.reasons import Reason
from modelyard.records.results.part import Part


class Estimate(Part):
    """A number with its interval; ``refused`` says why there is none. ``n`` counts units, ``rows`` counts rows."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    method: tuple[Reason, ...] = ()
    """How the interval was made."""
    n: int = 0
    unit: str = "row"
    rows: int = 0
    approximate: bool = False
    identical: bool = False
    refused: Reason | None = None
    effective: float | None = None
    """Units, or rows, of equal size that they are worth; none where each is worth one."""
    largest: float | None = None
    """The largest unit's share."""
    memory: float | None = None
    """Correlation of a unit with the one before, where units follow each other in time."""
