"""Pointers of DVC: small files in git that name, by MD5 and size, the data that stands beside them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LARGEST = 1 << 20


@dataclass(frozen=True)
class Pointer:
    """What a pointer says of a file or a folder.

    Attributes:
        path: the pointer.
        data: what it is about.
        md5: of the file's bytes; empty for a folder, and where an old DVC wrote it, which did not count line ends.
        size: bytes, of all files of a folder; None where it does not say.
        files: how many files a folder has; None for a file.
    """

    path: Path
    data: Path
    md5: str
    size: int | None
    files: int | None


def pointer_to(path: Path, root: Path) -> Pointer | None:
    """Return the pointer that speaks for a file: its own, or that of the nearest folder around it; None without one."""
    for part in (path, *path.parents):
        if not part.is_relative_to(root) or part == root:
            return None
        pointer = part.with_name(f"{part.name}.dvc")
        if pointer.is_file():
            return next((each for each in _read(pointer) if each.data == part), None)
    return None


def _read(path: Path) -> Iterator[Pointer]:
    """Yield what a pointer is about; nothing where it is not readable, which DVC says better."""
    import yaml

    try:
        with path.open("rb") as stream:
            content = yaml.safe_load(stream.read(_LARGEST))
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return
    outs = content.get("outs") if isinstance(content, dict) else None
    for out in outs if isinstance(outs, list) else ():
        if isinstance(out, dict) and isinstance(out.get("path"), str):
            yield _of(path, out)


def _of(path: Path, out: dict[str, Any]) -> Pointer:
    md5, size, files = str(out.get("md5", "")), out.get("size"), out.get("nfiles")
    folder = md5.endswith(".dir")
    return Pointer(
        path=path,
        data=path.parent / out["path"],
        md5=md5 if out.get("hash") == "md5" and not folder else "",
        size=size if type(size) is int else None,
        files=files if folder and type(files) is int else None,
    )
