"""Content-addressed files: ``sha256/ab/ab…`` holds the bytes with that digest; written whole or not at all."""

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from modelyard.core import platforms
from modelyard.core.errors import DataError, PlatformError
from modelyard.core.files import disk_errors, make_folder, sha256_file, sync_folder
from modelyard.records.manifest import FileEntry, why

RESTORE = "Put the registry's folder back from a copy."
PLAIN = "A version is made of plain files; write copies instead of links."
_CHUNK = 1 << 20


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what an unreadable registry raises into a ``PlatformError`` that names the path."""
    try:
        yield
    except OSError as error:
        raise PlatformError(
            f"could not read {path}: {error.strerror or error}",
            code="disk/unreadable",
            hint="Give back access to the registry's folder, or a copy.",
        ) from error


class Blobs:
    """A folder of files named by their digest. ``temporary`` is on the same disk and holds what is being written."""

    def __init__(self, folder: Path, temporary: Path) -> None:
        self.folder = folder
        self.temporary = temporary

    def path(self, digest: str) -> Path:
        """Return where the bytes with this digest are, or would be."""
        name = digest.removeprefix("sha256:")
        return self.folder / "sha256" / name[:2] / name

    def add(self, path: str, source: Path) -> FileEntry:
        """Store a file's bytes; bytes that are here and intact stay, damaged ones are replaced.

        Args:
            path: what the file is called in the version.
            source: where it is.

        Raises:
            DataError: the source is a link or no file, or cannot be read.
            PlatformError: the disk would not take it; no partial file remains.
        """
        with disk_errors(self.folder):
            self.temporary.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.temporary)
            temporary = Path(name)
            try:
                with os.fdopen(handle, "wb") as target, plain_file(path, source) as stream:
                    digest, size = copy(stream, target)
                    target.flush()
                    os.fsync(target.fileno())
                entry = _entry(path, digest, size)
                platforms.protect(temporary)
                self._settle(temporary, digest)
            finally:
                with suppress(FileNotFoundError):
                    temporary.unlink()
        return entry

    def _settle(self, temporary: Path, digest: str) -> None:
        home = self.path(digest)
        with suppress(OSError):
            if sha256_file(home) == digest:
                return
        make_folder(home.parent)
        temporary.replace(home)
        sync_folder(home.parent)

    def copy_out(self, file: FileEntry, target: Path) -> None:
        """Copy a blob to a new file and check it on the way.

        It is not synced: a copy serves the process that made it, and a power cut ends that too.

        Raises:
            PlatformError: missing or damaged, or the disk would not take it.
        """
        home = self.path(file.digest)
        with reading(home):
            stream = home.open("rb")
        with stream, disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as out:
                digest, size = copy(stream, out)
        if (digest, size) != (file.digest, file.size):
            raise damage(file, digest)

    def read(self, file: FileEntry, *, limit: int = 64 * _CHUNK) -> bytes:
        """Return the bytes of a small file, checked.

        Raises:
            PlatformError: missing, damaged, or larger than ``limit`` bytes.
        """
        if file.size > limit:
            raise PlatformError(
                f"{file.path} has {file.size:,} bytes, more than the {limit:,} that are read at once",
                code="registry/file-too-large",
            )
        home = self.path(file.digest)
        with reading(home), home.open("rb") as stream:
            data = stream.read(file.size + 1)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if digest != file.digest:
            raise damage(file, digest)
        return data

    def check(self, file: FileEntry) -> str:
        """Return what is wrong with a file, as a sentence, or an empty string."""
        try:
            found = sha256_file(self.path(file.digest))
        except FileNotFoundError:
            return f"its bytes {file.digest} are gone from the registry"
        except OSError as error:
            return f"it cannot be read: {error.strerror or error}"
        return (
            "" if found == file.digest else f"it was changed: the manifest says {file.digest}, its content is {found}"
        )

    def drop(self, digest: str) -> None:
        """Remove the bytes with this digest; nothing happens where they are gone already.

        Raises:
            PlatformError: the disk would not let them go.
        """
        with disk_errors(self.path(digest)), suppress(FileNotFoundError):
            self.path(digest).unlink()

    def present(self, file: FileEntry) -> bool:
        """Return whether bytes of the right size are there, without reading them."""
        with suppress(OSError):
            return self.path(file.digest).stat().st_size == file.size
        return False


def damage(file: FileEntry, found: str) -> PlatformError:
    """Return the error for a file that is not what the manifest says."""
    return PlatformError(
        f"{file.path} was changed in the registry: the manifest says {file.digest}, its content is {found}",
        code="registry/file-damaged",
        hint="Put the registry's folder back from a copy, or publish the same model again.",
    )


def copy(source: BinaryIO, target: BinaryIO) -> tuple[str, int]:
    """Copy a stream; returns the sha256 and the number of bytes."""
    hasher, size = hashlib.sha256(), 0
    buffer = memoryview(bytearray(_CHUNK))
    while count := source.readinto(buffer):  # type: ignore[attr-defined]  # BinaryIO lacks it, every binary file has it
        hasher.update(buffer[:count])
        target.write(buffer[:count])
        size += count
    return f"sha256:{hasher.hexdigest()}", size


@contextmanager
def plain_file(path: str, source: Path) -> Iterator[BinaryIO]:
    """Open a file that is to be published; a link is not followed, and nothing that could block is opened.

    Raises:
        DataError: a link, no plain file, or not readable.
    """
    try:
        descriptor = platforms.open_plain(source)
    except OSError as error:
        problem = "is a link" if error.errno == errno.ELOOP else f"cannot be read: {error.strerror}"
        raise DataError(f"{path} {problem}", code="registry/bad-file", hint=PLAIN) from error
    except ValueError as error:
        raise DataError(f"{path} is not a plain file", code="registry/bad-file", hint=PLAIN) from error
    with os.fdopen(descriptor, "rb") as stream:
        yield stream


def _entry(path: str, digest: str, size: int) -> FileEntry:
    try:
        return FileEntry(path=path, digest=digest, size=size)
    except ValueError as error:
        raise DataError(f"{path!r} cannot be published: {why(error)}", code="registry/bad-file") from error
