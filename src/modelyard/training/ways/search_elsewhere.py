"""A search in a process of its own, for packages that the user pins: this process never imports them."""

import io
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Literal, cast

from pydantic import ValidationError

from modelyard.core import platforms, processes
from modelyard.core.errors import ConfigError, DataError, ModelyardError, PlatformError
from modelyard.core.files import disk_errors
from modelyard.core.vocabulary import Adapter, FoldsFollow
from modelyard.records.results import CandidateRow
from modelyard.records.results.part import Part
from modelyard.training.job import Job, Made

CHILD = "modelyard.training.ways.search_child"
_ERRORS = {kind.__name__: kind for kind in (ConfigError, DataError, PlatformError)}
_LONGEST = 1 << 24
"""Letters of one answer."""


class _Made(Part):
    """What the process found."""

    fit_digest: str
    adapter: Adapter
    fits: int
    from_cache: int
    candidates: tuple[CandidateRow, ...]
    folds: int
    follow: Literal[FoldsFollow, ""]
    threshold: float | None


def run(job: Job, model_dir: Path, scratch: Path) -> Made:
    """Search in a process that starts from the interpreter with the user's packages.

    Raises:
        ConfigError: as of a search here.
        DataError: as of a search here, or the process died.
        PlatformError: the disk would not take the rows.
    """
    at, log = job.at, job.at.log.with_name("candidates.log")
    path, rows, within = scratch / "job.json", scratch / "rows.parquet", scratch / "search"
    told = {
        "config": job.config.model_dump(mode="json", by_alias=True), "rows": str(rows),
        "rows_digest": job.rows.digest, "inputs": dict(job.inputs), "base": str(at.base), "root": str(at.root),
        "state": str(at.state), "environments": str(at.environments), "model_dir": str(model_dir),
        "scratch": str(within),
    }  # fmt: skip
    with disk_errors(scratch):
        within.mkdir()
        log.parent.mkdir(parents=True, exist_ok=True)
        job.rows.frame.write_parquet(rows)
        path.write_text(json.dumps(told), "utf-8")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(at.python), "-I", "-X", "utf8", "-m", CHILD, str(path)], cwd=at.base, stdin=subprocess.DEVNULL,
            env=processes.own_child_environment(), stdout=subprocess.PIPE, stderr=output, **platforms.own_group(),
        )  # fmt: skip
    with io.TextIOWrapper(cast("IO[bytes]", process.stdout), "utf-8", "replace") as answers:
        try:
            found = _listen(job, _lines(answers.readline))
        finally:
            platforms.end_group(process)
    if found is None:
        raise DataError(
            f"train.candidates: the process that fits them ended with exit status {process.returncode}",
            code="train/process-died",
            hint=f"All of its output: {log}",
        )
    return found


def _lines(read: Callable[[int], str]) -> Iterator[list[Any]]:
    """Yield answers; what is none, such as what a package wrote there, is passed over."""
    while line := read(_LONGEST):
        with suppress(ValueError):
            answer = json.loads(line)
            if isinstance(answer, list) and answer:
                yield answer


def _listen(job: Job, answers: Iterator[list[Any]]) -> Made | None:
    """Pass on what the process tells; return what it made, or None where it ended without a word.

    Raises:
        ModelyardError: what it ended with.
    """
    for what, *values in answers:
        match what, values:
            case "progress", [int(done), int(total), str(text)]:
                job.at.progress(done, total, text)
            case "say", [str(text)]:
                job.at.say(text)
            case "error", [str(kind), str(message), str(code), str(hint), key]:
                raise _error(job, kind, message, code, hint, key)
            case "made", [dict(made)]:
                return _made(made)
            case _:
                pass
    return None


def _made(told: dict[str, Any]) -> Made:
    try:
        made = _Made.model_validate_json(json.dumps(told))
    except ValidationError as error:
        raise DataError(
            f"train.candidates: the answer of the process that fits them is unreadable ({error.error_count()} fields)",
            code="train/process-died",
            hint="A package that you pin may stand in the way; train with fewer of them.",
        ) from error
    return Made(**dict(made))


def _error(job: Job, kind: str, message: str, code: str, hint: str, key: Any) -> ModelyardError:
    path = tuple(each for each in key if isinstance(each, str | int)) if isinstance(key, list) else ()
    error: ModelyardError = _ERRORS.get(kind, DataError)(message, code=code, hint=hint)
    error.place = job.at.place(path) if path else None
    return error
