"""The ways to train, in the order in which a configuration is asked for them."""

from modelyard.config.configuration import Config
from modelyard.core.catalogue import Catalogue
from modelyard.training.way import Way
from modelyard.training.ways.command import CommandWay
from modelyard.training.ways.entrypoint import EntrypointWay
from modelyard.training.ways.predictions import PredictionsWay
from modelyard.training.ways.search import SearchWay

WAYS: Catalogue[Way] = Catalogue("way to train", "config/unknown-way")
WAYS.register(SearchWay())
WAYS.register(EntrypointWay())
WAYS.register(CommandWay())
WAYS.register(PredictionsWay())


def way_of(config: Config) -> Way:
    """Return the one way that a valid configuration asks for."""
    return next(way for way in WAYS if way.is_configured(config))
