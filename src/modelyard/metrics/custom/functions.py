"""Custom metrics: a function in a process of its own, or what each kind of mistake costs.

The function is never imported here. It gets rows, not weights: a resample's counts become repeated rows.
"""

import itertools
import json
import os
import selectors
import struct
import subprocess
import sys
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from modelyard.config.sections.evaluate import OwnMetric
from modelyard.core import platforms, processes
from modelyard.core.errors import ConfigError, DataError, nearest
from modelyard.core.files import disk_errors
from modelyard.core.vocabulary import Task
from modelyard.metrics.custom import child as own_child
from modelyard.metrics.custom.misfit import misfit
from modelyard.metrics.metric import Metric
from modelyard.metrics.predictions import Floats, Ints, Predictions, Statistic
from modelyard.metrics.shared import MeanCost
from modelyard.metrics.templates import TEMPLATES

PATIENCE = 600.0
"""Seconds that one call of the function may take."""
_KEPT = 8
"""Tables of rows that the process keeps at a time."""
Class = bool | int | str


@dataclass(frozen=True, kw_only=True)
class FunctionMetric(Metric):
    """A metric that a function of the user's computes, in a process of its own."""

    function: Callable[[Ints | Floats, Predictions], Statistic]

    custom: ClassVar[bool] = True

    def statistic(self, y: Ints | Floats, predictions: Predictions) -> Statistic:
        """Return the function's value by how often each row counts."""
        return self.function(y, predictions)


@contextmanager
def opened(
    named: Mapping[str, OwnMetric],
    files: Mapping[str, Path],
    *,
    task: Task,
    classes: Sequence[Class],
    logs: Path,
    python: Path = Path(sys.executable),
) -> Iterator[dict[str, Metric]]:
    """Open the configuration's custom metrics; their processes end with the block.

    Args:
        named: the metrics by name.
        files: the file of each one that is a function.
        task: the model's.
        classes: in the order of their codes; empty for a regression.
        logs: the folder of what they print and raise, which may hold values of rows.
        python: the interpreter of their processes.

    Raises:
        ConfigError: a name that is taken, no such function, a class that does not occur, or the wrong kind of task.
        DataError: the module cannot be imported.
    """
    with ExitStack() as stack:
        found: dict[str, Metric] = {}
        for name, own in named.items():
            problem = misfit(name, own, task)
            if problem is not None:
                raise problem
            if own.metric is not None:
                found[name] = _of_template(name, own, classes)
                continue
            if own.costs:
                found[name] = _cost_metric(name, own, task, classes)
                continue
            process = stack.enter_context(
                _Process(name, own, files[name], classes, logs / f"metric-{name}.log", python)
            )
            found[name] = FunctionMetric(
                name=name, tasks=frozenset({task}), needs=own.needs, higher_is_better=bool(own.higher_is_better),
                perfect=None, function=process.statistic,
            )  # fmt: skip
        yield found


def _cost_metric(name: str, own: OwnMetric, task: Task, classes: Sequence[Class]) -> Metric:
    table = [[0.0] * len(classes) for _ in classes]
    codes = {_name(each): code for code, each in enumerate(classes)}
    for mistake in own.costs:
        actual, predicted = (
            _code(f"{name}.costs", each, codes, classes) for each in (mistake.actual, mistake.predicted)
        )
        table[actual][predicted] = mistake.cost
    return MeanCost(name=name, tasks=frozenset({task}), costs=tuple(map(tuple, table)))


def _of_template(name: str, own: OwnMetric, classes: Sequence[Class]) -> Metric:
    """Return a metric of its parameter; ``misfit`` has looked at the rest."""
    template = TEMPLATES.get(own.metric or "")
    given = own.parameters[template.parameter]
    if template.parameter == "positive":
        given = _code(f"{name}.positive", given, {_name(each): code for code, each in enumerate(classes)}, classes)
    if template.parameter == "k" and given >= len(classes):
        raise ConfigError(
            f"evaluate.metrics.{name}.k is {given}, and of {len(classes)} classes every row's own is among the first "
            f"{given}",
            code="metric/k-of-all-classes",
            hint=f"Write a k from 1 to {len(classes) - 1}.",
        )
    return template.make(name, given)


def _code(key: str, each: Class, codes: Mapping[tuple[str, str], int], classes: Sequence[Class]) -> int:
    if _name(each) not in codes:
        raise ConfigError(
            f"evaluate.metrics.{key}: unknown class {each!r}",
            code="metric/unknown-class",
            hint=nearest(str(each), list(map(str, classes))) or f"Classes: {', '.join(map(str, classes))}.",
        )
    return codes[_name(each)]


def _name(each: Class) -> tuple[str, str]:
    return type(each).__name__, str(each)


class _Process:
    """One user metric: a child, and the tables of rows that it has."""

    def __init__(
        self, name: str, own: OwnMetric, file: Path, classes: Sequence[Class], log: Path, python: Path
    ) -> None:
        self._what = f"evaluate.metrics.{name}"
        self._shown = f"{self._what}: {file.name}"
        self._file = file
        self._log = log
        self._python = python
        self._job = {
            "file": str(file),
            "function": (own.function or "").partition(":")[2],
            "classes": list(classes),
            "shown": file.name,
        }
        self._needs = own.needs
        self._lock = threading.Lock()
        self._loaded: OrderedDict[str, None] = OrderedDict()
        self._keys = itertools.count()

    def __enter__(self) -> Self:
        if not self._file.is_file():
            raise ConfigError(
                f"{self._shown} does not exist",
                code="metric/missing-module",
                hint="package.module:function names package/module.py.",
            )
        self._stack = ExitStack()
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="modelyard-metric-")))
        argv = [str(self._python), "-I", "-B", "-X", "utf8", own_child.__file__, json.dumps(self._job)]
        with disk_errors(self._log):
            self._log.parent.mkdir(parents=True, exist_ok=True)
            printed = self._stack.enter_context(self._log.open("wb"))
        self._child = subprocess.Popen(
            argv, cwd=self._folder, env=processes.own_child_environment(), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=printed, **platforms.own_group(),
        )  # fmt: skip
        self._stack.callback(self._end)
        try:
            self._answer()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def statistic(self, y: Ints | Floats, predictions: Predictions) -> Statistic:
        """Return the metric as a function of how often each row counts."""
        given = {"label": predictions.label, "probability": predictions.probability, "value": predictions.value}
        key = f"t{next(self._keys)}"
        path = self._folder / f"{key}.npz"
        np.savez(path, actual=y, predicted=np.asarray(given[self._needs]))
        everyone = np.arange(len(y), dtype=np.int32)

        def of(weight: Floats) -> float | None:
            counts = weight.astype(np.int64)
            if (counts != weight).any():
                raise ConfigError(
                    f"{self._what}: a custom function does not support row weights",
                    code="config/weighted-function",
                    hint="Remove data.columns.weight.",
                )
            rows = np.repeat(everyone, counts)
            return self._ask(key, path, rows.tobytes()) if len(rows) else None

        return of

    def _ask(self, key: str, path: Path, rows: bytes) -> float | None:
        with self._lock:
            if key not in self._loaded:
                self._send(b"L", json.dumps({"key": key, "path": str(path)}).encode())
                self._loaded[key] = None
            self._loaded.move_to_end(key)
            if len(self._loaded) > _KEPT:
                self._send(b"F", self._loaded.popitem(last=False)[0].encode())
            self._send(b"E", struct.pack("<I", len(key)) + key.encode() + rows)
            (found,) = struct.unpack("<d", self._answer())
        return found if np.isfinite(found) else None

    def _send(self, kind: bytes, body: bytes) -> None:
        assert self._child.stdin is not None  # noqa: S101 - it was opened with a pipe
        try:
            self._child.stdin.write(own_child.HEADER.pack(kind, len(body)) + body)
            self._child.stdin.flush()
        except OSError as error:
            raise self._failed("its process died") from error

    def _answer(self) -> bytes:
        kind, length = own_child.HEADER.unpack(self._read(own_child.HEADER.size))
        body = self._read(length)
        if kind == b"!":
            raise self._failed(body.decode("utf-8", "replace"))
        return body

    def _read(self, count: int) -> bytes:
        assert self._child.stdout is not None  # noqa: S101 - it was opened with a pipe
        read = b""
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._child.stdout, selectors.EVENT_READ)
            while len(read) < count:
                if not waiting.select(PATIENCE):
                    raise DataError(
                        f"{self._shown}: one call took longer than {PATIENCE:g} s",
                        code="metric/timed-out",
                        hint="Make it faster.",
                    )
                part = os.read(self._child.stdout.fileno(), count - len(read))
                if not part:
                    raise self._failed("its process died")
                read += part
        return read

    def _failed(self, why: str) -> DataError:
        hint = f"Fix the metric and run again. All of its output: {self._log}"
        return DataError(f"{self._shown}: {why}", code="metric/failed", hint=hint)

    def _end(self) -> None:
        platforms.end_group(self._child)
        for pipe in (self._child.stdin, self._child.stdout):
            with suppress(OSError):  # a child that died leaves what was not flushed
                if pipe is not None:
                    pipe.close()
