"""The estimator families that candidates may come from, found by the first part of an estimator's dotted name."""

from modelyard.core.catalogue import Catalogue
from modelyard.core.errors import ConfigError, Place
from modelyard.training.families.family import Family
from modelyard.training.families.sklearn import SklearnFamily

FAMILIES: Catalogue[Family] = Catalogue("estimator family", "config/unknown-estimator")
FAMILIES.register(SklearnFamily())


def family_of(dotted: str, *, place: Place | None = None) -> Family:
    """Return the family of an estimator's dotted name.

    Raises:
        ConfigError: No family has an estimator of that name.
    """
    package = dotted.partition(".")[0]
    if package in FAMILIES:
        return FAMILIES.get(package)
    suggestion = next(filter(None, (family.nearest(dotted) for family in FAMILIES)), "")
    raise ConfigError(
        f"unknown estimator {dotted!r}. {suggestion}".rstrip(),
        code="config/unknown-estimator",
        hint=f"Candidates come from {', '.join(FAMILIES.names())}; train anything else with train.entrypoint or "
        "train.command.",
        place=place,
    )
