"""A skops archive in one canonical form, so that equal fitted models are equal bytes.

Two dumps of one model differ in memory addresses (``__id__`` and the names of array files), in the order of sets, in
the unused bytes of structured arrays, and in the archive's own metadata. None of that means anything when it is loaded.
"""

import hashlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import Any

_EPOCH = (1980, 1, 1, 0, 0, 0)
_VALUES = {"JsonNode", "TypeNode", "SliceNode", "FunctionNode", "DTypeNode", "OperatorFuncNode"}
"""Nodes of immutable values: whether Python happens to share them says nothing about the model."""


def canonical_archive(data: bytes) -> bytes:
    """Rewrite the bytes of a skops archive canonically; what it loads as stays the same."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members.pop("schema.json"))
    members = {name: _without_padding(name, content) for name, content in members.items()}
    names = {name: _content_name(name, content) for name, content in members.items()}
    nodes = list(_nodes(schema))
    for node in nodes:
        if isinstance(node.get("file"), str):
            node["file"] = names[node["file"]]
    _renumber(nodes)
    for node in reversed(nodes):  # the innermost first, so that outer sets sort by settled content
        if node["__loader__"] == "SetNode":
            node["content"].sort(key=_compact)
    content = {names[name]: member for name, member in members.items()}
    content["schema.json"] = _compact(schema).encode()
    return _archive(content)


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "__loader__" in value:
            yield value
        for part in value.values():
            yield from _nodes(part)
    elif isinstance(value, list):
        for part in value:
            yield from _nodes(part)


def _renumber(nodes: list[dict[str, Any]]) -> None:
    """Keep an id only where an object really occurs twice, numbered in order of first appearance."""
    seen = Counter(node.get("__id__") for node in nodes if node["__loader__"] not in _VALUES)
    numbers: dict[Any, int] = {}
    for node in nodes:
        old = node.pop("__id__", None)
        if old is not None and node["__loader__"] not in _VALUES and seen[old] > 1:
            node["__id__"] = numbers.setdefault(old, len(numbers) + 1)


def _without_padding(name: str, content: bytes) -> bytes:
    if not name.endswith(".npy"):
        return content
    import numpy as np

    array = np.load(io.BytesIO(content), allow_pickle=False)
    if array.dtype.names is None:
        return content
    clean = np.zeros(array.shape, array.dtype)
    for field in array.dtype.names:
        clean[field] = array[field]
    buffer = io.BytesIO()
    np.save(buffer, clean, allow_pickle=False)
    return buffer.getvalue()


def _content_name(name: str, content: bytes) -> str:
    return f"{hashlib.sha256(content).hexdigest()}.{name.rpartition('.')[2]}"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # as on Unix, wherever it is written
            archive.writestr(entry, members[name])
    return buffer.getvalue()
