"""Data and the pointers of DVC that name it in git: where they disagree, the step that fetches the data is missing."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from modelyard.core.errors import DataError
from modelyard.data.fingerprint import Memory
from modelyard.data.opened import shown
from modelyard.vcs.pointers import Pointer, pointer_to


def refuse_stale(paths: Sequence[Path], root: Path, where: str, cache: Path | None) -> None:
    """Refuse files that are not what their pointers in git name.

    Args:
        paths: the files of a data set.
        root: the workspace.
        where: the configuration's key of the set.
        cache: the file that remembers digests between runs.

    Raises:
        DataError: a file's MD5 or size, or a folder's size or number of files, is another.
    """
    memory, seen = Memory(cache), set()
    for path in paths:
        pointer = pointer_to(path, root)
        if pointer is None or pointer.path in seen:
            continue
        seen.add(pointer.path)
        if not _is_named(pointer, memory, root):
            raise DataError(
                f"{where}: {shown(pointer.data, root)} is not what {shown(pointer.path, root)} names",
                code="data/stale",
                hint="Put `dvc pull` before this step. Where the data is right and the pointer old: `dvc add`, commit.",
            )
    memory.save()


def _is_named(pointer: Pointer, memory: Memory, root: Path) -> bool:
    if pointer.files is not None or pointer.data.is_dir():
        files = [each for each in pointer.data.rglob("*") if each.is_file()]
        size = sum(each.stat().st_size for each in files)
        return pointer.files in (None, len(files)) and pointer.size in (None, size)
    if pointer.size is not None and pointer.data.stat().st_size != pointer.size:
        return False
    if not pointer.md5:
        return True
    name = shown(pointer.data, root)
    return memory.digest(pointer.data, name, f"md5 {name}", _md5)[0] == f"md5:{pointer.md5}"


def _md5(path: Path) -> str:
    with path.open("rb") as stream:
        return f"md5:{hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()}"
