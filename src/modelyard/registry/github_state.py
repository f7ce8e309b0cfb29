"""The state branch of a repository: aliases, versions and journal of each model, one commit a change, never forced.

On the orphan branch ``modelyard-state`` a model has ``<model>/state.json`` (aliases, and which versions there are),
``<model>/versions/v7.json`` (a sealed manifest and where its files are) and ``<model>/journal.jsonl`` (older entries in
``journal-000001.jsonl`` and so on, each under 900 kB). A reader reads one commit, so it sees a change whole or not at
all. A writer builds a commit on the head that it read and moves the branch without force: where somebody else was
faster, GitHub refuses, and the change is decided again on the new state. The state of a model begins before its first
release, so that tags without a state mean that the state was deleted, and never that there is no champion.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field

from modelyard.errors import PlatformError
from modelyard.files import sha256_bytes
from modelyard.github.client import GitHub, GitHubError
from modelyard.records.canonical import canonical
from modelyard.records.manifest import Sealed, why
from modelyard.records.results import Digest, Part
from modelyard.registry.base import Version
from modelyard.registry.journal import JournalEntry, State, VersionName, fold

BRANCH = "modelyard-state"
READ, WRITE = "contents: read", "contents: write"
LARGEST_JOURNAL = 900_000
"""Bytes of one journal file; the contents interface gives files of up to 1 MB as they are."""
_TRIES = 10
_LOOK_BACK = 50
"""Commits behind the head among which one of ours is looked for after an answer was lost."""

Result = TypeVar("Result")


class Known(Part):
    """What the state says of a version, so that it is found by what it is."""

    model: Digest
    identity: Digest
    manifest: Digest


class Held(Part):
    """``state.json``."""

    model_config = ConfigDict(populate_by_name=True)

    schema_: Literal["modelyard/state/v1"] = Field(default="modelyard/state/v1", alias="schema")
    journal: State = State()
    closed: Annotated[int, Field(ge=0)] = 0
    """Journal files that are full."""
    versions: dict[VersionName, Known] = Field(default_factory=dict)

    @property
    def numbers(self) -> list[int]:
        """The number of every version, ascending."""
        return sorted(int(name[1:]) for name in self.versions)


class Asset(Part):
    """A file of a release."""

    id: int
    digest: Digest
    size: int


class Stored(Part):
    """``versions/v7.json``."""

    sealed: Sealed
    release: int
    assets: dict[str, Asset]


@dataclass(frozen=True)
class Snapshot:
    """The state at one commit; ``commit`` is None before the first change."""

    commit: str | None
    held: Held
    begun: bool = True


@dataclass(frozen=True)
class Change:
    """What a commit does: path below the model's folder → content, and what to say of it."""

    files: Mapping[str, bytes]
    message: str


@dataclass
class StateBranch:
    """One model's part of the state branch."""

    client: GitHub
    model: str
    rng: random.Random = field(default_factory=random.Random)
    _files: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def read(self) -> Snapshot:
        """The state now.

        Raises:
            PlatformError: the branch was deleted, or holds something else.
        """
        found = self.client.find(f"git/ref/heads/{BRANCH}", needs=READ)
        if found is None:
            self._refuse_deleted()
            return Snapshot(None, Held(), begun=False)
        commit = str(found["object"]["sha"])
        data = self.file(commit, "state.json")
        if data is None:
            self._refuse_deleted()
            return Snapshot(commit, Held(), begun=False)
        try:
            held = Held.model_validate_json(data)
        except ValueError as error:
            raise _damaged("state.json", why(error)) from error
        return Snapshot(commit, held)

    def file(self, commit: str, name: str) -> bytes | None:
        """A file of the model at a commit; None where it is not there."""
        key = (commit, name)
        if key not in self._files:
            try:
                path = f"contents/{self.model}/{name}"
                self._files[key] = self.client.raw(path, needs=READ, params={"ref": commit})
            except GitHubError as error:
                if error.status == 404:
                    return None
                raise
        return self._files[key]

    def stored(self, at: Snapshot, name: str) -> Stored:
        """A version.

        Raises:
            PlatformError: its file is gone, or was changed.
        """
        data = self.file(at.commit or "", f"versions/{name}.json")
        if data is None:
            raise PlatformError(f"{name} is gone from the branch {BRANCH}", do=_RESTORE)
        try:
            found = Stored.model_validate_json(data)
            sealed = Sealed.from_bytes(found.sealed.to_bytes())
        except ValueError as error:
            raise _damaged(f"versions/{name}.json", why(error)) from error
        known = at.held.versions.get(name)
        if known is None or known.manifest != sealed.digest or sealed.manifest.model != self.model:
            raise _damaged(f"versions/{name}.json", "it is not the manifest that the state names")
        return found

    def entries(self, at: Snapshot) -> tuple[JournalEntry, ...]:
        """The journal, oldest first, checked link by link against the state.

        Raises:
            PlatformError: an entry is missing or was changed.
        """
        if at.commit is None:
            return ()
        lines = [line for name in _journals(at.held.closed) for line in self._lines(at.commit, name)]
        found = list(self._parsed(lines))
        folded = fold(found)
        if folded != at.held.journal:
            raise _damaged("journal.jsonl", "its entries do not add up to the state")
        return tuple(entry for entry, _ in found)

    def begin(self) -> None:
        """Write an empty state where there is none."""

        def decide(at: Snapshot) -> tuple[Change | None, None]:
            return None if at.begun else Change(with_state({}, Held()), f"{self.model} begins"), None

        self.change(decide)

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
        raise PlatformError(f"the branch {BRANCH} is being written without pause", do="Run again later.")

    def appended(self, at: Snapshot, entry: JournalEntry) -> tuple[dict[str, bytes], Held]:
        """The files and the state that an entry makes."""
        line = entry.to_bytes() + b"\n"
        journal = b"" if at.commit is None else self.file(at.commit, "journal.jsonl") or b""
        files: dict[str, bytes] = {}
        closed = at.held.closed
        if journal and len(journal) + len(line) > LARGEST_JOURNAL:
            closed += 1
            files[_journal(closed)], journal = journal, b""
        files["journal.jsonl"] = journal + line
        state = fold([(entry, sha256_bytes(entry.to_bytes()))], at.held.journal)
        return files, at.held.model_copy(update={"journal": state, "closed": closed})

    def _commit(self, at: Snapshot, change: Change) -> bool:
        """Write a commit and move the branch to it; False after a lost race."""
        tree: dict[str, Any] = {
            "tree": [
                {"path": f"{self.model}/{name}", "mode": "100644", "type": "blob", "content": data.decode()}
                for name, data in change.files.items()
            ]
        }
        if at.commit is not None:
            tree["base_tree"] = self.client.get(f"git/commits/{at.commit}", needs=READ)["tree"]["sha"]
        made = self.client.send("POST", "git/trees", tree, needs=WRITE, again=True)
        body = {"message": f"modelyard: {change.message} [skip ci]", "tree": made["sha"],
                "parents": [at.commit] if at.commit else []}  # fmt: skip
        commit = str(self.client.send("POST", "git/commits", body, needs=WRITE, again=True)["sha"])
        try:
            if at.commit is None:
                self.client.send("POST", "git/refs", {"ref": f"refs/heads/{BRANCH}", "sha": commit}, needs=WRITE)
            else:
                self.client.send("PATCH", f"git/refs/heads/{BRANCH}", {"sha": commit, "force": False}, needs=WRITE)
        except GitHubError as error:
            if error.status in (0, 500, 502, 503, 504):
                return self._took_effect(commit)
            if error.status in (409, 422) and "rule" not in error.said.lower():
                return False
            raise _explained(error) from error
        return True

    def _took_effect(self, commit: str) -> bool:
        """Whether the branch holds a commit, after the answer to its move was lost."""
        found = self.client.find(f"git/ref/heads/{BRANCH}", needs=READ)
        head = None if found is None else str(found["object"]["sha"])
        for _ in range(_LOOK_BACK):
            if head is None or head == commit:
                break
            parents = self.client.get(f"git/commits/{head}", needs=READ)["parents"]
            head = str(parents[0]["sha"]) if parents else None
        return head == commit

    def _refuse_deleted(self) -> None:
        if self.client.get(f"git/matching-refs/tags/modelyard/{self.model}/", needs=READ):
            raise PlatformError(
                f"the state of {self.model} is gone from the branch {BRANCH}, but versions of it were published",
                do=f"Push it back from a clone that has it: git push origin <commit>:refs/heads/{BRANCH}. Its last "
                "commit also stands in the repository's activity page. Nothing is promoted without its history.",
            )

    def _lines(self, commit: str, name: str) -> list[bytes]:
        data = self.file(commit, name)
        if data is None:
            if name == "journal.jsonl":
                return []
            raise _damaged(name, "it is gone")
        return data.splitlines()

    def _parsed(self, lines: Iterable[bytes]) -> Iterable[tuple[JournalEntry, str]]:
        for number, line in enumerate(lines, 1):
            try:
                entry = JournalEntry.model_validate_json(line)
            except ValueError as error:
                raise _damaged("journal.jsonl", f"entry {number}: {why(error)}") from error
            yield entry, sha256_bytes(line)


_RESTORE = f"Put the branch {BRANCH} back to a commit before the change; its history has all of them."


def with_state(files: Mapping[str, bytes], held: Held) -> dict[str, bytes]:
    """The files of a change together with the new ``state.json``."""
    return {**files, "state.json": canonical(held.model_dump(mode="json", by_alias=True)) + b"\n"}


def version_of(stored: Stored) -> Version:
    """A version as the registry hands it out."""
    return Version(stored.sealed.manifest, stored.sealed.digest)


def _journal(number: int) -> str:
    return f"journal-{number:06d}.jsonl"


def _journals(closed: int) -> list[str]:
    return [*(_journal(number) for number in range(1, closed + 1)), "journal.jsonl"]


def _damaged(name: str, what: str) -> PlatformError:
    return PlatformError(f"{name} on the branch {BRANCH} cannot be used: {what}", do=_RESTORE)


def _explained(error: GitHubError) -> PlatformError:
    if error.status in (403, 409, 422) and ("rule" in error.said.lower() or "protected" in error.said.lower()):
        return PlatformError(
            f"a rule of this repository keeps the branch {BRANCH} from being written: {error.said}",
            do=f"Exclude {BRANCH} from the rule, or let GitHub Actions bypass it.",
        )
    return error
