"""Append predictions and labels from serving code: a line is one system call, and a killed process loses none.

Every writer has partitions of its own, so that processes never share a file. While it is written to, a partition is a
file of JSON lines; when it is complete it is renamed, or written anew as Parquet or CSV, under its final name. A row
that ``write`` returned from is with the operating system: it survives the end of the process, however that comes.
"""

import json
import math
import os
import secrets
import threading
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

from modelyard.core import platforms
from modelyard.core.errors import ConfigError, DataError, nearest
from modelyard.core.files import disk_errors, make_folder, sync_folder
from modelyard.log.complete import complete
from modelyard.log.schema import FEATURE, FORMATS, LABELS, OF_A_CLASS, OPEN, PREDICTION, PREDICTIONS, kept

_TOLERANCE = 1e-3
"""How far from 1 probabilities may add up: those of a float32 softmax over many classes are not exact."""


@dataclass(frozen=True)
class Rotate:
    """When a partition is complete: at a size, or at an age, whichever comes first.

    Attributes:
        size: bytes, as JSON lines.
        every: age at which the next row completes it.
    """

    size: int = 64 << 20
    every: timedelta = timedelta(hours=1)


@dataclass
class _Part:
    """A partition that is written to."""

    path: Path
    descriptor: int
    opened: float
    size: int = 0


@dataclass
class _Names(dict[Any, str]):
    """Column by name of a feature; empty for what is redacted."""

    redacted: frozenset[str] = frozenset()

    def __missing__(self, name: Any) -> str:
        if not isinstance(name, str) or not name:
            raise DataError(
                "a feature without a name, or whose name is no text", code="log/feature-name", hint="Name it."
            )
        self[name] = "" if name in self.redacted else f"{FEATURE}{name}"
        return self[name]


@dataclass
class _State:
    """What a process has open; a forked child starts with its own."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    parts: dict[str, _Part] = field(default_factory=dict)


_WRITERS: "weakref.WeakSet[Writer]" = weakref.WeakSet()


class Writer:
    """Write a prediction log into a folder, from any number of threads and processes.

    A writer may be used by all threads, and by children that were forked after it was made: each process has partitions
    of its own.

    Args:
        folder: of the log; it is created.
        model: version or digest of the model that predicts; a writer of labels alone needs none.
        format: of complete partitions: ``jsonl``, ``parquet`` (needs Polars) or ``csv``, which keeps no types.
        rotate: when a partition is complete.
        sample: share of ids that are kept, by a hash of the id; the labels of other ids are dropped too.
        redact: features that are never written. The first row with features must have them all, so that a slip of the
            name is noticed.

    Raises:
        ConfigError: an unknown format, a sample outside (0, 1], a rotation that never ends.
        PlatformError: the folder cannot be created.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        model: str = "",
        format: str = "jsonl",  # noqa: A002 - as in the configuration
        rotate: Rotate | None = None,
        sample: float = 1.0,
        redact: Sequence[str] = (),
    ) -> None:
        self.folder = Path(folder).absolute()
        self._model = model
        self._format = format
        self._rotate = rotate or Rotate()
        self._sample = sample
        self._redact = _checked(model, format, self._rotate, sample, redact)
        self._unchecked = bool(self._redact)
        self._names = _Names(redacted=self._redact)
        self._state = _State()
        self._closed = False
        if format == "parquet":
            import polars  # noqa: F401, ICN001 - now, rather than while a request waits
        with disk_errors(self.folder):
            make_folder(self.folder)
        _WRITERS.add(self)

    def write(
        self,
        *,
        id: str | int,  # noqa: A002 - the column's name
        prediction: Any,
        features: Mapping[str, Any] | None = None,
        time: datetime | None = None,
        model: str = "",
    ) -> bool:
        """Write one prediction; once this returns, the end of the process does not lose it.

        Args:
            id: names the prediction, for its label to come; written as text.
            prediction: a label (text, a boolean, a whole number), a number, or probabilities by class. Of several
                probabilities the sum must be 1; one alone is that of the class named.
            features: what the model saw, by name; NaN is written as missing.
            time: when it was made, with a time zone; default: now.
            model: the version that made it, where that is not the writer's.

        Returns:
            Whether the sample keeps the id.

        Raises:
            DataError: a missing or infinite value, a time without zone, a value that JSON does not have; nothing is
                written.
            PlatformError: the disk would not take the row; the rows before it are intact.
        """
        key = _key(id)
        by = model or self._model
        if not by or not isinstance(by, str):
            raise ConfigError(
                "a prediction without the version that made it",
                code="log/no-model",
                hint="Give model= to Writer or write: a version such as v7, or a digest.",
            )
        row: dict[str, Any] = {"id": key, "time": _moment(time), "model": by}
        if isinstance(prediction, Mapping):
            row.update(_probabilities(prediction))
        else:
            row[PREDICTION] = _scalar(prediction, "prediction")
        if not kept(key, self._sample):
            return False
        if self._sample < 1:
            row["sample"] = self._sample
        if features:
            if self._unchecked:
                self._check_redaction(features)
            names = self._names
            row.update({column: value for name, value in features.items() if (column := names[name])})
        self._append(PREDICTIONS, _line(row))
        return True

    def label(self, *, id: str | int, label: Any, time: datetime | None = None) -> bool:  # noqa: A002 - the column's name
        """Write the label of a prediction, which may have been made long ago and by another process.

        Args:
            id: the prediction's.
            label: text, a boolean or a number.
            time: when the label became known, with a time zone; default: now. Of several labels the last by it counts.

        Returns:
            Whether the sample keeps the id.

        Raises:
            DataError: a missing label, or a time without zone; nothing is written.
            PlatformError: the disk would not take the row; the rows before it are intact.
        """
        key = _key(id)
        row = {"id": key, "label": _scalar(label, "label"), "time": _moment(time)}
        if not kept(key, self._sample):
            return False
        self._append(LABELS, _line(row))
        return True

    def flush(self) -> None:
        """Wait until every row so far is on the disk, so that a power cut does not lose it either."""
        with self._state.lock, disk_errors(self.folder):
            for part in self._state.parts.values():
                os.fsync(part.descriptor)
            sync_folder(self.folder)

    def close(self) -> None:
        """Complete the partitions; nothing can be written afterwards.

        Raises:
            PlatformError: the disk would not take a complete partition; its rows stay readable as they are.
        """
        with self._state.lock:
            self._closed = True
            parts = list(self._state.parts.values())
            self._state.parts.clear()
        for part in parts:
            with disk_errors(part.path):
                self._complete(part)

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Complete the partitions."""
        self.close()

    def _check_redaction(self, features: Mapping[str, Any]) -> None:
        for name in sorted(self._redact):
            if name not in features:
                raise ConfigError(
                    f"redact names {name!r}, and the first row with features has none of that name",
                    code="log/redact-unknown",
                    hint=nearest(name, map(str, features)) or "Fix the name, or give the feature as None.",
                )
        self._unchecked = False

    def _append(self, kind: str, line: bytes) -> None:
        full = None
        state = self._state
        with state.lock:
            if self._closed:
                raise ConfigError(
                    "the log is closed", code="log/closed", hint="Write inside the with block, or open a new Writer."
                )
            part = state.parts.get(kind) or self._opened(kind)
            self._put(kind, part, line)
            part.size += len(line)
            if part.size >= self._rotate.size or monotonic() - part.opened >= self._rotate.every.total_seconds():
                full = state.parts.pop(kind)
        if full is not None:
            # The row is written; a partition that cannot be completed stays readable as it is.
            with suppress(Exception):
                self._complete(full)

    def _opened(self, kind: str) -> _Part:
        stem = f"{kind}-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{os.getpid()}-{secrets.token_hex(4)}"
        path = self.folder / f"{stem}{OPEN}"
        with disk_errors(path):
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | platforms.BINARY
            descriptor = os.open(path, flags, 0o644)
        platforms.try_lock(descriptor)
        part = self._state.parts[kind] = _Part(path, descriptor, monotonic())
        return part

    def _put(self, kind: str, part: _Part, line: bytes) -> None:
        try:
            written = os.write(part.descriptor, line)
            while written < len(line):
                written += os.write(part.descriptor, line[written:])
        except OSError as error:
            # A piece of a line may stand there. It is cut off, or the partition is left alone, so that it is the last.
            try:
                os.ftruncate(part.descriptor, part.size)
            except OSError:
                self._state.parts.pop(kind, None)
                with suppress(OSError):
                    os.close(part.descriptor)
            with disk_errors(part.path):
                raise error

    def _complete(self, part: _Part) -> None:
        # Its lock goes with the descriptor, so that nobody else completes it meanwhile.
        try:
            os.fsync(part.descriptor)
            complete(part.path, self._format)
        finally:
            os.close(part.descriptor)


def _checked(model: Any, format_: str, rotate: Any, sample: Any, redact: Any) -> frozenset[str]:
    """Return the names to redact, after a look at all arguments."""
    if not isinstance(model, str):
        raise ConfigError(f"model is {model!r}, not text", code="log/bad-argument", hint="A version such as v7.")
    if format_ not in FORMATS:
        raise ConfigError(
            f"unknown format {format_!r}; allowed: {', '.join(FORMATS)}",
            code="log/unknown-format",
            hint=nearest(str(format_), FORMATS),
        )
    if not isinstance(rotate, Rotate) or rotate.size < 1 or rotate.every <= timedelta(0):
        raise ConfigError(
            f"rotate is {rotate!r}; a size of at least 1 byte and an age above 0 are needed",
            code="log/bad-argument",
            hint="Write Rotate(size=64 << 20, every=timedelta(hours=1)).",
        )
    if isinstance(sample, bool) or not isinstance(sample, int | float) or not 0 < sample <= 1:
        raise ConfigError(
            f"sample is {sample!r}; allowed: above 0, at most 1", code="log/bad-argument", hint="0.1 keeps a tenth."
        )
    if isinstance(redact, str) or not all(isinstance(name, str) for name in redact):
        raise ConfigError(
            "redact is a list of names of features", code="log/bad-argument", hint='Write ["name", "email"].'
        )
    return frozenset(redact)


def _key(id_: Any) -> str:
    if isinstance(id_, str):
        if id_:
            return id_
    elif not isinstance(id_, bool | float):
        id_ = id_.item() if hasattr(id_, "item") else id_
        if isinstance(id_, int) and not isinstance(id_, bool):
            return str(id_)
    raise DataError(
        f"a row without an id, or with one that is no text and no whole number ({type(id_).__name__})",
        code="log/no-id",
        hint="Give the id of the request, by which its label will come.",
    )


def _moment(time: Any) -> str:
    if time is None:
        return f"{datetime.now(UTC).isoformat(timespec='microseconds')[:-6]}Z"
    if not isinstance(time, datetime) or time.utcoffset() is None:
        raise DataError(
            "a time without a time zone" if isinstance(time, datetime) else f"time is a {type(time).__name__}",
            code="log/naive-time",
            hint="Give a datetime with a zone, such as datetime.now(UTC).",
        )
    return f"{time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')[:26]}Z"


def _scalar(value: Any, what: str) -> str | bool | int | float:
    if not isinstance(value, str | bool | int | float) and hasattr(value, "item"):
        value = value.item()  # of NumPy
    if isinstance(value, bool | int) or (isinstance(value, str) and value):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    shown = value if isinstance(value, float) or value is None else type(value).__name__
    raise DataError(
        f"the {what} is {shown}; allowed: text, a boolean, a finite number",
        code="log/bad-value",
        hint="A prediction that failed is none: do not log it.",
    )


def _probabilities(by_class: Mapping[Any, Any]) -> dict[str, float]:
    found = {}
    for name, value in by_class.items():
        label = str(name).lower() if isinstance(name, bool) else str(name)
        probability = float(_scalar(value, "probability")) if not isinstance(value, str | bool) else -1.0
        if not 0 <= probability <= 1 or not label:
            raise DataError(
                "a probability outside 0 to 1, or of a class without a name",
                code="log/bad-probability",
                hint="Give probabilities by class, such as {'late': 0.8, 'on time': 0.2}.",
            )
        found[f"{OF_A_CLASS}{label}"] = probability
    if not found or (len(found) > 1 and abs(sum(found.values()) - 1) > _TOLERANCE):
        raise DataError(
            f"{len(found)} probabilities that add up to {sum(found.values()):.4g}, not to 1",
            code="log/bad-probability",
            hint="Give those of all classes, or that of one.",
        )
    return found


def _plain(value: Any) -> Any:
    """Return what JSON can hold of a value of a feature."""
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "tolist"):  # of NumPy
        return value.tolist()
    raise TypeError


def _finite(value: Any) -> Any:
    """Return a value with NaN as missing, at any depth."""
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if hasattr(value, "tolist"):
        return _finite(value.tolist())
    return None if isinstance(value, float) and math.isnan(value) else value


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain).encode


def _line(row: dict[str, Any]) -> bytes:
    try:
        try:
            return f"{_encode(row)}\n".encode()
        except UnicodeEncodeError:
            raise
        except ValueError:  # NaN, or infinite
            return f"{_encode(_finite(row))}\n".encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(
            "a row holds a value that is none of text, number, boolean, time, list or missing, or an infinite number",
            code="log/bad-value",
            hint="Convert it before it is written.",
        ) from error


def _after_fork() -> None:
    """Give a child locks and partitions of its own; what its parent has open it only closes.

    Polars may hang after a fork, since its threads are gone: a child completes its partitions as JSON lines.
    """
    for writer in list(_WRITERS):
        parts = list(writer._state.parts.values())  # noqa: SLF001 - of this module
        writer._state = _State()  # noqa: SLF001 - of this module
        if writer._format == "parquet":  # noqa: SLF001 - of this module
            writer._format = "jsonl"  # noqa: SLF001 - of this module
        for part in parts:
            with suppress(OSError):
                os.close(part.descriptor)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
