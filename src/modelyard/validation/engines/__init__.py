"""The engines of validation by name. Their libraries are imported when they judge, and not before."""

from modelyard.core.catalogue import Catalogue
from modelyard.validation.engine import Engine
from modelyard.validation.engines.gx import GX

ENGINES: Catalogue[Engine] = Catalogue("validation engine", "suite/unknown-engine")
ENGINES.register(GX)


def default_engine() -> Engine:
    """Return the engine that judges where the configuration names none."""
    return ENGINES.get(GX.name)
