"""Collect the files of a version from folders and files, without following a link out of them."""

import os
from collections.abc import Mapping
from pathlib import Path

from modelyard.errors import DataError


def collect(sources: Mapping[str, Path]) -> dict[str, Path]:
    """Path in the version → file, for every file below the named sources.

    Args:
        sources: path in the version (``model``, ``records``, ``environment.txt``) → folder or file.

    Raises:
        DataError: a source is missing, a link, or holds one.
    """
    found: dict[str, Path] = {}
    for name, source in sources.items():
        if source.is_symlink():
            raise _no_links(name)
        if source.is_file():
            found[name] = source
        elif source.is_dir():
            found |= _below(name, source)
        else:
            raise DataError(f"{name} is missing: {source} is neither a file nor a folder")
    return dict(sorted(found.items()))


def _below(name: str, folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for root, folders, files in os.walk(folder):
        for part in (*folders, *files):
            path = Path(root, part)
            inside = f"{name}/{path.relative_to(folder).as_posix()}"
            if path.is_symlink():
                raise _no_links(inside)
            if part in files:
                found[inside] = path
    return found


def _no_links(path: str) -> DataError:
    return DataError(f"{path} is a link", do="A version is made of plain files; write copies instead of links.")
