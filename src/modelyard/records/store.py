"""The records of a run folder: each file is read and checked at most once a process, unless it was rewritten.

An error never replaces the record of an attempt that had a result: it stands beside it, as ``<step>.error.json``, until
the step has a result again.
"""

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
    _known: dict[Path, tuple[Stamp, Envelope]] = field(default_factory=dict, repr=False, compare=False)

    def path(self, step: Step) -> Path:
        """Return where a step's record stands."""
        return self.run_dir / "records" / f"{RESULTS.get(step).name}.json"

    def files(self, step: Step) -> tuple[Path, Path]:
        """Return where a step's records may stand: the one with a result, and the error that came after it."""
        return self.path(step), error_path(self.path(step))

    def read(self, step: Step) -> Envelope:
        """Return the record of a step's last attempt, its digests checked.

        Raises:
            DataError: missing, unreadable or changed.
        """
        failure = error_path(self.path(step))
        return self._read(failure if failure.is_file() else self.path(step))

    def _read(self, path: Path) -> Envelope:
        stamp, known = _stamp(path), self._known.get(path)
        if known is not None and stamp == known[0]:
            return known[1]
        envelope = read_record(path)
        if stamp is not None:
            self._known[path] = stamp, envelope
        return envelope

    def find(self, step: Step) -> Envelope | None:
        """Return the record of a step's last attempt where there is an intact one."""
        try:
            return self.read(step)
        except DataError:
            return None

    def present(self) -> dict[Step, Envelope]:
        """Return the records that are there, in the order of the steps.

        Raises:
            DataError: one is unreadable or was changed.
        """
        return {kind.name: self.read(kind.name) for kind in in_order() if self.exists(kind.name)}

    def exists(self, step: Step) -> bool:
        """Return whether there is a file of a step's record, intact or not."""
        return any(path.is_file() for path in self.files(step))

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
        """Seal a record and write it whole; an older file stays until then, and beside an error for good."""
        path = self.path(record.step)
        beside = record.problem is not None and self._has_result(path)
        written = error_path(path) if beside else path
        envelope = write_record(written, record)
        stamp = _stamp(written)
        if stamp is not None:
            self._known[written] = stamp, envelope
        if not beside:
            error_path(path).unlink(missing_ok=True)
        return envelope

    def _has_result(self, path: Path) -> bool:
        try:
            return self._read(path).record.problem is None
        except DataError:
            return False

    def remove(self, step: Step) -> None:
        """Remove a step's record, where there is one."""
        for path in self.files(step):
            path.unlink(missing_ok=True)
            self._known.pop(path, None)


def error_path(path: Path) -> Path:
    """Return where the error stands that came after a record with a result."""
    return path.with_suffix(".error.json")


def _stamp(path: Path) -> Stamp | None:
    """Return what changes whenever a file is rewritten; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
