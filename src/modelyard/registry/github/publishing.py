"""Publish a version as a release: take a number, make its draft, fill it, compare, publish, and name it in the state.

A version exists from the commit on that names it. Each step before can be the last that a run does, and the next run
goes on from there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from modelyard.core.canonical import canonical
from modelyard.core.errors import PlatformError
from modelyard.core.files import sha256_file
from modelyard.records.manifest import Manifest, Sealed
from modelyard.registry import operations
from modelyard.registry.base import working_folder
from modelyard.registry.github.archives import Packed, entries, pack, refuse_too_large
from modelyard.registry.github.documents import (
    Asset,
    Change,
    Pending,
    RegistryState,
    Snapshot,
    StoredVersion,
    VersionIndexEntry,
    version_of,
    with_state,
)
from modelyard.registry.github.releases import MANIFEST, NumberTaken, Release, Releases, assets_of
from modelyard.registry.github.state import BRANCH, PUSH_BACK, StateBranch
from modelyard.registry.journal import format_time
from modelyard.registry.protocol import Bundle, Version

_NUMBERS = 20
"""Numbers that were burned or taken by others, while one version is published."""
_ABANDONED = timedelta(days=1)
"""After that nobody is publishing any more; a job ends after six hours."""


@dataclass(frozen=True)
class _Place:
    """A number that is taken for one manifest."""

    manifest: Manifest
    release: int | None
    resumed: bool


class _Overtaken(Exception):  # noqa: N818 - it says what happened
    """Another attempt of the very same publication was faster, and has a draft of its own."""


@dataclass
class Publisher:
    """Publications of one model."""

    branch: StateBranch
    releases: Releases
    model: str
    scratch: Path
    now: Callable[[], datetime]

    def publish(self, bundle: Bundle) -> Version:
        """Store a version, visible last, or return the same one that is there already."""
        refuse_too_large(bundle.files)
        files = entries(bundle.files)
        sources = {file.digest: bundle.files[file.path] for file in files}

        def make(name: str, created: str) -> Manifest:
            return operations.manifest_of(
                bundle.content, files, int(name[1:]), datetime.fromisoformat(created),
                lambda file: sources[file.digest].read_bytes(),
            )  # fmt: skip

        identity = make("v1", format_time(self.now())).identity  # what cannot be published leaves no trace
        self._settle(identity)
        burned: set[str] = set()
        with working_folder(self.scratch) as folder:
            packed: dict[str, Packed] = {}
            for _ in range(_NUMBERS):
                place = self._take(identity, make, burned, folder)
                if isinstance(place, Version):
                    return place
                packed = packed or pack(files, bundle.files, folder)
                try:
                    return self._publish(place, packed, folder)
                except NumberTaken:
                    burned.add(place.manifest.name)
                except _Overtaken:
                    continue
        raise PlatformError(
            f"versions of {self.model} are being published without pause", code="registry/busy", hint="Run again later."
        )

    def _take(
        self, identity: str, make: Callable[[str, str], Manifest], burned: set[str], folder: Path
    ) -> _Place | Version:
        """Take a number in the state, or the one that an earlier run took for the same thing."""

        def decide(at: Snapshot) -> tuple[Change | None, _Place | Version]:
            if known := self._same(at, identity):
                return None, known
            for name, pending in at.held.pending.items():
                if pending.identity == identity and name not in burned:
                    manifest = make(name, pending.created)
                    if manifest.digest == pending.manifest:
                        return None, _Place(manifest, pending.release, resumed=True)
            name = self._free(at, burned, folder)
            created = format_time(self.now())
            manifest = make(name, created)
            others = {each: pending for each, pending in at.held.pending.items() if each not in burned}
            mine = Pending(identity=identity, manifest=manifest.digest, created=created)
            held = at.held.model_copy(update={"pending": {**others, name: mine}})
            return Change(with_state({}, held), f"{self.model} {name} begins"), _Place(manifest, None, resumed=False)

        return self.branch.change(decide)

    def _free(self, at: Snapshot, burned: set[str], folder: Path) -> str:
        """Return the next number whose tag is not there; it was burned, where no release of ours has it.

        Raises:
            PlatformError: a release of ours has it, so the state is an older one.
        """
        number = max([at.held.newest, *(int(name[1:]) for name in burned)]) + 1
        while (name := f"v{number}") and self.releases.tag_at(name) is not None:
            self._refuse_ours(name, folder)
            burned.add(name)
            number += 1
        return name

    def refuse_rewound(self, at: Snapshot) -> None:
        """Refuse a state that was put back to an older one: a release of ours has the next number.

        Raises:
            PlatformError: it was.
        """
        name = f"v{at.held.newest + 1}"
        if self.releases.tag_at(name) is not None:
            with working_folder(self.scratch) as folder:
                self._refuse_ours(name, folder)

    def _refuse_ours(self, name: str, folder: Path) -> None:
        found = self.releases.by_tag(name)
        sealed = None if found is None else self.releases.manifest_of(found, folder)
        if sealed is not None and sealed.manifest.name == name:
            raise PlatformError(
                f"{name} of {self.model} was published, and the branch {BRANCH} knows nothing of it: the branch was "
                "put back to an older commit",
                code="registry/state-rewound",
                hint=f"{PUSH_BACK} Where {name} was never a version, delete its release and its tag.",
            )

    def _publish(self, place: _Place, packed: Mapping[str, Packed], folder: Path) -> Version:
        """Draft, fill, compare, publish, name."""
        manifest = place.manifest
        sealed = folder / MANIFEST
        sealed.write_bytes(Sealed.seal(manifest).to_bytes())
        parts = {MANIFEST: Packed(sealed, sha256_file(sealed), sealed.stat().st_size), **packed}
        draft = self._draft(place)
        self.releases.fill(draft, parts)
        try:
            assets = self.releases.publish(draft.id, parts)
        except NumberTaken:
            self.releases.remove(draft.id)
            raise
        return self._name(manifest, draft.id, assets)

    def _draft(self, place: _Place) -> Release:
        """Return the draft of a place, kept in the state by its number."""
        manifest = place.manifest
        if place.release is not None and (found := self.releases.get(place.release)) is not None:
            return found
        found = self.releases.draft_of(manifest.name, manifest.digest) if place.resumed else None
        found = found or self.releases.make_draft(manifest)

        def decide(at: Snapshot) -> tuple[Change | None, int | None]:
            pending = at.held.pending.get(manifest.name)
            if pending is None or pending.manifest != manifest.digest:
                named = self.branch.known(at, manifest.name) is not None
                return None, self.branch.stored(at, manifest.name).release if named else None
            if pending.release not in (None, place.release, found.id):
                return None, pending.release
            mine = pending.model_copy(update={"release": found.id})
            held = at.held.model_copy(update={"pending": {**at.held.pending, manifest.name: mine}})
            return Change(with_state({}, held), f"{self.model} {manifest.name} has a draft"), found.id

        kept = self.branch.change(decide)
        if kept == found.id:
            return found
        self.releases.remove(found.id)
        raise _Overtaken

    def _name(self, manifest: Manifest, release: int, assets: dict[str, Asset]) -> Version:
        """Make a published release a version."""
        commit = self.releases.tag_at(manifest.name) or ""
        stored = StoredVersion(sealed=Sealed.seal(manifest), release=release, assets=assets, commit=commit)
        data = canonical(stored.model_dump(mode="json", by_alias=True)) + b"\n"

        def decide(at: Snapshot) -> tuple[Change | None, Version]:
            if known := self._same(at, manifest.identity):
                return None, known
            digests = {"model": manifest.model_digest, "identity": manifest.identity, "manifest": stored.sealed.digest}
            entry = VersionIndexEntry(**digests)
            files, held = self.branch.added(at, manifest.name, entry)
            files[f"versions/{manifest.name}.json"] = data
            held = _without(held, manifest.name)
            return Change(with_state(files, held), f"{self.model} {manifest.name} published"), version_of(stored)

        return self.branch.change(decide)

    def _settle(self, identity: str) -> None:
        """Finish or clear away what other runs left: a release that they published is named, an old draft deleted."""
        for name, pending in self.branch.read().held.pending.items():
            if pending.identity == identity:
                continue
            found = None if pending.release is None else self.releases.get(pending.release)
            if found is not None and not found.draft:
                with working_folder(self.scratch) as folder:
                    sealed = self.releases.manifest_of(found, folder)
                if sealed is not None and sealed.digest == pending.manifest:
                    self._name(sealed.manifest, found.id, assets_of(found))
                    continue
            if self.now() - datetime.fromisoformat(pending.created) > _ABANDONED:
                self._give_up(name, pending, found)

    def _give_up(self, name: str, pending: Pending, found: Release | None) -> None:
        if pending.release is None:
            found = self.releases.draft_of(name, pending.manifest)
        if found is not None and found.draft:
            self.releases.remove(found.id)

        def decide(at: Snapshot) -> tuple[Change | None, None]:
            if at.held.pending.get(name) != pending:
                return None, None
            return Change(with_state({}, _without(at.held, name)), f"{self.model} {name} is given up"), None

        self.branch.change(decide)

    def _same(self, at: Snapshot, identity: str) -> Version | None:
        for name, known in self.branch.all_known(at).items():
            if known.identity == identity and not at.held.journal.is_removed(int(name[1:])):
                return version_of(self.branch.stored(at, name))
        return None


def _without(held: RegistryState, name: str) -> RegistryState:
    pending = {each: known for each, known in held.pending.items() if each != name}
    return held.model_copy(update={"pending": pending})
