"""A file that comes over a network: what came before is gone on with, and only a whole one stands in its place."""

from collections.abc import Callable
from pathlib import Path

from modelyard.core.files import disk_errors, sha256_file


def resume(path: Path, digest: str, download: Callable[[Path], None]) -> str:
    """Have a file in its place, which it takes only with all its bytes; whoever calls it keeps others from doing so.

    Args:
        path: its place. Until it is whole it is beside it, ending in ``.partial``.
        digest: what it must have.
        download: brings the rest of the partial file that it is given, or all of it where there is none.

    Returns:
        The digest that was found. Bytes with another one than was asked for are not kept.

    Raises:
        PlatformError: the disk would not take it.
    """
    if path.is_file() and sha256_file(path) == digest:
        return digest
    partial = path.with_name(f"{path.name}.partial")
    with disk_errors(partial):
        path.parent.mkdir(parents=True, exist_ok=True)
        begun = partial.exists()
    found = _bring(partial, digest, download)
    if found != digest and begun:  # its beginning may have been another's
        found = _bring(partial, digest, download)
    if found == digest:
        with disk_errors(path):
            partial.replace(path)
    return found


def _bring(partial: Path, digest: str, download: Callable[[Path], None]) -> str:
    download(partial)
    with disk_errors(partial):
        found = sha256_file(partial)
        if found != digest:
            partial.unlink()
    return found
