"""Expectation suites: Great Expectations' JSON, of 1.x and 0.x, read into checked items that know their line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from modelyard.core.documents import KeyPath, Tree, collected, read_file
from modelyard.core.errors import ConfigError, nearest
from modelyard.core.files import inside
from modelyard.core.nodes import Limits
from modelyard.records.results.validate import Severity
from modelyard.validation.engine import Engine
from modelyard.validation.vacuity import cannot_fail

LIMITS = Limits(bytes=64 << 20, nodes=5_000_000, integer=None)
"""Sets of allowed values may be long, and hold whole numbers of any size."""
_SUITE_KEYS = {
    *("name", "expectations", "suite_parameters", "id", "meta", "notes"),
    *("expectation_suite_name", "data_asset_type", "evaluation_parameters", "ge_cloud_id"),  # 0.x
}
_ITEM_KEYS = {
    *("type", "kwargs", "severity", "meta", "id", "notes", "description", "rendered_content"),
    *("expectation_type", "ge_cloud_id", "expectation_context", "success_on_last_run"),  # 0.x
}
HOUSEKEEPING = {
    *("result_format", "catch_exceptions", "include_config", "batch_id", "windows", "rendered_content"),
    *("auto", "profiler_config"),  # 0.x
}
"""Arguments that do not change what is judged."""
_OFF_IN_0X = {"parse_strings_as_datetimes", "allow_cross_type_comparisons", "output_strftime_format"}
"""Arguments of 0.x that change what is judged, unless they are off."""


@dataclass(frozen=True)
class Item:
    """One expectation of a suite; ``index`` counts from 0, ``line`` from 1."""

    index: int
    type: str
    kwargs: Mapping[str, Any]
    severity: Severity
    line: int

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns whose values it judges; none where it judges the table."""
        kwargs = self.kwargs
        named = [kwargs[key] for key in ("column", "column_A", "column_B") if kwargs.get(key) is not None]
        if not named and not self.type.startswith("expect_table_"):
            named = list(kwargs.get("column_list") or ())
        return tuple(str(name) for name in named)


@dataclass(frozen=True)
class Suite:
    """A named list of expectations, at least one of them critical."""

    name: str
    items: tuple[Item, ...]


def load_suite(path: str | Path, root: Path, engine: Engine) -> Suite:
    """Read and check a suite file; nothing of the data is looked at.

    Args:
        path: the file, absolute or relative to ``root``.
        root: folder that paths may not leave.
        engine: what will judge it.

    Raises:
        ConfigError: the file is missing, not JSON, empty, or asks for what the engine does not know; several mistakes
            come together.
    """
    where, tree = _read(path, root)
    reader = _Reader(tree, engine)
    items = reader.items()
    if reader.problems:
        raise collected(reader.problems)
    return Suite(str(tree.data.get("name") or tree.data.get("expectation_suite_name") or where.stem), tuple(items))


def asks_for_time(path: str | Path, root: Path, engine: Engine) -> bool:
    """Return whether a suite file compares with the time of the run, so that its verdict holds for that time only.

    Raises:
        ConfigError: the file is missing or not JSON.
    """
    _, tree = _read(path, root)
    return any(engine.asks_for_time(str(value)) for key, value in _items(tree.data) if key == "$PARAMETER")


def _read(path: str | Path, root: Path) -> tuple[Path, Tree]:
    where = inside(root, path, what="suite")
    name = where.relative_to(root.resolve()).as_posix()
    return where, read_file(where, name, what="the suite", syntax="json", limits=LIMITS)


class _Reader:
    """Turns a file into items, and collects what is wrong with it."""

    def __init__(self, tree: Tree, engine: Engine) -> None:
        self.tree = tree
        self.engine = engine
        self.problems = list(tree.problems)

    def problem(self, path: KeyPath, message: str, hint: str = "", *, code: str = "suite/bad-value") -> None:
        self.problems.append(ConfigError(message, code=code, hint=hint, place=self.tree.place(path)))

    def items(self) -> list[Item]:
        """Return the items that are sound."""
        data = self.tree.data
        if not isinstance(data, dict):
            self.problem((), "a suite is a JSON object with name and expectations", code="suite/not-an-object")
            return []
        self.unknown((), data, _SUITE_KEYS)
        for key in ("suite_parameters", "evaluation_parameters"):
            if not isinstance(data.get(key) or {}, dict):
                self.problem((key,), f"{key} is an object of names and values")
        entries = data.get("expectations")
        if not isinstance(entries, list) or not entries:
            hint = "Add expectations, or take the suite out of validate.suites."
            message = "the suite holds no expectations, so it could never fail"
            self.problem(("expectations",), message, hint, code="suite/empty")
            return []
        found = [self.item(index, entry) for index, entry in enumerate(entries) if not self.tainted(index)]
        items = [item for item in found if item is not None]
        if not self.problems and all(item.severity != "critical" for item in items):
            hint = "Leave severity out of at least one expectation, or set it to critical."
            message = "no expectation has severity critical, so this suite could never fail"
            self.problem(("expectations",), message, hint, code="suite/never-fails")
        return items

    def tainted(self, index: int) -> bool:
        """Return whether an expectation holds a mistake that the reading of the file found."""
        return any(path[:2] == ("expectations", index) for path in self.tree.tainted)

    def unknown(self, path: KeyPath, known: Mapping[str, Any], allowed: set[str] | frozenset[str]) -> None:
        for key in known:
            if key not in allowed:
                hint = nearest(key, allowed) or f"Allowed: {', '.join(sorted(allowed))}."
                self.problem((*path, key), f"unknown key {key!r}", hint, code="suite/unknown-key")

    def item(self, index: int, entry: Any) -> Item | None:
        path: KeyPath = ("expectations", index)
        if not isinstance(entry, dict):
            self.problem(path, "an expectation is an object with type and kwargs")
            return None
        before = len(self.problems)
        self.unknown(path, entry, _ITEM_KEYS)
        kind, known = entry.get("type") or entry.get("expectation_type"), self.engine.knows()
        if not isinstance(kind, str) or kind not in known:
            hint = nearest(str(kind), known) or "Great Expectations' gallery lists the types."
            self.problem((*path, "type"), f"unknown expectation {kind!r}", hint, code="suite/unknown-expectation")
            return None
        severity: Any = entry.get("severity") or "critical"
        if severity not in get_args(Severity):
            hint = f"Allowed: {', '.join(get_args(Severity))}."
            self.problem((*path, "severity"), f"unknown severity {severity!r}", hint, code="suite/bad-value")
        if not isinstance(entry.get("kwargs", {}), dict) or not isinstance(entry.get("meta") or {}, dict):
            self.problem(path, "kwargs and meta are objects")
            return None
        kwargs = self.arguments((*path, "kwargs"), kind, entry.get("kwargs", {}), known[kind])
        line = self.tree.place(path).line or 1
        return Item(index, kind, kwargs, severity, line) if len(self.problems) == before else None

    def arguments(self, path: KeyPath, kind: str, kwargs: Mapping[str, Any], allowed: frozenset[str]) -> dict[str, Any]:
        """Return the arguments that change what is judged, with the values of their parameters."""
        before = len(self.problems)
        given = {
            name: self.resolved((*path, name), value)
            for name, value in kwargs.items()
            if name not in HOUSEKEEPING and not (name in _OFF_IN_0X and not value)
        }
        self.unknown(path, given, allowed)
        if len(self.problems) == before and not cannot_fail(kind, given):  # judged as vacuous, whatever an engine takes
            fault = self.engine.checks(kind, given)
            if fault:
                key = (*path, fault.argument) if fault.argument else path
                hint = "Great Expectations' gallery describes the arguments."
                self.problem(key, fault.message, hint, code="suite/bad-argument")
        return given

    def resolved(self, path: KeyPath, value: Any) -> Any:
        """Return ``{"$PARAMETER": …}`` as its value: the one beside it (0.x), the suite's, or the engine's sums."""
        if not isinstance(value, dict) or "$PARAMETER" not in value:
            if any(key == "$PARAMETER" for key, _ in _items(value)):
                self.problem(path, "$PARAMETER is only understood as a whole argument", code="suite/parameter")
            return value
        expression = str(value["$PARAMETER"])
        beside = f"$PARAMETER.{expression}"
        if beside in value:
            return value[beside]
        data = self.tree.data
        given = [data.get(key) for key in ("evaluation_parameters", "suite_parameters")]
        parameters = {name: known for each in given if isinstance(each, dict) for name, known in each.items()}
        if expression in parameters:
            return parameters[expression]
        try:
            return self.engine.evaluates(expression, parameters)
        except LookupError:
            hint = nearest(expression, parameters) or "Give it a value under suite_parameters in the suite file."
            self.problem(path, f"$PARAMETER {expression!r} has no value", hint, code="suite/parameter")
            return None


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every key at any depth with its value."""
    if isinstance(value, dict):
        yield from value.items()
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _items(part)
