"""The journal: entries chained by digest, and what they add up to."""

from typing import Any

import pytest
from pydantic import ValidationError

from modelyard.core.canonical import digest
from modelyard.core.errors import ConfigError, PlatformError
from modelyard.core.files import sha256_bytes
from modelyard.registry.journal import EMPTY, JournalEntry, State, fold, one_line

AT = "2026-05-03T12:00:00+00:00"


def entry(seq: int, previous: str | None, from_: str | None, to: str | None, **own: Any) -> JournalEntry:
    fields: dict[str, Any] = {
        "seq": seq,
        "previous": previous,
        "kind": "promoted" if to else "note",
        "at": AT,
        "actor": "octocat",
        "reason": "",
        "alias": "champion" if to else None,
        "from": from_,
        "to": to,
        "to_digest": digest(to) if to else None,
        "evidence": digest("evaluation"),
    }
    return JournalEntry.model_validate({**fields, **own})


def line_of(*moves: tuple[str | None, str | None]) -> list[tuple[JournalEntry, str]]:
    found: list[tuple[JournalEntry, str]] = []
    for from_, to in moves:
        made = entry(len(found) + 1, found[-1][1] if found else None, from_, to)
        found.append((made, sha256_bytes(made.to_bytes())))
    return found


def test_entries_add_up_to_aliases_and_what_they_pointed_at_before() -> None:
    entries = line_of((None, "v1"), ("v1", "v2"), (None, None), ("v2", "v1"))
    state = fold(entries)
    assert state == State(aliases={"champion": "v1"}, previous={"champion": "v2"}, head=4, head_digest=entries[-1][1])


def test_adding_entries_one_by_one_gives_the_same() -> None:
    entries = line_of((None, "v1"), ("v1", "v2"), ("v2", "v3"))
    state = EMPTY
    for each in entries:
        state = fold([each], state)
    assert state == fold(entries)


def test_an_alias_s_first_move_has_nothing_before_it() -> None:
    assert fold(line_of((None, "v1"))).previous == {}


def test_a_gap_is_named() -> None:
    entries = line_of((None, "v1"), ("v1", "v2"), ("v2", "v3"))
    with pytest.raises(PlatformError, match="entry 2 is missing; the next one is 3"):
        fold([entries[0], entries[2]])


def test_an_entry_that_follows_another_line_is_named() -> None:
    entries = line_of((None, "v1"), ("v1", "v2"))
    other = entry(2, digest("another line"), "v1", "v2")
    with pytest.raises(PlatformError, match="entry 2 follows sha256:"):
        fold([entries[0], (other, "sha256:" + "0" * 64)])


def test_a_move_from_where_the_alias_was_not_is_named() -> None:
    with pytest.raises(PlatformError, match="entry 2 moves champion from v5, but it pointed at v1"):
        fold(line_of((None, "v1"), ("v5", "v2")))


@pytest.mark.parametrize(
    "own",
    [
        {"alias": None},
        {"to": None},
        {"to_digest": None},
        {"kind": "note"},
        {"kind": "deleted"},
        {"alias": "../x"},
        {"to": "v0"},
        {"to": "../v1"},
        {"evidence": "trust me"},
        {"at": "yesterday"},
        {"reason": "two\nlines"},
        {"actor": "\x1b[31mred"},
        {"reason": "\u202ereversed"},
        {"seq": 0},
        {"extra": 1},
    ],
)
def test_an_entry_is_checked_when_it_is_read(own: dict[str, Any]) -> None:
    plain = entry(1, None, None, "v1").model_dump(mode="json", by_alias=True)
    assert JournalEntry.model_validate(plain).to == "v1"
    with pytest.raises(ValidationError):
        JournalEntry.model_validate({**plain, **own})


def test_an_entry_s_bytes_are_one_line() -> None:
    assert b"\n" not in entry(1, None, None, "v1", reason="µ, “quotes” and \\").to_bytes()


def test_a_reason_is_made_one_line_and_control_characters_are_refused() -> None:
    assert one_line("  errors since\n the\tmorning ", "reason") == "errors since the morning"
    for text in ("\x1b[2Jgone", "\u202etxt", "a\x00b", "\ud800"):
        with pytest.raises(ConfigError, match="control characters"):
            one_line(text, "reason")
    with pytest.raises(ConfigError, match="2,001 characters"):
        one_line("x" * 2001, "reason")


def removal(seq: int, previous: str | None, name: str) -> JournalEntry:
    plain = entry(seq, previous, None, None).model_dump(mode="json", by_alias=True)
    return JournalEntry.model_validate({**plain, "kind": "removed", "to": name, "to_digest": digest(name)})


def removed(*names: str, after: State = EMPTY) -> State:
    state = after
    for name in names:
        made = removal(state.head + 1, state.head_digest, name)
        state = fold([(made, sha256_bytes(made.to_bytes()))], state)
    return state


def test_removals_add_up_to_runs_of_numbers_however_they_come() -> None:
    assert removed("v4").removed == ((4, 4),)
    assert removed("v1", "v2", "v3").removed == ((1, 3),)
    assert removed("v3", "v1", "v2").removed == ((1, 3),)
    assert removed("v5", "v1", "v2", "v7").removed == ((1, 2), (5, 5), (7, 7))
    assert removed("v5", "v7", "v6", "v6").removed == ((5, 7),)
    state = removed("v5", "v1", "v2", "v7")
    assert [number for number in range(1, 10) if state.is_removed(number)] == [1, 2, 5, 7]


def test_a_journal_that_removes_what_serves_or_moves_to_what_is_gone_is_named() -> None:
    serving = fold(line_of((None, "v1")))
    with pytest.raises(PlatformError, match="entry 2 removes v1, at which champion pointed"):
        removed("v1", after=serving)
    gone = removed("v1")
    moved = entry(2, gone.head_digest, None, "v1")
    with pytest.raises(PlatformError, match="entry 2 moves champion to v1, which was removed before"):
        fold([(moved, sha256_bytes(moved.to_bytes()))], gone)


@pytest.mark.parametrize("own", [{"alias": "champion"}, {"to": None}, {"to_digest": None}, {"from": "v1"}])
def test_a_removal_names_a_version_and_no_alias(own: dict[str, Any]) -> None:
    plain = removal(1, None, "v1").model_dump(mode="json", by_alias=True)
    with pytest.raises(ValidationError):
        JournalEntry.model_validate({**plain, **own})
