"""The kinds of data sources by scheme; ``open_source`` finds the one that a data set's source names."""

import re

from modelyard.core.catalogue import Catalogue
from modelyard.core.errors import ConfigError
from modelyard.data.source import Location, Source, SourceKind
from modelyard.data.sources.files import FILES

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")

SOURCES: Catalogue[SourceKind] = Catalogue("data source", "data/unknown-source")
SOURCES.register(FILES)


def open_source(location: Location) -> Source:
    """Return the data set at a location; nothing is looked at yet.

    Raises:
        ConfigError: an unknown scheme.
    """
    scheme = _SCHEME.match(location.source)
    if scheme and scheme[1].lower() not in SOURCES:
        raise ConfigError(
            f"{location.key}: {scheme[0]} is not supported yet; local files and globs are",
            code="data/unknown-source",
            hint="Copy the data into the workspace in a step before this one, and name those files.",
        )
    return SOURCES.get(scheme[1].lower() if scheme else FILES.name).open(location)
