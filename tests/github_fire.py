"""Every request of a promotion on GitHub fails in turn, in every way: what happens then, and after the next run.

A promotion is publish, set_alias, append and fetch, as steps do it, on a repository that has one promoted version
already. A case lets one request fail, once or until another one is sent, looks at what is left, and runs again.
"""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelyard.core.errors import PlatformError
from modelyard.core.files import sha256_bytes
from modelyard.github.client import GitHub
from modelyard.registry.github.documents import RegistryState
from modelyard.registry.github.registry import GitHubRegistry
from modelyard.registry.github.state import BRANCH
from modelyard.registry.protocol import Bundle, Registry
from tests.hub import Fault, How, Hub, bare
from tests.registry_samples import MODEL, Clock, bundle, promote, run_folder

TOKEN = "ghs_write"
PARTS = ("publish", "set_alias", "append", "fetch")


@dataclass(frozen=True)
class Way:
    """How a request fails."""

    how: How = "status"
    status: int = 500
    after: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "made to fail"


WAYS: Mapping[str, Way] = {
    "reset before the server acted": Way("reset"),
    "reset after the server acted": Way("reset", after=True),
    "timeout before the server acted": Way("timeout"),
    "timeout after the server acted": Way("timeout", after=True),
    "403, no permission": Way(status=403, message="Resource not accessible by integration"),
    "403, secondary limit": Way(status=403, message="You have exceeded a secondary rate limit"),
    "409": Way(status=409, message="Conflict"),
    "422": Way(status=422, message="Validation Failed"),
    "429 with Retry-After": Way(status=429, headers={"Retry-After": "7"}),
    "429 without": Way(status=429),
    "429 for an hour": Way(status=429, headers={"Retry-After": "3600"}),
    "500 before the server acted": Way(status=500),
    "502 after the server acted": Way(status=502, after=True),
    "truncated body": Way("truncate", after=True),
}


@dataclass(frozen=True)
class Outcome:
    """What became of one case."""

    ended: bool
    """The first run ended well in spite of the failure."""
    again: int
    """Requests of the run after it."""


class Fire:
    """A repository with one promoted version, and what is to be promoted next."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self.hub = hub
        self.folder = folder
        self.run = run_folder(folder / "run", "two", champion="v1")
        self.files = {path: sha256_bytes(source.read_bytes()) for path, source in bundle(self.run).files.items()}
        where = self.opened("first")
        promote(where, where.publish(bundle(run_folder(folder / "first-run", "one"))), seen=None, reason="the first")
        self._refs = hub.git.refs("refs/")
        self._kept = copy.deepcopy((hub.releases, hub.assets))
        self._cases = 0
        self.head = dict(self._refs)[f"refs/heads/{BRANCH}"]
        self.parts = self._count()

    def opened(self, scratch: str) -> GitHubRegistry:
        """The registry as a new process opens it."""
        client = GitHub(self.hub.url, self.hub.name, TOKEN, session=self.hub.session(), pause=lambda _: None)
        return GitHubRegistry(client, MODEL, scratch=self.folder / "scratch" / scratch, target="main", now=Clock())

    def reset(self) -> None:
        """The repository as it was before."""
        for name, _ in self.hub.git.refs("refs/"):
            (self.hub.git_dir / name).unlink()
        for name, sha in self._refs:
            self.hub.git.set_ref(name, sha)
        self.hub.releases, self.hub.assets = copy.deepcopy(self._kept)
        self.hub.faults.clear()
        self.hub.calls.clear()
        self.hub.seen = 0
        self._cases += 1

    def _count(self) -> dict[str, range]:
        """Which requests belong to which part, where nothing fails."""
        self.reset()
        parts = promotion(self.opened("count"), bundle(self.run), self.folder / "counted")
        marks = [0, *(self.hub.seen for _ in parts)]
        return {part: range(marks[at], marks[at + 1]) for at, part in enumerate(PARTS)}

    @property
    def requests(self) -> int:
        """Requests of one promotion."""
        return self.parts[PARTS[-1]].stop

    def case(self, at: int, way: Way, *, sticky: bool) -> Outcome:
        """Let one request fail, then run again; AssertionError where that does not end in the one right state."""
        self.reset()
        name = f"case-{self._cases}"
        fault = Fault("", way.how, way.status, 99 if sticky else 1, way.after, way.headers, way.message, at, sticky)
        self.hub.faults.append(fault)
        try:
            for _ in promotion(self.opened(name), bundle(self.run), self.folder / name):
                pass
            ended = True
        except PlatformError as error:
            ended, said = False, str(error)
            assert TOKEN not in said
        self.hub.faults.clear()
        self.look()
        before = self.hub.seen
        for _ in promotion(self.opened(name), bundle(self.run), self.folder / name):
            pass
        again = self.hub.seen - before
        self.converged(self.folder / name)
        return Outcome(ended, again)

    def look(self) -> None:
        """Whatever is left: what readers see is whole, and nothing of the history is lost."""
        where = self.opened("look")
        versions, entries = [version.name for version in where.list()], where.entries()
        assert versions in (["v1"], ["v1", "v2"]), versions
        assert [entry.reason for entry in entries] in (REASONS[:1], REASONS[:2], REASONS)
        champion = where.find("champion")
        assert champion is not None
        assert champion.name == [entry.to for entry in entries if entry.to][-1]
        assert champion.name in versions

    def converged(self, fetched: Path) -> None:
        """One right state: one new version, one line of history, no orphans, every byte as it was."""
        hub = self.hub
        where = self.opened("look")
        assert [version.name for version in where.list()] == ["v1", "v2"]
        assert [entry.reason for entry in where.entries()] == REASONS
        tags = [f"modelyard/{MODEL}/{name}" for name in ("v1", "v2")]
        assert [(each["tag_name"], each["draft"]) for each in hub.releases.values()] == [(tag, False) for tag in tags]
        assert {each["make_latest"] for each in hub.releases.values()} == {"false"}
        assert [name for name, _ in hub.git.refs("refs/tags/")] == [f"refs/tags/{tag}" for tag in tags]
        held = RegistryState.model_validate_json(self._file("state.json"))
        assert held.pending == {}
        for asset in hub.assets.values():
            assert asset["digest"] == sha256_bytes(asset["data"])
        assert len(hub.assets) == 6
        line = list(self._line())
        assert self.head in line
        assert {path: sha256_bytes((fetched / path).read_bytes()) for path in self.files} == self.files

    def _line(self) -> Iterator[str]:
        """The branch's commits, newest first; one parent each, and none of them the code's."""
        sha = self.hub.git.ref(f"refs/heads/{BRANCH}")
        while sha:
            yield sha
            _, parents, message = self.hub.git.commit(sha)
            assert message.endswith("[skip ci]")
            assert len(parents) < 2
            sha = parents[0] if parents else None

    def _file(self, name: str) -> bytes:
        found = self.hub.git.file(str(self.hub.git.ref(f"refs/heads/{BRANCH}")), f"{MODEL}/{name}")
        assert found is not None
        return self.hub.git.read(found[1])[1]


REASONS = ["the first", "better", "looked at the test set"]


def promotion(where: Registry, said: Bundle, target: Path) -> Iterator[Any]:
    """What promote does and a job that fetches; each part that is done already is left alone."""
    version = where.publish(said)
    yield version
    now = where.find("champion")
    if now is None or now.name != version.name:
        promote(where, version, seen=now.name if now else None)
    yield version
    if all(entry.reason != REASONS[-1] for entry in where.entries()):
        where.append(actor="octocat", reason=REASONS[-1])
    yield version
    if not target.exists():
        where.fetch(version, target)
    yield version


@contextmanager
def fire(folder: Path) -> Iterator[Fire]:
    """A repository to be set on fire, without a socket."""
    with bare(folder / "github") as hub:
        hub.tokens[TOKEN] = {"contents"}
        yield Fire(hub, folder)
