"""YAML syntax: text to nodes, with a limit on size, a narrower reading of plain scalars, and plain words for mistakes.

The grammar is PyYAML's; what a plain scalar means is narrower than YAML 1.1 on purpose. ``yes``, ``no``, ``on``,
``off``, ``010`` and ``1:30`` mean different things to different readers of YAML, so they are errors unless quoted.
Dates stay text, and ``1e-3`` is a number, as in YAML 1.2 and in every editor.
"""

import re
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

from modelyard.core.errors import ConfigError, Place
from modelyard.core.nodes import AMBIGUOUS, MERGE, TAG, Limits

_PLAIN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"~|null|Null|NULL|"), TAG + "null"),
    (re.compile(r"true|True|TRUE|false|False|FALSE"), TAG + "bool"),
    (re.compile(r"yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF"), AMBIGUOUS),
    (re.compile(r"[-+]?0[0-9_]+|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"), AMBIGUOUS),
    (re.compile(r"[-+]?(0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|0o[0-7_]+|0b[01_]+)"), TAG + "int"),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?"), TAG + "float"),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), TAG + "float"),
    (re.compile(r"<<"), MERGE),
)


def compose(text: str, file: str, limits: Limits) -> Node | None:
    """Return the root node of YAML text; None where the text holds no value.

    Raises:
        ConfigError: not YAML, or more than one document.
        TooMuchError: more nodes or a deeper nesting than the limits allow.
    """
    try:
        loader = _Composer(text, limits)
        try:
            return loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise _worded(error, text, file) from error


class _Composer(yaml.SafeLoader):
    """PyYAML's composer with a limit on nodes and depth, and the narrower reading of plain scalars."""

    def __init__(self, text: str, limits: Limits) -> None:
        super().__init__(text)
        self.limits = limits
        self.nodes = 0
        self.depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        self.nodes += 1
        self.depth += 1
        line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]  # the stubs leave it untyped
        self.limits.check(self.nodes, self.depth, line)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def resolve(self, kind: type[Node], value: Any, implicit: Any) -> Any:
        if kind is ScalarNode:
            if implicit[0]:
                return next((tag for pattern, tag in _PLAIN if pattern.fullmatch(value)), TAG + "str")
            return TAG + "str"
        return TAG + ("map" if kind is MappingNode else "seq")


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


def _worded(error: yaml.YAMLError, text: str, file: str) -> ConfigError:
    """Put PyYAML's complaint into plain words, with line and column."""
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
            return _invalid(f"column {column}: {found}", hint, Place(file, line))
    return _invalid(f"column {column}: {said}", "Check this line.", Place(file, line))


def _invalid(message: str, hint: str, place: Place) -> ConfigError:
    return ConfigError(f"not valid YAML: {message}", code="config/not-yaml", hint=hint, place=place)
