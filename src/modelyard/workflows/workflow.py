"""One workflow file as data: triggers, jobs, steps, permissions, each with its line; what is not literal is unknown.

Source of the shapes: "Workflow syntax for GitHub Actions" in GitHub's documentation.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelyard.core import documents
from modelyard.core.documents import KeyPath, Tree
from modelyard.core.errors import ConfigError, Place
from modelyard.core.nodes import Limits

LIMITS = Limits(bytes=512_000, nodes=50_000)
"""GitHub takes workflow files up to 500 KB."""
FOLDER = Path(".github", "workflows")
_USES = re.compile(r"(?P<owner>[\w.-]+)/(?P<name>[\w.-]+)(?P<folder>(?:/[\w.-]+)*)@(?P<ref>\S+)")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_COMMENT = re.compile(r"\s#\s*(.*?)\s*$")


def is_literal(value: object) -> bool:
    """Return whether a value is what it says, and not an expression that only a run can evaluate."""
    return not (isinstance(value, str) and "${{" in value)


def is_on(value: object) -> bool | None:
    """Return a boolean as GitHub reads one; None where only a run can tell."""
    if not is_literal(value):
        return None
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


@dataclass(frozen=True)
class Uses:
    """An action or reusable workflow that is used: ``owner/name/folder@ref``, with the comment behind it."""

    owner: str
    name: str
    folder: str
    ref: str
    comment: str = ""

    @property
    def repository(self) -> str:
        """``owner/name`` in lower case."""
        return f"{self.owner}/{self.name}".lower()

    @property
    def pinned(self) -> bool:
        """Whether it names a commit, which nobody can move."""
        return _COMMIT.fullmatch(self.ref) is not None


@dataclass(frozen=True)
class Grants:
    """What a job's token may do.

    Attributes:
        scopes: level of each scope that is named; None where nothing is stated and the repository's setting decides.
        every: ``read`` or ``write`` where all scopes are granted at once.
        path: where it is stated.
    """

    scopes: Mapping[str, str] | None
    every: str = ""
    path: KeyPath = ()

    def level(self, scope: str) -> str | None:
        """Return none, read or write; None where only the repository's settings or a run can tell."""
        if self.every:
            return self.every
        if self.scopes is None:
            return None
        level = self.scopes.get(scope, "none")
        return level if is_literal(level) else None

    def covers(self, scope: str, level: str) -> bool | None:
        """Return whether a level of a scope is granted; None where that cannot be told."""
        has = self.level(scope)
        return None if has is None else has == "write" or has == level

    @property
    def writes(self) -> tuple[str, ...]:
        """The scopes that may be written; ``every scope`` where all of them are."""
        if self.every:
            return ("every scope",) if self.every == "write" else ()
        return tuple(scope for scope, level in (self.scopes or {}).items() if level == "write")


@dataclass(frozen=True)
class Step:
    """One step of a job; what it lacks is empty."""

    path: KeyPath
    data: Mapping[str, Any]
    uses: Uses | None

    @property
    def id(self) -> str:
        """Its id."""
        return _text(self.data.get("id"))

    @property
    def run(self) -> str:
        """Its script."""
        return _text(self.data.get("run"))

    @property
    def given(self) -> Mapping[str, Any]:
        """Its inputs."""
        return _mapping(self.data.get("with"))

    def input(self, name: str, default: str = "") -> str:
        """Return an input as text; booleans as YAML writes them."""
        value = self.given.get(name, default)
        return str(value).lower() if isinstance(value, bool) else _text(value)


@dataclass(frozen=True)
class Job:
    """One job."""

    name: str
    path: KeyPath
    data: Mapping[str, Any]
    steps: tuple[Step, ...]
    grants: Grants
    uses: Uses | None = None
    """The workflow of another repository that it calls instead of having steps."""

    @property
    def called(self) -> str:
        """Path of the workflow of this repository that it calls instead of having steps."""
        named = _text(self.data.get("uses"))
        return named.removeprefix("./") if named.startswith("./") else ""

    @property
    def needs(self) -> tuple[str, ...]:
        """The jobs that it waits for."""
        return _texts(self.data.get("needs"))

    @property
    def runners(self) -> tuple[str, ...]:
        """Labels of the runner; an expression stands as it is written."""
        named = self.data.get("runs-on")
        return _texts(named.get("labels")) if isinstance(named, dict) else _texts(named)

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The outputs that it declares."""
        return _mapping(self.data.get("outputs"))

    @property
    def reusable(self) -> bool:
        """Whether it calls another workflow instead of having steps."""
        return "uses" in self.data


@dataclass(frozen=True)
class Workflow:
    """A workflow file.

    Attributes:
        file: path relative to the repository's top, with slashes.
        text: what it says.
        triggers: events with what is said of each, None where nothing is.
        jobs: its jobs in order.
        problems: what GitHub would not take.
    """

    file: str
    text: str
    tree: Tree
    triggers: Mapping[str, Any]
    jobs: tuple[Job, ...]
    problems: list[ConfigError] = field(default_factory=list)

    @property
    def data(self) -> Mapping[str, Any]:
        """The whole file as plain data."""
        return _mapping(self.tree.data)

    @property
    def name(self) -> str:
        """Its name, by which other workflows and checks know it; the file's path where it has none."""
        return _text(self.data.get("name")) or self.file

    @property
    def used(self) -> Iterator[tuple[KeyPath, Uses]]:
        """Every action and workflow of another repository that is used, and where it is named."""
        for job in self.jobs:
            holders: tuple[Job | Step, ...] = (job, *job.steps)
            for each in holders:
                if each.uses is not None:
                    yield (*each.path, "uses"), each.uses

    def asked(self) -> dict[str, str]:
        """Return what its jobs ask for together: scope to read or write."""
        found: dict[str, str] = {}
        for job in self.jobs:
            for scope, level in (job.grants.scopes or {}).items():
                if level in ("read", "write"):
                    found[scope] = "write" if "write" in (level, found.get(scope)) else level
        return found

    def line(self, path: KeyPath) -> int:
        """Return the line of a key, or of its nearest parent that is written."""
        return documents.line_of(self.tree.lines, path)

    def get(self, path: KeyPath) -> Any:
        """Return what stands at a path; None where nothing does."""
        found: Any = self.tree.data
        for part in path:
            at_index = isinstance(found, list) and isinstance(part, int) and part < len(found)
            if not at_index and not (isinstance(found, dict) and part in found):
                return None
            found = found[part]
        return found

    def mapping(self, path: KeyPath) -> Mapping[str, Any]:
        """Return the mapping at a path; an empty one where something else stands there."""
        return _mapping(self.get(path))

    def listed(self, path: KeyPath) -> tuple[str, ...]:
        """Return the texts of a list at a path, or the one text there."""
        return _texts(self.get(path))

    def texts(self, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
        """Yield every text at or below a path, keys of mappings left out."""
        yield from _walk(path, self.get(path))

    def comment(self, path: KeyPath) -> str:
        """Return the comment behind a key on its own line."""
        lines = self.text.splitlines()
        at = self.line(path) - 1
        found = _COMMENT.search(lines[at]) if at < len(lines) else None
        return found[1] if found else ""


def read(text: str, file: str) -> Workflow:
    """Read a workflow.

    Args:
        text: the file's text.
        file: its path relative to the repository's top.

    Raises:
        ConfigError: not YAML, too large, or nothing in it that is a workflow.
    """
    tree = documents.read(text, file, limits=LIMITS)
    problems = [each for each in tree.problems if each.code != "config/ambiguous-word"]
    if not isinstance(tree.data, dict):
        raise ConfigError(
            f"a workflow is a mapping, and this is {documents.shown(tree.data)}",
            code="workflow/not-a-workflow",
            hint="Write name, on and jobs.",
            place=Place(file, 1),
        )
    odd = _Odd(tree, problems)
    top = tree.data
    triggers = _triggers(top.get("on"), odd)
    jobs = tuple(_job(tree, str(name), job, top, text, odd) for name, job in odd.mapping(("jobs",), top).items())
    return Workflow(file, text, tree, triggers, tuple(job for job in jobs if job is not None), problems)


def read_file(path: Path, file: str) -> Workflow:
    """Read a workflow from disk.

    Raises:
        ConfigError: as ``read``, and where the file cannot be read.
    """
    return read(documents.read_text(path, file, what="a workflow", limits=LIMITS), file)


class _Odd:
    """Collects what has another shape than GitHub takes."""

    def __init__(self, tree: Tree, problems: list[ConfigError]) -> None:
        self.tree = tree
        self.problems = problems

    def say(self, path: KeyPath, found: object, wanted: str) -> None:
        self.problems.append(
            ConfigError(
                f"{documents.shown(found)} where GitHub takes {wanted}",
                code="workflow/shape",
                hint="Compare with the template; a file that was edited half-way looks like this.",
                place=self.tree.place(path),
            )
        )

    def mapping(self, path: KeyPath, parent: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a mapping at the last key of a path, noted where it is none."""
        found = parent.get(str(path[-1]))
        if isinstance(found, dict):
            return found
        self.say(path, found, "a mapping")
        return {}


def _triggers(said: object, odd: _Odd) -> Mapping[str, Any]:
    if isinstance(said, str):
        return {said: None}
    if isinstance(said, list):
        return {each: None for each in said if isinstance(each, str)}
    if isinstance(said, dict):
        return said
    odd.say(("on",), said, "events")
    return {}


def _job(tree: Tree, name: str, job: object, top: Mapping[str, Any], text: str, odd: _Odd) -> Job | None:
    path: KeyPath = ("jobs", name)
    if not isinstance(job, dict):
        odd.say(path, job, "a job")
        return None
    steps = []
    listed = job.get("steps")
    if not isinstance(listed, list) and "uses" not in job:
        odd.say((*path, "steps"), listed, "a list of steps")
    lines = text.splitlines()
    for at, step in enumerate(listed if isinstance(listed, list) else ()):
        here = (*path, "steps", at)
        if isinstance(step, dict):
            steps.append(Step(here, step, _uses(tree, here, step, lines)))
        else:
            odd.say(here, step, "a step")
    stated = (*path, "permissions") if "permissions" in job else ("permissions",)
    grants = _grants((job if "permissions" in job else top), stated)
    return Job(name, path, job, tuple(steps), grants, _uses(tree, path, job, lines))


def _uses(tree: Tree, path: KeyPath, step: Mapping[str, Any], lines: list[str]) -> Uses | None:
    found = _USES.fullmatch(_text(step.get("uses")))
    if found is None:
        return None
    at = documents.line_of(tree.lines, (*path, "uses")) - 1
    comment = _COMMENT.search(lines[at]) if at < len(lines) else None
    return Uses(found["owner"], found["name"], found["folder"].strip("/"), found["ref"], comment[1] if comment else "")


def _grants(holder: Mapping[str, Any], path: KeyPath) -> Grants:
    said = holder.get("permissions")
    if isinstance(said, dict):
        return Grants({str(scope): _text(level) for scope, level in said.items()}, path=path)
    if said in ("read-all", "write-all"):
        return Grants({}, every=str(said).partition("-")[0], path=path)
    return Grants(None, path=path)


def _walk(path: KeyPath, found: object) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(found, str):
        yield path, found
    elif isinstance(found, dict):
        for key, value in found.items():
            yield from _walk((*path, key), value)
    elif isinstance(found, list):
        for at, value in enumerate(found):
            yield from _walk((*path, at), value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""


def _texts(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [] if value is None else [value]
    return tuple(each for each in listed if isinstance(each, str))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
