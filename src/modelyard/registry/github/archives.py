"""The archives of a version: packed so that equal content is equal bytes, and checked when they are unpacked.

``records.zip`` is everything beside the model, ``model.zip`` the model. Archives are stored without compression,
sorted, and without times, so that their digest is known before they are uploaded.
"""

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelyard.core.errors import ConfigError, DataError, PlatformError
from modelyard.core.files import disk_errors, sha256_file
from modelyard.records.manifest import FileEntry
from modelyard.registry.blobs import copy, damage

RECORDS, MODEL = "records.zip", "model.zip"
LARGEST = 2 << 30
"""Bytes of one asset that GitHub takes."""
HAVE_ANOTHER = "Restore the asset from a copy, or roll back to a version whose files are there."
_BLANK = (1980, 1, 1, 0, 0, 0)
_ENTRY = 200
"""Bytes that an archive spends on a file beside its name and content, at most."""


@dataclass(frozen=True)
class Packed:
    """A file that is to become an asset."""

    path: Path
    digest: str
    size: int


def archive_of(path: str) -> str:
    """Return the archive that a version's file is in."""
    return MODEL if path.startswith("model/") else RECORDS


def pack(files: Sequence[FileEntry], sources: Mapping[str, Path], folder: Path) -> dict[str, Packed]:
    """Return both archives of a version.

    Args:
        files: what the manifest lists.
        sources: path in the version to the file that has its bytes.
        folder: where the archives are written.

    Raises:
        DataError: a file changed since it was listed.
        PlatformError: the disk would not take it.
    """
    packed = {}
    for name in (RECORDS, MODEL):
        target = folder / name
        inside = [file for file in files if archive_of(file.path) == name]
        with disk_errors(target), zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
            for file in inside:
                _add(archive, file, sources[file.path])
        packed[name] = Packed(target, sha256_file(target), target.stat().st_size)
    return packed


def refuse_too_large(files: Mapping[str, Path]) -> None:
    """Refuse what GitHub would not take, before a byte of it is read.

    Raises:
        ConfigError: an archive would be larger than an asset may be.
    """
    sizes = {MODEL: 0, RECORDS: 0}
    for path, source in files.items():
        with disk_errors(source):
            sizes[archive_of(path)] += source.stat().st_size + 2 * len(path.encode()) + _ENTRY
    for name, size in sizes.items():
        if size >= LARGEST:
            raise ConfigError(
                f"{name} would have {size:,} bytes, and GitHub takes less than {LARGEST:,} (2 GiB) in one asset",
                code="registry/too-large",
                hint="Keep models of this size elsewhere: registry: {kind: mlflow}, or {kind: local, durable: true} on "
                "a machine of your own.",
            )


def _add(archive: zipfile.ZipFile, file: FileEntry, source: Path) -> None:
    info = zipfile.ZipInfo(file.path, _BLANK)
    info.external_attr = 0o100644 << 16
    info.create_system = 3
    with source.open("rb") as stream, archive.open(info, "w", force_zip64=file.size > 1 << 30) as target:
        found, size = copy(stream, target)  # type: ignore[arg-type] # a member is written like a file
    if (found, size) != (file.digest, file.size):
        raise DataError(
            f"{file.path} was changed while it was being published", code="registry/file-changed", hint="Run again."
        )


def unpack(archive: Path, files: Iterable[FileEntry], target: Callable[[FileEntry], Path]) -> None:
    """Write the listed files of an archive, each checked; nothing else that may be in it is looked at.

    Raises:
        PlatformError: one is missing or is not what the manifest says.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            for file in files:
                info = opened.getinfo(file.path)
                if info.file_size != file.size or info.compress_type != zipfile.ZIP_STORED:
                    raise damage(file, "of another size")
                path = target(file)
                with disk_errors(path):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with opened.open(info) as source, path.open("xb") as stream:
                        found, _ = copy(source, stream)  # type: ignore[arg-type] # a member is read like a file
                if found != file.digest:
                    raise damage(file, found)
    except (KeyError, zipfile.BadZipFile) as error:
        raise PlatformError(
            f"{archive.name} is not the archive of this version", code="registry/file-damaged", hint=HAVE_ANOTHER
        ) from error


def entries(files: Mapping[str, Path]) -> tuple[FileEntry, ...]:
    """Return the files of a version with their digests.

    Raises:
        DataError: one is a link, or not a file.
    """
    found = []
    for path, source in sorted(files.items()):
        if source.is_symlink() or not source.is_file():
            raise DataError(
                f"{path} is not a plain file", code="registry/bad-file", hint="A version is made of plain files."
            )
        with source.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        try:
            found.append(FileEntry(path=path, digest=f"sha256:{digest}", size=source.stat().st_size))
        except ValueError as error:
            raise DataError(f"{path[:80]!r} cannot be part of a version", code="registry/bad-file") from error
    return tuple(found)
