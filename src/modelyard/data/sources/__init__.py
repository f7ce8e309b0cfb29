"""The kinds of data sources by scheme; ``open_source`` finds the one that a data set's source names."""

import re

from modelyard.core.catalogue import Catalogue
from modelyard.core.errors import ConfigError, nearest
from modelyard.data.source import Location, Source, SourceKind
from modelyard.data.sources import remote
from modelyard.data.sources.files import FILES

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")

SOURCES: Catalogue[SourceKind] = Catalogue("data source", "data/unknown-source")
SOURCES.register(FILES)
for _kind in remote.KINDS:
    SOURCES.register(_kind)


def open_source(location: Location) -> Source:
    """Return the data set at a location; nothing is looked at yet.

    Raises:
        ConfigError: an unknown scheme.
    """
    scheme = _SCHEME.match(location.source)
    name = scheme[1].lower() if scheme else FILES.name
    if name not in SOURCES or (scheme and name == FILES.name):
        schemes = [f"{known}://" for known in SOURCES.names() if known != FILES.name]
        known = f"Known: {', '.join(['a path or glob without a scheme', *schemes])}."
        raise ConfigError(
            f"{location.key}: unknown data source '{name}://'",
            code="data/unknown-source",
            hint=f"{nearest(name, SOURCES.names())} {known} Otherwise copy the data into the workspace first.".lstrip(),
        )
    return SOURCES.get(name).open(location)
