"""The one strict reader of files that users write: YAML or JSON text as plain data, with the line of every key.

Every mistake is collected: a key twice, a word that means different things to different readers, a tag, a number that
is not finite. ``core/explain.py`` checks the data against a model and puts both kinds of mistakes into one error.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from modelyard.core import json_syntax, yaml_syntax
from modelyard.core.errors import CollectedConfigError, ConfigError, Place, nearest
from modelyard.core.nodes import AMBIGUOUS, MERGE, TAG, Limits, TooMuchError

KeyPath = tuple[str | int, ...]
Syntax = Literal["yaml", "json"]

_STANDARD = frozenset(TAG + name for name in ("str", "int", "float", "bool", "null", "map", "seq"))


@dataclass
class Tree:
    """What a file says; ``problems`` are mistakes that did not stop the reading, ``tainted`` the keys they touch."""

    data: Any
    file: str
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[ConfigError] = field(default_factory=list)
    tainted: set[KeyPath] = field(default_factory=set)

    def place(self, path: KeyPath) -> Place:
        """Return the place of a key, on the line of the key itself or of its nearest parent in the file."""
        return Place(self.file, line_of(self.lines, path), dotted(path) or None)


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """Return the line of a key, or of its nearest parent that is written in the file."""
    while path and path not in lines:
        path = path[:-1]
    return lines[path]


def shown(value: Any, limit: int = 60) -> str:
    """Return a value as messages show it: booleans and nothing as YAML writes them, the rest by repr, shortened."""
    if isinstance(value, dict):
        return "an empty mapping" if not value else f"a mapping with {_shorten(', '.join(map(str, value)), limit)}"
    if isinstance(value, list):
        return "an empty list" if not value else f"a list of {len(value)}"
    if value is None:
        return "nothing"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return _shorten(text, limit)


def as_written(value: Any) -> str:
    """Return a parameter as it would stand in the configuration: 0 and false are two values, and so are 1 and true."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_written, value))}]"
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def dotted(path: KeyPath) -> str:
    """Return a key path as people write it: ``evaluate.gates[1].margin``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read(text: str, file: str, *, syntax: Syntax = "yaml", limits: Limits = Limits()) -> Tree:  # noqa: B008 - frozen
    """Parse text.

    Args:
        text: the file's text.
        file: the name that messages give it.
        syntax: which language it is written in.
        limits: how large it may be.

    Returns:
        The data, with the 1-based line of every key path, and the mistakes that did not stop the reading.

    Raises:
        ConfigError: not such text, more than one document, too large or nested too deep.
    """
    compose = json_syntax.compose if syntax == "json" else yaml_syntax.compose
    builder = _Builder(file, limits)
    try:
        node = compose(text, file, limits)
        builder.tree.data = None if node is None else builder.build(node, ())
    except TooMuchError as error:
        raise ConfigError(
            f"too large to be a configuration: {error.message}",
            code="config/too-large",
            hint="Data belongs in data files; aliases count every time they are used.",
            place=Place(file, error.line),
        ) from error
    builder.tree.lines[()] = 1 if node is None else node.start_mark.line + 1
    return builder.tree


def read_file(
    path: Path,
    file: str,
    *,
    what: str,
    syntax: Syntax = "yaml",
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Tree:
    """Read and parse a file.

    Args:
        path: the file.
        file: the name that messages give it.
        what: what it is, for messages: ``the configuration``.
        syntax: which language it is written in.
        limits: how large it may be.

    Raises:
        ConfigError: as ``read`` and ``read_text`` raise it.
    """
    return read(read_text(path, file, what=what, limits=limits), file, syntax=syntax, limits=limits)


def read_text(path: Path, file: str, *, what: str, limits: Limits = Limits()) -> str:  # noqa: B008 - frozen
    """Return the text of a file.

    Raises:
        ConfigError: no such file, a folder, not readable, not UTF-8, or too large.
    """
    place = Place(file)
    try:
        size = path.stat().st_size
        if size > limits.bytes:
            raise ConfigError(
                f"too large to be {what}: {size:,} bytes, at most {limits.bytes:,}",
                code="config/too-large",
                hint="Data belongs in data files.",
                place=place,
            )
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        beside = sorted(each.name for each in path.parent.iterdir()) if path.parent.is_dir() else []
        hint = nearest(path.name, beside) or "Paths are relative to the configuration."
        raise ConfigError(f"{what} does not exist", code="config/missing-file", hint=hint, place=place) from error
    except IsADirectoryError as error:
        raise ConfigError(
            f"a folder where {what} should be", code="config/not-a-file", hint="Name a file.", place=place
        ) from error
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror or error}",
            code="config/unreadable-file",
            hint="Fix its permissions.",
            place=place,
        ) from error
    return _decoded(raw, place)


def _decoded(raw: bytes, place: Place) -> str:
    if b"\0" in raw:
        wide = raw[:2] in (b"\xff\xfe", b"\xfe\xff") or raw[1:2] == b"\0" or raw[:1] == b"\0"
        line = raw[: raw.index(0)].count(10) + 1
        reason = "it is saved as UTF-16" if wide else f"it holds NUL bytes, the first on line {line}"
        raise ConfigError(
            f"not a text file in UTF-8: {reason}", code="config/not-utf8", hint="Save it as UTF-8 text.", place=place
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"not a text file in UTF-8: byte 0x{raw[error.start]:02x}",
            code="config/not-utf8",
            hint="Save it as UTF-8.",
            place=Place(place.file, raw[: error.start].count(b"\n") + 1),
        ) from error


class _Builder:
    """Turns composed nodes into plain data, collecting mistakes on the way."""

    def __init__(self, file: str, limits: Limits) -> None:
        self.limits = limits
        self.tree = Tree(None, file)
        self.count = 0
        self.open: set[int] = set()

    def problem(
        self, node: Node, path: KeyPath, message: str, hint: str, *, code: str = "config/bad-value", taints: bool = True
    ) -> None:
        place = Place(self.tree.file, node.start_mark.line + 1, dotted(path) or None)
        self.tree.problems.append(ConfigError(message, code=code, hint=hint, place=place))
        if taints:
            self.tree.tainted.add(path)

    def _count(self, node: Node) -> None:
        self.count += 1
        if self.count > self.limits.nodes:
            message = f"more than {self.limits.nodes:,} values once aliases are followed"
            raise TooMuchError(message, node.start_mark.line + 1)

    def build(self, node: Node, path: KeyPath) -> Any:
        self._count(node)
        if id(node) in self.open:
            self.problem(node, path, "an anchor that contains itself", "Write the value out instead.")
            return None
        if node.tag not in _STANDARD and node.tag not in (AMBIGUOUS, MERGE):
            self._unknown_tag(node, path)
            return None
        self.open.add(id(node))
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, path)
            if isinstance(node, SequenceNode):
                return self._sequence(node, path)
            return self._scalar(node, path) if isinstance(node, ScalarNode) else None
        finally:
            self.open.discard(id(node))

    def _unknown_tag(self, node: Node, path: KeyPath) -> None:
        name = node.tag.replace(TAG, "!!")
        self.problem(
            node,
            path,
            f"the tag {shown(name)} is not allowed",
            "Write plain values: text, numbers, true, false.",
            code="config/yaml-tag",
        )

    def _sequence(self, node: SequenceNode, path: KeyPath) -> list[Any]:
        items = []
        for index, item in enumerate(node.value):
            here = (*path, index)
            self.tree.lines[here] = item.start_mark.line + 1
            items.append(self.build(item, here))
        return items

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        own: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            if key_node.tag == MERGE:
                continue
            name = self._key(key_node, path)
            line = key_node.start_mark.line + 1
            if name is None:
                continue
            if name in first:
                self.problem(
                    key_node,
                    (*path, name),
                    f"duplicate key {shown(name)}: on line {first[name]} and on line {line}",
                    "Keep one of them.",
                    code="config/duplicate-key",
                    taints=False,  # the first one was read, and is checked
                )
                continue
            first[name] = line
            self.tree.lines[(*path, name)] = line
            own[name] = self.build(value_node, (*path, name))
        return {**self._merged(node, path, set(own)), **own}

    def _merged(self, node: MappingNode, path: KeyPath, own: set[str]) -> dict[str, Any]:
        """Return what ``<<: *anchor`` brings in; its own keys, and those of earlier anchors in a list, come first."""
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag != MERGE:
                continue
            sources = value_node.value if isinstance(value_node, SequenceNode) else [value_node]
            for source in sources:
                if not isinstance(source, MappingNode) or id(source) in self.open:
                    self.problem(key_node, (*path, "<<"), "<< takes a mapping", "Write <<: *name.")
                    continue
                for inner_key, inner_value in self._entries(source, 0):
                    name = self._key(inner_key, path)
                    if name is not None and name not in own and name not in merged:
                        self.tree.lines[(*path, name)] = inner_key.start_mark.line + 1
                        merged[name] = self.build(inner_value, (*path, name))
        return merged

    def _entries(self, node: MappingNode, depth: int) -> Iterator[tuple[Node, Node]]:
        """Return a mapping's entries, its own first and then those that it merges in."""
        self._count(node)
        if depth > self.limits.depth:
            raise TooMuchError("merges that go in circles", node.start_mark.line + 1)
        for key, value in node.value:
            if key.tag != MERGE:
                self._count(key)
                yield key, value
        for key, value in node.value:
            if key.tag == MERGE:
                for source in value.value if isinstance(value, SequenceNode) else [value]:
                    if isinstance(source, MappingNode):
                        yield from self._entries(source, depth + 1)

    def _key(self, node: Node, path: KeyPath) -> str | None:
        if isinstance(node, ScalarNode) and node.tag == TAG + "str":
            text = self._text(node, path)
            return text if isinstance(text, str) else None
        if not isinstance(node, ScalarNode):
            self.problem(node, path, "a key that is a list or a mapping", "Keys are text; put it in quotes.")
            return None
        hint = f"Keys are text; put it in quotes: '{node.value}'."
        if node.tag == AMBIGUOUS:
            found = f"the key {node.value} means different things to different readers of YAML"
            self.problem(node, (*path, node.value), found, hint, code="config/ambiguous-word")
        else:
            found = f"the key {shown(node.value) if node.value else 'of this value'} is not text"
            self.problem(node, (*path, node.value), found, hint)
        return str(node.value)

    def _scalar(self, node: ScalarNode, path: KeyPath) -> Any:
        value, kind = node.value, node.tag.removeprefix(TAG)
        if kind == AMBIGUOUS:
            self._ambiguous(node, path)
            return value
        if kind in ("str", "merge"):
            return self._text(node, path)
        if kind == "null":
            return None
        if kind == "bool":
            return self._boolean(node, path)
        return self._number(node, path, kind)

    def _ambiguous(self, node: ScalarNode, path: KeyPath) -> None:
        value = node.value
        if value[-1].isdigit() or value[-1] in ".:_":
            what, hint = "a number in other units or bases", f"Put it in quotes if it is text: '{value}'."
        else:
            meant = "true" if value.lower() in ("yes", "on") else "false"
            what, hint = meant, f"Write {meant} if you mean that, or put it in quotes if it is text: '{value}'."
        message = f"{value} without quotes is text to some readers of YAML and {what} to others"
        self.problem(node, path, message, hint, code="config/ambiguous-word")

    def _text(self, node: ScalarNode, path: KeyPath) -> str | None:
        if "\0" in node.value or any("\ud800" <= char <= "\udfff" for char in node.value):
            self.problem(node, path, "text with a NUL or half a character in it", "Remove the escape from the text.")
            return None
        return str(node.value)

    def _boolean(self, node: ScalarNode, path: KeyPath) -> Any:
        known = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False}
        if node.value.lower() not in known:
            self.problem(node, path, f"invalid boolean {shown(node.value)}", "Write true or false.")
            return None
        return known[node.value.lower()]

    def _number(self, node: ScalarNode, path: KeyPath, kind: str) -> Any:
        text = node.value.replace("_", "")
        if kind == "float" and text.lower().lstrip("+-.") in ("inf", "nan", "infinity"):
            self.problem(
                node, path, f"{node.value} is not a finite number", "Write a finite number, or remove the key."
            )
            return None
        try:
            number = int(text, 0) if kind == "int" else float(text)
        except ValueError:
            self.problem(node, path, f"invalid number {shown(node.value)}", "Write digits, such as 5 or 0.05.")
            return None
        if isinstance(number, int) and self.limits.integer is not None and abs(number) > self.limits.integer:
            self.problem(node, path, f"{shown(number)} is too large", "Whole numbers go up to 2^53.")
            return None
        if not isfinite(number):
            self.problem(node, path, f"{shown(node.value)} is too large", "Write a finite number.")
            return None
        return number


def collected(problems: list[ConfigError]) -> ConfigError:
    """Return one error for all of them, in the order of their lines."""
    ordered = sorted(problems, key=lambda problem: (problem.place.line or 0) if problem.place else 0)
    return ordered[0] if len(ordered) == 1 else CollectedConfigError(ordered)
