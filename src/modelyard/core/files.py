"""Files as the project touches them: written whole or not at all, hashed, locked, and kept inside the workspace."""

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from modelyard.core.errors import ConfigError, PlatformError

_CHUNK = 1 << 20


def sha256_file(path: Path) -> str:
    """``sha256:<hex>`` of a file's bytes."""
    with path.open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"


def sha256_bytes(data: bytes) -> str:
    """``sha256:<hex>`` of some bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what a full, read-only or failing disk raises into a ``PlatformError`` that names the path."""
    try:
        yield
    except OSError as error:
        reasons = {
            errno.ENOSPC: "the disk is full",
            errno.EDQUOT: "the disk quota is used up",
            errno.EFBIG: "the file-size limit is reached",
            errno.EROFS: "the file system is read-only",
            errno.EACCES: "permission denied",
            errno.EPERM: "permission denied",
        }
        why = reasons.get(error.errno or 0, error.strerror or str(error))
        raise PlatformError(
            f"could not write {path}: {why}",
            code="disk/not-written",
            hint="What was there before is untouched; free the place and run again.",
        ) from error


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """Open a file to be written so that a reader sees the old bytes or all the new ones, whatever happens in between.

    Yields:
        A binary stream; what was written takes the place of the file when the block ends well.

    Raises:
        PlatformError: the disk would not take it; the old file is intact and no partial file remains.
    """
    with disk_errors(path):
        make_folder(path.parent)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old bytes or all the new ones, whatever happens in between.

    Raises:
        PlatformError: the disk would not take it; the old file is intact and no partial file remains.
    """
    with writing(path) as stream:
        stream.write(data)


def create_exclusive(path: Path, data: bytes, *, mode: int = 0o644) -> bool:
    """Create a file with all its bytes at once; False, and nothing changed, where the name is already taken.

    It is a link that fails where the name exists, which is atomic on network file systems too.
    """
    with disk_errors(path):
        make_folder(path.parent)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.chmod(mode)
            try:
                os.link(temporary, path)
            except FileExistsError:
                # Over NFS a link may have been made although its answer was lost: asked again, the server says that
                # it exists. Then it is ours if it is this very file.
                if not path.samefile(temporary):
                    return False
        finally:
            with suppress(OSError):
                temporary.unlink()
        sync_folder(path.parent)
        return True


def make_folder(folder: Path) -> None:
    """Create a folder with the folders above it, so that they survive a power cut as their files do."""
    missing = [each for each in (folder, *folder.parents) if not each.is_dir()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        sync_folder(each.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder survive a power cut, where the file system offers that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def replace_folder(temporary: Path, target: Path) -> None:
    """Put a finished folder in the place of another; the old one is gone only once the new one stands."""
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        old: Path | None = None
        if target.exists():
            old = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.old."))
            target.replace(old / target.name)
        try:
            temporary.replace(target)
        except BaseException:
            if old is not None:
                (old / target.name).replace(target)
            raise
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)


def self_ignoring(folder: Path) -> Path:
    """Create a folder that git ignores through a ``.gitignore`` of its own, and return it."""
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", "utf-8")
    return folder


def inside(root: Path, path: str | Path, *, what: str) -> Path:
    """``path`` resolved against ``root``, which it may not leave, neither by ``..`` nor through a link.

    Raises:
        ConfigError: the path leads out of the root.
    """
    resolved_root = root.resolve()
    resolved = (resolved_root / path).resolve()
    if not resolved.is_relative_to(resolved_root):
        raise ConfigError(
            f"{what} {str(path)!r} leads outside the workspace, to {resolved}",
            code="config/outside-workspace",
            hint="Name a path inside the workspace; links out of it are not followed.",
        )
    return resolved


def first_link(root: Path, path: Path) -> Path | None:
    """Return the first folder or file on the way from ``root`` to a path that is a link; None where there is none.

    Args:
        root: a folder, resolved; nothing above it is looked at.
        path: relative to ``root``, or absolute.
    """
    here = root
    for part in _below(root, path).parts:
        here = here.parent if part == ".." else here / part
        if here.is_symlink():
            return here
    return None


def _below(root: Path, path: Path) -> Path:
    if not path.is_absolute():
        return path
    above = next((each for each in reversed(path.parents) if each.resolve() == root), None)
    return (path.resolve() if above is None else path).relative_to(above or root)


def read_json(path: Path, *, limit: int = 64 * _CHUNK) -> Any:
    """Parse a JSON file of at most ``limit`` bytes.

    Raises:
        OSError: it cannot be read.
        ValueError: it is too large or not JSON.
    """
    if path.stat().st_size > limit:
        raise ValueError(f"{path} is larger than {limit} bytes")
    return json.loads(path.read_bytes())


def append_line(path: Path, line: str) -> None:
    """Add a line to a file in one write, so that two processes' lines do not mix."""
    with disk_errors(path), path.open("ab") as file:
        file.write(line.encode() + b"\n")
