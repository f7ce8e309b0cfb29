"""What a version carries to be watched by: its test rows, counted, and its metrics on them, as they are watched."""

from typing import Literal

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
