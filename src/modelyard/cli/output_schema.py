"""The JSON Schema of what commands print with ``--json``: the keys that programs may rely on (docs/json.md)."""

from typing import Any

HOME = "https://raw.githubusercontent.com/modelyard/modelyard/main/schemas"
_TEXT = {"type": "string"}
_VERDICT = {"enum": ["pass", "fail", "inconclusive", "error", "not-applicable"]}
_CODE = {"enum": [0, 1, 2, 3, 4, 70, 130]}


def _object(description: str, required: dict[str, Any], **others: Any) -> dict[str, Any]:
    """Return the schema of an object; more keys may be there, and more may come."""
    return {
        "type": "object",
        "description": description,
        "properties": required | others,
        "required": list(required),
    }


_MAYBE = {"type": ["string", "null"]}
_ERROR = _object(
    "The error: what was found, its code (docs/errors.md), what to do, and where.",
    {"message": _TEXT, "code": _TEXT, "hint": _TEXT, "place": _MAYBE},
)
_PROBLEM = _object(
    "One mistake of those that the error tells of, with its place in a file.",
    {
        "message": _TEXT,
        "code": _TEXT,
        "hint": _TEXT,
        "file": _MAYBE,
        "line": {"type": ["integer", "null"]},
        "key": _MAYBE,
    },
)
_STEP = _object(
    "The outputs of a step: those of its action.",
    {
        "verdict": _VERDICT,
        "exit-code": _CODE,
        "run-dir": _TEXT,
        "record-digest": _TEXT,
        "result-digest": _TEXT,
        "report-path": _TEXT,
    },
)
_STAGE = _object(
    "What came of a stage, and why.",
    {"step": _TEXT, "action": {"enum": ["run", "keep", "skip"]}, "why": _TEXT},
)


def output_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12) of one document on standard output."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{HOME}/output.schema.json",
        "title": "modelyard --json",
        "description": "What a command prints with --json. Every document has exit-code; keys may be added.",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in ("error", "run", "step", "command")],
        "$defs": {
            "error": _object(
                "A command that ended with an error, whatever it was to print.",
                {
                    "error": _ERROR,
                    "problems": {"type": "array", "items": {"$ref": "#/$defs/problem"}},
                    "exit-code": _CODE,
                    "verdict": {"const": "error"},
                },
            ),
            "problem": _PROBLEM,
            "run": _object(
                "modelyard run: every stage, and the outputs of those that have a record.",
                {
                    "verdict": _VERDICT,
                    "exit-code": _CODE,
                    "run-dir": _TEXT,
                    "record-digest": _TEXT,
                    "stages": {"type": "array", "items": _STAGE},
                    "outputs": {"type": "object", "additionalProperties": {"$ref": "#/$defs/step"}},
                },
                error=_ERROR,
                problems={"type": "array", "items": {"$ref": "#/$defs/problem"}},
            ),
            "step": _STEP,
            "command": _object("Any other command; its own keys stand in docs/json.md.", {"exit-code": _CODE}),
        },
    }
