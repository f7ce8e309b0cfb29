"""Expectation suites: Great Expectations' JSON, of 1.x and 0.x, read into checked items that know their line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from modelyard.core.errors import CollectedConfigError, ConfigError, Place, nearest
from modelyard.core.files import inside
from modelyard.validation.engines.gx_backend import implementations, quiet
from modelyard.validation.located_json import Located, parse
from modelyard.validation.vacuity import cannot_fail

Severity = Literal["critical", "warning", "info"]

_SUITE_KEYS = {
    *("name", "expectations", "suite_parameters", "id", "meta", "notes"),
    *("expectation_suite_name", "data_asset_type", "evaluation_parameters", "ge_cloud_id"),  # 0.x
}
_ITEM_KEYS = {
    *("type", "kwargs", "severity", "meta", "id", "notes", "description", "rendered_content"),
    *("expectation_type", "ge_cloud_id", "expectation_context", "success_on_last_run"),  # 0.x
}
_HOUSEKEEPING = {
    *("result_format", "catch_exceptions", "include_config", "batch_id", "windows", "rendered_content"),
    *("auto", "profiler_config"),  # 0.x
}
"""Arguments that do not change what is judged."""
_OFF_IN_0X = {"parse_strings_as_datetimes", "allow_cross_type_comparisons", "output_strftime_format"}
"""Arguments of 0.x that change what is judged, unless they are off."""
_NOT_FINITE = {"nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"}
_EXACT = 2**53


@dataclass(frozen=True)
class Item:
    """One expectation of a suite; ``index`` counts from 0, ``line`` from 1."""

    index: int
    type: str
    kwargs: Mapping[str, Any]
    severity: Severity
    meta: Mapping[str, Any]
    line: int


@dataclass(frozen=True)
class Suite:
    """A named list of expectations, at least one of them critical."""

    name: str
    items: tuple[Item, ...]


def load_suite(path: str | Path, root: Path) -> Suite:
    """Read and check a suite file; nothing of the data is looked at.

    Args:
        path: the file, absolute or relative to ``root``.
        root: folder that paths may not leave.

    Raises:
        ConfigError: the file is missing, not JSON, empty, or asks for what Great Expectations does not know; several
            mistakes come together.
    """
    where = inside(root, path, what="suite")
    file = where.relative_to(root.resolve()).as_posix()
    raw = _suite_object(parse(_text(where, file), file), file)
    parameters = {**(raw.get("evaluation_parameters") or {}), **(raw.get("suite_parameters") or {})}
    known = implementations()
    items: list[Item] = []
    problems: list[ConfigError] = []
    for index, entry in enumerate(raw["expectations"]):
        try:
            items.append(_item(index, entry, known, parameters, file))
        except ConfigError as problem:
            problems.append(problem)
    if len(problems) > 1:
        raise CollectedConfigError(problems)
    if problems:
        raise problems[0]
    if all(item.severity != "critical" for item in items):
        raise ConfigError(
            "no expectation has severity critical, so this suite could never fail",
            hint="Leave severity out of at least one expectation, or set it to critical.",
            place=Place(file, None, "expectations"),
        )
    return Suite(str(raw.get("name") or raw.get("expectation_suite_name") or where.stem), tuple(items))


def _text(path: Path, file: str) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        others = [Path(file).with_name(other.name).as_posix() for other in sorted(path.parent.glob("*.json"))]
        hint = nearest(file, others) or "Name an existing file under validate.suites."
        raise ConfigError("no such suite file", hint=hint, place=Place(file)) from None
    except UnicodeDecodeError:
        raise ConfigError("the suite is not UTF-8 text", hint="Save it as UTF-8.", place=Place(file)) from None
    except OSError as error:
        raise ConfigError(f"the suite cannot be read: {error.strerror}", place=Place(file)) from None


def _suite_object(raw: Any, file: str) -> Located:
    if not isinstance(raw, Located):
        raise ConfigError("a suite is a JSON object with name and expectations", place=Place(file, 1))
    _no_unknown(raw, _SUITE_KEYS, Place(file, raw.line))
    if not isinstance(raw.get("expectations"), list) or not raw["expectations"]:
        raise ConfigError(
            "the suite holds no expectations, so it could never fail",
            hint="Add expectations, or take the suite out of validate.suites.",
            place=Place(file, raw.line, "expectations"),
        )
    for key in ("suite_parameters", "evaluation_parameters"):
        if not isinstance(raw.get(key) or {}, dict):
            raise ConfigError(f"{key} is an object of names and values", place=Place(file, raw.line, key))
    return raw


def _no_unknown(found: Mapping[str, Any], allowed: set[str], place: Place) -> None:
    unknown = next((key for key in found if key not in allowed), None)
    if unknown is not None:
        hint = nearest(unknown, allowed) or f"Allowed: {', '.join(sorted(allowed))}."
        key = f"{place.key}.{unknown}" if place.key else unknown
        raise ConfigError(f"unknown key {unknown!r}", hint=hint, place=Place(place.file, place.line, key))


def _item(index: int, entry: Any, known: Mapping[str, Any], parameters: Mapping[str, Any], file: str) -> Item:
    key = f"expectations[{index}]"
    if not isinstance(entry, Located):
        raise ConfigError("an expectation is an object with type and kwargs", place=Place(file, None, key))
    place = Place(file, entry.line, key)
    _no_unknown(entry, _ITEM_KEYS, place)
    kind = entry.get("type") or entry.get("expectation_type")
    if not isinstance(kind, str) or kind not in known:
        raise ConfigError(
            f"unknown expectation {kind!r}",
            hint=nearest(str(kind), known) or "Great Expectations' gallery lists the types.",
            place=Place(file, entry.line, f"{key}.type"),
        )
    severity: Any = entry.get("severity") or "critical"
    if severity not in get_args(Severity):
        raise ConfigError(
            f"unknown severity {severity!r}",
            hint=f"Allowed: {', '.join(get_args(Severity))}.",
            place=Place(file, entry.line, f"{key}.severity"),
        )
    if not isinstance(entry.get("kwargs", {}), dict) or not isinstance(entry.get("meta") or {}, dict):
        raise ConfigError("kwargs and meta are objects", place=place)
    given = {
        name: value
        for name, value in entry.get("kwargs", {}).items()
        if name not in _HOUSEKEEPING and not (name in _OFF_IN_0X and not value)
    }
    kwargs_place = Place(file, entry.line, f"{key}.kwargs")
    kwargs = {name: _resolved(value, parameters, kwargs_place, name) for name, value in given.items()}
    _check_kwargs(kind, kwargs, known[kind], kwargs_place)
    return Item(index, kind, kwargs, severity, dict(entry.get("meta") or {}), entry.line)


def _resolved(value: Any, parameters: Mapping[str, Any], place: Place, name: str) -> Any:
    """``{"$PARAMETER": …}`` as its value: the one beside it (0.x), the suite's, or Great Expectations' arithmetic."""
    if not isinstance(value, dict) or "$PARAMETER" not in value:
        if "$PARAMETER" in repr(value):
            raise ConfigError(
                "$PARAMETER is only understood as a whole argument", place=Place(place.file, place.line, name)
            )
        return value
    expression = str(value["$PARAMETER"])
    beside = f"$PARAMETER.{expression}"
    if beside in value:
        return value[beside]
    if expression in parameters:
        return parameters[expression]
    with quiet():
        from great_expectations.core.suite_parameters import parse_suite_parameter
        from great_expectations.exceptions import SuiteParameterError

        try:
            return parse_suite_parameter(expression, dict(parameters))
        except SuiteParameterError:
            hint = nearest(expression, parameters) or "Give it a value under suite_parameters in the suite file."
            raise ConfigError(
                f"$PARAMETER {expression!r} has no value",
                hint=hint,
                place=Place(place.file, place.line, f"{place.key}.{name}"),
            ) from None


def _check_kwargs(kind: str, kwargs: Mapping[str, Any], implementation: Any, place: Place) -> None:
    allowed = set(implementation.__fields__) - _HOUSEKEEPING - {"id", "meta", "notes", "description", "severity"}
    _no_unknown(kwargs, allowed, place)
    for name, value in kwargs.items():
        problem = _unusable(name, value)
        if problem:
            raise ConfigError(problem, place=Place(place.file, place.line, f"{place.key}.{name}"))
    if cannot_fail(kind, kwargs):  # judged as vacuous, whether or not Great Expectations would take it
        return
    try:
        with quiet():
            implementation(**kwargs)
    except ValueError as error:  # pydantic's, whose own class depends on which pydantic Great Expectations found
        details = error.errors() if hasattr(error, "errors") else [{"loc": (), "msg": str(error)}]
        named = ".".join(str(part) for part in details[0]["loc"] if part != "__root__")
        raise ConfigError(
            f"{kind}: {details[0]['msg']}",
            hint="Great Expectations' gallery describes the arguments.",
            place=Place(place.file, place.line, f"{place.key}.{named}" if named else place.key),
        ) from None


def _unusable(name: str, value: Any) -> str:
    """What is wrong with a value that Great Expectations would take, and judge as something else."""
    if name in ("min_value", "max_value"):
        if isinstance(value, str) and value.strip().lower() in _NOT_FINITE:
            return f"{value!r} is no bound: write a finite number, or leave it out"
        if isinstance(value, int) and abs(value) > _EXACT:
            return f"{value} is beyond 2^53, where Great Expectations would compare with a rounded bound"
    for pattern in [value] if name == "regex" else value if name == "regex_list" and isinstance(value, list) else []:
        try:
            re.compile(pattern)
        except (re.error, TypeError) as error:
            return f"not a regular expression: {error}"
    return ""
