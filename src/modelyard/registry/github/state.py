"""The state branch of a repository: aliases, versions and journal of each model, one commit a change, never forced.

On the orphan branch ``modelyard-state`` a model has ``<model>/state.json`` (aliases, the newest versions, and those
that are being published), ``<model>/versions/v7.json`` (a sealed manifest and where its files are) and
``<model>/journal.jsonl``. What grows is closed and kept in files of its own: ``journal-000001.jsonl`` and so on, each
under 900 kB, and ``versions-000001.json``, which says of v1 to v1000 what they are. A reader reads one commit, so it
sees a change whole or not at all. A writer builds a commit on the head that it read and moves the branch without force:
where somebody else was faster, GitHub refuses, and the change is decided again on the new state. A number is taken in
the state before its release exists, so that a release above every number there means that the state is an older one.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import TypeAdapter

from modelyard.core.canonical import canonical
from modelyard.core.errors import PlatformError
from modelyard.core.files import sha256_bytes
from modelyard.github.client import GitHub, GitHubError
from modelyard.records.manifest import Sealed, why
from modelyard.registry.github.documents import (
    IN_A_FILE,
    READ,
    WRITE,
    Change,
    RegistryState,
    Snapshot,
    StoredVersion,
    VersionIndexEntry,
)
from modelyard.registry.github.rules import explained, lost_race
from modelyard.registry.journal import JournalEntry, VersionName, fold

BRANCH = "modelyard-state"
LARGEST_JOURNAL = 900_000
"""Bytes of one journal file; the contents interface gives files of up to 1 MB as they are."""
_TRIES = 15
_LOOK_BACK = 50
"""Commits behind the head among which one of ours is looked for after an answer was lost."""

Result = TypeVar("Result")


@dataclass
class StateBranch:
    """One model's part of the state branch."""

    client: GitHub
    model: str
    rng: random.Random = field(default_factory=random.Random)
    _files: dict[tuple[str, str], bytes | None] = field(default_factory=dict)
    _trees: dict[str, str] = field(default_factory=dict)

    def read(self) -> Snapshot:
        """Return the state now.

        Raises:
            PlatformError: the branch was deleted, or holds something else.
        """
        commit = self._head()
        if commit is None:
            self._refuse_deleted()
            return Snapshot(None, RegistryState(), begun=False)
        data = self.file(commit, "state.json")
        if data is None:
            self._refuse_deleted()
            return Snapshot(commit, RegistryState(), begun=False)
        try:
            held = RegistryState.model_validate_json(data)
        except ValueError as error:
            raise _damaged("state.json", why(error)) from error
        return Snapshot(commit, held)

    def file(self, commit: str, name: str) -> bytes | None:
        """Return a file of the model at a commit; None where it is not there."""
        key = (commit, name)
        if key not in self._files:
            try:
                path = f"contents/{self.model}/{name}"
                self._files[key] = self.client.raw(path, needs=READ, params={"ref": commit})
            except GitHubError as error:
                if error.status != 404:
                    raise
                self._files[key] = None
        return self._files[key]

    def known(self, at: Snapshot, name: str) -> VersionIndexEntry | None:
        """Return what the state says of a version; None where there is no such version."""
        file = _file_of(name)
        return at.held.versions.get(name) if file > at.held.filed else self._filed(at, file).get(name)

    def all_known(self, at: Snapshot) -> dict[str, VersionIndexEntry]:
        """Return what the state says of every version, oldest first."""
        older = [pair for file in range(1, at.held.filed + 1) for pair in self._filed(at, file).items()]
        return dict(sorted([*older, *at.held.versions.items()], key=lambda pair: int(pair[0][1:])))

    def added(self, at: Snapshot, name: str, known: VersionIndexEntry) -> tuple[dict[str, bytes], RegistryState]:
        """Return the files and the state that a new version makes; closed files stay, but for a late one."""
        file, files = _file_of(name), dict[str, bytes]()
        if file <= at.held.filed:
            files[_versions(file)] = _packed({**self._filed(at, file), name: known})
            return files, at.held
        versions, filed = {**at.held.versions, name: known}, at.held.filed
        while filed < file - 1:
            filed += 1
            files[_versions(filed)] = _packed(
                {each: versions.pop(each) for each in list(versions) if _file_of(each) <= filed}
            )
        return files, at.held.model_copy(update={"versions": versions, "filed": filed})

    def _filed(self, at: Snapshot, file: int) -> dict[str, VersionIndexEntry]:
        name = _versions(file)
        data = self.file(at.commit or "", name)
        if data is None:
            raise _damaged(name, "it is gone")
        try:
            return _KNOWN.validate_json(data)
        except ValueError as error:
            raise _damaged(name, why(error)) from error

    def stored(self, at: Snapshot, name: str) -> StoredVersion:
        """Return a version.

        Raises:
            PlatformError: its file is gone, or was changed.
        """
        data = self.file(at.commit or "", f"versions/{name}.json")
        if data is None:
            raise PlatformError(
                f"{name} is gone from the branch {BRANCH}", code="registry/version-missing", hint=RESTORE
            )
        try:
            found = StoredVersion.model_validate_json(data)
            sealed = Sealed.from_bytes(found.sealed.to_bytes())
        except ValueError as error:
            raise _damaged(f"versions/{name}.json", why(error)) from error
        known = self.known(at, name)
        if known is None or known.manifest != sealed.digest or sealed.manifest.model != self.model:
            raise _damaged(f"versions/{name}.json", "it is not the manifest that the state names")
        return found

    def entries(self, at: Snapshot) -> tuple[JournalEntry, ...]:
        """Return the journal, oldest first, checked link by link against the state.

        Raises:
            PlatformError: an entry is missing or was changed.
        """
        if at.commit is None:
            return ()
        names = [*(_journal(number) for number in range(1, at.held.closed + 1)), _NEWEST]
        found = [pair for name in names for pair in self._parsed(name, self._lines(at.commit, name))]
        if fold(found) != at.held.journal:
            raise _damaged(_NEWEST, "its entries do not add up to the state")
        return tuple(entry for entry, _ in found)

    def newest_first(self, at: Snapshot) -> Iterator[JournalEntry]:
        """Return the journal, newest first, each entry checked against the digest that the one after it names.

        Older files are read only where somebody goes on to them.

        Raises:
            PlatformError: an entry is missing or was changed.
        """
        seq, expected = at.held.journal.head, at.held.journal.head_digest
        if at.commit is None:
            return
        aliases = dict(at.held.journal.aliases)
        for name in (_NEWEST, *(_journal(number) for number in range(at.held.closed, 0, -1))):
            for entry, digest in reversed(list(self._parsed(name, self._lines(at.commit, name)))):
                if (entry.seq, digest) != (seq, expected):
                    raise _damaged(name, f"entry {entry.seq} is not the entry {seq} that is to follow")
                if entry.alias is not None and aliases.pop(entry.alias, entry.to) != entry.to:
                    raise _damaged("state.json", f"{entry.alias} is not at {entry.to}, where the journal moved it")
                yield entry
                seq, expected = seq - 1, entry.previous
        if seq:
            raise _damaged(_NEWEST, f"entry {seq} is missing")

    def change(self, decide: Callable[[Snapshot], tuple[Change | None, Result]]) -> Result:
        """Make one change.

        Args:
            decide: the change and its result out of the state now; it is asked again after a lost race, and may raise.

        Raises:
            PlatformError: GitHub would not take it, or the branch is being written without pause.
        """
        for attempt in range(_TRIES):
            snapshot = self.read()
            change, result = decide(snapshot)
            if change is None or self._commit(snapshot, change):
                return result
            self.client.pause(self.rng.uniform(0, 0.2 * 2 ** min(attempt, 6)))
        raise PlatformError(
            f"the branch {BRANCH} is being written without pause", code="registry/busy", hint="Run again later."
        )

    def appended(self, at: Snapshot, entry: JournalEntry) -> tuple[dict[str, bytes], RegistryState]:
        """Return the files and the state that an entry makes."""
        line = entry.to_bytes() + b"\n"
        journal = b"" if at.commit is None else self.file(at.commit, _NEWEST) or b""
        files: dict[str, bytes] = {}
        closed = at.held.closed
        if journal and len(journal) + len(line) > LARGEST_JOURNAL:
            closed += 1
            files[_journal(closed)], journal = journal, b""
        files[_NEWEST] = journal + line
        state = fold([(entry, sha256_bytes(entry.to_bytes()))], at.held.journal)
        return files, at.held.model_copy(update={"journal": state, "closed": closed})

    def _head(self) -> str | None:
        found = self.client.find(f"git/ref/heads/{BRANCH}", needs=READ)
        return None if found is None else str(found["object"]["sha"])

    def _commit(self, at: Snapshot, change: Change) -> bool:
        """Write a commit and move the branch to it; False after a lost race."""
        tree: dict[str, Any] = {
            "tree": [
                {"path": f"{self.model}/{name}", "mode": "100644", "type": "blob", "content": data.decode()}
                for name, data in change.files.items()
            ]
        }
        if at.commit is not None:
            tree["base_tree"] = self._tree(at.commit)
        made = str(self.client.send("POST", "git/trees", tree, needs=WRITE, again=True)["sha"])
        body = {"message": f"modelyard: {change.message} [skip ci]", "tree": made,
                "parents": [at.commit] if at.commit else []}  # fmt: skip
        commit = str(self.client.send("POST", "git/commits", body, needs=WRITE, again=True)["sha"])
        try:
            if at.commit is None:
                self.client.send("POST", "git/refs", {"ref": f"refs/heads/{BRANCH}", "sha": commit}, needs=WRITE)
            else:
                self.client.send("PATCH", f"git/refs/heads/{BRANCH}", {"sha": commit, "force": False}, needs=WRITE)
        except GitHubError as error:
            if error.lost:
                return self._took_effect(commit)
            if lost_race(error):
                return False
            raise explained(error, f"the branch {BRANCH}", BRANCH) from error
        self._trees[commit] = made
        self._files |= {(commit, name): data for name, data in change.files.items()}
        return True

    def _tree(self, commit: str) -> str:
        if commit not in self._trees:
            self._trees[commit] = str(self.client.get(f"git/commits/{commit}", needs=READ)["tree"]["sha"])
        return self._trees[commit]

    def _took_effect(self, commit: str) -> bool:
        """Return whether the branch holds a commit, after the answer to its move was lost."""
        head = self._head()
        for _ in range(_LOOK_BACK):
            if head is None or head == commit:
                break
            parents = self.client.get(f"git/commits/{head}", needs=READ)["parents"]
            head = str(parents[0]["sha"]) if parents else None
        return head == commit

    def _refuse_deleted(self) -> None:
        if any(self.client.pages(f"git/matching-refs/tags/modelyard/{self.model}/", needs=READ, params={})):
            raise PlatformError(
                f"the state of {self.model} is gone from the branch {BRANCH}, but versions of it were published",
                code="registry/state-deleted",
                hint=PUSH_BACK,
            )

    def _lines(self, commit: str, name: str) -> list[bytes]:
        data = self.file(commit, name)
        if data is None:
            if name == _NEWEST:
                return []
            raise _damaged(name, "it is gone")
        return data.splitlines()

    def _parsed(self, name: str, lines: Iterable[bytes]) -> Iterator[tuple[JournalEntry, str]]:
        for number, line in enumerate(lines, 1):
            try:
                entry = JournalEntry.model_validate_json(line)
            except ValueError as error:
                raise _damaged(name, f"line {number}: {why(error)}") from error
            yield entry, sha256_bytes(line)


PUSH_BACK = (
    f"Push it back from a clone that has it: git push --force origin <commit>:refs/heads/{BRANCH}. The repository's "
    f"activity page names the commit before each change (/activity?ref={BRANCH}). Nothing moves without its history."
)
RESTORE = f"Put the branch {BRANCH} back to a commit before the change; its history has all of them."


_NEWEST = "journal.jsonl"
_KNOWN = TypeAdapter(dict[VersionName, VersionIndexEntry])


def _journal(number: int) -> str:
    return f"journal-{number:06d}.jsonl"


def _versions(file: int) -> str:
    return f"versions-{file:06d}.json"


def _file_of(name: str) -> int:
    """Which file of closed versions speaks of a number: the first of v1 to v1000."""
    return (int(name[1:]) - 1) // IN_A_FILE + 1


def _packed(known: Mapping[str, VersionIndexEntry]) -> bytes:
    return canonical({name: each.model_dump(mode="json") for name, each in known.items()}) + b"\n"


def _damaged(name: str, what: str) -> PlatformError:
    return PlatformError(
        f"{name} on the branch {BRANCH} cannot be used: {what}", code="registry/state-damaged", hint=RESTORE
    )
