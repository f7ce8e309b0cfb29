"""The commented modelyard.yml that ``modelyard init`` proposes; every guess in it says that it is one."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import get_args

import yaml

from modelyard.config.discovery import TARGETS, Column, Look, Peek, Source, look
from modelyard.config.schema import ID
from modelyard.config.scripts import PREDICT_NAMES, predict_command, train_command
from modelyard.core.errors import ConfigError, nearest
from modelyard.core.vocabulary import Task

__all__ = ["Asked", "Look", "Peek", "look", "propose"]

MANY_CLASSES = 20
"""Whole numbers with more different values than this are taken for quantities."""

_IDS = re.compile(r"(?i:(.*[_\s.-])?(id|uuid|guid|key|index|row|no))|[a-z].*ID|[a-z].*Id")
_NAMED_TIME = re.compile(r"(?i)(.*[_\s.-])?(time|date|timestamp|datetime|at|on|day|month)")
_NAMED_YEAR = re.compile(r"(?i)year|yyyymm|year_?month|yyyymmdd|date")
"""Whole numbers of this name may be years, months or days; whether they are, a trial shows."""
_CANDIDATES = {
    "classification": (
        "{estimator: sklearn.linear_model.LogisticRegression, params: {C: [0.1, 1, 10]}}",
        "{estimator: sklearn.ensemble.HistGradientBoostingClassifier, params: {learning_rate: [0.05, 0.1]}}",
    ),
    "regression": (
        "{estimator: sklearn.linear_model.Ridge, params: {alpha: [0.1, 1, 10]}}",
        "{estimator: sklearn.ensemble.HistGradientBoostingRegressor, params: {learning_rate: [0.05, 0.1]}}",
    ),
}


@dataclass(frozen=True)
class Asked:
    """What is known of the columns beside the data: what the user said, and what turned out not to work.

    ``without`` are roles (id, time, group) that are not to be guessed, ``drop`` columns that give the target away, and
    ``notes`` say what was tried.
    """

    target: str = ""
    task: str = ""
    time: str = ""
    group: str = ""
    without: frozenset[str] = frozenset()
    drop: tuple[str, ...] = ()
    folds: int = 5
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Guess:
    """What the columns seem to be."""

    target: Column
    target_why: str
    task: Task
    id: Column | None
    time: Column | None
    group: Column | None
    text_time: Column | None
    index: tuple[str, ...]
    asked: Asked


@dataclass(frozen=True)
class _Commands:
    """How the repository's own scripts are called."""

    train: str
    predict: str


def propose(root: Path, found: Look, asked: Asked = Asked()) -> str:
    """Return the text of a modelyard.yml for this repository, which ``load`` accepts.

    Args:
        root: the folder that it will stand in; its name becomes the model's.
        found: what ``look`` saw there.
        asked: what is known beside that.

    Raises:
        ConfigError: the data has no column that could be the target, or none beside it, or not the one asked for.
    """
    guess = _guess(found.data, asked)
    commands = _commands(found)
    sections = [
        _head(asked),
        _model(root, guess, found.data),
        _data(found, guess),
        _validate(),
        _train(found, guess, commands),
        _evaluate(guess, commands),
    ]
    return "\n".join(line for section in sections for line in section) + "\n"


def _guess(source: Source, asked: Asked) -> _Guess:
    usable = [column for column in source.columns if column.usable]
    named = {role: _named(usable, getattr(asked, role), role) for role in ("target", "time", "group")}
    ids, unique = _identifiers(usable)
    target, why = (named["target"], "as asked") if named["target"] else _target(usable, unique)
    others = [column for column in usable if column is not target]
    if not others:
        raise ConfigError(
            f"{source.path} has one column, and nothing to predict it from",
            code="data/one-column",
            hint="Name data with features beside it.",
        )
    complete = [column for column in others if not column.missing]
    repeated = _first(ids, lambda column: column not in (unique, target, named["time"]) and _repeats(column))
    timed = _first(complete, lambda column: column.temporal) or _first(complete, _may_be_years)
    return _Guess(
        target=target,
        target_why=why,
        task=_asked_task(asked) or _task(target),
        id=None if unique in (target, named["time"], named["group"]) or "id" in asked.without else unique,
        time=named["time"] or (None if "time" in asked.without else timed),
        group=named["group"] or (None if "group" in asked.without else repeated),
        text_time=_first(others, lambda column: _is_text(column) and bool(_NAMED_TIME.fullmatch(column.name))),
        index=tuple(column.name for column in others if column.name.startswith("Unnamed:")),
        asked=asked,
    )


def _named(columns: Sequence[Column], name: str, role: str) -> Column | None:
    found = _first(columns, lambda column: column.name == name)
    if name and found is None:
        names = [column.name for column in columns]
        raise ConfigError(
            f"--{role}: the data has no column {name!r}",
            code="config/unknown-column",
            hint=nearest(name, names) or f"Columns are {', '.join(names[:20])}.",
        )
    return found


def _asked_task(asked: Asked) -> Task | None:
    return next((task for task in get_args(Task) if task == asked.task), None)


def _identifiers(columns: Sequence[Column]) -> tuple[list[Column], Column | None]:
    """Return the columns that are named like identifiers, and the one that never repeats."""
    most = max((column.distinct for column in columns), default=0)
    ids = [column for column in columns if _IDS.fullmatch(column.name) and not column.missing and _countable(column)]
    return ids, _first(ids, lambda column: column.distinct == (column.rows or most)) or _numbered(columns)


def _may_be_years(column: Column) -> bool:
    return column.dtype.lower().startswith("int") and bool(_NAMED_YEAR.fullmatch(column.name))


def _repeats(column: Column) -> bool:
    """Return whether an identifier names something that has several rows, and not a class or a constant."""
    return 2 <= column.distinct < (column.rows or column.distinct + 1) and column.distinct > MANY_CLASSES


def _countable(column: Column) -> bool:
    return _is_text(column) or column.dtype.lower().startswith(("int", "uint"))


def _first(columns: Iterable[Column], fits: Callable[[Column], bool]) -> Column | None:
    return next((column for column in columns if fits(column)), None)


def _numbered(columns: Sequence[Column]) -> Column | None:
    """Return the first column, where it holds numbers or text that differ more between rows than any other column."""
    for first in columns[:1]:
        most = max((column.distinct for column in columns[1:]), default=0)
        unique = not first.rows or first.distinct == first.rows
        if _countable(first) and unique and not first.missing and first.distinct > max(most, MANY_CLASSES):
            return first
    return None


def _target(columns: Sequence[Column], identity: Column | None) -> tuple[Column, str]:
    able = [column for column in columns if not column.temporal and column is not identity]
    for name in TARGETS:
        for column in able:
            if column.name.lower() == name:
                return column, "a column of this name usually is the target"
    for column in able:
        if re.search(r"(?i)(^|_)(target|label|outcome|class)$", column.name):
            return column, "its name says so"
    if not able:
        raise ConfigError(
            "no column of the data could be the target", code="data/no-target", hint="Write modelyard.yml by hand."
        )
    return able[-1], "the last column"


def _task(target: Column) -> Task:
    kind = target.dtype.lower()
    if kind.startswith("bool") or target.distinct <= 2:
        return "binary"
    if _is_text(target) or (kind.startswith(("int", "uint")) and target.distinct <= MANY_CLASSES):
        return "multiclass"
    return "regression"


def _is_text(column: Column) -> bool:
    return column.dtype.lower().startswith(("str", "utf8", "object", "categorical", "enum"))


def _commands(found: Look) -> _Commands | None:
    """Both command lines, where both scripts are here and nothing that they insist on stays open."""
    train = train_command(found.train) if found.train else None
    predict = predict_command(found.predict) if found.predict else None
    if train is None or predict is None or train.missing or predict.missing:
        return None
    return _Commands(train.command, predict.command)


# the sections


def _head(asked: Asked) -> Iterator[str]:
    yield f"# yaml-language-server: $schema={ID}"
    yield "# Proposed by `modelyard init` from a look at this folder. Guesses say so: check them, then run"
    yield "# `modelyard config check`."
    for note in asked.notes:
        yield f"# tried: {_plain(note)}"


def _model(root: Path, guess: _Guess, source: Source) -> Iterator[str]:
    name = re.sub(r"[^a-z0-9]+", "-", root.resolve().name.lower()).strip("-")[:40].strip("-")
    yield ""
    yield "model:"
    yield (
        f"  name: {_value(name)}  # guessed: the folder's name; check it"
        if name
        else ("  name: model  # guessed: the folder's name has no letters; check it")
    )
    seen = f"{_remark(guess.target.name)} ({guess.target.dtype}) holds {guess.target.distinct:,} different values"
    some = " in one of the files" if source.files > 1 else ""
    yield f"  task: {guess.task}  # guessed: {_plain(seen)}{some}; check it"
    if guess.task == "binary":
        yield "  # positive: true  # the class that probabilities are about, as it stands in the column; by default"
        yield "  #                 # true, 1 or the greater label"
    yield "  # metric: …        # the primary metric; by default roc_auc, log_loss or root_mean_squared_error, by task"


def _data(found: Look, guess: _Guess) -> Iterator[str]:
    yield ""
    yield "data:"
    yield "  sets:"
    files = f"{found.data.files} files that look alike" if found.data.files > 1 else "the data that fits best"
    if found.test:
        yield f"    train: {_value(found.data.path)}  # guessed: by its name; check it"
        yield f"    test: {_value(found.test.path)}  # guessed: by its name; check it"
    else:
        yield f"    all: {_value(found.data.path)}  # guessed: {files}; check it"
        yield from _split(guess)
    if found.others:
        yield f"  # also here: {', '.join(_remark(path) for path in found.others[:5])}"
    if any(pointer.startswith(_folder(found.data.path)) for pointer in found.pointers):
        yield "  # a pointer of DVC or Git LFS is beside this data: a workflow fetches it before modelyard runs"
    if guess.target.missing:
        yield f"  missing_target: drop  # guessed: {guess.target.missing:,} rows have no target; check it"
    yield from _columns(guess)


def _folder(path: str) -> str:
    folder = PurePosixPath(path).parent.as_posix()
    return "" if folder == "." else f"{folder}/"


def _split(guess: _Guess) -> Iterator[str]:
    if guess.time:
        yield "  split: {of: all, by: time, test: 0.2}  # guessed: the newest fifth of the rows; check it"
    elif guess.group:
        yield "  split: {of: all, by: random, test: 0.2}  # guessed: about a fifth of the rows, whole groups; check it"
    elif guess.id:
        yield "  split: {of: all, by: hash, test: 0.2}  # guessed: a fifth of the rows, by their id; check it"
    elif guess.task != "regression":
        yield "  split: {of: all, by: random, test: 0.2}  # guessed: a fifth of each class; check it"
    else:
        yield "  split: {of: all, by: random, test: 0.2}  # guessed: a fifth of the rows; check it"


def _columns(guess: _Guess) -> Iterator[str]:
    yield "  columns:"
    yield f"    target: {_value(guess.target.name)}  # guessed: {guess.target_why}; check it"
    if guess.id:
        yield f"    id: {_value(guess.id.name)}  # guessed: no other column differs more from row to row; check it"
    else:
        yield "    # id: …        # the column that names a row; by default the row's number"
    if guess.time:
        yield f"    time: {_value(guess.time.name)}  # guessed: it holds {_plain(guess.time.dtype)}; check it"
    elif guess.text_time:
        yield f"    # time: …      # {_remark(guess.text_time.name)} may be one, but holds text: dates are written"
        yield "    #                2013-01-31 or 2013-01-31 05:00:00"
    if guess.group:
        said = "as asked" if guess.asked.group else "its values repeat, and rows of one may belong together"
        yield f"    group: {_value(guess.group.name)}  # guessed: {said}; check it"
    if guess.index or guess.asked.drop:
        why = "it gives the target away" if guess.asked.drop else "row numbers that pandas wrote"
        yield f"    drop: [{', '.join(map(_value, (*guess.index, *guess.asked.drop)))}]  # guessed: {why}; check it"
    else:
        yield "    # drop: […]    # columns that would give the answer away, known only after the event"
    yield "    # personal: […]   # columns with personal data; their values appear nowhere"


def _validate() -> Iterator[str]:
    yield ""
    yield "# validate:"
    yield "#   suites: {all: expectations/all.json}  # a Great Expectations suite per data set"


def _train(found: Look, guess: _Guess, commands: _Commands | None) -> Iterator[str]:
    yield ""
    if commands:
        yield "train:"
        yield f"  command: {_value(commands.train)}"
        yield "  # guessed: from the options that the script declares; check it"
        if found.train and found.train.metrics:
            yield f"  metrics: {_value(found.train.metrics)}  # guessed: the script names it; check it"
        yield "  timeout: 2h"
        yield from _requirements(found)
        return
    yield from _why_not(found)
    yield "train:"
    yield "  candidates:  # guessed: two usual ones to begin with; check it"
    for candidate in _CANDIDATES["regression" if guess.task == "regression" else "classification"]:
        yield f"    - {candidate}"
    yield f"  search: {{method: grid, folds: {guess.asked.folds}}}"
    if found.requirements:
        yield ""
        yield f"# requirements: {_plain(_value(found.requirements))}  # not needed by candidates"
    yield from _lock(found)


def _why_not(found: Look) -> Iterator[str]:
    """Comments on a training script that is here and is not used yet."""
    if found.train is None:
        return
    script = _remark(found.train.path)
    proposal = train_command(found.train)
    if proposal is None:
        yield f"# {script} is here, but no options for the data and for the model's folder were found in it. A command"
        yield "# needs both: python train.py --data {train} --model-dir {model_dir}"
        return
    if proposal.missing:
        yield f"# {script} is here; it insists on {', '.join(map(_remark, proposal.missing))}, which only you can fill:"
    elif found.predict is None:
        yield f"# {script} is here. To have its models judged, add a script that scores rows ({PREDICT_NAMES[0]}), and"
        yield "# use instead of the candidates below:"
    else:
        yield f"# {script} is here, but options for model, rows and predictions were not all found in"
        yield f"# {_remark(found.predict.path)}. Once they are there, use instead of the candidates below:"
    yield f"#   command: {_plain(_value(proposal.command))}"


def _requirements(found: Look) -> Iterator[str]:
    if found.requirements and not found.requirements_problem:
        yield ""
        yield f"requirements: {_value(found.requirements)}  # guessed: your pins; check it"
    elif found.requirements:
        yield ""
        yield f"# requirements: {_plain(_value(found.requirements))}  # not yet: {found.requirements_problem}"
    yield from _lock(found)


def _lock(found: Look) -> Iterator[str]:
    if found.lock:
        yield f"# {_remark(found.lock)} is here: train.environment takes a requirements file with hashes, made from it"


def _evaluate(guess: _Guess, commands: _Commands | None) -> Iterator[str]:
    yield ""
    if commands:
        yield "evaluate:"
        yield f"  predict: {{command: {_value(commands.predict)}}}"
        yield "  # guessed: from the options that the script declares; check it"
    else:
        yield "# evaluate:"
    metric = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "root_mean_squared_error"}[guess.task]
    bound, margin = ("at_least: 0.8", "0.005") if guess.task == "binary" else ("at_most: …", "'5 %'")
    yield "#   gates:  # by default: better than a baseline, and no worse than the champion"
    yield f"#     - {{metric: {metric}, {bound}}}" + ("" if guess.task == "binary" else "  # in the metric's own unit")
    yield f"#     - {{metric: {metric}, no_worse_than: champion, margin: {margin}}}"


# text that came from outside


def _value(text: str) -> str:
    """Text as one YAML scalar, quoted where it could be read as anything else."""
    if re.fullmatch(r"[A-Za-z_./][A-Za-z0-9_./-]*(\*[A-Za-z0-9_./-]*)?", text) and not re.fullmatch(
        r"(?i)true|false|null|yes|no|on|off|y|n|\.inf|\.nan|[.\d].*|.*:", text
    ):
        return text
    return yaml.safe_dump(text, default_style='"', width=float("inf"), allow_unicode=True).strip()


def _remark(text: str) -> str:
    """Text from outside inside a comment: quoted, escaped and short, so that it cannot end the comment."""
    quoted = repr(text)
    return quoted if len(quoted) <= 60 else f"{quoted[:59]}…"


def _plain(text: str) -> str:
    """Return the same without quotes, for text that holds no line breaks but may hold other surprises."""
    return "".join(char if char.isprintable() else "?" for char in text)
