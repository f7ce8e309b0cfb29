"""GitHub's published description of its REST interface, as a judge of requests."""

import functools
import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

_DOCUMENT = Path(__file__).with_name("github-openapi-lean.json")


@functools.cache
def _operations() -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
    document = _document()
    found = []
    for template, methods in document["paths"].items():
        # A reference and a file's path hold slashes, as GitHub takes them.
        pattern = re.sub(r"\{(ref|path)\}", r"(?P<\1>.+)", template)
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
        for method, operation in methods.items():
            found.append((method.upper(), re.compile(pattern), operation))
    return found


@functools.cache
def _document() -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(item) for item in value]
        if not isinstance(value, dict):
            return value
        found = {key: plain(item) for key, item in value.items() if key != "nullable"}
        if value.get("nullable") is True and isinstance(found.get("type"), str):
            found["type"] = [found["type"], "null"]
        return found

    document: dict[str, Any] = plain(json.loads(_DOCUMENT.read_text("utf-8")))
    return document


def operation_of(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """Name and description of the operation that a request is, if GitHub has it."""
    for known, pattern, operation in _operations():
        if known == method and pattern.fullmatch(path):
            return operation["operationId"], operation
    return None


def violations(method: str, path: str, query: dict[str, str], body: Any) -> list[str]:
    """What of a request GitHub's description does not know."""
    found = operation_of(method, path)
    if found is None:
        return [f"{method} {path} is no operation"]
    name, operation = found
    components = _document()["components"]
    parameters = [
        components["parameters"][parameter["$ref"].rpartition("/")[2]] if "$ref" in parameter else parameter
        for parameter in operation.get("parameters", [])
    ]
    known = {parameter["name"] for parameter in parameters if parameter["in"] == "query"}
    problems = [f"{name}: no query parameter {key}" for key in query if key not in known]
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return problems + ([f"{name}: takes no JSON body"] if body is not None else [])
    if body is None:
        return problems + ([f"{name}: has no body"] if operation["requestBody"].get("required") else [])
    problems += [f"{name}: no field {key}" for key in body if key not in schema.get("properties", {})]
    validator = Draft202012Validator({**schema, "components": components})
    return problems + [f"{name}: {error.json_path}: {error.message}" for error in validator.iter_errors(body)]
