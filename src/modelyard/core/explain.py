"""Check a file's data against a model, with every mistake in plain words: what is wrong, allowed, and meant."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from modelyard.core.documents import KeyPath, Tree, collected, dotted, shown
from modelyard.core.errors import ConfigError, nearest
from modelyard.core.sections import PATTERN_WORDS, Section, schema_of

S = TypeVar("S", bound=Section)

_BOUNDS = (
    ("exclusiveMinimum", "above"),
    ("minimum", "of at least"),
    ("exclusiveMaximum", "below"),
    ("maximum", "at most"),
)
_TYPES = {"string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false"}


@dataclass(frozen=True)
class Finding:
    """One mistake: the key to blame, what is wrong with it, and what to do."""

    path: KeyPath
    message: str
    hint: str
    code: str = "config/bad-value"
    missing: bool = False
    section: KeyPath | None = None
    """Where several keys were looked at together: the section that holds them."""
    instead: str = ""
    """The key that an unknown one was probably meant to be."""


def checked(tree: Tree, model: type[S], *, problems: Iterable[ConfigError] = (), hint: str = "") -> S:
    """Return a file's data as a model.

    Args:
        tree: the file; mistakes that its reading collected count.
        model: the model.
        problems: mistakes that the caller knows of.
        hint: what to do about a file without keys.

    Raises:
        ConfigError: what is wrong; a ``CollectedConfigError`` in the order of lines where there are several mistakes.
    """
    mistakes = [*tree.problems, *problems]
    result: S | None = None
    if not isinstance(tree.data, dict):
        if tree.problems:
            raise collected(mistakes)
        keys = ", ".join(f"`{name}: …`" for name in schema_of(model)["required"])
        empty = tree.data is None
        raise ConfigError(
            "the file is empty" if empty else f"found {shown(tree.data)}; the file has to be a mapping such as {keys}",
            code="config/empty-file" if empty else "config/not-a-mapping",
            hint=hint or f"Write {keys}.",
            place=tree.place(()),
        )
    try:
        # JSON, because strict checking (no "5" for 5) takes lists for tuples only there.
        result = model.model_validate_json(json.dumps(tree.data), strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        mistakes += [
            ConfigError(finding.message, code=finding.code, hint=finding.hint, place=tree.place(finding.path))
            for finding in explain(error.errors(include_url=False), tree.data, schema_of(model))
            if not _tainted(finding, tree)
        ]
    if mistakes or result is None:
        raise collected(mistakes)
    return result


def _tainted(finding: Finding, tree: Tree) -> bool:
    """Return whether a reported mistake already causes the finding: at its key, above it, or in its section."""
    if any(finding.path[:end] in tree.tainted for end in range(1, len(finding.path) + 1)):
        return True
    section = finding.section
    return section is not None and any(tainted[: len(section)] == section for tainted in tree.tainted)


def explain(errors: Iterable[ErrorDetails], data: Any, schema: Mapping[str, Any]) -> list[Finding]:
    """Return one finding a place for pydantic's errors on this data: the arms of a union speak as one."""
    findings = _Explainer(schema).under([(tuple(error["loc"]), error) for error in errors], data, ())
    misspelt = {(*finding.path[:-1], finding.instead) for finding in findings if finding.instead}
    return [finding for finding in findings if not (finding.missing and finding.path in misspelt)]


_Placed = tuple[KeyPath, ErrorDetails]


class _Explainer:
    """Walks the errors and the data side by side, with the published schema as the source of what is allowed."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root

    def under(self, errors: Sequence[_Placed], node: Any, path: KeyPath) -> list[Finding]:
        """Return the findings at or below one node of the data; each error comes with the rest of its location."""
        groups: dict[Any, list[_Placed]] = {}
        arms: dict[Any, list[_Placed]] = {}
        found: list[Finding] = []
        for rest, error in errors:
            if error["type"] == "too_short" and not rest and len(node) >= error["ctx"]["min_length"]:
                continue  # pydantic counts the valid entries alone, and the others have errors of their own
            if not rest:
                found.append(self.sentence(error, node, path))
            elif self._is_key(rest[0], node):
                groups.setdefault(rest[0], []).append((rest[1:], error))
            elif error["type"] == "missing" and len(rest) == 1:
                found.append(self._missing((*path, rest[0])))
            elif rest == ("[key]",):
                allowed = PATTERN_WORDS[_pattern(error)]
                found.append(Finding(path, f"invalid name {shown(path[-1])}; allowed: {allowed}", "Rename it."))
            else:
                arms.setdefault(rest[0], []).append((rest[1:], error))
        for part, inside in groups.items():
            found += self.under(inside, node[part], (*path, part))
        return found + (self._union(arms, node, path) if arms else [])

    @staticmethod
    def _is_key(part: str | int, node: Any) -> bool:
        if isinstance(node, list):
            return isinstance(part, int) and part < len(node)
        return isinstance(node, dict) and part in node

    def _union(self, arms: Mapping[Any, list[_Placed]], node: Any, path: KeyPath) -> list[Finding]:
        """Return the arm that the value was meant for, where one fits best; else one sentence for all of them."""
        deep = sorted((arm for arm in arms.values() if any(rest for rest, _ in arm)), key=len)
        if isinstance(node, dict | list) and deep and (len(deep) == 1 or len(deep[0]) < len(deep[1])):
            return self.under(deep[0], node, path)
        flat = [error for arm in arms.values() for _, error in arm]
        own = next((error for error in flat if error["type"] == "modelyard"), None)
        return [self.sentence(own, node, path) if own else self._not_allowed(node, path)]

    def sentence(self, error: ErrorDetails, node: Any, path: KeyPath) -> Finding:
        """One error as found and do."""
        kind = error["type"]
        context = error.get("ctx", {})
        if kind == "modelyard":
            place = (*path, *context["at"])
            return Finding(place, context["message"], context["hint"], context["code"], section=path)
        if kind == "extra_forbidden":
            return self._unknown_key(path)
        if kind == "too_short":
            return Finding(path, f"found {shown(node)}; at least one entry is needed", self.description(path))
        if kind == "too_long" and isinstance(node, list):
            return Finding(path, f"found {shown(node)}; at most {context['max_length']:,} are allowed", "Remove some.")
        return self._not_allowed(node, path)

    def _missing(self, path: KeyPath) -> Finding:
        allowed = self.words(self.at(path))
        message = f"{path[-1]} is missing; allowed: {allowed}"
        return Finding(path, message, self.description(path), "config/missing-key", missing=True)

    def _unknown_key(self, path: KeyPath) -> Finding:
        key = str(path[-1])
        known = sorted({name for node in self.at(path[:-1]) for name in node.get("properties", {})})
        message = f"unknown key {shown(key)}; allowed here: {', '.join(known)}"
        code = "config/unknown-key"
        close = nearest(key, known)
        if close:
            return Finding(path, message, close, code, instead=next(name for name in known if repr(name) in close))
        homes = [home for home in self.homes(self.root, ()) if home[-1] == key]
        hint = f"{key!r} belongs under {dotted(homes[0][:-1])}." if homes and homes[0][:-1] else "Remove it."
        return Finding(path, message, hint, code)

    def _not_allowed(self, node: Any, path: KeyPath) -> Finding:
        nodes = self.at(path)
        hint = self._hint(node, nodes, path)
        return Finding(path, f"found {shown(node)}; allowed: {self.words(nodes)}", hint, code="config/bad-value")

    def _hint(self, node: Any, nodes: Sequence[Mapping[str, Any]], path: KeyPath) -> str:
        types = {each.get("type") for each in nodes}
        choices = [str(choice) for each in nodes for choice in _choices(each)]
        if node is None:
            return "Give it a value, or remove the key."
        if choices and not isinstance(node, dict | list):
            return nearest(str(node), choices) or self.description(path)
        if isinstance(node, str) and types & {"number", "integer"} and re.fullmatch(r"[-+.\d]+([eE][-+]?\d+)?", node):
            return "Remove the quotes."
        if isinstance(node, bool | int | float) and "string" in types and not types & {"number", "integer"}:
            return f"Put it in quotes if it is meant: '{shown(node)}'."
        if isinstance(node, str | int | float) and types == {"array"}:
            return f"Write a list: [{node}]." if len(str(node)) < 40 else "Write a list: [a, b]."
        return self.description(path)

    # the schema

    def expand(self, node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return a schema node without references and choices between nodes; nothing stands for null."""
        if "$ref" in node:
            return self.expand(self.root["$defs"][node["$ref"].rsplit("/", 1)[1]])
        if "anyOf" in node:
            return [leaf for arm in node["anyOf"] for leaf in self.expand(arm)]
        return [] if node.get("type") == "null" else [node]

    def raw(self, path: KeyPath) -> list[Mapping[str, Any]]:
        """Return the schema nodes of a key path, as written at the key itself."""
        nodes: list[Mapping[str, Any]] = [self.root]
        for part in path:
            leaves = [leaf for node in nodes for leaf in self.expand(node)]
            nodes = [child for leaf in leaves for child in _children(leaf, part)]
        return nodes

    def at(self, path: KeyPath) -> list[Mapping[str, Any]]:
        """Return the schema nodes of a key path, expanded."""
        return [leaf for node in self.raw(path) for leaf in self.expand(node)]

    def description(self, path: KeyPath) -> str:
        """Return what the key means, as the schema says it, or what the nearest key above it means."""
        nodes = [*self.raw(path), *self.at(path)]
        said = next((str(node["description"]) for node in nodes if "description" in node), "")
        return said or (self.description(path[:-1]) if path else "")

    def homes(self, node: Mapping[str, Any], path: KeyPath) -> list[KeyPath]:
        """Every key path of the schema; the models are a tree, so this ends."""
        found: list[KeyPath] = []
        for leaf in self.expand(node):
            if leaf.get("type") == "array":
                found += self.homes(leaf.get("items", {}), path)
            for name, child in leaf.get("properties", {}).items():
                found.append((*path, name))
                found += self.homes(child, (*path, name))
        return found

    def words(self, nodes: Sequence[Mapping[str, Any]]) -> str:
        """Return what is allowed, in words."""
        said = list(dict.fromkeys(self._one(node) for node in nodes))
        if "a number" in said and "a whole number" in said:
            said.remove("a whole number")
        return " or ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)

    def _one(self, node: Mapping[str, Any]) -> str:
        choices = _choices(node)
        if choices:
            quoted = [shown(choice) for choice in choices]
            return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
        kind = node.get("type")
        if kind == "array":
            items = self.expand(node.get("items", {}))
            return "a list" if not items else f"a list of {'such values' if len(items) > 1 else self._one(items[0])}"
        if kind == "object":
            keys = node.get("properties")
            return "{" + ", ".join(f"{key}: …" for key in keys) + "}" if keys else "{name: value}"
        if "pattern" in node:
            return PATTERN_WORDS[node["pattern"]]
        bounds = " and ".join(f"{word} {node[key]:g}" for key, word in _BOUNDS if key in node)
        if node.get("format") == "date":
            return "a day such as 2027-03-31"
        some = ", not empty" if "minLength" in node else ""
        some += f", at most {node['maxLength']} characters" if "maxLength" in node else ""
        return f"{_TYPES.get(str(kind), 'a value')}{some} {bounds}".strip()


def _pattern(error: ErrorDetails) -> str:
    return str(error.get("ctx", {}).get("pattern", ""))


def _choices(node: Mapping[str, Any]) -> list[Any]:
    return [node["const"]] if "const" in node else list(node.get("enum", ()))


def _children(leaf: Mapping[str, Any], part: str | int) -> list[Mapping[str, Any]]:
    if isinstance(part, int):
        return [leaf["items"]] if leaf.get("type") == "array" else []
    if part in leaf.get("properties", {}):
        return [leaf["properties"][part]]
    others = [leaf.get("additionalProperties"), *leaf.get("patternProperties", {}).values()]
    return [other for other in others if isinstance(other, dict)]
