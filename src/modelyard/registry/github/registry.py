"""The github registry: releases hold the bytes, the state branch says which versions there are and what aliases are."""

import random
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from modelyard.core.errors import ModelyardError, PlatformError
from modelyard.github.client import GitHub
from modelyard.records.chain import Broken
from modelyard.records.manifest import FileEntry
from modelyard.registry.base import RegistryBase, View
from modelyard.registry.github import archives
from modelyard.registry.github.documents import Change, Snapshot, version_of, with_state
from modelyard.registry.github.publishing import Publisher
from modelyard.registry.github.releases import Releases
from modelyard.registry.github.state import RESTORE, StateBranch
from modelyard.registry.journal import JournalEntry, State
from modelyard.registry.protocol import Bundle, Orphan, Version


@dataclass(frozen=True)
class GitHubView(View):
    """The state branch at one commit."""

    branch: StateBranch
    at: Snapshot

    @property
    def journal(self) -> State:
        """What the journal adds up to."""
        return self.at.held.journal

    def numbers(self) -> Sequence[int]:
        """Return the number of every version."""
        return [int(name[1:]) for name in self.branch.all_known(self.at)]

    def has(self, number: int) -> bool:
        """Return whether there is such a version."""
        return self.branch.known(self.at, f"v{number}") is not None

    def load(self, number: int) -> Version:
        """Return a version."""
        return version_of(self.branch.stored(self.at, f"v{number}"))

    def newest_first(self) -> Iterator[JournalEntry]:
        """Iterate over the journal, newest entry first."""
        return self.branch.newest_first(self.at)

    def with_model(self, prefix: str) -> list[tuple[int, str]]:
        """Return number and model digest of the versions whose model digest begins so, by the state's index."""
        known = self.branch.all_known(self.at).items()
        return [(int(name[1:]), each.model) for name, each in known if each.model.startswith(prefix)]


class GitHubRegistry(RegistryBase[GitHubView]):
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
    restore_hint = RESTORE

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
        super().__init__(model, scratch, now or client.now)
        self._branch = StateBranch(client, model, rng or random.Random())  # noqa: S311 - it only spreads pauses
        self._releases = Releases(client, model, target)
        self._publisher = Publisher(self._branch, self._releases, model, scratch, self._now)

    def _view(self) -> GitHubView:
        return GitHubView(self._branch, self._branch.read())

    def _put(self, bundle: Bundle) -> Version:
        return self._publisher.publish(bundle)

    def _append(self, follow: Callable[[GitHubView], JournalEntry]) -> JournalEntry:
        def decide(at: Snapshot) -> tuple[Change, JournalEntry]:
            self._publisher.refuse_rewound(at)
            entry = follow(GitHubView(self._branch, at))
            files, held = self._branch.appended(at, entry)
            return Change(with_state(files, held), f"{self.model} {_summary(entry)}"), entry

        return self._branch.change(decide)

    def _get_all(self, view: GitHubView, version: Version, home: Path) -> None:
        for name in (archives.RECORDS, archives.MODEL):
            files = [file for file in version.manifest.files if archives.archive_of(file.path) == name]
            archives.unpack(self._archive(view, version, name), files, lambda file: home / file.path)

    def _get(self, view: GitHubView, version: Version, file: FileEntry, target: Path) -> None:
        archive = self._archive(view, version, archives.archive_of(file.path))
        archives.unpack(archive, [file], lambda _: target)

    def _archive(self, view: GitHubView, version: Version, name: str) -> Path:
        asset = self._branch.stored(view.at, version.name).assets[name]
        return self._releases.fetch(asset, name, self._scratch / "assets")

    def _drop(self, number: int) -> None:
        """Delete the release with its assets; its tag stays, so that its number is never used again."""
        self._releases.remove(self._branch.stored(self._branch.read(), f"v{number}").release)

    def orphans(self) -> tuple[Orphan, ...]:
        """Return drafts, releases that no version names, and releases of removed versions."""
        return tuple(orphan for _, orphan in self._orphans_by_release())

    def discard(self, orphans: Iterable[Orphan]) -> None:
        """Delete releases that no version needs."""
        names = {orphan.name for orphan in orphans}
        for release, orphan in self._orphans_by_release() if names else ():
            if orphan.name in names:
                self._releases.remove(release)

    def _orphans_by_release(self) -> list[tuple[int, Orphan]]:
        view = self._view()
        numbers, gone = set(view.numbers()), view.journal.is_removed
        begun = {each.release: datetime.fromisoformat(each.created) for each in view.at.held.pending.values()}
        candidates = self._releases.orphans(set(view.kept_numbers()), filter(gone, numbers), begun)
        return [
            (release, orphan)
            for release, number, orphan in candidates
            if number not in numbers or gone(number) or self._branch.stored(view.at, f"v{number}").release != release
        ]

    def entries(self) -> tuple[JournalEntry, ...]:
        """Return the whole journal, oldest first, checked link by link against the state."""
        return self._branch.entries(self._branch.read())

    def damaged(self, version: Version) -> tuple[Broken, ...]:
        """Return the files that are missing or not what the manifest says, and a tag that is gone or was moved."""
        view = self._view()
        view.refuse_removed(version.number)
        stored = self._branch.stored(view.at, version.name)
        broken = []
        for name in (archives.RECORDS, archives.MODEL):
            files = [file for file in version.manifest.files if archives.archive_of(file.path) == name]
            try:
                archive = self._archive(view, version, name)
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

    def _require_present(self, version: Version) -> None:
        """Refuse a version whose release or assets are gone or replaced."""
        stored = self._branch.stored(self._branch.read(), version.name)
        found = self._releases.get(stored.release)
        if found is None or found.draft:
            why = "was deleted" if found is None else "is a draft, since its tag was deleted"
            raise PlatformError(
                f"the release of {version.name} {why}, so nobody could fetch it",
                code="registry/file-missing",
                hint=f"Publish the release again under the tag {self._releases.tag(version.name)}"
                f"{f' at {stored.commit}' if stored.commit else ''}, or point at another version.",
            )
        for name, asset in stored.assets.items():
            there = found.assets.get(name)
            if there is None or (there["id"], there.get("digest")) != (asset.id, asset.digest):
                raise PlatformError(
                    f"the asset {name} of {version.name} was deleted or replaced, so nobody could fetch it",
                    code="registry/file-missing",
                    hint="Point at another version, or evaluate and promote the model again.",
                )


def _summary(entry: JournalEntry) -> str:
    """Return what the message of a commit says of an entry."""
    if entry.alias is not None:
        return f"{entry.alias} is {entry.to}, {entry.kind}"
    return f"{entry.to} {entry.kind}" if entry.to else entry.kind


def _wrong(archive: Path, file: FileEntry) -> str:
    """Return what is wrong with one file of an archive, or an empty string."""
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        try:
            archives.unpack(archive, [file], lambda _: Path(folder) / "file")
        except ModelyardError as error:
            return error.message
    return ""
