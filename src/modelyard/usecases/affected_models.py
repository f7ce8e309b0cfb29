"""Which of a repository's models a change affects: those whose folder, data, code or rules hold a file that changed.

It reads configurations and names of files, and no data: what really changed is what each model's own detect finds out.
Where it cannot be known what changed, every model is affected.
"""

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

from modelyard.config.load import NAME, Loaded, load
from modelyard.core.errors import ConfigError, Place
from modelyard.steps.declaration import ActionInputs, ActionOutputs, ActionSpec
from modelyard.vcs import tree

MOST = 256
"""Jobs that GitHub starts from one matrix."""


class ModelsOutputs(ActionOutputs):
    """Outputs of models."""

    matrix: str
    """The affected models as `strategy.matrix` takes them: `model` and `config` for each job."""
    models: str
    """Their names, as a JSON list."""
    count: int
    """How many there are; 0 where the change affects none."""


MODELS = ActionSpec(
    name="models",
    summary="Say which of a repository's models a change affects, as a matrix of jobs.",
    example="modelyard models --base main",
    inputs=ActionInputs,
    outputs=ModelsOutputs,
    environment="carry",
)


@dataclass(frozen=True)
class Model:
    """A model of the repository.

    Attributes:
        name: as its configuration has it.
        config: its configuration, relative to the workspace.
        paths: files, folders and patterns that it rests on, relative to the workspace; its own folder first.
    """

    name: str
    config: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Affected:
    """A model that is to be looked at, and the first files that say so; none where every model is."""

    model: Model
    because: tuple[str, ...] = ()


def models(root: Path) -> tuple[Model, ...]:
    """Return the models of a repository by their configurations, each a ``modelyard.yml`` that git does not ignore.

    Raises:
        ConfigError: there is none, one cannot be read, two have one name, or there are more than a matrix takes.
    """
    found = [load(path, root=root) for path in sorted(tree.files(root)) if path.name == NAME]
    if not found:
        raise ConfigError(
            f"there is no {NAME} in this repository",
            code="config/missing-file",
            hint="Run `modelyard init` in the folder of each model.",
        )
    first: dict[str, Loaded] = {}
    for loaded in found:
        other = first.setdefault(loaded.config.model.name, loaded)
        if other is not loaded:
            raise ConfigError(
                f"the model {loaded.config.model.name!r} has two configurations: {other.file} and {loaded.file}",
                code="config/two-of-a-name",
                hint="Versions, comments and artifacts go by the model's name: give each its own.",
                place=Place(loaded.file, loaded.line_of(("model", "name"))),
            )
    if len(found) > MOST:
        raise ConfigError(
            f"{len(found)} models; GitHub starts at most {MOST} jobs from one matrix",
            code="config/too-many-models",
            hint="Give some of them a workflow of their own.",
        )
    return tuple(Model(each.config.model.name, each.file, _paths(each)) for each in found)


def affected(known: Sequence[Model], changed: Iterable[str] | None) -> tuple[Affected, ...]:
    """Return the models that a change affects.

    Args:
        known: the repository's models.
        changed: paths that changed, relative to the workspace; None where nobody knows.
    """
    if changed is None:
        return tuple(Affected(each) for each in known)
    paths = sorted(changed)
    homes = {str(PurePosixPath(each.config).parent) for each in known}
    found = ((each, tuple(path for path in paths if _rests_on(each, path, homes))) for each in known)
    return tuple(Affected(each, because) for each, because in found if because)


def matrix(found: Sequence[Affected]) -> dict[str, list[dict[str, str]]]:
    """Return what ``strategy.matrix`` takes: a model's name and configuration a job."""
    return {"include": [{"model": each.model.name, "config": each.model.config} for each in found]}


def _rests_on(model: Model, path: str, homes: Iterable[str]) -> bool:
    home, *others = model.paths
    nearest = max((each for each in homes if _inside(path, each)), key=len, default="")
    return nearest == home or any(_matches(path, each) for each in others)


def _inside(path: str, folder: str) -> bool:
    return folder == "." or path == folder or path.startswith(f"{folder}/")


def _matches(path: str, pattern: str) -> bool:
    """Tell whether a path is a file that is named, or lies in a folder that is; a pointer stands for its data."""
    named = path.removesuffix(".dvc")
    return _inside(path, pattern) or fnmatch(named, pattern) or (path != named and pattern.startswith(f"{named}/"))


def _paths(loaded: Loaded) -> tuple[str, ...]:
    home = loaded.path.parent.relative_to(loaded.root)
    found = dict.fromkeys([home.as_posix()])
    for text in _texts(loaded.config.model_dump(mode="json", by_alias=True)):
        if path := _in_workspace(home, text):
            found[path] = None
            if path.endswith(".py") and (loaded.root / path).is_file():
                found[str(PurePosixPath(path).parent)] = None  # what a script imports stands beside it
    return tuple(found)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        if " " in value:
            try:
                yield from shlex.split(value)
            except ValueError:
                yield from value.split()
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _in_workspace(home: Path, text: str) -> str:
    """Return a path outside the model's own folder, relative to the workspace; empty where it is none, or inside."""
    if "../" not in f"{text}/" or re.match(r"[a-z][a-z0-9+.-]*://", text) or Path(text).is_absolute():
        return ""
    path = PurePosixPath(os.path.normpath(home / text)).as_posix()
    return "" if path.startswith("..") else path
