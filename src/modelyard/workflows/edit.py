"""Edits of YAML text that keep its comments and its formatting, and are proved by reading the result.

An edit says what the data is to be at one path. The text is changed where that path stands; then it is read again, and
unless it holds exactly the old data with that one change, the edit is not made.
"""

import copy
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from modelyard.core import documents, yaml_syntax
from modelyard.core.documents import KeyPath
from modelyard.core.errors import ConfigError
from modelyard.core.nodes import TooMuchError
from modelyard.workflows.workflow import LIMITS

Scalar = str | int | bool
_PLAIN = re.compile(r"[A-Za-z0-9_./$@-][\w./${}@ -]*")


@dataclass(frozen=True)
class Put:
    """Set a scalar at a path; its parents are made where they are missing, one level deep.

    Attributes:
        path: where.
        value: what stands there then.
        comment: what stands behind it; None leaves the comment that is there.
        after: key of the same mapping that a new key follows; the first one-line key where it is not there.
    """

    path: KeyPath
    value: Scalar
    comment: str | None = None
    after: str = ""


@dataclass(frozen=True)
class Drop:
    """Remove a key whose value stands on its line, with that line and its comment."""

    path: KeyPath


Edit = Put | Drop


def applied(text: str, edits: Sequence[Edit]) -> str | None:
    """Return text with every edit made; None where one of them could not be made and proved.

    Args:
        text: YAML, as it was read.
        edits: what is to be changed, in order.
    """
    for edit in edits:
        changed = _apply(text, edit)
        if changed is None:
            return None
        text = changed
    return text


def _apply(text: str, edit: Edit) -> str | None:
    try:
        root = yaml_syntax.compose(text, "", LIMITS)
        before = documents.read(text, "", limits=LIMITS).data
        changed = None if root is None else _changed(text, root, edit)
        if changed is None or documents.read(changed, "", limits=LIMITS).data != _expected(before, edit):
            return None
    except (ConfigError, TooMuchError):
        return None
    return changed


def _expected(data: Any, edit: Edit) -> Any:
    """Return data with a scalar at a path, or without a key."""
    made = copy.deepcopy(data)
    place = made
    for part in edit.path[:-1]:
        if isinstance(place, dict) and place.get(str(part)) is None:
            place[str(part)] = {}
        place = place[part]
    if isinstance(edit, Drop):
        place.pop(edit.path[-1], None)
    else:
        place[edit.path[-1]] = edit.value
    return made


def _changed(text: str, root: Node, edit: Edit) -> str | None:
    if isinstance(edit, Drop):
        return _dropped(text, root, edit)
    node = root
    for at, part in enumerate(edit.path):
        below = _child(node, part)
        if below is None:
            return _inserted(text, node, edit.path[at:], edit)
        node = below
    return _replaced(text, node, edit) if isinstance(node, ScalarNode) else None


def _child(node: Node, part: str | int) -> Node | None:
    if isinstance(node, SequenceNode) and isinstance(part, int):
        return node.value[part] if part < len(node.value) else None
    if isinstance(node, MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    return None


def _replaced(text: str, node: ScalarNode, edit: Put) -> str | None:
    start, end = node.start_mark, node.end_mark
    if start.line != end.line or start.index == end.index:
        return None
    line_end = _line_end(text, end.index)
    rest = text[end.index : line_end]
    if edit.comment is not None and rest.strip()[:1] in ("", "#"):
        rest = (f" # {edit.comment}" if edit.comment else "") + ("\r" if rest.endswith("\r") else "")
    return text[: start.index] + _scalar(edit.value) + rest + text[line_end:]


def _dropped(text: str, root: Node, edit: Drop) -> str | None:
    parent: Node | None = root
    for part in edit.path[:-1]:
        parent = None if parent is None else _child(parent, part)
    if not isinstance(parent, MappingNode) or parent.flow_style or len(parent.value) < 2:
        return None
    lines = [key.start_mark.line for key, _ in parent.value]
    for key, value in parent.value:
        alone = key.start_mark.line == value.end_mark.line and lines.count(key.start_mark.line) == 1
        if key.value == edit.path[-1] and isinstance(value, ScalarNode) and alone:
            start = text.rfind("\n", 0, key.start_mark.index) + 1
            if text[start : key.start_mark.index].strip():
                return None  # the first key of a list's item, which holds its dash
            return text[:start] + text[_line_end(text, value.end_mark.index) + 1 :]
    return None


def _inserted(text: str, parent: Node, missing: KeyPath, edit: Put) -> str | None:
    """Return text with a new key, and where it is missing too the mapping around it."""
    if len(missing) > 2 or not all(isinstance(part, str) for part in missing) or not isinstance(parent, MappingNode):
        return None
    if parent.flow_style:
        return _into_flow(text, parent, missing, edit)
    first = parent.value[0][0].start_mark
    anchor = _anchor(parent, edit.after)
    if anchor is not None:
        at = _line_end(text, anchor.end_mark.index)
    else:
        at = text.rfind("\n", 0, first.index)
        if at < 0 or text[at : first.index].strip():
            return None  # the first key of a list's item, which holds its dash
    indent = " " * first.column
    lines = [f"{indent}{'  ' * depth}{part}:" for depth, part in enumerate(missing)]
    lines[-1] += f" {_scalar(edit.value)}" + (f" # {edit.comment}" if edit.comment else "")
    head = text[:at].removesuffix("\r")
    newline = "\n" if head == text[:at] else "\r\n"
    return newline.join([head, *lines, text[at:].removeprefix("\n")])


def _anchor(parent: MappingNode, after: str) -> Node | None:
    """Return the value behind which a new key can stand: one that ends on the line of its key."""
    plain = {
        key.value: value
        for key, value in parent.value
        if key.start_mark.line == value.end_mark.line
        and (value.style not in ("|", ">") if isinstance(value, ScalarNode) else value.flow_style)
    }
    return plain.get(after) or next(iter(plain.values()), None)


def _into_flow(text: str, parent: MappingNode, missing: KeyPath, edit: Put) -> str | None:
    """Return text with a key more inside braces, where a comment has no place."""
    value = _scalar(edit.value)
    inner = f"{missing[0]}: {value}" if len(missing) == 1 else f"{missing[0]}: {{{missing[1]}: {value}}}"
    close = parent.end_mark.index - 1
    before = text[:close].rstrip(" ")
    glue = "" if not parent.value or before.endswith(",") else ", "
    return f"{before}{glue}{inner}{text[close:]}"


def _scalar(value: Scalar) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    return value if _PLAIN.fullmatch(value) and _reads_as_text(value) else json.dumps(value, ensure_ascii=False)


def _reads_as_text(value: str) -> bool:
    try:
        tree = documents.read(value, "")
        return not tree.problems and bool(tree.data == value)
    except ConfigError:
        return False


def _line_end(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end
