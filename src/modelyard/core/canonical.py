"""Canonical JSON (RFC 8785) and its sha256: the one way in which the project digests structured data."""

import json
from typing import Any

import rfc8785

from modelyard.core.files import sha256_bytes


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of plain JSON data.

    Raises:
        ValueError: a NaN, an infinity, or an integer beyond 2^53, which that canonical form cannot carry.
    """
    fast = _fast(value)
    if fast is not None:
        return fast
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise ValueError(f"not canonical JSON: {error}") from error


class _NotPlainError(Exception):
    """Something that json.dumps would write otherwise than RFC 8785."""


_SAFE = 2**53 - 1
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), sort_keys=True)


def _fast(value: Any) -> bytes | None:
    """Return the canonical form as the standard library writes it, several times faster; None where that may differ.

    It differs in keys that are not ASCII, whose order goes by UTF-16, and in numbers with exponents.
    """
    try:
        return _ENCODER.encode(_plain(value)).encode()
    except (_NotPlainError, UnicodeEncodeError, RecursionError):
        return None


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is float:
        if value != value or not (value == 0 or 1e-4 <= abs(value) <= _SAFE):
            raise _NotPlainError
        return int(value) if value.is_integer() else value
    if kind is int:
        if abs(value) > _SAFE:
            raise _NotPlainError
        return value
    if kind is dict:
        for key in value:
            if type(key) is not str or not key.isascii():
                raise _NotPlainError
        return {key: _plain(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [_plain(item) for item in value]
    raise _NotPlainError


def digest(value: Any) -> str:
    """``sha256:<hex>`` of the canonical form."""
    return sha256_bytes(canonical(value))
