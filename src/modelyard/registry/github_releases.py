"""A version's files as assets of a release: packed so that equal content is equal bytes, and checked on every way.

``manifest.json`` is the sealed manifest, ``records.zip`` everything beside the model, ``model.zip`` the model. Archives
are stored without compression, sorted, and without times, so that their digest is known before they are uploaded.
"""

import hashlib
import zipfile
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from modelyard.errors import ConfigError, DataError, PlatformError
from modelyard.files import disk_errors, sha256_file
from modelyard.github.client import GitHub, GitHubError
from modelyard.records.manifest import FileEntry, Manifest, Sealed
from modelyard.registry.base import Leftover, Unneeded
from modelyard.registry.blobs import copy, damage
from modelyard.registry.github_state import READ, WRITE, Asset

MANIFEST, RECORDS, MODEL = "manifest.json", "records.zip", "model.zip"
LARGEST = 2 << 30
"""Bytes of one asset that GitHub takes."""
_STALE = timedelta(days=1)
_BLANK = (1980, 1, 1, 0, 0, 0)
_HAVE_ANOTHER = "Restore the asset from a copy, or promote another version."


@dataclass(frozen=True)
class Packed:
    """A file that is to become an asset."""

    path: Path
    digest: str
    size: int


def archive_of(path: str) -> str:
    """The archive that a version's file is in."""
    return MODEL if path.startswith("model/") else RECORDS


def pack(files: Sequence[FileEntry], sources: Mapping[str, Path], folder: Path) -> dict[str, Packed]:
    """Both archives of a version.

    Args:
        files: what the manifest lists.
        sources: path in the version to the file that has its bytes.
        folder: where the archives are written.

    Raises:
        DataError: a file changed since it was listed.
        ConfigError: an archive is larger than GitHub takes.
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
        if packed[name].size >= LARGEST:
            raise ConfigError(
                f"{name} would have {packed[name].size:,} bytes, and GitHub takes less than {LARGEST:,} in one asset",
                do="Keep models of this size elsewhere: registry: {kind: mlflow}, or {kind: local, durable: true}.",
            )
    return packed


def _add(archive: zipfile.ZipFile, file: FileEntry, source: Path) -> None:
    info = zipfile.ZipInfo(file.path, _BLANK)
    info.external_attr = 0o100644 << 16
    info.create_system = 3
    with source.open("rb") as stream, archive.open(info, "w", force_zip64=file.size > 1 << 30) as target:
        found, size = copy(stream, target)  # type: ignore[arg-type] # a member is written like a file
    if (found, size) != (file.digest, file.size):
        raise DataError(f"{file.path} was changed while it was being published", do="Run again.")


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
        raise PlatformError(f"{archive.name} is not the archive of this version", do=_HAVE_ANOTHER) from error


@dataclass
class Releases:
    """The releases of one model: drafts until every asset is known to be there."""

    client: GitHub
    model: str
    target: str
    now: Callable[[], datetime]

    def tag(self, number: int) -> str:
        """``modelyard/<model>/v7``."""
        return f"modelyard/{self.model}/v{number}"

    def burned(self) -> list[int]:
        """Numbers whose tag exists, whether a version came of it or not."""
        lead = f"tags/modelyard/{self.model}/v"
        refs = [str(each["ref"]) for each in self.client.get(f"git/matching-refs/{lead}", needs=READ)]
        names = [ref.removeprefix(f"refs/{lead}") for ref in refs if ref.startswith(f"refs/{lead}")]
        return sorted(int(name) for name in names if name.isascii() and name.isdigit())

    def publish(self, manifest: Manifest, packed: Mapping[str, Packed], folder: Path) -> tuple[int, dict[str, Asset]]:
        """Upload, compare, publish.

        Returns:
            The release and its assets.

        Raises:
            NumberTaken: another publication has this number by now; the draft is gone again.
            PlatformError: GitHub would not take it, or has other bytes than were sent.
        """
        sealed = folder / MANIFEST
        sealed.write_bytes(Sealed.seal(manifest).to_bytes())
        everything = {MANIFEST: Packed(sealed, sha256_file(sealed), sealed.stat().st_size), **packed}
        draft = self._draft(manifest)
        assets = {name: self._upload(draft, name, part) for name, part in everything.items()}
        body = {"draft": False, "make_latest": "false"}
        try:
            self.client.send("PATCH", f"releases/{draft['id']}", body, needs=WRITE, again=True)
        except GitHubError as error:
            if error.status == 422:
                with suppress(GitHubError):
                    self.client.send("DELETE", f"releases/{draft['id']}", None, needs=WRITE)
                raise NumberTaken from error
            raise
        return int(draft["id"]), assets

    def left_behind(self, number: int, identity: str, scratch: Path) -> tuple[Manifest, int, dict[str, Asset]] | None:
        """A release that a killed run published without naming it in the state, if it is this very thing."""
        release = self.client.find(f"releases/tags/{quote(self.tag(number), safe='')}", needs=READ)
        assets = {each["name"]: each for each in (release or {}).get("assets", [])}
        if release is None or set(assets) != {MANIFEST, RECORDS, MODEL}:
            return None
        path = scratch / "left-behind.json"
        self.client.download(f"releases/assets/{assets[MANIFEST]['id']}", path, needs=READ)
        try:
            manifest = Sealed.from_bytes(path.read_bytes()).manifest
        except ValueError:
            return None
        if manifest.identity != identity or (manifest.model, manifest.number) != (self.model, number):
            return None
        found = {name: Asset(id=each["id"], digest=each["digest"], size=each["size"]) for name, each in assets.items()}
        return manifest, int(release["id"]), found

    def remove(self, release: int) -> None:
        """Delete a release with its assets; nothing happens where it is gone already."""
        try:
            self.client.send("DELETE", f"releases/{release}", None, needs=WRITE, again=True)
        except GitHubError as error:
            if error.status != 404:
                raise

    def unneeded(self, kept: Container[int], removed: Container[int]) -> Iterator[tuple[int, Leftover]]:
        """Releases of this model that no kept version is in, with their identifiers.

        GitHub dates a release by the commit of its tag, so its last sign of life is the newest time that it or one of
        its assets names.
        """
        lead = f"modelyard/{self.model}/v"
        for release in self.client.pages("releases", needs=WRITE):
            tag = str(release["tag_name"])
            number = tag.removeprefix(lead)
            if not (tag.startswith(lead) and number.isascii() and number.isdigit()):
                continue
            what: Unneeded = "removed" if int(number) in removed else "unnamed"
            if release["draft"]:
                what = "draft"
            elif int(number) in kept:
                continue
            assets = release["assets"]
            times = [each.get(key) for each in (release, *assets) for key in ("created_at", "updated_at")]
            since = max(datetime.fromisoformat(time) for time in (*times, release.get("published_at")) if time)
            size = sum(int(asset["size"]) for asset in assets)
            yield int(release["id"]), Leftover(f"release {release['id']} ({tag})", what, size, since)

    def sweep(self) -> None:
        """Delete drafts of this model that a killed run left more than a day ago; they never count."""
        lead = f"modelyard/{self.model}/v"
        with suppress(GitHubError):  # what is swept up today or tomorrow changes nothing
            for release in self.client.get("releases", needs=WRITE, params={"per_page": 100}):
                old = self.now() - datetime.fromisoformat(release["created_at"]) > _STALE
                if release["draft"] and str(release["tag_name"]).startswith(lead) and old:
                    self.client.send("DELETE", f"releases/{release['id']}", None, needs=WRITE)

    def fetch(self, asset: Asset, name: str, folder: Path) -> Path:
        """An asset on disk, its digest checked.

        Raises:
            PlatformError: it was deleted, or has other bytes.
        """
        path = folder / f"{asset.digest.removeprefix('sha256:')}-{name}"
        if path.is_file() and sha256_file(path) == asset.digest:
            return path
        partial = path.with_suffix(".partial")
        try:
            with disk_errors(partial):
                folder.mkdir(parents=True, exist_ok=True)
            self.client.download(f"releases/assets/{asset.id}", partial, needs=READ)
        except GitHubError as error:
            if error.status == 404:
                raise PlatformError(f"the asset {name} of this version was deleted", do=_HAVE_ANOTHER) from error
            raise
        found = sha256_file(partial)
        if found != asset.digest:
            partial.unlink()
            raise PlatformError(f"the asset {name} is {found}, the state says {asset.digest}", do=_HAVE_ANOTHER)
        with disk_errors(path):
            partial.replace(path)
        return path

    def _draft(self, manifest: Manifest) -> dict[str, Any]:
        lines = [
            f"Version {manifest.number} of the model `{self.model}`, published by modelyard. `model.zip` holds the",
            "model, `records.zip` how it was made and judged, `manifest.json` the digest of every file.",
            "",
            f"Model `{manifest.model_digest}`",
            f"Evidence `{manifest.evidence}`",
        ]
        body = {
            "tag_name": self.tag(manifest.number), "name": f"{self.model} v{manifest.number}", "draft": True,
            "make_latest": "false", "body": "\n".join(lines),
            **({"target_commitish": self.target} if self.target else {}),
        }  # fmt: skip
        made: dict[str, Any] = self.client.send("POST", "releases", body, needs=WRITE)
        return made

    def _upload(self, draft: Mapping[str, Any], name: str, part: Packed) -> Asset:
        made = self.client.upload(draft["upload_url"], part.path, name=name, needs=WRITE)
        told = (made.get("digest"), made.get("size"), made.get("state"))
        if told != (part.digest, part.size, "uploaded"):
            raise PlatformError(
                f"GitHub has {name} as {told[0] or 'no digest'} with {told[1]} bytes ({told[2]}), "
                f"sent was {part.digest} with {part.size} bytes",
                do="Run again; nothing was published.",
            )
        return Asset(id=made["id"], digest=part.digest, size=part.size)


class NumberTaken(Exception):  # noqa: N818 - it says what happened
    """Somebody else published under the same number first."""


def entries(files: Mapping[str, Path]) -> tuple[FileEntry, ...]:
    """The files of a version with their digests.

    Raises:
        DataError: one is a link, or not a file.
    """
    found = []
    for path, source in sorted(files.items()):
        if source.is_symlink() or not source.is_file():
            raise DataError(f"{path} is no plain file", do="A version is made of plain files.")
        with source.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        try:
            found.append(FileEntry(path=path, digest=f"sha256:{digest}", size=source.stat().st_size))
        except ValueError as error:
            raise DataError(f"{path[:80]!r} cannot be part of a version") from error
    return tuple(found)
