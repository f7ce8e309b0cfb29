"""Collect the files of a version from folders and files, without following a link out of them."""

import os
from collections.abc import Mapping
from pathlib import Path

from modelyard.core.errors import DataError
from modelyard.registry.blobs import PLAIN


def collect(sources: Mapping[str, Path]) -> dict[str, Path]:
    """Return path in the version → file, for every file below the named sources, sorted.

    Args:
        sources: path in the version (``model``, ``records``, ``environment.txt``) → folder or file.

    Raises:
        DataError: a source is missing, a link, or holds one.
    """
    found: dict[str, Path] = {}
    for name, source in sources.items():
        if source.is_symlink():
            raise DataError(f"{name} is a link", code="registry/bad-file", hint=PLAIN)
        if source.is_file():
            found[name] = source
        elif source.is_dir():
            found |= _below(name, source)
        else:
            raise DataError(f"{name} is missing: {source} is neither a file nor a folder", code="registry/bad-file")
    return dict(sorted(found.items()))


def _below(name: str, folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for root, folders, files in os.walk(folder):
        for part in (*folders, *files):
            path = Path(root, part)
            inside = f"{name}/{path.relative_to(folder).as_posix()}"
            if path.is_symlink():
                raise DataError(f"{inside} is a link", code="registry/bad-file", hint=PLAIN)
            if part in files:
                found[inside] = path
    return found
