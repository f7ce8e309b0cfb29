"""The kinds of places that logs are in, by scheme; ``open_sources`` finds those that the configuration names."""

import re
from collections.abc import Sequence
from pathlib import Path

from modelyard.core.catalogue import Catalogue
from modelyard.core.errors import ConfigError, nearest
from modelyard.log.layouts import Layout
from modelyard.log.source import Address, LogKind, LogSource
from modelyard.log.sources.files import FILES
from modelyard.log.sources.sql import POSTGRESQL, SQLITE

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")

SOURCES: Catalogue[LogKind] = Catalogue("source of a log", "log/unknown-source")
SOURCES.register(FILES)
SOURCES.register(SQLITE)
SOURCES.register(POSTGRESQL)


def open_sources(
    source: str | Path | Sequence[str | Path], layout: Layout | None, root: Path | None = None
) -> list[LogSource]:
    """Return the logs of a source, or of several that are read together; nothing is read yet.

    Args:
        source: a folder, a path, a pattern, an address of a table; or several.
        layout: what the columns are; None for folders that ``Writer`` wrote.
        root: what paths are relative to; default: the folder of the process.

    Raises:
        ConfigError: an unknown scheme, or an address that makes no sense.
    """
    several = [source] if isinstance(source, str | Path) else list(source)
    return [_open(str(each), layout, root or Path()) for each in several]


def _open(source: str, layout: Layout | None, root: Path) -> LogSource:
    scheme = _SCHEME.match(source)
    name = scheme[1].lower() if scheme else FILES.name
    if name not in SOURCES:
        known = ", ".join(f"{each}://" for each in SOURCES.names() if each != FILES.name)
        raise ConfigError(
            f"unknown source of a log '{name}://'; allowed: a path or pattern, {known}",
            code="log/unknown-source",
            hint=nearest(name, SOURCES.names()) or "Write what it holds to files, and name these.",
        )
    return SOURCES.get(name).open(Address(source, root, layout))
