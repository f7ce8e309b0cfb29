"""Errors as the JSON document that ends a command under ``--json``."""

from typing import Any

from modelyard.core.errors import INTERNAL, ModelyardError


def document(error: ModelyardError) -> dict[str, Any]:
    """Return an error with every mistake of which it tells."""
    place = str(error.place) if error.place else None
    return {
        "error": {"message": error.message, "code": error.code, "hint": error.hint, "place": place},
        "problems": [problem.as_data() for problem in error.problems],
        "exit-code": error.exit_code,
        "verdict": "error",
    }


def internal_document(error: Exception) -> dict[str, Any]:
    """Return an internal error, without its text, which may hold anything."""
    first = {
        "message": f"internal error: {type(error).__name__}",
        "code": "",
        "hint": "Please report it.",
        "place": None,
    }
    return {"error": first, "problems": [], "exit-code": INTERNAL, "verdict": "error"}
