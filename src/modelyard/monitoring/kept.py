"""What a version carries to be watched by: its test rows, counted, and its metrics on them, as they are watched."""

from typing import Literal

from modelyard.monitoring.calibrators import Labelled
from modelyard.monitoring.levels import Level
from modelyard.monitoring.profile import Reference
from modelyard.records.results.part import Part

PATH = "profile/monitoring.json"
"""Where in a version it is."""


class Kept(Part):
    """What a version carries: small, and without raw values."""

    schema_version: Literal[1] = 1
    reference: Reference
    levels: tuple[Level, ...] = ()
    """Its metrics on the test rows, as labels of served predictions are held to them."""
    labelled: Labelled | None = None
    """Its scores with what came true, for estimates without labels."""
    unit: str = "row"
    """What is independent."""
    ordered: bool = False
    """Units are stretches of time."""
