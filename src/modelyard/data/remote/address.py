"""Addresses of remote data, read strictly: a scheme, a place, and a key or a glob of keys."""

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass

from modelyard.core.errors import ConfigError, DataError
from modelyard.data.source import Location

_WILD = re.compile(r"[*?\[]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}")
_LONGEST = 255
"""Bytes of a part of a key, which becomes the name of a file."""


@dataclass(frozen=True)
class Keys:
    """A key, or a glob of keys: ``**`` stands for any number of folders, other wildcards never for a slash."""

    text: str

    @property
    def wild(self) -> bool:
        """Return whether it is a glob."""
        return bool(_WILD.search(self.text))

    @property
    def folder(self) -> str:
        """Return the folders before the first wildcard, without a slash at the end."""
        parts = self.text.split("/")
        first = next((at for at, part in enumerate(parts) if _WILD.search(part)), len(parts) - 1)
        return "/".join(parts[:first])

    @property
    def deep(self) -> bool:
        """Return whether keys in folders below that one may match."""
        return "/" in self.text[len(self.folder) :].lstrip("/") or "**" in self.text

    def match(self, key: str) -> bool:
        """Return whether a key is meant; one with a part that begins with a dot only where the glob has one too."""
        wanted, parts = self.text.split("/"), key.split("/")
        hidden_meant = any(part.startswith(".") for part in wanted)
        if not hidden_meant and any(part.startswith(".") and part.strip(".") for part in parts):
            return False
        return _match(wanted, parts)


def _match(wanted: Sequence[str], parts: Sequence[str]) -> bool:
    """Match part by part; the parts of the glob that fit so far are kept, so that many ``**`` cost no more than one."""
    reached = {0}
    for part in parts:
        folders = {at for at in _past_folders(wanted, reached) if at < len(wanted)}
        reached = {at for at in folders if wanted[at] == "**"}
        reached |= {at + 1 for at in folders if wanted[at] != "**" and fnmatch.fnmatchcase(part, wanted[at])}
    return any(at == len(wanted) or list(wanted[at:]) == ["**"] for at in reached)


def _past_folders(wanted: Sequence[str], reached: set[int]) -> set[int]:
    found = set(reached)
    for at in reached:
        while at < len(wanted) and wanted[at] == "**":
            at += 1
            found.add(at)
    return found


def in_bucket(location: Location) -> tuple[str, Keys]:
    """Split ``scheme://bucket/keys``.

    Raises:
        ConfigError: no bucket, no key, or one that cannot be a path.
    """
    scheme, _, rest = location.source.partition("://")
    bucket, _, key = rest.partition("/")
    example = f"{scheme}://bucket/folder/*.parquet"
    if not _BUCKET.fullmatch(bucket):
        raise bad(location, f"{bucket[:80]!r} is no name of a bucket", f"Write {example}.")
    return bucket, keys(location, key, example)


def keys(location: Location, key: str, example: str) -> Keys:
    """Check a key or glob of the configuration.

    Raises:
        ConfigError: it cannot be a path.
    """
    if not key or key.endswith("/"):
        raise bad(location, f"{location.source[:200]!r} names no objects", f"Name them, such as {example}.")
    problem = problem_of(key)
    if problem:
        raise bad(location, f"{location.source[:200]!r} {problem}", f"Write {example}.")
    return Keys(key)


def problem_of(key: str) -> str:
    """Say why a key cannot be the path of a file; an empty string where it can."""
    if _CONTROL.search(key):
        return "holds a control character or the end of a line"
    if "\\" in key or "\0" in key:
        return "holds a backslash"
    for part in key.split("/"):
        if part in ("", ".", ".."):
            return f"has the part {part!r}, which is no name of a file"
        if len(part.encode("utf-8", "surrogatepass")) > _LONGEST:
            return f"has a part of more than {_LONGEST} bytes"
    try:
        key.encode()
    except UnicodeEncodeError:
        return "is not UTF-8"
    return ""


def refuse_odd(location: Location, key: str) -> None:
    """Refuse an object of a store whose key cannot become the path of a file.

    Raises:
        DataError: it cannot.
    """
    problem = problem_of(key)
    if problem:
        raise odd_key(location, key, problem)


def odd_key(location: Location, key: str, problem: str = "is no path of a file") -> DataError:
    """Make the error of an object whose key cannot become the path of a file."""
    return DataError(
        f"{location.key}: the key {key[:200]!a} {problem}",
        code="data/bad-key",
        hint="Rename the object in the store.",
    )


def bad(location: Location, message: str, hint: str) -> ConfigError:
    """Make the error of an address that cannot be one."""
    return ConfigError(f"{location.key}: {message}", code="data/bad-address", hint=hint)
