"""A local registry with many versions and moves: what is read to answer does not grow with them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelyard.registry.local.journal_files import PACK
from modelyard.registry.local.registry import LocalRegistry
from tests.registry_many import many
from tests.registry_samples import Clock, registry

SMALL, LARGE = 40, 2 * PACK + 88


@dataclass
class Read:
    """What was read."""

    files: int = 0
    size: int = 0


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Read]:
    read, whole = Read(), Path.read_bytes

    def counting(self: Path) -> bytes:
        data = whole(self)
        read.files += 1
        read.size += len(data)
        return data

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", counting)
        yield read


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalRegistry, LocalRegistry]:
    """A small registry and a large one."""
    return many(tmp_path_factory.mktemp("small"), SMALL), many(tmp_path_factory.mktemp("large"), LARGE)


def asked(where: LocalRegistry, ask: Callable[[LocalRegistry], object], monkeypatch: pytest.MonkeyPatch) -> Read:
    """What a registry that was just opened reads to answer; packs have been written by an answer before."""
    folder = where.folder.parents[2]
    clock = Clock(where._now())
    ask(registry(folder, clock))
    with counted(monkeypatch) as read:
        ask(registry(folder, clock))
    return read


@pytest.mark.parametrize(
    ("ask", "files"),
    [
        (lambda own: own.resolve("champion"), 5),
        (lambda own: own.resolve("v17"), 3),
        (lambda own: own.find("champion"), 5),
        (lambda own: own.previous("champion"), 5),
    ],
)
def test_what_resolving_reads_does_not_grow_with_the_registry(
    both: tuple[LocalRegistry, LocalRegistry],
    monkeypatch: pytest.MonkeyPatch,
    ask: Callable[[LocalRegistry], object],
    files: int,
) -> None:
    small, large = (asked(where, ask, monkeypatch) for where in both)
    assert small.files == large.files <= files
    assert large.size < small.size + 50


def test_a_digest_takes_one_manifest(
    both: tuple[LocalRegistry, LocalRegistry], monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = both[1].resolve("v300").manifest.model_digest[:30]
    read = asked(both[1], lambda own: own.resolve(prefix), monkeypatch)
    assert read.files <= 7
    assert both[1].resolve(prefix).name == "v300"


def test_the_newest_history_takes_its_own_entries_and_the_whole_of_it_the_packs(
    both: tuple[LocalRegistry, LocalRegistry], monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = asked(both[1], lambda own: own.history("champion", newest=20), monkeypatch)
    assert newest.files <= 20 + 3
    whole = asked(both[1], lambda own: own.history(), monkeypatch)
    assert whole.files <= LARGE % PACK + LARGE // PACK + 3
    assert [entry.seq for entry in both[1].history()] == list(range(1, LARGE + 1))


def test_what_served_long_ago_takes_the_packs(
    both: tuple[LocalRegistry, LocalRegistry], monkeypatch: pytest.MonkeyPatch
) -> None:
    day = both[1].history()[3].at
    read = asked(both[1], lambda own: own.resolve(f"champion@{day}"), monkeypatch)
    assert read.files <= LARGE % PACK + LARGE // PACK + 8
    assert both[1].resolve(f"champion@{day}").name == "v4"


def test_the_state_stays_as_small_as_it_was(both: tuple[LocalRegistry, LocalRegistry]) -> None:
    small, large = ((where.folder / "state.json").stat().st_size for where in both)
    assert small < 400
    assert large < small + 20


def test_the_state_does_not_grow_with_what_gc_removes(tmp_path: Path) -> None:
    where = many(tmp_path, 60)
    before = (where.folder / "state.json").stat().st_size
    for number in range(1, 59):
        where.remove(f"v{number}", actor="octocat", reason="")
    assert (where.folder / "state.json").stat().st_size < before + 30
    assert [version.name for version in where.list()] == ["v59", "v60"]
