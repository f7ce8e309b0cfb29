"""The journal: an append-only line of entries, each naming the one before, and the state that they add up to."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from modelyard.records.canonical import digest
from modelyard.records.results import Part

Kind = Literal["promoted", "rolled-back", "adopted"]


class Entry(Part):
    """One decision: which alias moved from what to what, when, by whom, why, and on what evidence."""

    schema_: Literal["modelyard/journal/v1"] = Field(default="modelyard/journal/v1", alias="schema")
    seq: int
    before: str
    """Digest of the entry before; empty for the first."""
    kind: Kind
    at: str
    actor: str
    reason: str
    alias: str
    from_: str | None = Field(alias="from")
    to: str
    evidence: str

    @property
    def digest(self) -> str:
        """Digest of the entry, which the next one names."""
        return digest(self.model_dump(mode="json", by_alias=True))


@dataclass(frozen=True)
class State:
    """What a journal adds up to: where aliases point, where they pointed before, and its last entry."""

    aliases: dict[str, str] = field(default_factory=dict)
    previous: dict[str, str] = field(default_factory=dict)
    seq: int = 0
    head: str = ""


def advance(state: State, entry: Entry) -> State:
    """The state after one more entry.

    Raises:
        ValueError: the entry does not follow the state's last one.
    """
    if entry.seq != state.seq + 1 or entry.before != state.head:
        raise ValueError(f"entry {entry.seq} does not follow entry {state.seq}")
    if state.aliases.get(entry.alias) != entry.from_:
        raise ValueError(f"entry {entry.seq} moves {entry.alias} from {entry.from_}, which is not where it pointed")
    previous = {**state.previous, entry.alias: entry.from_} if entry.from_ else state.previous
    return State({**state.aliases, entry.alias: entry.to}, previous, entry.seq, entry.digest)


def fold(entries: Iterable[Entry], start: State | None = None) -> State:
    """The state after all entries, in their order."""
    state = start or State()
    for entry in entries:
        state = advance(state, entry)
    return state
