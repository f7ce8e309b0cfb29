"""YAML text as plain data with line numbers: no duplicate keys, no surprising words, no tags, and bounded in size.

The grammar is PyYAML's; what a plain scalar means is narrower than YAML 1.1 on purpose. ``yes``, ``no``, ``on``,
``off``, ``010`` and ``1:30`` mean different things to different readers of YAML, so they are errors unless quoted.
Dates stay text, and ``1e-3`` is a number, as in YAML 1.2 and in every editor.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from modelyard.core.errors import CollectedConfigError, ConfigError, Place

KeyPath = tuple[str | int, ...]

MAX_BYTES = 1 << 20
MAX_NODES = 10_000
MAX_DEPTH = 64
MAX_INTEGER = 2**53
"""Beyond it, canonical JSON and most readers of JSON lose digits."""

_TAG = "tag:yaml.org,2002:"
_AMBIGUOUS = "ambiguous"
_MERGE = _TAG + "merge"
_STANDARD = frozenset(_TAG + name for name in ("str", "int", "float", "bool", "null", "map", "seq"))

_PLAIN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"~|null|Null|NULL|"), _TAG + "null"),
    (re.compile(r"true|True|TRUE|false|False|FALSE"), _TAG + "bool"),
    (re.compile(r"yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF"), _AMBIGUOUS),
    (re.compile(r"[-+]?0[0-9_]+|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"), _AMBIGUOUS),
    (re.compile(r"[-+]?(0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|0o[0-7_]+|0b[01_]+)"), _TAG + "int"),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?"), _TAG + "float"),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), _TAG + "float"),
    (re.compile(r"<<"), _MERGE),
)


@dataclass
class Tree:
    """What a file says; ``problems`` are mistakes that did not stop the reading, ``tainted`` the keys they touch."""

    data: Any
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[ConfigError] = field(default_factory=list)
    tainted: set[KeyPath] = field(default_factory=set)


class TooMuchError(Exception):
    """The text has more nodes, or nests deeper, than any honest configuration; ``line`` is where that was noticed."""

    def __init__(self, message: str, line: int) -> None:
        self.message = message
        self.line = line
        super().__init__(message)


def shown(value: Any, limit: int = 60) -> str:
    """A value as messages show it: booleans and nothing as YAML writes them, the rest by repr, shortened."""
    if isinstance(value, dict):
        return "an empty mapping" if not value else f"a mapping with {_shorten(', '.join(map(str, value)), limit)}"
    if isinstance(value, list):
        return "an empty list" if not value else f"a list of {len(value)}"
    if value is None:
        return "nothing"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return _shorten(text, limit)


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def dotted(path: KeyPath) -> str:
    """A key path as people write it: ``evaluate.gates[1].margin``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


class _Composer(yaml.SafeLoader):
    """PyYAML's composer with a limit on nodes and depth, and the narrower reading of plain scalars."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.nodes = 0
        self.depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        self.nodes += 1
        self.depth += 1
        line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]  # the stubs leave it untyped
        if self.nodes > MAX_NODES:
            raise TooMuchError(f"more than {MAX_NODES:,} values", line)
        if self.depth > MAX_DEPTH:
            raise TooMuchError(f"nested more than {MAX_DEPTH} deep", line)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def resolve(self, kind: type[Node], value: Any, implicit: Any) -> Any:
        if kind is ScalarNode:
            if implicit[0]:
                return next((tag for pattern, tag in _PLAIN if pattern.fullmatch(value)), _TAG + "str")
            return _TAG + "str"
        return _TAG + ("map" if kind is MappingNode else "seq")


def read(text: str, file: str) -> Tree:
    """Parse YAML text.

    Args:
        text: the file's text.
        file: the name that messages give it.

    Returns:
        The data, with the 1-based line of every key path, and the mistakes that did not stop the reading.

    Raises:
        ConfigError: not YAML, more than one document, too large or nested too deep.
    """
    try:
        loader = _Composer(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
        builder = _Builder(file)
        builder.tree.data = None if node is None else builder.build(node, ())
    except TooMuchError as error:
        raise ConfigError(
            f"too large to be a configuration: {error.message}",
            hint="Data belongs in data files; aliases count every time they are used.",
            place=Place(file, error.line),
        ) from error
    except yaml.YAMLError as error:
        raise _plainly(error, text, file) from error
    builder.tree.lines[()] = 1 if node is None else node.start_mark.line + 1
    return builder.tree


class _Builder:
    """Turns composed nodes into plain data, collecting mistakes on the way."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.tree = Tree(None)
        self.count = 0
        self.open: set[int] = set()

    def problem(self, node: Node, path: KeyPath, found: str, hint: str, *, taints: bool = True) -> None:
        place = Place(self.file, node.start_mark.line + 1, dotted(path) or None)
        self.tree.problems.append(ConfigError(found, hint=hint, place=place))
        if taints:
            self.tree.tainted.add(path)

    def _count(self, node: Node) -> None:
        self.count += 1
        if self.count > MAX_NODES:
            raise TooMuchError(f"more than {MAX_NODES:,} values once aliases are followed", node.start_mark.line + 1)

    def build(self, node: Node, path: KeyPath) -> Any:
        self._count(node)
        if id(node) in self.open:
            self.problem(node, path, "an anchor that contains itself", "Write the value out instead.")
            return None
        if node.tag not in _STANDARD and node.tag not in (_AMBIGUOUS, _MERGE):
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
        name = node.tag.replace(_TAG, "!!")
        self.problem(
            node,
            path,
            f"the tag {shown(name)} is not allowed",
            "Write plain values: text, numbers, true, false.",
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
            if key_node.tag == _MERGE:
                continue
            name = self._key(key_node, path)
            line = key_node.start_mark.line + 1
            if name is None:
                continue
            if name in first:
                self.problem(
                    key_node,
                    (*path, name),
                    f"the key {shown(name)} is here twice: on line {first[name]} and on line {line}",
                    "Keep one of them.",
                    taints=False,  # the first one was read, and is checked
                )
                continue
            first[name] = line
            self.tree.lines[(*path, name)] = line
            own[name] = self.build(value_node, (*path, name))
        return {**self._merged(node, path, set(own)), **own}

    def _merged(self, node: MappingNode, path: KeyPath, own: set[str]) -> dict[str, Any]:
        """What ``<<: *anchor`` brings in; keys of its own, and those of earlier anchors in a list, come first."""
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag != _MERGE:
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
        """A mapping's entries, its own first and then those that it merges in."""
        self._count(node)
        if depth > MAX_DEPTH:
            raise TooMuchError("merges that go in circles", node.start_mark.line + 1)
        for key, value in node.value:
            if key.tag != _MERGE:
                self._count(key)
                yield key, value
        for key, value in node.value:
            if key.tag == _MERGE:
                for source in value.value if isinstance(value, SequenceNode) else [value]:
                    if isinstance(source, MappingNode):
                        yield from self._entries(source, depth + 1)

    def _key(self, node: Node, path: KeyPath) -> str | None:
        if isinstance(node, ScalarNode) and node.tag == _TAG + "str":
            text = self._text(node, path)
            return text if isinstance(text, str) else None
        if not isinstance(node, ScalarNode):
            self.problem(node, path, "a key that is a list or a mapping", "Keys are text; put it in quotes.")
            return None
        if node.tag == _AMBIGUOUS:
            found = f"the key {node.value} means different things to different readers of YAML"
        else:
            found = f"the key {shown(node.value) if node.value else 'of this value'} is not text"
        self.problem(node, (*path, node.value), found, f"Keys are text; put it in quotes: '{node.value}'.")
        return str(node.value)

    def _scalar(self, node: ScalarNode, path: KeyPath) -> Any:
        value, kind = node.value, node.tag.removeprefix(_TAG)
        if kind == _AMBIGUOUS:
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
            what, do = "a number in other units or bases", f"Put it in quotes if it is text: '{value}'."
        else:
            meant = "true" if value.lower() in ("yes", "on") else "false"
            what, do = meant, f"Write {meant} if you mean that, or put it in quotes if it is text: '{value}'."
        self.problem(node, path, f"{value} without quotes is text to some readers of YAML and {what} to others", do)

    def _text(self, node: ScalarNode, path: KeyPath) -> str | None:
        if "\0" in node.value or any("\ud800" <= char <= "\udfff" for char in node.value):
            self.problem(node, path, "text with a NUL or half a character in it", "Remove the escape from the text.")
            return None
        return str(node.value)

    def _boolean(self, node: ScalarNode, path: KeyPath) -> Any:
        known = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False}
        if node.value.lower() not in known:
            self.problem(node, path, f"{shown(node.value)} is no boolean", "Write true or false.")
            return None
        return known[node.value.lower()]

    def _number(self, node: ScalarNode, path: KeyPath, kind: str) -> Any:
        text = node.value.replace("_", "")
        try:
            number = int(text, 0) if kind == "int" else float(text)
        except ValueError:
            if kind == "float" and text.lower().lstrip("+-") in (".inf", ".nan"):
                self.problem(node, path, f"{node.value} is not a number to compare with", "Write a finite number.")
            else:
                self.problem(node, path, f"{shown(node.value)} is no number", "Write digits, such as 5 or 0.05.")
            return None
        if abs(number) > MAX_INTEGER and isinstance(number, int):
            self.problem(node, path, f"{shown(number)} is too large", "Whole numbers go up to 2^53.")
            return None
        if abs(number) == float("inf"):
            self.problem(node, path, f"{shown(node.value)} is too large", "Write a finite number.")
            return None
        return number


_WORDS: tuple[tuple[str, str, str], ...] = (
    ("found character '\\t'", "a tab where YAML wants spaces", "Indent with spaces."),
    ("found a tab character", "a tab where YAML wants spaces", "Indent with spaces."),
    ("mapping values are not allowed", "a colon where no key can stand",
     "Put a value that holds ': ' in quotes, and check the indentation."),
    ("could not find expected ':'", "a line that is neither a key with its colon nor part of the value above",
     "Write `key: value`, with a space after the colon."),
    ("expected ',' or ']'", "a [ that is not closed, or a comma missing in it", "Write [a, b]."),
    ("expected ',' or '}'", "a { that is not closed, or a comma missing in it",
     "Write {key: value, key: value}; put text that begins with { or holds a comma in quotes."),
    ("but found '-'", "a list item where a key should be", "Indent the items of a list under their key."),
    ("unexpected end of stream", "a quote that is not closed", "Close it, or double it inside the text."),
    ("expected <block end>", "something that does not fit the lines above it",
     "Check the indentation, and put text that begins with a quote, { or [ in quotes as a whole."),
    ("unknown escape character", "a backslash in double quotes that begins no escape", "Use single quotes."),
    ("escape sequence", "a broken escape in double quotes", "Use single quotes."),
    ("found undefined alias", "an alias (*name) of an anchor that is not there",
     "Put text that begins with * in quotes."),
    ("expected alphabetic or numeric character", "a * or & that begins no name", "Put the text in quotes."),
    ("found duplicate anchor", "an anchor (&name) that is there twice", "Rename one of them."),
    ("found another document", "a second document (---)", "Keep one document in the file."),
    ("expected the node content", "a mark where a value should be",
     "Put text that begins with , ] } : ? - or # in quotes."),
    ("that cannot start any token", "a character that cannot begin a value",
     "Put text that begins with %, @ or ` in quotes."),
    ("special characters are not allowed", "a control character", "Remove it; an editor that shows them helps."),
)  # fmt: skip


def _plainly(error: yaml.YAMLError, text: str, file: str) -> ConfigError:
    """PyYAML's complaint in plain words, with line and column."""
    if isinstance(error, yaml.MarkedYAMLError):
        said = f"{error.context or ''} {error.problem or ''}".strip()
        unclosed = "end of stream" in said or "'<stream end>'" in said
        mark = (error.context_mark if unclosed else None) or error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    else:
        said = str(error)
        before = text[: getattr(error, "position", 0)]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    for part, found, hint in _WORDS:
        if part in said:
            return ConfigError(f"not valid YAML: column {column}: {found}", hint=hint, place=Place(file, line))
    return ConfigError(f"not valid YAML: column {column}: {said}", hint="Check this line.", place=Place(file, line))


def collected(problems: list[ConfigError]) -> ConfigError:
    """One error for all of them, in the order of their lines."""
    ordered = sorted(problems, key=lambda problem: (problem.place.line or 0) if problem.place else 0)
    return ordered[0] if len(ordered) == 1 else CollectedConfigError(ordered)
