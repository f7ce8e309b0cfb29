"""Base class and shared types of the models that check what users write: configuration, waivers, behaviour tests."""

from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

PATTERN_WORDS: dict[str, str] = {}
"""What messages say instead of a pattern; ``worded`` fills it."""


def worded(pattern: str, words: str) -> StringConstraints:
    """Return a constraint on text, and keep what messages call it."""
    PATTERN_WORDS[pattern] = words
    return StringConstraints(pattern=pattern)


def wrong(message: str, *, code: str, at: tuple[str | int, ...] = (), hint: str = "") -> PydanticCustomError:
    """Make the error of a mistake that only several keys together show.

    Args:
        message: what is wrong.
        code: the error code, as ``ModelyardError`` takes it.
        at: the key to blame, relative to the section.
        hint: what to do.
    """
    return PydanticCustomError("modelyard", "{message}", {"message": message, "code": code, "at": at, "hint": hint})


class Section(BaseModel):
    """A part of a file that users write: immutable, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)


Name = Annotated[
    str,
    worded(
        r"^[A-Za-z_][A-Za-z0-9_-]{0,39}$",
        "a name of letters, digits, _ and -, at most 40, that begins with no digit or -",
    ),
]
Text = Annotated[str, StringConstraints(min_length=1)]
Duration = Annotated[
    str, worded(r"^([1-9][0-9]*(\.[0-9]+)?|0?\.[0-9]*[1-9][0-9]*)(s|m|h)$", "a time such as 90s, 30m or 2h")
]
FunctionName = Annotated[str, worded(r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$", "package.module:function")]
Label = bool | int | str
"""A class as it stands in the target column."""


@cache
def schema_of(model: type[Section]) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a model, by the keys of the files; not to be changed."""
    from modelyard.core.docstrings import DescribedSchema

    finished: dict[str, Any] = _finished(model.model_json_schema(by_alias=True, schema_generator=DescribedSchema))
    return finished


def _finished(node: Any) -> Any:
    """Return the schema with descriptions on one line, as editors show them, and closed where keys have a pattern."""
    if isinstance(node, list):
        return [_finished(item) for item in node]
    if not isinstance(node, dict):
        return node
    finished = {
        key: " ".join(value.split()) if key == "description" and isinstance(value, str) else _finished(value)
        for key, value in node.items()
    }
    return {**finished, "additionalProperties": False} if "patternProperties" in finished else finished
