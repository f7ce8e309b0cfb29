"""What a file is by its name, and what the disk and Polars raise about it as errors that name it."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelyard.core.errors import DataError
from modelyard.core.vocabulary import DATA_SUFFIXES

AGAIN = "Fetch or make the file again."


def kind(path: Path) -> str:
    """Return which of ``DATA_SUFFIXES`` a file has; an empty string for any other."""
    return next((suffix for suffix in DATA_SUFFIXES if path.name.lower().endswith(suffix)), "")


def shown(path: Path, root: Path | None) -> str:
    """Return a path as messages show it: relative to the workspace where it lies inside."""
    return path.relative_to(root).as_posix() if root and path.is_relative_to(root) else path.as_posix()


@contextmanager
def readable(name: str, what: str) -> Iterator[None]:
    """Turn what Polars and the disk raise into a ``DataError``; Polars' own words quote cells, so they are left out."""
    import polars as pl

    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DataError(f"{name}: {what}", code="data/unreadable", hint=AGAIN) from error
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None)
        why = f"it cannot be read ({reason})" if reason else "its compressed data is truncated or damaged"
        raise DataError(f"{name}: {why}", code="data/unreadable", hint=AGAIN) from error
