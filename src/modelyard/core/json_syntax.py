"""JSON syntax (RFC 8259): text to the nodes that YAML is read into, so that both are checked by one builder."""

import re
from bisect import bisect_left
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]  # not in typeshed

from yaml.error import Mark
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from modelyard.core.errors import ConfigError, Place
from modelyard.core.nodes import TAG, Limits

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS = {"true": "bool", "false": "bool", "null": "null", "NaN": "float", "Infinity": "float", "-Infinity": "float"}


def compose(text: str, file: str, limits: Limits) -> Node:
    """Return the root node of JSON text.

    Raises:
        ConfigError: not JSON.
        TooMuchError: more nodes or a deeper nesting than the limits allow.
    """
    composer = _Composer(text, limits)
    try:
        node, end = composer.value(composer.skip(0), 1)
        if composer.skip(end) < len(text):
            raise JSONDecodeError("Extra data", text, composer.skip(end))
    except JSONDecodeError as error:
        raise ConfigError(
            f"not valid JSON: column {error.colno}: {error.msg}",
            code="config/not-json",
            hint="Fix the file there; a JSON-aware editor shows the spot.",
            place=Place(file, error.lineno),
        ) from None
    return node


class _Composer:
    def __init__(self, text: str, limits: Limits) -> None:
        self.text = text
        self.limits = limits
        self.nodes = 0
        self.breaks = [match.start() for match in re.finditer("\n", text)]

    def mark(self, at: int) -> Mark:
        return Mark("", at, bisect_left(self.breaks, at), 0, None, 0)

    def skip(self, at: int) -> int:
        match = _SPACE.match(self.text, at)
        return match.end() if match else at

    def value(self, at: int, depth: int) -> tuple[Node, int]:
        self.nodes += 1
        mark = self.mark(at)
        self.limits.check(self.nodes, depth, mark.line + 1)
        first = self.text[at : at + 1]
        if first == "{":
            return self._collection(at, depth, "}")
        if first == "[":
            return self._collection(at, depth, "]")
        if first == '"':
            value, end = scanstring(self.text, at + 1)
            return ScalarNode(TAG + "str", value, mark), end
        word = next((word for word in _WORDS if self.text.startswith(word, at)), None)
        if word:
            return ScalarNode(TAG + _WORDS[word], word, mark), at + len(word)
        match = _NUMBER.match(self.text, at)
        if match is None:
            raise JSONDecodeError("Expecting value", self.text, at)
        kind = "int" if match[1] is match[2] is None else "float"
        return ScalarNode(TAG + kind, match[0], mark), match.end()

    def _collection(self, start: int, depth: int, close: str) -> tuple[Node, int]:
        entries: list[Node] = []
        pairs: list[tuple[Node, Node]] = []
        at = self.skip(start + 1)
        while self.text[at : at + 1] != close:
            if entries or pairs:
                at = self._after(",", at)
            if close == "}":
                key, at = self._key(at)
                value, at = self.value(at, depth + 1)
                pairs.append((key, value))
            else:
                value, at = self.value(at, depth + 1)
                entries.append(value)
            at = self.skip(at)
        mark = self.mark(start)
        node = MappingNode(TAG + "map", pairs, mark) if close == "}" else SequenceNode(TAG + "seq", entries, mark)
        return node, at + 1

    def _key(self, at: int) -> tuple[Node, int]:
        if self.text[at : at + 1] != '"':
            raise JSONDecodeError("Expecting property name enclosed in double quotes", self.text, at)
        name, end = scanstring(self.text, at + 1)
        return ScalarNode(TAG + "str", name, self.mark(at)), self._after(":", self.skip(end))

    def _after(self, delimiter: str, at: int) -> int:
        if self.text[at : at + 1] != delimiter:
            raise JSONDecodeError(f"Expecting {delimiter!r} delimiter", self.text, at)
        return self.skip(at + 1)
