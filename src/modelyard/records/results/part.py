"""The base of every piece of a record, and the mark of fields in which two machines doing the same work may differ."""

from functools import cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Scalar = bool | int | float | str | None


class Part(BaseModel):
    """A piece of a record: immutable, unknown keys refused, NaN impossible."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


class Problem(Part):
    """A fault that ended a step: what a person reads, and the exit code that goes with it."""

    message: str
    hint: str = ""
    exit_code: int


class Circumstance:
    """The mark of a field that two machines doing the same work may differ in; ``result_digest`` leaves it out.

    Times, what was cached, what decides whether a step runs again, what a version carries beside its model (the profile
    depends on a key), how often the test set was evaluated, and rendered pages, which show all of these.
    """


CIRCUMSTANCE = Circumstance()
"""The mark, as in ``seconds: Annotated[float, CIRCUMSTANCE]``."""


def same_work(annotation: Any, value: Any) -> Any:
    """Return plain JSON data of a type without the fields that are marked as circumstances.

    Args:
        annotation: a ``Part``, or a container or union of them; of anything else the value is returned as it is.
        value: what ``model_dump(mode="json", by_alias=True)`` gives.
    """
    parts = _parts(annotation)
    if not parts:
        return value
    if isinstance(value, list):
        return [same_work(annotation, item) for item in value]
    if not isinstance(value, dict):
        return value
    if annotation not in parts and _is_mapping(annotation):
        return {key: same_work(parts[0], item) for key, item in value.items()}
    fields = _fields(parts)
    return {
        key: same_work(fields[key], item) if key in fields else item
        for key, item in value.items()
        if fields.get(key) is not CIRCUMSTANCE
    }


def _is_mapping(annotation: Any) -> bool:
    return get_origin(annotation) is dict or any(_is_mapping(each) for each in get_args(annotation))


@cache
def _parts(annotation: Any) -> tuple[type[Part], ...]:
    """Return the models that an annotation speaks of and that hold a mark at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        marked = any(each is CIRCUMSTANCE or _parts(each) for each in _fields((annotation,)).values())
        return (annotation,) if marked else ()
    return tuple(part for each in get_args(annotation) for part in _parts(each))


@cache
def _fields(parts: tuple[type[Part], ...]) -> dict[str, Any]:
    """Return the type of each field by its name in JSON, or the mark where it is a circumstance."""
    return {
        info.alias or name: CIRCUMSTANCE if CIRCUMSTANCE in info.metadata else info.annotation
        for part in parts
        for name, info in part.model_fields.items()
    }
