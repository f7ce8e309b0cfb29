"""The journal's files: the state is only a copy, packs are only copies, and what is missing or changed is named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from modelyard.core.errors import PlatformError
from modelyard.registry.local import journal_files
from modelyard.registry.local.registry import LocalRegistry
from modelyard.registry.verify import verify_registry
from tests.registry_samples import promote, published, registry, snapshot


def back_and_forth(where: LocalRegistry, folder: Path, moves: int) -> None:
    """Two versions and that many moves between them."""
    versions = published(where, folder, "one", "two")
    for at in range(moves):
        promote(where, versions[at % 2], seen=None if at == 0 else versions[(at + 1) % 2].name, reason=f"move {at + 1}")


def state_path(where: LocalRegistry) -> Path:
    return where.folder / "state.json"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"[" * 100_000),
        lambda path: path.write_bytes(b'{"digest": 1, "state": []}'),
        lambda path: path.write_bytes(path.read_bytes().replace(b'"champion":"v1"', b'"champion":"v9"')),
    ],
)
def test_a_state_that_is_gone_or_damaged_is_made_anew(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    where = registry(tmp_path)
    back_and_forth(where, tmp_path, 3)
    whole = state_path(where).read_bytes()
    spoil(state_path(where))
    assert registry(tmp_path).resolve("champion").name == "v1"
    assert state_path(where).read_bytes() == whole


def test_a_state_that_is_behind_catches_up(tmp_path: Path) -> None:
    where = registry(tmp_path)
    back_and_forth(where, tmp_path, 2)
    behind = state_path(where).read_bytes()
    promote(where, where.resolve("v1"), seen="v2")
    whole = state_path(where).read_bytes()
    state_path(where).write_bytes(behind)
    assert where.resolve("champion").name == "v1"
    assert where.previous("champion") == where.resolve("v2")
    assert state_path(where).read_bytes() == whole


def test_the_state_is_read_without_reading_the_whole_journal(tmp_path: Path) -> None:
    where = registry(tmp_path)
    back_and_forth(where, tmp_path, 5)
    (where.folder / "journal" / "000002.json").write_bytes(b"damaged")
    assert where.resolve("champion").name == "v1"
    assert where.previous("champion") == where.resolve("v2")


@pytest.mark.parametrize("seq", [1, 3, 5])
def test_an_entry_that_was_changed_is_named(tmp_path: Path, seq: int) -> None:
    where = registry(tmp_path)
    back_and_forth(where, tmp_path, 5)
    path = where.folder / "journal" / f"{seq:06d}.json"
    path.write_bytes(path.read_bytes().replace(b"octocat", b"mallory"))
    with pytest.raises(PlatformError, match=f"entry {seq} was changed: it was sha256:"):
        where.history()
    assert f"entry {seq} was changed" in str(verify_registry(where).broken[0])


@pytest.mark.parametrize("seq", [1, 3, 5])
@pytest.mark.parametrize("with_state", [True, False])
def test_an_entry_that_is_gone_is_named(tmp_path: Path, seq: int, with_state: bool) -> None:
    where = registry(tmp_path)
    back_and_forth(where, tmp_path, 5)
    (where.folder / "journal" / f"{seq:06d}.json").unlink()
    if not with_state:
        state_path(where).unlink()
    if not with_state and seq == 5:
        assert len(where.history()) == 4  # nothing is left that speaks of a fifth
        return
    with pytest.raises(PlatformError, match=f"entry {seq} is missing"):
        where.history()


def test_nothing_is_moved_on_a_broken_journal(tmp_path: Path) -> None:
    where = registry(tmp_path)
    back_and_forth(where, tmp_path, 3)
    (where.folder / "journal" / "000003.json").unlink()
    before = snapshot(where.folder)
    with pytest.raises(PlatformError, match="entry 3 is missing, though it was there before"):
        promote(where, where.resolve("v2"), seen="v2")
    assert snapshot(where.folder) == before


def test_nothing_is_resolved_or_moved_on_a_newest_entry_that_was_changed(tmp_path: Path) -> None:
    where = registry(tmp_path)
    back_and_forth(where, tmp_path, 3)
    path = where.folder / "journal" / "000003.json"
    path.write_bytes(path.read_bytes().replace(b"octocat", b"mallory"))
    with pytest.raises(PlatformError, match="entry 3 was changed: it was sha256:"):
        where.resolve("champion")
    with pytest.raises(PlatformError, match="entry 3 was changed"):
        promote(where, where.resolve("v2"), seen="v1")
    assert not (where.folder / "journal" / "000004.json").exists()


def test_an_entry_from_elsewhere_is_refused(tmp_path: Path) -> None:
    where = registry(tmp_path)
    back_and_forth(where, tmp_path, 2)
    other = registry(tmp_path / "other")
    back_and_forth(other, tmp_path / "other", 4)
    (where.folder / "journal" / "000003.json").write_bytes((other.folder / "journal" / "000004.json").read_bytes())
    with pytest.raises(PlatformError, match="entry 3 says of itself that it is entry 4"):
        where.resolve("champion")


@pytest.fixture
def small_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_files, "PACK", 4)


def test_a_pack_is_made_by_reading_and_saves_reading_its_entries(tmp_path: Path, small_packs: None) -> None:
    where = registry(tmp_path)
    back_and_forth(where, tmp_path, 9)
    plain = where.entries()
    assert where.history() == plain
    assert sorted(path.name for path in (where.folder / "packs").iterdir()) == ["000004.jsonl", "000008.jsonl"]
    for path in (where.folder / "journal").iterdir():
        if path.stem < "000008":
            path.unlink()
    assert where.history() == plain
    with pytest.raises(PlatformError, match="entry 7 is missing"):
        where.entries()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:-40],
        lambda data: data.replace(b"octocat", b"mallory", 1),
        lambda data: b"\n".join(reversed(data.splitlines())),
        lambda data: data.splitlines()[0] + b"\n" + data,
        lambda data: b"\xff" * 100,
    ],
)
def test_a_pack_that_was_changed_is_not_believed_and_made_anew(
    tmp_path: Path, small_packs: None, spoil: Callable[[bytes], bytes]
) -> None:
    where = registry(tmp_path)
    back_and_forth(where, tmp_path, 9)
    plain = where.history()
    path = where.folder / "packs" / "000004.jsonl"
    whole = path.read_bytes()
    path.write_bytes(spoil(whole))
    assert where.history() == plain
    assert path.read_bytes() == whole


def test_a_pack_of_another_history_is_not_believed(tmp_path: Path, small_packs: None) -> None:
    where, other = registry(tmp_path), registry(tmp_path / "other")
    back_and_forth(where, tmp_path, 5)
    back_and_forth(other, tmp_path / "other", 1)
    for at in range(4):
        other.append(actor="mallory", reason=f"note {at}")
    plain = where.history()
    other.history()
    (where.folder / "packs" / "000004.jsonl").write_bytes((other.folder / "packs" / "000004.jsonl").read_bytes())
    assert where.history() == plain
