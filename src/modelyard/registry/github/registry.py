"""The github registry: releases hold the bytes, the state branch says which versions there are and where aliases point.

A version exists from the commit on that names it. Before that its number is taken by a commit, then its draft is made,
filled, compared and published; each of these can be the last that a run does, and the next one goes on from there.
"""

import random
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from modelyard.core.canonical import canonical
from modelyard.core.errors import DataError, ModelyardError, PlatformError
from modelyard.core.files import disk_errors, sha256_file
from modelyard.github.client import GitHub
from modelyard.records.chain import Broken
from modelyard.records.manifest import FileEntry, Manifest, Sealed
from modelyard.records.results import Evaluation
from modelyard.registry import operations
from modelyard.registry import reference as ref
from modelyard.registry.github import releases as packing
from modelyard.registry.github.releases import NumberTaken, Packed, Release, Releases
from modelyard.registry.github.state import (
    BRANCH,
    PUSH_BACK,
    Asset,
    Change,
    Pending,
    RegistryState,
    Snapshot,
    StateBranch,
    StoredVersion,
    VersionIndexEntry,
    version_of,
    with_state,
)
from modelyard.registry.journal import JournalEntry, Move, format_time
from modelyard.registry.protocol import Bundle, Orphan, Version, VersionRemoved

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


class GitHubRegistry:
    """The versions, aliases and history of one model in a repository.

    Args:
        client: the repository.
        model: name of the model.
        scratch: a folder for archives on their way; what is in it can be deleted at any time.
        target: the commit that a version's tag points at; the default branch's where it is empty.
        now: the clock; GitHub's own, where none is given.
        rng: spreads the pauses after lost races.
    """

    kind = "github"

    def __init__(
        self,
        client: GitHub,
        model: str,
        *,
        scratch: Path,
        target: str = "",
        now: Callable[[], datetime] | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.model = model
        self._branch = StateBranch(client, model, rng or random.Random())  # noqa: S311 - it only spreads pauses
        self._releases = Releases(client, model, target)
        self._scratch = scratch
        self._now = now or client.now

    def publish(self, bundle: Bundle) -> Version:
        """Store a version; it becomes visible last. See ``Registry.publish``."""
        if bundle.content.model != self.model:
            raise DataError(f"a version of {bundle.content.model} cannot be published as one of {self.model}")
        packing.refuse_too_large(bundle.files)
        files = packing.entries(bundle.files)
        sources = {file.digest: bundle.files[file.path] for file in files}

        def make(name: str, created: str) -> Manifest:
            return operations.manifest_of(
                bundle.content, files, int(name[1:]), datetime.fromisoformat(created),
                lambda file: sources[file.digest].read_bytes(),
            )  # fmt: skip

        identity = make("v1", format_time(self._now())).identity  # what cannot be published leaves no trace
        self._settle(identity)
        burned: set[str] = set()
        with self._folder() as folder:
            packed: dict[str, Packed] = {}
            for _ in range(_NUMBERS):
                place = self._take(identity, make, burned, folder)
                if isinstance(place, Version):
                    return place
                packed = packed or packing.pack(files, bundle.files, folder)
                try:
                    return self._publish(place, packed, folder)
                except NumberTaken:
                    burned.add(place.manifest.name)
                except _Overtaken:
                    continue
        raise PlatformError(f"versions of {self.model} are being published without pause", hint="Run again later.")

    def resolve(self, reference: str) -> Version:
        """The version that a reference means. See ``Registry.resolve``."""
        parsed = ref.parse(reference)
        at = self._branch.read()
        aliases = at.held.journal.aliases
        match parsed:
            case ref.ByNumber(number):
                if self._branch.known(at, f"v{number}") is None:
                    raise ref.unknown_number(number, self._numbers(at))
                return self._kept(at, f"v{number}")
            case ref.ByDigest(prefix):
                known = [(int(name[1:]), each.model) for name, each in self._branch.all_known(at).items()]
                found = [pair for pair in known if pair[1].startswith(prefix)]
                kept = [pair for pair in found if not at.held.journal.is_removed(pair[0])]
                return self._kept(at, f"v{operations.one_of(prefix, kept or found, self._numbers(at))}")
            case ref.ByAlias(alias):
                if alias not in aliases:
                    raise ref.unknown_alias(alias, aliases)
                return self._load(at, aliases[alias])
            case ref.ByMoment(alias, until):
                newest_first = self._branch.newest_first(at)
                return self._kept(at, operations.served(newest_first, alias, until, self._now(), aliases))

    def find(self, alias: str) -> Version | None:
        """The version that an alias points at now, if any."""
        at = self._branch.read()
        name = at.held.journal.aliases.get(alias)
        return None if name is None else self._load(at, name)

    def previous(self, alias: str) -> Version | None:
        """The version that an alias pointed at before its last move, if any."""
        at = self._branch.read()
        name = at.held.journal.previous.get(alias)
        return None if name is None else self._kept(at, name)

    def set_alias(
        self,
        alias: str,
        version: str,
        *,
        seen: str | None,
        actor: str,
        reason: str,
        evidence: str,
        kind: Move,
        command: str = "",
    ) -> JournalEntry:
        """Move an alias by compare-and-swap. See ``Registry.set_alias``."""
        ref.check_alias(alias)
        target = self.resolve(version)
        operations.refuse_unfounded(target, evidence=evidence, kind=kind)
        self._refuse_incomplete(target)
        told = operations.said(actor, reason, command)

        def decide(at: Snapshot) -> tuple[Change, JournalEntry]:
            self._refuse_rewound(at)
            entry = operations.move(
                at.held.journal, alias, target, seen=seen, kind=kind, evidence=evidence, now=self._now(), said=told
            )
            files, held = self._branch.appended(at, entry)
            return Change(with_state(files, held), f"{self.model} {alias} is {target.name}, {kind}"), entry

        return self._branch.change(decide)

    def remove(self, version: str, *, actor: str, reason: str, command: str = "") -> JournalEntry:
        """Remove a version's release with its assets; its tag stays, so that its number is never used again.

        See ``Registry.remove``.
        """
        told = operations.said(actor, reason, command)
        try:
            target = self.resolve(version)
        except VersionRemoved as before:
            entry, name = before.entry, before.entry.to or ""
        else:

            def decide(at: Snapshot) -> tuple[Change | None, JournalEntry]:
                if at.held.journal.is_removed(target.number):  # by somebody else, since it was looked at
                    return None, operations.removed_error(target.name, self._branch.newest_first(at)).entry
                self._refuse_rewound(at)
                entry = operations.removal(at.held.journal, target, now=self._now(), said=told)
                files, held = self._branch.appended(at, entry)
                return Change(with_state(files, held), f"{self.model} {target.name} removed"), entry

            entry, name = self._branch.change(decide), target.name
        self._releases.remove(self._branch.stored(self._branch.read(), name).release)
        return entry

    def removed(self) -> tuple[Version, ...]:
        """Every version whose bytes were removed, oldest first."""
        at = self._branch.read()
        gone = at.held.journal.is_removed
        return tuple(self._load(at, f"v{number}") for number in self._numbers(at) if gone(number))

    def orphans(self) -> tuple[Orphan, ...]:
        """Drafts, releases that no version names, and releases of removed versions. See ``Registry.orphans``."""
        return tuple(found for _, found in self._orphans_by_release())

    def discard(self, orphans: Iterable[Orphan]) -> None:
        """Delete releases that no version needs. See ``Registry.discard``."""
        names = {orphan.name for orphan in orphans}
        for release, found in self._orphans_by_release() if names else ():
            if found.name in names:
                self._releases.remove(release)

    def _orphans_by_release(self) -> list[tuple[int, Orphan]]:
        at = self._branch.read()
        numbers, gone = set(self._numbers(at)), at.held.journal.is_removed
        begun = {each.release: datetime.fromisoformat(each.created) for each in at.held.pending.values()}
        found = self._releases.orphans({number for number in numbers if not gone(number)}, filter(gone, numbers), begun)
        return [
            (release, orphan)
            for release, number, orphan in found
            if number not in numbers or gone(number) or self._branch.stored(at, f"v{number}").release != release
        ]

    def append(
        self, *, actor: str, reason: str, command: str = "", evaluation: Evaluation | None = None
    ) -> JournalEntry:
        """Add a note, or one look at a test set, to the journal."""
        told = operations.said(actor, reason, command)

        def decide(at: Snapshot) -> tuple[Change, JournalEntry]:
            self._refuse_rewound(at)
            entry = operations.note(at.held.journal, now=self._now(), said=told, evaluation=evaluation)
            files, held = self._branch.appended(at, entry)
            return Change(with_state(files, held), f"{self.model} {entry.kind}"), entry

        return self._branch.change(decide)

    def history(self, alias: str | None = None, *, newest: int | None = None) -> tuple[JournalEntry, ...]:
        """The moves of one alias or of all, oldest first. See ``Registry.history``."""
        at = self._branch.read()
        wanted = (entry for entry in self._branch.newest_first(at) if entry.alias and alias in (None, entry.alias))
        return tuple(islice(wanted, newest))[::-1]

    def entries(self) -> tuple[JournalEntry, ...]:
        """The whole journal, oldest first, checked link by link against the state."""
        return self._branch.entries(self._branch.read())

    def fetch(self, version: Version, target: Path) -> None:
        """Copy a version's files into a new folder, whole or not at all. See ``Registry.fetch``."""
        if target.exists() or target.is_symlink():
            raise PlatformError(f"{target} is there already", hint="Name a folder that does not exist yet.")
        stored = self._stored(version)
        with disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            home = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            for name in (packing.RECORDS, packing.MODEL):
                archive = self._releases.fetch(stored.assets[name], name, self._scratch / "assets")
                inside = [file for file in version.manifest.files if packing.archive_of(file.path) == name]
                packing.unpack(archive, inside, lambda file: home / file.path)
            with disk_errors(target):
                home.chmod(0o755)
                home.rename(target)
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def read(self, version: Version, path: str) -> bytes:
        """One file of a version, checked."""
        entry = next((file for file in version.manifest.files if file.path == path), None)
        if entry is None:
            raise PlatformError(f"{version.name} has no file {path!r}")
        stored, name = self._stored(version), packing.archive_of(path)
        archive = self._releases.fetch(stored.assets[name], name, self._scratch / "assets")
        with self._folder() as folder:
            packing.unpack(archive, [entry], lambda _: folder / "file")
            return (folder / "file").read_bytes()

    def damaged(self, version: Version) -> tuple[Broken, ...]:
        """Files of a version that are missing or not what its manifest says, and a tag that is gone or was moved."""
        stored = self._stored(version)
        broken = []
        for name in (packing.RECORDS, packing.MODEL):
            files = [file for file in version.manifest.files if packing.archive_of(file.path) == name]
            try:
                archive = self._releases.fetch(stored.assets[name], name, self._scratch / "assets")
            except PlatformError as error:
                broken += [Broken(f"{version.name} {file.path}", error.message) for file in files]
                continue
            broken += [Broken(f"{version.name} {file.path}", why) for file in files if (why := _wrong(archive, file))]
        tag = self._releases.tag(version.name)
        at = self._releases.tag_at(version.name)
        if at is None:
            broken.append(Broken(f"{version.name} {tag}", "the tag was deleted by hand, so its release is a draft now"))
        elif stored.commit and at != stored.commit:
            broken.append(Broken(f"{version.name} {tag}", f"the tag was moved from {stored.commit} to {at}"))
        return tuple(sorted(broken, key=lambda each: each.where))

    def list(self) -> tuple[Version, ...]:
        """Every version that was not removed, oldest first."""
        at = self._branch.read()
        gone = at.held.journal.is_removed
        return tuple(self._load(at, f"v{number}") for number in self._numbers(at) if not gone(number))

    def _numbers(self, at: Snapshot) -> Sequence[int]:
        return [int(name[1:]) for name in self._branch.all_known(at)]

    def _load(self, at: Snapshot, name: str) -> Version:
        return version_of(self._branch.stored(at, name))

    def _kept(self, at: Snapshot, name: str) -> Version:
        if at.held.journal.is_removed(int(name.removeprefix("v"))):
            raise operations.removed_error(name, self._branch.newest_first(at))
        return self._load(at, name)

    def _stored(self, version: Version) -> StoredVersion:
        """Where the bytes of a version are, as long as they were not removed."""
        at = self._branch.read()
        self._kept(at, version.name)
        return self._branch.stored(at, version.name)

    def _same(self, at: Snapshot, identity: str) -> Version | None:
        for name, known in self._branch.all_known(at).items():
            if known.identity == identity and not at.held.journal.is_removed(int(name[1:])):
                return self._load(at, name)
        return None

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
            created = format_time(self._now())
            manifest = make(name, created)
            others = {each: pending for each, pending in at.held.pending.items() if each not in burned}
            mine = Pending(identity=identity, manifest=manifest.digest, created=created)
            held = at.held.model_copy(update={"pending": {**others, name: mine}})
            return Change(with_state({}, held), f"{self.model} {name} begins"), _Place(manifest, None, resumed=False)

        return self._branch.change(decide)

    def _free(self, at: Snapshot, burned: set[str], folder: Path) -> str:
        """The next number whose tag is not there; it was burned, where no release of ours has it.

        Raises:
            PlatformError: a release of ours has it, so the state is an older one.
        """
        number = max([at.held.newest, *(int(name[1:]) for name in burned)]) + 1
        while (name := f"v{number}") and self._releases.tag_at(name) is not None:
            self._refuse_ours(name, folder)
            burned.add(name)
            number += 1
        return name

    def _refuse_rewound(self, at: Snapshot) -> None:
        name = f"v{at.held.newest + 1}"
        if self._releases.tag_at(name) is not None:
            with self._folder() as folder:
                self._refuse_ours(name, folder)

    def _refuse_ours(self, name: str, folder: Path) -> None:
        found = self._releases.by_tag(name)
        sealed = None if found is None else self._releases.manifest_of(found, folder)
        if sealed is not None and sealed.manifest.name == name:
            raise PlatformError(
                f"{name} of {self.model} was published, and the branch {BRANCH} knows nothing of it: the branch was "
                "put back to an older commit",
                hint=f"{PUSH_BACK} Where {name} was never a version, delete its release and its tag.",
            )

    def _publish(self, place: _Place, packed: Mapping[str, Packed], folder: Path) -> Version:
        """Draft, fill, compare, publish, name."""
        manifest = place.manifest
        sealed = folder / packing.MANIFEST
        sealed.write_bytes(Sealed.seal(manifest).to_bytes())
        parts = {packing.MANIFEST: Packed(sealed, sha256_file(sealed), sealed.stat().st_size), **packed}
        draft = self._draft(place)
        self._releases.fill(draft, parts)
        try:
            assets = self._releases.publish(draft.id, parts)
        except NumberTaken:
            self._releases.remove(draft.id)
            raise
        return self._name(manifest, draft.id, assets)

    def _draft(self, place: _Place) -> Release:
        """The draft of a place, kept in the state by its number."""
        manifest = place.manifest
        if place.release is not None and (found := self._releases.get(place.release)) is not None:
            return found
        found = self._releases.draft_of(manifest.name, manifest.digest) if place.resumed else None
        found = found or self._releases.make_draft(manifest)

        def decide(at: Snapshot) -> tuple[Change | None, int | None]:
            pending = at.held.pending.get(manifest.name)
            if pending is None or pending.manifest != manifest.digest:
                named = self._branch.known(at, manifest.name) is not None
                return None, self._branch.stored(at, manifest.name).release if named else None
            if pending.release not in (None, place.release, found.id):
                return None, pending.release
            mine = pending.model_copy(update={"release": found.id})
            held = at.held.model_copy(update={"pending": {**at.held.pending, manifest.name: mine}})
            return Change(with_state({}, held), f"{self.model} {manifest.name} has a draft"), found.id

        kept = self._branch.change(decide)
        if kept == found.id:
            return found
        self._releases.remove(found.id)
        raise _Overtaken

    def _name(self, manifest: Manifest, release: int, assets: dict[str, Asset]) -> Version:
        """Make a published release a version."""
        commit = self._releases.tag_at(manifest.name) or ""
        stored = StoredVersion(sealed=Sealed.seal(manifest), release=release, assets=assets, commit=commit)
        data = canonical(stored.model_dump(mode="json", by_alias=True)) + b"\n"

        def decide(at: Snapshot) -> tuple[Change | None, Version]:
            if known := self._same(at, manifest.identity):
                return None, known
            digests = {"model": manifest.model_digest, "identity": manifest.identity, "manifest": stored.sealed.digest}
            entry = VersionIndexEntry(**digests)
            files, held = self._branch.added(at, manifest.name, entry)
            files[f"versions/{manifest.name}.json"] = data
            held = _without(held, manifest.name)
            return Change(with_state(files, held), f"{self.model} {manifest.name} published"), version_of(stored)

        return self._branch.change(decide)

    def _settle(self, identity: str) -> None:
        """Finish or clear away what other runs left: a release that they published is named, an old draft deleted."""
        for name, pending in self._branch.read().held.pending.items():
            if pending.identity == identity:
                continue
            found = None if pending.release is None else self._releases.get(pending.release)
            if found is not None and not found.draft:
                with self._folder() as folder:
                    sealed = self._releases.manifest_of(found, folder)
                if sealed is not None and sealed.digest == pending.manifest:
                    self._name(sealed.manifest, found.id, packing.assets_of(found))
                    continue
            if self._now() - datetime.fromisoformat(pending.created) > _ABANDONED:
                self._give_up(name, pending, found)

    def _give_up(self, name: str, pending: Pending, found: Release | None) -> None:
        if pending.release is None:
            found = self._releases.draft_of(name, pending.manifest)
        if found is not None and found.draft:
            self._releases.remove(found.id)

        def decide(at: Snapshot) -> tuple[Change | None, None]:
            if at.held.pending.get(name) != pending:
                return None, None
            return Change(with_state({}, _without(at.held, name)), f"{self.model} {name} is given up"), None

        self._branch.change(decide)

    def _refuse_incomplete(self, target: Version) -> None:
        """Refuse to point at what cannot be fetched."""
        stored = self._branch.stored(self._branch.read(), target.name)
        found = self._releases.get(stored.release)
        if found is None or found.draft:
            why = "was deleted" if found is None else "is a draft, since its tag was deleted"
            raise PlatformError(
                f"the release of {target.name} {why}, so nobody could fetch it",
                hint=f"Publish the release again under the tag {self._releases.tag(target.name)}"
                f"{f' at {stored.commit}' if stored.commit else ''}, or point at another version.",
            )
        for name, asset in stored.assets.items():
            there = found.assets.get(name)
            if there is None or (there["id"], there.get("digest")) != (asset.id, asset.digest):
                raise PlatformError(
                    f"the asset {name} of {target.name} was deleted or replaced, so nobody could fetch it",
                    hint="Point at another version, or evaluate and promote the model again.",
                )

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """A folder for one operation, gone with it."""
        with disk_errors(self._scratch):
            self._scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            yield Path(folder)


def _without(held: RegistryState, name: str) -> RegistryState:
    pending = {each: known for each, known in held.pending.items() if each != name}
    return held.model_copy(update={"pending": pending})


def _wrong(archive: Path, file: FileEntry) -> str:
    """What is wrong with one file of an archive, or an empty string."""
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        try:
            packing.unpack(archive, [file], lambda _: Path(folder) / "file")
        except ModelyardError as error:
            return error.message
    return ""
