"""modelyard.yml from disk: checked, with the line of every key, and every mistake named at once."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from modelyard.config import explain
from modelyard.config import parts as rules
from modelyard.config.models import Config
from modelyard.core import documents, files
from modelyard.core.documents import KeyPath, dotted
from modelyard.core.errors import ConfigError, Place, nearest

NAME = "modelyard.yml"
RESERVED = ("monitor", "package", "deploy", "compliance")
_SKIPPED = frozenset({"node_modules", "modelyard-run", "__pycache__", "venv", "site-packages"})


@dataclass(frozen=True)
class Loaded:
    """A configuration, where it came from, and where each key stands.

    Attributes:
        config: the checked configuration.
        path: the file, resolved.
        root: the workspace, which no path in the file may leave.
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

    @property
    def file(self) -> str:
        """The file as messages name it: relative to the workspace."""
        return self.path.relative_to(self.root).as_posix()

    def line_of(self, path: KeyPath) -> int:
        """The line of a key, or of its nearest parent that is written in the file."""
        return _line(self.lines, path)

    def place(self, path: KeyPath) -> Place:
        """The place of a key, for an error about it."""
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
    text = _text(resolved, file, root)
    tree = documents.read(text, file)
    config = _check(tree, file)
    return Loaded(config, resolved, root, text, tree.lines, rules.digest(rules.meaning(config)))


def _text(path: Path, file: str, root: Path) -> str:
    place = Place(file)
    try:
        size = path.stat().st_size
        if size > documents.MAX_BYTES:
            raise ConfigError(
                f"too large to be a configuration: {size:,} bytes, at most {documents.MAX_BYTES:,}",
                hint="Data belongs in data files.",
                place=place,
            )
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _absent(path, root) from error
    except IsADirectoryError as error:
        raise ConfigError("a folder where the configuration should be", hint=f"Name the file, such as {file}/{NAME}.",
                          place=place) from error  # fmt: skip
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror or error}", hint="Mend its permissions.", place=place
        ) from error
    if b"\0" in raw:
        wide = raw[:2] in (b"\xff\xfe", b"\xfe\xff") or raw[1:2] == b"\0" or raw[:1] == b"\0"
        what = "saved as UTF-16" if wide else f"holds NUL bytes, the first on line {raw[: raw.index(0)].count(10) + 1}"
        raise ConfigError(f"not a text file in UTF-8: it {'is ' if wide else ''}{what}", hint="Save it as UTF-8 text.",
                          place=place)  # fmt: skip
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"not a text file in UTF-8: byte 0x{raw[error.start]:02x}",
            hint="Save it as UTF-8.",
            place=Place(file, line),
        ) from error


def _absent(path: Path, root: Path) -> ConfigError:
    folder = path.parent.relative_to(root).as_posix()
    where = "the workspace" if folder == "." else f"{folder}/"
    elsewhere = next(_others(path, root), None)
    if elsewhere is None:
        return ConfigError(
            f"no {path.name} in {where}",
            hint="Run `modelyard init` to have one proposed, or name another with --config.",
        )
    other = elsewhere.relative_to(root).as_posix()
    return ConfigError(
        f"no {path.name} in {where}, but there is {other}",
        hint="Name it with --config, relative to the folder that you are in.",
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


def _check(tree: documents.Tree, file: str) -> Config:
    if tree.data is None and not tree.problems:
        raise ConfigError("the file is empty", hint="Run `modelyard init` to have one proposed.", place=Place(file))
    if not isinstance(tree.data, dict):
        problem = ConfigError(
            f"found {documents.shown(tree.data)}; a configuration is a mapping such as `model: …`, `data: …`",
            hint="Run `modelyard init` in an empty folder to see one.",
            place=Place(file, tree.lines[()]),
        )
        raise documents.collected([*tree.problems, *([] if tree.problems else [problem])])
    problems = list(tree.problems)
    data = dict(tree.data)
    for name in RESERVED:
        if name in data:
            del data[name]
            place = Place(file, _line(tree.lines, (name,)), name)
            problems.append(ConfigError(f"{name} is reserved for a later version", hint="Remove it.", place=place))
    config, findings = _validate(data)
    for finding in findings:
        if not _tainted(finding, tree):
            place = Place(file, _line(tree.lines, finding.path), dotted(finding.path) or None)
            problems.append(ConfigError(finding.found, hint=finding.hint, place=place))
    if problems or config is None:
        raise documents.collected(problems)
    return config


def _validate(data: Mapping[str, Any]) -> tuple[Config | None, list[explain.Finding]]:
    try:
        # JSON, because strict checking (no "5" for 5) takes lists for tuples only there.
        return Config.model_validate_json(json.dumps(data), strict=True, by_alias=True, by_name=False), []
    except ValidationError as error:
        return None, explain.explain(error.errors(include_url=False), data)


def _tainted(finding: explain.Finding, tree: documents.Tree) -> bool:
    """The finding follows from a mistake that was told already: at its key or above, or at a key that it looked at."""
    if any(finding.path[:end] in tree.tainted for end in range(1, len(finding.path) + 1)):
        return True
    section = finding.section
    return section is not None and any(tainted[: len(section)] == section for tainted in tree.tainted)


def _line(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines[path]
