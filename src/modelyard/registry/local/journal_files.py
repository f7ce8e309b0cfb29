"""The journal as files: one per entry, created exclusively, so that taking the next number is the compare-and-swap.

Two things beside the entries only save time, and are made anew where they are missing, behind or damaged. The state
file holds what the entries add up to. Packs hold copies of 256 entries each, and are believed only where their digests
lead back from the newest entry. So the state takes two small files to read, the newest history a few hundred at most.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from modelyard.core.canonical import canonical, digest
from modelyard.core.errors import PlatformError
from modelyard.core.files import create_exclusive, sha256_bytes, write_atomic
from modelyard.records.manifest import why
from modelyard.registry.blobs import reading
from modelyard.registry.journal import EMPTY, JournalEntry, State, broken_journal, fold

PACK = 256
_ENTRIES = TypeAdapter(tuple[JournalEntry, ...])


class JournalFiles:
    """The journal in a folder of a registry."""

    def __init__(self, folder: Path) -> None:
        self.entries = folder / "journal"
        self.packs = folder / "packs"
        self.projection = folder / "state.json"

    def append(self, entry: JournalEntry, state: State) -> bool:
        """Add the entry that follows ``state``; False, and nothing changed, where another one took its place.

        Raises:
            PlatformError: the disk would not take it.
        """
        data = entry.to_bytes()
        if not create_exclusive(self._entry_path(entry.seq), data):
            return False
        with suppress(PlatformError):  # the entry stands; the projection is made anew when it is read
            self._write_projection(fold([(entry, sha256_bytes(data))], state))
        return True

    def state(self) -> State:
        """Return what all entries add up to.

        Raises:
            PlatformError: an entry is missing, damaged or out of line; it is named.
        """
        known = self._read_projection()
        state = fold(self._after(known.head if known else 0), known or EMPTY)
        if known is None:
            self._complete(state)
        if state != known and state.head:
            with suppress(PlatformError):  # a registry that may only be read is still read
                self._write_projection(state)
        return state

    def newest_first(self, *, packs: bool = True, state: State | None = None) -> Iterator[JournalEntry]:
        """Return every entry up to a state, or today's; newest first, each checked against the one after it.

        Raises:
            PlatformError: an entry is missing or was changed; it is named.
        """
        state = state or self.state()
        seq, expected = state.head, state.head_digest
        while seq and expected is not None:
            read = self._pack if packs and seq % PACK == 0 else self._one
            for entry in read(seq, expected):
                yield entry
                expected = entry.previous
                seq -= 1

    def _entry_path(self, seq: int) -> Path:
        return self.entries / f"{seq:06d}.json"

    def _after(self, seq: int) -> Iterator[tuple[JournalEntry, str]]:
        while (data := self._bytes(seq + 1)) is not None:
            seq += 1
            yield _parse(seq, data), sha256_bytes(data)

    def _bytes(self, seq: int) -> bytes | None:
        path = self._entry_path(seq)
        with reading(path):
            try:
                return path.read_bytes()
            except FileNotFoundError:
                return None

    def _complete(self, state: State) -> None:
        """After a fold from the first entry: nothing stands behind a gap."""
        with reading(self.entries):
            try:
                names = [path.stem for path in self.entries.iterdir() if path.suffix == ".json"]
            except FileNotFoundError:
                return
        later = [int(name) for name in names if name.isascii() and name.isdigit() and int(name) > state.head]
        if later:
            after = self._bytes(state.head + 1)
            if after is None:  # else it was appended just now
                raise broken_journal(state.head + 1, f"is missing, while entry {min(later)} is there")

    def _one(self, seq: int, expected: str) -> Iterator[JournalEntry]:
        data = self._bytes(seq)
        if data is None:
            raise broken_journal(seq, "is missing")
        found = sha256_bytes(data)
        if found != expected:
            raise broken_journal(seq, f"was changed: it was {expected}, its content is {found}")
        yield _parse(seq, data)

    def _pack(self, last: int, expected: str) -> Iterator[JournalEntry]:
        """Return the entries of a pack, newest first, from its file where that holds what the digests say."""
        path = self.packs / f"{last:06d}.jsonl"
        with suppress(OSError, ValueError):
            lines = path.read_bytes().splitlines()
            entries = _ENTRIES.validate_json(b"[" + b",".join(lines) + b"]")
            if len(entries) == PACK and _one_chain(lines, entries, last, expected):
                yield from reversed(entries)
                return
        read: list[JournalEntry] = []
        for seq in range(last, last - PACK, -1):
            (entry,) = self._one(seq, expected)
            read.append(entry)
            if entry.previous is None:
                break
            expected = entry.previous
        with suppress(PlatformError):
            write_atomic(path, b"\n".join(entry.to_bytes() for entry in reversed(read)) + b"\n")
        yield from read

    def _read_projection(self) -> State | None:
        """Return the stored state where it is whole and the journal still holds the entry that it ends with.

        Raises:
            PlatformError: the journal ends before the state does, or its last entry differs: it was cut or changed.
        """
        try:
            stored = json.loads(self.projection.read_bytes())
            state = State.model_validate(stored["state"])
            if stored["digest"] != digest(stored["state"]) or not state.head:
                return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        data = self._bytes(state.head)
        if data is None:
            raise broken_journal(state.head, "is missing, though it was there before")
        found = sha256_bytes(data)
        if found != state.head_digest:
            raise broken_journal(state.head, f"was changed: it was {state.head_digest}, its content is {found}")
        return state

    def _write_projection(self, state: State) -> None:
        plain = state.model_dump(mode="json")
        write_atomic(self.projection, canonical({"digest": digest(plain), "state": plain}))


def _parse(seq: int, data: bytes) -> JournalEntry:
    try:
        entry = JournalEntry.model_validate_json(data)
    except ValidationError as error:
        raise broken_journal(seq, f"cannot be read ({why(error)})") from error
    if entry.seq != seq:
        raise broken_journal(seq, f"says of itself that it is entry {entry.seq}")
    return entry


def _one_chain(lines: list[bytes], entries: tuple[JournalEntry, ...], last: int, expected: str | None) -> bool:
    for seq, line, entry in zip(range(last, 0, -1), reversed(lines), reversed(entries), strict=False):
        if expected != f"sha256:{hashlib.sha256(line).hexdigest()}" or entry.seq != seq:
            return False
        expected = entry.previous
    return True
