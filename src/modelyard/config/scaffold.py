"""The commented modelyard.yml that ``modelyard init`` proposes; every guess in it says that it is one."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml

from modelyard.config.discovery import Look, Peek, Source, look
from modelyard.config.roles import NOTHING_ASKED, Asked, Roles, find_roles
from modelyard.config.schema import ID
from modelyard.config.scripts import PREDICT_NAMES, predict_command, train_command

__all__ = ["Look", "Peek", "look", "propose"]

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
class _Commands:
    """How the repository's own scripts are called."""

    train: str
    predict: str


def propose(root: Path, found: Look, asked: Asked = NOTHING_ASKED) -> str:
    """Return the text of a modelyard.yml for this repository, which ``load`` accepts.

    Args:
        root: the folder that it will stand in; its name becomes the model's.
        found: what ``look`` saw there.
        asked: what is known beside that.

    Raises:
        ConfigError: the data has no column that could be the target, or none beside it, or not the one asked for.
    """
    guess = find_roles(found.data, asked)
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


def _model(root: Path, guess: Roles, source: Source) -> Iterator[str]:
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


def _data(found: Look, guess: Roles) -> Iterator[str]:
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
    yield from _read(found, guess)
    if found.others:
        yield f"  # also here: {', '.join(_remark(path) for path in found.others[:5])}"
    if any(pointer.startswith(_folder(found.data.path)) for pointer in found.pointers):
        yield "  # a pointer of DVC or Git LFS is beside this data: a workflow fetches it before modelyard runs"
    if guess.target.missing:
        yield f"  missing_target: drop  # guessed: {guess.target.missing:,} rows have no target; check it"
    yield from _columns(guess)


def _read(found: Look, guess: Roles) -> Iterator[str]:
    """Say how the files are read, where that is not as they seem."""
    how = [f"{key}: {_value(value) if isinstance(value, str) else value}" for key, value in found.data.how.items()]
    dates = ", ".join(f"{_value(name)}: {_value(form)}" for name, form in guess.dates.items())
    how += [f"dates: {{{dates}}}"] if dates else []
    if how:
        yield "  read:  # guessed: every line is such; check it"
        for name in ("train", "test") if found.test else ("all",):
            yield f"    {name}: {{{', '.join(how)}}}"


def _folder(path: str) -> str:
    folder = PurePosixPath(path).parent.as_posix()
    return "" if folder == "." else f"{folder}/"


def _split(guess: Roles) -> Iterator[str]:
    if guess.time:
        yield "  split: {of: all, by: time, test: 0.2}  # guessed: the newest fifth of the rows; check it"
    elif guess.group:
        yield "  split: {of: all, by: random, test: 0.2}  # guessed: about a fifth of the rows, whole groups; check it"
    elif guess.id and "hash" not in guess.asked.without:
        yield "  split: {of: all, by: hash, test: 0.2}  # guessed: a fifth of the rows, by their id; check it"
    elif guess.task != "regression":
        yield "  split: {of: all, by: random, test: 0.2}  # guessed: a fifth of each class; check it"
    else:
        yield "  split: {of: all, by: random, test: 0.2}  # guessed: a fifth of the rows; check it"


def _columns(guess: Roles) -> Iterator[str]:
    yield "  columns:"
    yield f"    target: {_value(guess.target.name)}  # guessed: {guess.why['target']}; check it"
    if guess.id:
        yield f"    id: {_value(guess.id.name)}  # guessed: {guess.why['id']}; check it"
    else:
        yield "    # id: …        # the column that names a row; by default the row's number"
    if guess.time:
        yield f"    time: {_value(guess.time.name)}  # guessed: {guess.why['time']}; check it"
    elif guess.text_time:
        yield f"    # time: …      # {_remark(guess.text_time.name)} may be one, but holds text: dates are written"
        yield "    #                2013-01-31 or 2013-01-31 05:00:00"
    if guess.group:
        yield f"    group: {_value(guess.group.name)}  # guessed: {_plain(guess.why['group'])}; check it"
    if guess.out:
        yield "    drop: [  # guessed: left out, each for what is said of it; check it"
        for name, why in guess.out.items():
            yield f"      {_value(name)},  # {_plain(why)}"
        yield "    ]"
    else:
        yield "    # drop: […]    # columns that would give the answer away, known only after the event"
    yield "    # personal: […]   # columns with personal data; their values appear nowhere"


def _validate() -> Iterator[str]:
    yield ""
    yield "# validate:"
    yield "#   suites: {all: expectations/all.json}  # a Great Expectations suite per data set"


def _train(found: Look, guess: Roles, commands: _Commands | None) -> Iterator[str]:
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
    proposal = train_command(found.train) if found.train else None
    if found.fixed and proposal is None:
        yield from found.fixed.comments()
        return
    if found.train is None:
        return
    script = _remark(found.train.path)
    if proposal is None:
        yield f"# {script} is here, but no options for the data and for the model's folder were found in it. If it"
        yield "# reads and writes fixed paths, use instead of what follows, with the file that it leaves its model in:"
        yield f"#   command: {_plain(_value(f'python {shlex.quote(found.train.path)}'))}"
        yield "#   model: models/model.joblib"
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


def _evaluate(guess: Roles, commands: _Commands | None) -> Iterator[str]:
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
