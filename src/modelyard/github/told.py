"""A message that data changed: the payload of ``repository_dispatch``, read as strictly as anybody might have sent it.

Whoever may send it can start a run and nothing else: what changed is found by looking, never believed.
"""

import re
from collections.abc import Mapping
from typing import Any

from modelyard.core.errors import ConfigError

TYPE = "modelyard-data-changed"
"""The ``event_type`` of such a message; others are none of ours."""

_TEXTS: Mapping[str, str] = {
    "source": r"(?:s3|gs|az|hf|https)://[^\s\x00-\x1f\x7f-\x9f\u2028\u2029]{1,1000}",
    "event": r"created|changed|deleted",
    "etag": r"[\x21-\x7e]{1,200}",
    "version": r"[A-Za-z0-9._:+/=-]{1,200}",
    "time": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,18}(?:Z|[+-][0-9:]{4,5})",
}
_WHAT = {
    "source": "the address of an object, such as s3://bucket/folder/file.parquet",
    "event": "created, changed or deleted",
    "etag": "an ETag",
    "version": "the name of a version",
    "time": "a time in ISO 8601",
    "size": "a number of bytes",
}


def read(payload: object) -> str:
    """Return the address that a message is about.

    Args:
        payload: ``client_payload``, with ``source``, and maybe ``event``, ``etag``, ``version``, ``time``, ``size``.

    Raises:
        ConfigError: anything else is in it.
    """
    if not isinstance(payload, dict):
        raise _bad("the message is no JSON object")
    for key, value in payload.items():
        if key not in _WHAT:
            raise _bad(f"the message has the key {str(key)[:60]!a}")
        if not _fits(key, value):
            raise _bad(f"{key} is {str(value)[:60]!a}, which is not {_WHAT[key]}")
    if "source" not in payload:
        raise _bad("the message does not say which data changed")
    return str(payload["source"])


def _fits(key: str, value: Any) -> bool:
    if key == "size":
        return type(value) is int and 0 <= value < 1 << 60
    return isinstance(value, str) and re.fullmatch(_TEXTS[key], value) is not None


def _bad(message: str) -> ConfigError:
    return ConfigError(
        f"{TYPE}: {message}",
        code="github/bad-dispatch",
        hint='Send {"source": "s3://bucket/key"} as client_payload, and where they are known '
        "event, etag, version, time and size.",
    )
