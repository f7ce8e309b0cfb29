"""The records of a run folder: each file is read and checked at most once a process, unless it was rewritten."""

from dataclasses import dataclass, field
from pathlib import Path

from modelyard.core.errors import DataError
from modelyard.records.envelope import Envelope, R, Record, Step, read_record, write_record
from modelyard.records.results import RESULTS, in_order

Stamp = tuple[int, int, int, int]


@dataclass
class RunRecords:
    """The records of one run folder, by step."""

    run_dir: Path
    _known: dict[Step, tuple[Stamp, Envelope]] = field(default_factory=dict, repr=False, compare=False)

    def path(self, step: Step) -> Path:
        """Return where a step's record stands."""
        return self.run_dir / "records" / f"{RESULTS.get(step).name}.json"

    def read(self, step: Step) -> Envelope:
        """Return a step's record, its digests checked.

        Raises:
            DataError: missing, unreadable or changed.
        """
        path = self.path(step)
        stamp, known = _stamp(path), self._known.get(step)
        if known is not None and stamp == known[0]:
            return known[1]
        envelope = read_record(path)
        if stamp is not None:
            self._known[step] = stamp, envelope
        return envelope

    def find(self, step: Step) -> Envelope | None:
        """Return a step's record where there is an intact one."""
        try:
            return self.read(step)
        except DataError:
            return None

    def present(self) -> dict[Step, Envelope]:
        """Return the records that are there, in the order of the steps.

        Raises:
            DataError: one is unreadable or was changed.
        """
        return {kind.name: self.read(kind.name) for kind in in_order() if self.path(kind.name).is_file()}

    def result(self, step: Step, kind: type[R]) -> R:
        """Return a step's result.

        Raises:
            DataError: the record is missing, unreadable or changed, or holds no such result.
        """
        return self.read(step).record.read(kind)

    def find_result(self, step: Step, kind: type[R]) -> R | None:
        """Return a step's result; None where there is no intact record of it, or one without a result."""
        envelope = self.find(step)
        return None if envelope is None else envelope.record.find(kind)

    def write(self, record: Record) -> Envelope:
        """Seal a record and write it whole; an older file stays until then."""
        path = self.path(record.step)
        envelope = write_record(path, record)
        stamp = _stamp(path)
        if stamp is not None:
            self._known[record.step] = stamp, envelope
        return envelope

    def remove(self, step: Step) -> None:
        """Remove a step's record, where there is one."""
        self.path(step).unlink(missing_ok=True)
        self._known.pop(step, None)


def _stamp(path: Path) -> Stamp | None:
    """Return what changes whenever a file is rewritten; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
