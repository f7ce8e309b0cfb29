"""The github registry: releases hold the bytes, the state branch says which versions there are and where aliases point.

A version exists from the commit on that names it, so a run that is killed leaves a draft or a tag behind and nothing
that anybody could mistake for a version.
"""

import random
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from modelyard.errors import DataError, PlatformError
from modelyard.files import disk_errors
from modelyard.github.client import GitHub
from modelyard.records.canonical import canonical
from modelyard.records.chain import Broken
from modelyard.records.manifest import FileEntry, Manifest, Sealed
from modelyard.records.results import Evaluation
from modelyard.registry import github_releases as packing
from modelyard.registry import moves
from modelyard.registry import reference as ref
from modelyard.registry.base import Bundle, Leftover, Version, VersionRemoved
from modelyard.registry.github_releases import NumberTaken, Releases
from modelyard.registry.github_state import (
    Asset,
    Change,
    Held,
    Known,
    Snapshot,
    StateBranch,
    Stored,
    version_of,
    with_state,
)
from modelyard.registry.journal import JournalEntry, Move

_NUMBERS = 20
"""Numbers that others may take while one version is published."""


class GitHubRegistry:
    """The versions, aliases and history of one model in a repository.

    Args:
        client: the repository.
        model: name of the model.
        scratch: a folder for archives on their way; what is in it can be deleted at any time.
        target: the commit that a version's tag points at; the default branch's where it is empty.
        now: the clock.
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
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        rng: random.Random | None = None,
    ) -> None:
        self.model = model
        self._branch = StateBranch(client, model, rng or random.Random())  # noqa: S311 - it only spreads pauses
        self._releases = Releases(client, model, target, now)
        self._scratch = scratch
        self._now = now

    def publish(self, bundle: Bundle) -> Version:
        """Store a version; it becomes visible last. See ``Registry.publish``."""
        if bundle.content.model != self.model:
            raise DataError(f"a version of {bundle.content.model} cannot be published as one of {self.model}")
        files = packing.entries(bundle.files)
        sources = {file.digest: bundle.files[file.path] for file in files}
        self._manifest(bundle, files, sources, 1)  # what cannot be published leaves no trace
        self._branch.begin()
        with self._folder() as folder:
            packed: dict[str, packing.Packed] = {}
            for _ in range(_NUMBERS):
                at = self._branch.read()
                taken = self._releases.burned()
                number = max([*at.held.numbers, *taken], default=0) + 1
                manifest = self._manifest(bundle, files, sources, number)
                if known := self._same(at, manifest.identity):
                    return known
                packed = packed or packing.pack(files, bundle.files, folder)
                lost = [burned for burned in taken if burned not in at.held.numbers]
                left = self._releases.left_behind(max(lost), manifest.identity, folder) if lost else None
                try:
                    found = left or (manifest, *self._releases.publish(manifest, packed, folder))
                except NumberTaken:
                    continue
                version = self._name(*found)
                self._releases.sweep()
                return version
        raise PlatformError(f"versions of {self.model} are being published without pause", do="Run again later.")

    def resolve(self, reference: str) -> Version:
        """The version that a reference means. See ``Registry.resolve``."""
        parsed = ref.parse(reference)
        at = self._branch.read()
        aliases = at.held.journal.aliases
        match parsed:
            case ref.ByNumber(number):
                if number not in at.held.numbers:
                    raise ref.unknown_number(number, at.held.numbers)
                return self._kept(at, f"v{number}")
            case ref.ByDigest(prefix):
                known = [(int(name[1:]), each.model) for name, each in at.held.versions.items()]
                found = [pair for pair in known if pair[1].startswith(prefix)]
                kept = [pair for pair in found if not at.held.journal.is_removed(pair[0])]
                return self._kept(at, f"v{moves.one_of(prefix, kept or found, at.held.numbers)}")
            case ref.ByAlias(alias):
                if alias not in aliases:
                    raise ref.unknown_alias(alias, aliases)
                return self._load(at, aliases[alias])
            case ref.ByMoment(alias, until):
                newest_first = reversed(self._branch.entries(at))
                return self._kept(at, moves.served(newest_first, alias, until, self._now(), aliases))

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
        moves.refuse_unfounded(target, evidence=evidence, kind=kind)
        told = moves.said(actor, reason, command)

        def decide(at: Snapshot) -> tuple[Change, JournalEntry]:
            entry = moves.move(
                at.held.journal, alias, target, seen=seen, kind=kind, evidence=evidence, now=self._now(), said=told
            )
            files, held = self._branch.appended(at, entry)
            return Change(with_state(files, held), f"{self.model} {alias} is {target.name}, {kind}"), entry

        return self._branch.change(decide)

    def remove(self, version: str, *, actor: str, reason: str, command: str = "") -> JournalEntry:
        """Remove a version's release with its assets; its tag stays, so that its number is never used again.

        See ``Registry.remove``.
        """
        told = moves.said(actor, reason, command)
        try:
            target = self.resolve(version)
        except VersionRemoved as before:
            entry, name = before.entry, before.entry.to or ""
        else:

            def decide(at: Snapshot) -> tuple[Change | None, JournalEntry]:
                if at.held.journal.is_removed(target.number):  # by somebody else, since it was looked at
                    return None, moves.removed_error(target.name, reversed(self._branch.entries(at))).entry
                entry = moves.removal(at.held.journal, target, now=self._now(), said=told)
                files, held = self._branch.appended(at, entry)
                return Change(with_state(files, held), f"{self.model} {target.name} removed"), entry

            entry, name = self._branch.change(decide), target.name
        self._releases.remove(self._branch.stored(self._branch.read(), name).release)
        return entry

    def removed(self) -> tuple[Version, ...]:
        """Every version whose bytes were removed, oldest first."""
        at = self._branch.read()
        return tuple(self._load(at, f"v{number}") for number in at.held.numbers if at.held.journal.is_removed(number))

    def leftovers(self) -> tuple[Leftover, ...]:
        """Drafts, releases that no version names, and releases of removed versions. See ``Registry.leftovers``."""
        return tuple(found for _, found in self._unneeded())

    def discard(self, leftovers: Iterable[Leftover]) -> None:
        """Delete releases that no version needs. See ``Registry.discard``."""
        names = {leftover.name for leftover in leftovers}
        for release, found in self._unneeded() if names else ():
            if found.name in names:
                self._releases.remove(release)

    def _unneeded(self) -> list[tuple[int, Leftover]]:
        held = self._branch.read().held
        kept = {number for number in held.numbers if not held.journal.is_removed(number)}
        removed = {number for number in held.numbers if held.journal.is_removed(number)}
        return list(self._releases.unneeded(kept, removed))

    def append(
        self, *, actor: str, reason: str, command: str = "", evaluation: Evaluation | None = None
    ) -> JournalEntry:
        """Add a note, or one look at a test set, to the journal."""
        told = moves.said(actor, reason, command)

        def decide(at: Snapshot) -> tuple[Change, JournalEntry]:
            entry = moves.note(at.held.journal, now=self._now(), said=told, evaluation=evaluation)
            files, held = self._branch.appended(at, entry)
            return Change(with_state(files, held), f"{self.model} {entry.kind}"), entry

        return self._branch.change(decide)

    def history(self, alias: str | None = None, *, newest: int | None = None) -> tuple[JournalEntry, ...]:
        """The moves of one alias or of all, oldest first. See ``Registry.history``."""
        found = [entry for entry in self.entries() if entry.alias is not None and alias in (None, entry.alias)]
        return tuple(found if newest is None else found[len(found) - min(newest, len(found)) :])

    def entries(self) -> tuple[JournalEntry, ...]:
        """The whole journal, oldest first, checked link by link against the state."""
        return self._branch.entries(self._branch.read())

    def fetch(self, version: Version, target: Path) -> None:
        """Copy a version's files into a new folder, whole or not at all. See ``Registry.fetch``."""
        if target.exists() or target.is_symlink():
            raise PlatformError(f"{target} is there already", do="Name a folder that does not exist yet.")
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
        """Files of a version that are missing or not what its manifest says."""
        broken = []
        for file in version.manifest.files:
            try:
                self.read(version, file.path)
            except PlatformError as error:
                broken.append(Broken(f"{version.name} {file.path}", error.found))
        return tuple(broken)

    def list(self) -> tuple[Version, ...]:
        """Every version that was not removed, oldest first."""
        at = self._branch.read()
        gone = at.held.journal.is_removed
        return tuple(self._load(at, f"v{number}") for number in at.held.numbers if not gone(number))

    def _manifest(
        self, bundle: Bundle, files: tuple[FileEntry, ...], sources: Mapping[str, Path], number: int
    ) -> Manifest:
        return moves.manifest_of(
            bundle.content, files, number, self._now(), lambda file: sources[file.digest].read_bytes()
        )

    def _load(self, at: Snapshot, name: str) -> Version:
        return version_of(self._branch.stored(at, name))

    def _kept(self, at: Snapshot, name: str) -> Version:
        if at.held.journal.is_removed(int(name.removeprefix("v"))):
            raise moves.removed_error(name, reversed(self._branch.entries(at)))
        return self._load(at, name)

    def _stored(self, version: Version) -> Stored:
        """Where the bytes of a version are, as long as they were not removed."""
        at = self._branch.read()
        self._kept(at, version.name)
        return self._branch.stored(at, version.name)

    def _same(self, at: Snapshot, identity: str) -> Version | None:
        for name, known in at.held.versions.items():
            if known.identity == identity and not at.held.journal.is_removed(int(name[1:])):
                return self._load(at, name)
        return None

    def _name(self, manifest: Manifest, release: int, assets: dict[str, Asset]) -> Version:
        """Make a published release a version."""
        stored = Stored(sealed=Sealed.seal(manifest), release=release, assets=assets)
        data = canonical(stored.model_dump(mode="json", by_alias=True)) + b"\n"

        def decide(at: Snapshot) -> tuple[Change | None, Version]:
            if known := self._same(at, manifest.identity):
                return None, known
            entry = Known(model=manifest.model_digest, identity=manifest.identity, manifest=stored.sealed.digest)
            held: Held = at.held.model_copy(update={"versions": {**at.held.versions, manifest.name: entry}})
            files = with_state({f"versions/{manifest.name}.json": data}, held)
            return Change(files, f"{self.model} {manifest.name} published"), version_of(stored)

        return self._branch.change(decide)

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """A folder for one operation, gone with it."""
        with disk_errors(self._scratch):
            self._scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            yield Path(folder)
