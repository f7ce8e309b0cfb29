"""The process in which a user's metric runs: it is handed rows, then asked for the metric of some of them.

Messages are a kind (one byte) and a length (eight), then that many bytes; answers likewise. It imports nothing of ours,
so that it can be read on its own. The user's prints go to standard error.
"""

import importlib.util
import json
import numbers
import os
import struct
import sys
import traceback
from typing import Any, BinaryIO

HEADER = struct.Struct("<cQ")


def main() -> int:
    """Serve until standard input ends."""
    job = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    metric = _function(job)
    if isinstance(metric, str):
        _say(answers, b"!", metric.encode())
        return 0
    _say(answers, b"+", b"")
    tables: dict[str, Any] = {}
    while True:
        head = sys.stdin.buffer.read(HEADER.size)
        if len(head) < HEADER.size:
            return 0
        kind, length = HEADER.unpack(head)
        body = sys.stdin.buffer.read(length)
        if kind == b"F":
            tables.pop(body.decode(), None)
        elif kind == b"L":
            _load(json.loads(body), tables, job["classes"])
        else:
            _say(answers, *_measure(metric, tables, body))


def _function(job: dict[str, Any]) -> Any:
    """Return the user's function, or what is wrong with it."""
    import random

    import numpy as np

    random.seed(0)
    np.random.seed(0)
    try:
        spec = importlib.util.spec_from_file_location("modelyard_user_metric", job["file"])
        if spec is None or spec.loader is None:
            return f"{job['shown']} is not a Python module"
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except BaseException as error:
        traceback.print_exc()
        return f"{job['shown']}: {_words(error)}"
    function = getattr(module, job["function"], None)
    if not callable(function):
        names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        return f"{job['shown']} has no function {job['function']!r}; it has {', '.join(names[:10]) or 'none'}"
    return function


def _load(job: dict[str, Any], tables: dict[str, Any], classes: list[Any]) -> None:
    import numpy as np

    arrays = np.load(job["path"], allow_pickle=False)
    actual, predicted = arrays["actual"], arrays["predicted"]
    if classes:
        names = np.array(classes)
        actual = names[actual]
        if predicted.dtype == np.int64:
            predicted = names[predicted]
    tables[job["key"]] = (actual, predicted)


def _measure(metric: Any, tables: dict[str, Any], body: bytes) -> tuple[bytes, bytes]:
    import numpy as np

    length = struct.unpack_from("<I", body)[0]
    key = body[4 : 4 + length].decode()
    rows = np.frombuffer(body, dtype=np.int32, offset=4 + length)
    actual, predicted = tables[key]
    try:
        value = metric(actual[rows], predicted[rows])
        if not isinstance(value, numbers.Real):
            shape = f" of shape {np.shape(value)}" if np.ndim(value) else ""
            return b"!", f"it returned {type(value).__name__}{shape}, and a metric is one number".encode()
        return b"=", struct.pack("<d", float(value))
    except BaseException as error:
        traceback.print_exc()
        return b"!", _words(error).encode()


def _words(error: BaseException) -> str:
    """Return the kind and the line; the text, which may hold values of rows, only of what is raised by importing."""
    first = (str(error).strip().splitlines() or [""])[0][:300] if isinstance(error, ImportError | SyntaxError) else ""
    at = traceback.extract_tb(error.__traceback__)
    where = f", line {at[-1].lineno}" if at else ""
    return f"{type(error).__name__}{first and f': {first}'}{where}"


def _say(answers: BinaryIO, kind: bytes, body: bytes) -> None:
    answers.write(HEADER.pack(kind, len(body)) + body)
    answers.flush()


if __name__ == "__main__":
    sys.exit(main())
