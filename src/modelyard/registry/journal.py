"""The append-only journal: one entry per event, chained by digest, and what the entries add up to."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from modelyard.core.canonical import canonical
from modelyard.core.errors import ConfigError, PlatformError
from modelyard.records.results import Decided, Digest, Evaluation, Part

Kind = Literal["promoted", "rolled-back", "adopted", "removed", "evaluated", "decided", "note"]
Move = Literal["promoted", "rolled-back", "adopted"]
_MOVES = frozenset(("promoted", "rolled-back", "adopted"))

OneLine = Annotated[
    str, Field(max_length=2000, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]*$")
]
"""Text that can be printed: no line breaks, no terminal escapes, no reversed writing."""
VersionName = Annotated[str, Field(pattern=r"^v[1-9][0-9]{0,14}$")]
AliasName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class JournalEntry(Part):
    """What happened: which alias moved from where to where, when, who decided, why, and on what evidence."""

    model_config = ConfigDict(populate_by_name=True)

    schema_: Literal["modelyard/journal/v1"] = Field(default="modelyard/journal/v1", alias="schema")
    seq: Annotated[int, Field(ge=1, le=2**53 - 1)]
    previous: Digest | None
    """Digest of the entry before; none before the first."""
    kind: Kind
    at: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")]
    actor: OneLine
    reason: OneLine
    alias: AliasName | None = None
    from_: VersionName | None = Field(default=None, alias="from")
    to: VersionName | None = None
    """Where the alias points from now on; in an entry of kind removed, which names no alias, what was removed."""
    to_digest: Digest | None = None
    """Digest of that version's manifest."""
    evidence: Digest | Literal["none"] = "none"
    command: OneLine = ""
    """The command that did it."""
    evaluation: Evaluation | None = None
    """One look at a test set, in the ledger of how often it was looked at."""
    decided: Decided | None = None
    """A decision of monitoring, or what became of one."""

    @model_validator(mode="after")
    def _a_move_has_a_target(self) -> Self:
        if (self.evaluation is not None) != (self.kind == "evaluated"):
            raise ValueError("an entry of kind evaluated, and no other, holds an evaluation")
        if (self.decided is not None) != (self.kind == "decided"):
            raise ValueError("an entry of kind decided, and no other, holds a decision")
        moves = self.kind in _MOVES
        if (self.alias is not None) != moves:
            raise ValueError(
                f"an entry of kind {self.kind} {'names' if moves else 'moves'} {'an' if moves else 'no'} alias"
            )
        names = moves or self.kind == "removed"
        if (self.to is not None) != names or (self.to_digest is not None) != names:
            raise ValueError(f"an entry of kind {self.kind} names {'a' if names else 'no'} version")
        if self.from_ is not None and not moves:
            raise ValueError(f"an entry of kind {self.kind} moves no alias")
        return self

    def to_bytes(self) -> bytes:
        """Canonical bytes, without a line break in them; their sha256 is the digest that the next entry names."""
        data = self.model_dump(mode="json", by_alias=True)
        if self.decided is None:
            del data["decided"]  # entries of every other kind are the bytes that they were before there were decisions
        return canonical(data)

    @property
    def time(self) -> datetime:
        """``at`` as a time."""
        return datetime.fromisoformat(self.at)


class State(Part):
    """What the entries up to ``head`` add up to."""

    aliases: dict[str, str] = Field(default_factory=dict)
    previous: dict[str, str] = Field(default_factory=dict)
    """Per alias the version that it pointed at before its last move."""
    removed: tuple[tuple[int, int], ...] = ()
    """First and last number of every run of versions that were removed: one more run than kept versions, at most."""
    head: int = 0
    head_digest: Digest | None = None

    def is_removed(self, number: int) -> bool:
        """Return whether the bytes of the version with this number were removed."""
        return any(first <= number <= last for first, last in self.removed)


EMPTY = State()


def fold(entries: Iterable[tuple[JournalEntry, str]], state: State = EMPTY) -> State:
    """Add entries, each with its digest, to a state.

    Raises:
        PlatformError: an entry does not follow the one before it; the message names it.
    """
    aliases, previous, removed = dict(state.aliases), dict(state.previous), list(state.removed)
    head, head_digest = state.head, state.head_digest
    for entry, digest in entries:
        if entry.seq != head + 1:
            raise broken_journal(head + 1, f"is missing; the next one is {entry.seq}")
        if entry.previous != head_digest:
            raise broken_journal(
                entry.seq, f"follows {entry.previous or 'nothing'}, but entry {head} is {head_digest or 'not there'}"
            )
        if entry.alias is not None and entry.to is not None:
            now = aliases.get(entry.alias)
            if entry.from_ != now:
                raise broken_journal(
                    entry.seq,
                    f"moves {entry.alias} from {entry.from_ or 'nothing'}, but it pointed at {now or 'nothing'}",
                )
            if any(first <= _number(entry.to) <= last for first, last in removed):
                raise broken_journal(entry.seq, f"moves {entry.alias} to {entry.to}, which was removed before")
            aliases[entry.alias] = entry.to
            if now is not None:
                previous[entry.alias] = now
        elif entry.kind == "removed" and entry.to is not None:
            if alias := next((alias for alias, name in aliases.items() if name == entry.to), None):
                raise broken_journal(entry.seq, f"removes {entry.to}, at which {alias} pointed")
            removed = _with(removed, _number(entry.to))
        head, head_digest = entry.seq, digest
    return State(aliases=aliases, previous=previous, removed=tuple(removed), head=head, head_digest=head_digest)


def _number(name: str) -> int:
    return int(name.removeprefix("v"))


def _with(runs: list[tuple[int, int]], number: int) -> list[tuple[int, int]]:
    """Return runs of numbers with one more number, sorted, those that touch made one."""
    apart = [run for run in runs if run[1] < number - 1 or run[0] > number + 1]
    close = [run for run in runs if run not in apart]
    joined = (min([number, *(first for first, _ in close)]), max([number, *(last for _, last in close)]))
    return sorted([*apart, joined])


def broken_journal(seq: int, why: str) -> PlatformError:
    """Return the error for a journal that is not one unbroken line at this entry."""
    return PlatformError(
        f"the registry's journal is broken: entry {seq} {why}",
        code="registry/broken-journal",
        hint="Put the registry's journal folder back from a copy; nothing is moved while its history cannot be read.",
    )


def one_line(text: str, what: str) -> str:
    """Return text for the journal, with runs of white space made one space.

    Raises:
        ConfigError: too long, or it holds characters that would change how the history is displayed.
    """
    line = " ".join(text.split())
    if len(line) > 2000:
        raise ConfigError(
            f"the {what} is {len(line):,} characters long",
            code="input/text-too-long",
            hint="At most 2,000 fit in the history.",
        )
    if re.search(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", line):
        raise ConfigError(
            f"the {what} holds control characters", code="input/control-characters", hint="Write it in plain text."
        )
    return line


def format_time(moment: datetime) -> str:
    """Return uTC, to the second: 2026-05-03T12:00:00+00:00."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
