"""What was worked out before, by the digest of what it was worked out from; damaged, it is worked out again."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard.core.canonical import digest
from modelyard.core.errors import PlatformError
from modelyard.core.files import self_ignoring, sha256_bytes, write_atomic

_HEAD = len(sha256_bytes(b"")) + 1


@dataclass(frozen=True)
class Cache:
    """A folder of results; without a folder nothing is kept.

    Attributes:
        folder: where they are, one file each; git ignores it.
        about: what all of them depend on, such as the version of the code.
    """

    folder: Path | None
    about: str = ""

    def get(self, key: Any) -> Any:
        """Return what was kept under a key, or None: where nothing was, or it is not what was written.

        Args:
            key: whatever JSON can hold; it has to name everything that the result depends on.
        """
        with suppress(OSError, ValueError, RecursionError):
            if self.folder is not None:
                data = self._path(key).read_bytes()
                if sha256_bytes(data[_HEAD:]) == data[: _HEAD - 1].decode("ascii", "replace"):
                    kept = json.loads(data[_HEAD:])
                    return kept["value"] if kept["key"] == digest([self.about, key]) else None
        return None

    def put(self, key: Any, value: Any) -> None:
        """Keep a result; on a disk that does not take it, nothing is kept."""
        if self.folder is None:
            return
        body = json.dumps({"key": digest([self.about, key]), "value": value}, separators=(",", ":")).encode()
        with suppress(PlatformError):
            self_ignoring(self.folder)
            write_atomic(self._path(key), sha256_bytes(body).encode() + b"\n" + body)

    def _path(self, key: Any) -> Path:
        name = digest([self.about, key]).partition(":")[2]
        return Path(self.folder or "") / name[:2] / f"{name[2:]}.json"
