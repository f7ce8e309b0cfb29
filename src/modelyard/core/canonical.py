"""Canonical JSON (RFC 8785) and its sha256: the one way in which the project digests structured data."""

from typing import Any

import rfc8785

from modelyard.core.files import sha256_bytes


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of plain JSON data.

    Raises:
        ValueError: a NaN, an infinity, or an integer beyond 2^53, which that canonical form cannot carry.
    """
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise ValueError(f"not canonical JSON: {error}") from error


def digest(value: Any) -> str:
    """``sha256:<hex>`` of the canonical form."""
    return sha256_bytes(canonical(value))
