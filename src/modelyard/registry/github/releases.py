"""The releases of one model: made as drafts, filled with a version's assets, compared, published, and fetched."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from modelyard.core.errors import PlatformError
from modelyard.core.files import disk_errors, sha256_file
from modelyard.github.client import GitHub, GitHubError
from modelyard.records.manifest import Manifest, Sealed
from modelyard.registry.downloads import resume
from modelyard.registry.github.archives import HAVE_ANOTHER, MODEL, RECORDS, Packed
from modelyard.registry.github.documents import READ, WRITE, Asset
from modelyard.registry.github.rules import explained
from modelyard.registry.protocol import Orphan, OrphanKind

MANIFEST = "manifest.json"
NAMES = (MANIFEST, RECORDS, MODEL)
"""The assets of a version: its sealed manifest, and two archives."""
_UPLOADS = 3
"""Times that one file is sent, where its upload breaks off."""


@dataclass(frozen=True)
class Release:
    """A release as GitHub has it: published or a draft, and its assets by name."""

    id: int
    draft: bool
    upload_url: str
    assets: Mapping[str, Mapping[str, Any]]


@dataclass
class Releases:
    """The releases of one model: drafts until every asset is known to be there."""

    client: GitHub
    model: str
    target: str

    def tag(self, name: str) -> str:
        """``modelyard/<model>/v7``."""
        return f"modelyard/{self.model}/{name}"

    def tag_at(self, name: str) -> str | None:
        """Return the commit that a version's tag points at; None where there is no such tag."""
        found = self.client.find(f"git/ref/tags/{self.tag(name)}", needs=READ)
        return None if found is None else str(found["object"]["sha"])

    def get(self, release: int) -> Release | None:
        """Return a release with all its assets; None where it is gone, or a draft that this token may not see."""
        found = self.client.find(f"releases/{release}", needs=READ)
        return None if found is None else self._found(found)

    def by_tag(self, name: str) -> Release | None:
        """Return the published release of a version's tag."""
        found = self.client.find(f"releases/tags/{quote(self.tag(name), safe='')}", needs=READ)
        return None if found is None else self._found(found)

    def draft_of(self, name: str, manifest: str) -> Release | None:
        """Return the draft that was made for a manifest's digest; looked for over all pages, as a draft has no tag."""
        for each in self.client.pages("releases", needs=WRITE):
            same = each["draft"] and each["tag_name"] == self.tag(name)
            if same and manifest in str(each.get("body") or ""):
                return self._found(each)
        return None

    def make_draft(self, manifest: Manifest) -> Release:
        """Make a draft.

        Raises:
            NumberTaken: its tag was burned.
            PlatformError: GitHub would not take it.
        """
        lines = [
            f"Version {manifest.number} of the model `{self.model}`, published by modelyard. `model.zip` holds the",
            "model, `records.zip` how it was made and judged, `manifest.json` the digest of every file.",
            "",
            f"Model `{manifest.model_digest}`  ",
            f"Evidence `{manifest.evidence}`  ",
            f"Manifest `{manifest.digest}`",
        ]
        body = {
            "tag_name": self.tag(manifest.name), "name": f"{self.model} {manifest.name}", "draft": True,
            "make_latest": "false", "body": "\n".join(lines),
            **({"target_commitish": self.target} if self.target else {}),
        }  # fmt: skip
        try:
            return self._found(self.client.send("POST", "releases", body, needs=WRITE))
        except GitHubError as error:
            if error.lost and (found := self.draft_of(manifest.name, manifest.digest)) is not None:
                return found
            raise self._why_not(error) from error

    def fill(self, draft: Release, parts: Mapping[str, Packed]) -> None:
        """Send what is not there yet; what is there with the right digest stays, anything else under its name goes.

        Raises:
            PlatformError: GitHub would not take it, or has other bytes than were sent.
        """
        known = dict(draft.assets)
        for name, part in parts.items():
            for left in range(_UPLOADS - 1, -1, -1):
                there = known.get(name)
                if there is not None and not _whole(there, part):
                    self.client.send("DELETE", f"releases/assets/{there['id']}", None, needs=WRITE)
                    there = None
                try:
                    there = there or self.client.upload(draft.upload_url, part.path, name=name, needs=WRITE)
                except GitHubError as error:
                    if not left or not (error.lost or error.status == 422):
                        raise explained(error, "a release", f"{self.tag('v*')}") from error
                    known = dict(self._again(draft.id).assets)
                    continue
                if not _whole(there, part):
                    raise _other_bytes(name, there, part)
                break

    def publish(self, draft: int, parts: Mapping[str, Packed]) -> dict[str, Asset]:
        """Compare what GitHub has with what was sent, then publish.

        Raises:
            NumberTaken: its tag was burned.
            PlatformError: something differs, or GitHub would not do it.
        """
        found = self._again(draft)
        for name, part in parts.items():
            if name not in found.assets or not _whole(found.assets[name], part):
                raise _other_bytes(name, found.assets.get(name, {}), part)
        if found.draft:
            body = {"draft": False, "make_latest": "false"}
            try:
                self.client.send("PATCH", f"releases/{draft}", body, needs=WRITE, again=True)
            except GitHubError as error:
                if not error.lost or self._again(draft).draft:
                    raise self._why_not(error) from error
        return assets_of(found)

    def remove(self, release: int) -> None:
        """Delete a release with its assets; nothing happens where it is gone already."""
        try:
            self.client.send("DELETE", f"releases/{release}", None, needs=WRITE, again=True)
        except GitHubError as error:
            if error.status != 404:
                raise

    def orphans(
        self, kept: Container[int], removed: Iterable[int], begun: Mapping[int | None, datetime]
    ) -> Iterator[tuple[int, int, Orphan]]:
        """Return releases of this model that no kept version is in, and drafts of all, with identifier and number.

        GitHub dates a release by the commit of its tag, so its last sign of life is the newest time that it, one of
        its assets, or the state names.

        Args:
            kept: numbers of the versions that are kept.
            removed: numbers of those that were removed.
            begun: when a release that is being published was begun, by its identifier.
        """
        lead, removed = f"modelyard/{self.model}/v", set(removed)
        for release in self.client.pages("releases", needs=WRITE):
            tag = str(release["tag_name"])
            number = tag.removeprefix(lead)
            if not (tag.startswith(lead) and number.isascii() and number.isdigit()):
                continue
            what: OrphanKind = "removed" if int(number) in removed else "unnamed"
            if release["draft"]:
                what = "draft"
            elif int(number) in kept:
                continue
            assets = release["assets"]
            times = [each.get(key) for each in (release, *assets) for key in ("created_at", "updated_at")]
            dates = [datetime.fromisoformat(time) for time in (*times, release.get("published_at")) if time]
            dates += [begun[release["id"]]] if release["id"] in begun else []
            size = sum(int(asset["size"]) for asset in assets)
            left = Orphan(f"release {release['id']} ({tag})", what, size, max(dates))
            yield int(release["id"]), int(number), left

    def manifest_of(self, found: Release, scratch: Path) -> Sealed | None:
        """Return the manifest that a release holds, if it is a whole one of ours."""
        if not set(NAMES) <= set(found.assets):
            return None
        path = scratch / "found.json"
        path.unlink(missing_ok=True)
        asset = found.assets[MANIFEST]
        self.client.download(f"releases/assets/{asset['id']}", path, needs=READ, size=asset["size"])
        try:
            sealed = Sealed.from_bytes(path.read_bytes())
        except ValueError:
            return None
        return sealed if sealed.manifest.model == self.model else None

    def fetch(self, asset: Asset, name: str, folder: Path) -> Path:
        """Return an asset on disk, its digest checked; a fetch that broke off goes on where it ended.

        Raises:
            PlatformError: it was deleted, or has other bytes.
        """
        from filelock import FileLock

        path = folder / f"{asset.digest.removeprefix('sha256:')}-{name}"
        if path.is_file() and sha256_file(path) == asset.digest:
            return path
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{path.name}.lock"):
            found = resume(path, asset.digest, lambda partial: self._download(asset, name, partial))
        if found != asset.digest:
            raise PlatformError(
                f"the asset {name} is {found}, the state says {asset.digest}",
                code="registry/file-damaged",
                hint=HAVE_ANOTHER,
            )
        return path

    def _download(self, asset: Asset, name: str, partial: Path) -> None:
        try:
            self.client.download(f"releases/assets/{asset.id}", partial, needs=READ, size=asset.size)
        except GitHubError as error:
            if error.status == 404:
                raise PlatformError(
                    f"the asset {name} of this version is gone: it, its release or its tag was deleted by hand",
                    code="registry/file-missing",
                    hint=HAVE_ANOTHER,
                ) from error
            raise

    def _found(self, release: Mapping[str, Any]) -> Release:
        assets = release["assets"]
        if len(assets) >= PAGE_OF_ASSETS:
            assets = self.client.pages(f"releases/{release['id']}/assets", needs=READ)
        named = {str(each["name"]): each for each in assets}
        return Release(int(release["id"]), bool(release["draft"]), str(release["upload_url"]), named)

    def _again(self, release: int) -> Release:
        found = self.get(release)
        if found is None:
            raise PlatformError(
                f"the draft of this version, release {release}, was deleted",
                code="registry/draft-deleted",
                hint="Run again.",
            )
        return found

    def _why_not(self, error: GitHubError) -> Exception:
        words = error.said.lower()
        if error.status == 422 and ("immutable release" in words or "already_exists" in words):
            return NumberTaken()
        return explained(error, f"the tag {self.tag('v*')}", self.tag("**"))


PAGE_OF_ASSETS = 30
"""Assets that GitHub shows with their release; more are paged."""


def assets_of(found: Release) -> dict[str, Asset]:
    """Return the assets as the state keeps them."""
    named = {name: found.assets[name] for name in NAMES}
    return {name: Asset(id=each["id"], digest=each["digest"], size=each["size"]) for name, each in named.items()}


def _whole(asset: Mapping[str, Any], part: Packed) -> bool:
    return (asset.get("digest"), asset.get("size"), asset.get("state")) == (part.digest, part.size, "uploaded")


def _other_bytes(name: str, asset: Mapping[str, Any], part: Packed) -> PlatformError:
    return PlatformError(
        f"GitHub has {name} as {asset.get('digest') or 'no digest'} with {asset.get('size', 0)} bytes "
        f"({asset.get('state', 'missing')}), sent was {part.digest} with {part.size} bytes",
        code="registry/upload-differs",
        hint="Run again; nothing was published.",
    )


class NumberTaken(Exception):  # noqa: N818 - it says what happened
    """The tag of this number can be used no more."""
