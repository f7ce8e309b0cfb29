"""modelyard.yml from disk: checked, with the line of every key, and every mistake named at once."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from modelyard.config.configuration import Config
from modelyard.config.meaning import meaning
from modelyard.config.sections.outcomes import OUTCOMES
from modelyard.core import documents, explain, files
from modelyard.core.actions import in_actions
from modelyard.core.canonical import digest
from modelyard.core.documents import KeyPath, dotted, line_of
from modelyard.core.errors import ConfigError, Place, nearest

NAME = "modelyard.yml"
RESERVED = ("package", "deploy", "compliance")
_SKIPPED = frozenset({"node_modules", "modelyard-run", "__pycache__", "venv", "site-packages"})


@dataclass(frozen=True)
class Loaded:
    """A configuration, where it came from, and where each key stands.

    Attributes:
        config: the checked configuration.
        path: the file, resolved.
        root: the workspace, which no path in the file may leave.
        link: the first link on the way from the workspace to the file, as it was named; None where there is none.
        text: the file's text.
        lines: key path to 1-based line.
        digest: of the configuration's meaning: comments, formatting, the order of keys and written-out defaults do not
            change it.
    """

    config: Config
    path: Path
    root: Path
    text: str
    lines: Mapping[KeyPath, int]
    digest: str
    link: Path | None = None

    @property
    def file(self) -> str:
        """The file as messages name it: relative to the workspace."""
        return self.path.relative_to(self.root).as_posix()

    def line_of(self, path: KeyPath) -> int:
        """Return the line of a key, or of its nearest parent that is written in the file."""
        return line_of(self.lines, path)

    def place(self, path: KeyPath) -> Place:
        """Return the place of a key, for an error about it."""
        return Place(self.file, self.line_of(path), dotted(path) or None)


def load(path: Path, *, root: Path) -> Loaded:
    """Read and check a configuration.

    Args:
        path: the file; a relative path is relative to ``root``.
        root: the workspace.

    Raises:
        ConfigError: no such file, not readable as YAML in UTF-8, or not a configuration; a ``CollectedConfigError``
            in the order of lines where there are several mistakes.
    """
    root = root.resolve()
    resolved = files.inside(root, path, what="the configuration")
    file = resolved.relative_to(root).as_posix()
    try:
        exists = resolved.exists()
    except OSError as error:
        raise ConfigError(
            f"no file can be called {file[:80]!r}: {error.strerror}",
            code="config/missing-file",
            hint="Name the configuration with --config.",
        ) from error
    if not exists:
        raise _absent(resolved, root)
    text = documents.read_text(resolved, file, what="the configuration")
    tree = documents.read(text, file)
    config = _checked(tree)
    return Loaded(config, resolved, root, text, tree.lines, digest(meaning(config)), files.first_link(root, path))


def is_of_outcomes(data: object) -> bool:
    """Tell whether what a file says is a configuration of outcomes, as ``config.outcomes`` reads it."""
    model = data.get("model") if isinstance(data, dict) else None
    return isinstance(model, dict) and model.get("task") == OUTCOMES


_NAMED = 20
"""Configurations that are named where the one asked for is not there."""


def _absent(path: Path, root: Path) -> ConfigError:
    folder = path.parent.relative_to(root).as_posix()
    where = "the workspace" if folder == "." else f"{folder}/"
    elsewhere = list(dict.fromkeys(each.relative_to(root).as_posix() for each in _others(path, root)))
    on_runner = in_actions(os.environ)
    if not elsewhere and on_runner and not (root / ".git").exists():
        return ConfigError(
            f"no {path.name}, and no checkout: the workspace holds no repository",
            code="config/missing-file",
            hint="Check out before this step: uses: actions/checkout, without `path:`, or with it and the input "
            "`config` below that path.",
        )
    if not elsewhere:
        return ConfigError(
            f"no {path.name} in {where}",
            code="config/missing-file",
            hint="Run `modelyard init` to have one proposed, or name another with --config.",
        )
    more = f" and {len(elsewhere) - _NAMED} more" if len(elsewhere) > _NAMED else ""
    return ConfigError(
        f"no {path.name} in {where}, but there {'is' if len(elsewhere) == 1 else 'are'} "
        f"{', '.join(elsewhere[:_NAMED])}{more}",
        code="config/missing-file",
        hint=f"Name it with the input config: {elsewhere[0]}"
        if on_runner
        else "Name it with --config, relative to the folder that you are in.",
    )


def _others(path: Path, root: Path) -> Iterator[Path]:
    """Files that may be meant: the other suffix, a name close by, a folder above, a folder below."""
    for name in (NAME, "modelyard.yaml", ".modelyard.yml", ".modelyard.yaml"):
        yield from (folder / name for folder in (path.parent, root) if (folder / name).is_file())
    if path.parent.is_dir():
        yaml_files = [
            each.name for each in path.parent.iterdir() if each.suffix in (".yml", ".yaml") and each.is_file()
        ]
        close = nearest(path.name, sorted(yaml_files))
        yield from (path.parent / name for name in yaml_files if close and f"{name!r}" in close)
    for depth in ("*", "*/*", "*/*/*"):
        for found in sorted(root.glob(f"{depth}/{NAME}")):
            parts = found.relative_to(root).parts[:-1]
            if not any(part.startswith(".") or part in _SKIPPED for part in parts):
                yield found


def _checked(tree: documents.Tree) -> Config:
    if is_of_outcomes(tree.data):
        raise ConfigError(
            "outcomes of cases are judged without data and training, by a command of their own",
            code="config/task-of-outcomes",
            hint="Run `modelyard judge`.",
            place=tree.place(("model", "task")),
        )
    reserved = [name for name in RESERVED if isinstance(tree.data, dict) and name in tree.data]
    problems = [
        ConfigError(
            f"{name} is reserved for a later version",
            code="config/reserved-key",
            hint="Remove it.",
            place=tree.place((name,)),
        )
        for name in reserved
    ]
    if reserved:
        tree = replace(tree, data={key: value for key, value in tree.data.items() if key not in reserved})
    return explain.checked(tree, Config, problems=problems, hint="Run `modelyard init` to have one proposed.")
