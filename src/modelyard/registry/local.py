"""The local registry: a folder of content-addressed blobs, version manifests, and one file per journal entry.

    blobs/sha256/ab/ab12…      written beside, then renamed; never changed
    versions/v7.json           the manifest; created exclusively and last, so a version is whole or not there
    journal/00000007.json      one entry a file; creating it exclusively is the compare-and-swap
    state.json                 what the journal adds up to; a projection, repaired on read

A process that is killed at any moment leaves the old state or the new one, and at most a blob that nobody names yet.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from modelyard.errors import DataError, PlatformError
from modelyard.files import (
    create_exclusive,
    disk_errors,
    read_json,
    self_ignoring,
    sha256_bytes,
    sha256_file,
    sync_folder,
    write_atomic,
)
from modelyard.records.canonical import canonical
from modelyard.records.manifest import Manifest
from modelyard.registry.base import AliasMovedError, Version, check_alias
from modelyard.registry.journal import Entry, Kind, State, advance, fold

_TRIES = 1000
"""Lost races before giving up; each one means that somebody else's entry was written."""


class LocalRegistry:
    """Versions and aliases of one model in a folder; see ``registry.base.Registry`` for what each method promises."""

    kind: Literal["local"] = "local"

    def __init__(self, folder: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.folder = folder
        self._now = now

    # versions

    def publish(self, manifest: Manifest, files: Mapping[str, Path | bytes]) -> Version:
        """Store a version; it becomes visible last. The same manifest content twice is one version.

        Raises:
            DataError: a file is missing, is a link, or is not what the manifest says.
            PlatformError: the disk would not take it; no half version is visible.
        """
        known = self._same(manifest)
        if known is not None:
            return known
        for entry in manifest.files:
            source = files[entry.path]
            if isinstance(source, Path) and (source.is_symlink() or not source.is_file()):
                raise DataError(f"{entry.path} is not a plain file, so it cannot go into a version")
            self._store(source, entry.digest, entry.path)
        data = canonical(manifest.model_dump(mode="json", by_alias=True))
        for _ in range(_TRIES):
            number = max(self.versions(), default=0) + 1
            if create_exclusive(self._manifest_path(number), data):
                return Version(number, manifest)
        raise PlatformError("too many processes publish at once", do="Run again.")

    def _same(self, manifest: Manifest) -> Version | None:
        fixed = {"created"}
        wanted = manifest.model_dump(exclude=fixed)
        for number in reversed(self.versions()[-20:]):
            version = self.version(number)
            if version.manifest.model_dump(exclude=fixed) == wanted:
                return version
        return None

    def _store(self, source: Path | bytes, digest: str, name: str) -> None:
        target = self._blob(digest)
        if target.is_file() and sha256_file(target) == digest:
            return
        with disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            self_ignoring(self.folder)
            if isinstance(source, bytes):
                if sha256_bytes(source) != digest:
                    raise DataError(f"{name} is not what the manifest says")
                write_atomic(target, source)
                return
            with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as stream:
                temporary = Path(stream.name)
            try:
                shutil.copyfile(source, temporary)
                if sha256_file(temporary) != digest:
                    raise DataError(f"{name} changed while it was published")
                temporary.chmod(0o444)
                with temporary.open("rb") as stream:
                    os.fsync(stream.fileno())
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
            sync_folder(target.parent)

    def versions(self) -> Sequence[int]:
        """Numbers of all versions, ascending."""
        folder = self.folder / "versions"
        if not folder.is_dir():
            return []
        return sorted(int(path.stem[1:]) for path in folder.glob("v*.json") if path.stem[1:].isdigit())

    def version(self, number: int) -> Version:
        """One version.

        Raises:
            DataError: its manifest is missing or damaged.
        """
        path = self._manifest_path(number)
        try:
            return Version(number, Manifest.model_validate(read_json(path)))
        except (OSError, ValueError) as error:
            raise DataError(
                f"{path}: the manifest of v{number} is missing or damaged", do="Restore the registry from a copy."
            ) from error

    def read(self, version: Version, path: str) -> bytes:
        """One file of a version, its digest checked.

        Raises:
            DataError: no such file in the version, or its content was changed.
        """
        entry = next((entry for entry in version.manifest.files if entry.path == path), None)
        if entry is None:
            raise DataError(f"{version.name} holds no {path}")
        blob = self._blob(entry.digest)
        data = blob.read_bytes() if blob.is_file() else b""
        if sha256_bytes(data) != entry.digest:
            raise DataError(
                f"{path} of {version.name} is {'damaged' if data else 'missing'} in the registry",
                do=f"Restore {blob} from a copy.",
            )
        return data

    def fetch(self, version: Version, target: Path) -> None:
        """All files of a version into a folder that appears whole or not at all, digests checked while copying."""
        with disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
            try:
                for entry in version.manifest.files:
                    destination = temporary / entry.path
                    destination.parent.mkdir(parents=True, exist_ok=True)
                    blob = self._blob(entry.digest)
                    if blob.is_file():
                        shutil.copyfile(blob, destination)
                    if not destination.is_file() or sha256_file(destination) != entry.digest:
                        raise DataError(
                            f"{entry.path} of {version.name} is missing or damaged in the registry",
                            do=f"Restore {blob} from a copy.",
                        )
                temporary.replace(target)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)

    # aliases and journal

    def find(self, alias: str) -> Version | None:
        """What an alias points at."""
        name = self._state().aliases.get(alias)
        return None if name is None else self.version(int(name[1:]))

    def previous(self, alias: str) -> Version | None:
        """What an alias pointed at before."""
        name = self._state().previous.get(alias)
        return None if name is None else self.version(int(name[1:]))

    def set_alias(
        self, alias: str, to: str, *, seen: str | None, actor: str, reason: str, evidence: str, kind: Kind
    ) -> Entry:
        """Move an alias, if it still points at ``seen``.

        Raises:
            AliasMovedError: it points elsewhere by now; nothing was changed.
            DataError: the version is not there.
        """
        check_alias(alias)
        self.version(int(to[1:]))
        for _ in range(_TRIES):
            state = self._state()
            now = state.aliases.get(alias)
            if now != seen:
                raise AliasMovedError(alias, seen, now)
            entry = Entry.model_validate(
                {
                    "seq": state.seq + 1,
                    "before": state.head,
                    "kind": kind,
                    "at": self._now().isoformat(timespec="seconds"),
                    "actor": actor,
                    "reason": reason,
                    "alias": alias,
                    "from": now,
                    "to": to,
                    "evidence": evidence,
                }
            )
            self_ignoring(self.folder)
            if create_exclusive(self._entry_path(entry.seq), canonical(entry.model_dump(mode="json", by_alias=True))):
                self._write_state(advance(state, entry))
                return entry
        raise PlatformError("too many processes move aliases at once", do="Run again.")

    def entries(self) -> Sequence[Entry]:
        """The whole journal, in order.

        Raises:
            DataError: an entry is missing, damaged, or does not follow the one before.
        """
        found: list[Entry] = []
        while self._entry_path(len(found) + 1).is_file():
            found.append(self._entry(len(found) + 1))
        try:
            fold(found)
        except ValueError as error:
            raise DataError(f"the journal in {self.folder / 'journal'} is broken: {error}") from error
        return found

    def _entry(self, seq: int) -> Entry:
        path = self._entry_path(seq)
        try:
            return Entry.model_validate(read_json(path))
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: journal entry {seq} is damaged", do="Restore it from a copy.") from error

    def _state(self) -> State:
        state = self._projected()
        behind = False
        while self._entry_path(state.seq + 1).is_file():
            entry = self._entry(state.seq + 1)
            try:
                state, behind = advance(state, entry), True
            except ValueError as error:
                raise DataError(f"the journal in {self.folder / 'journal'} is broken: {error}") from error
        if behind:
            self._write_state(state)
        return state

    def _projected(self) -> State:
        try:
            state = State(**read_json(self.folder / "state.json"))
            last = self._entry(state.seq) if state.seq else None
        except (OSError, ValueError, TypeError, DataError):
            return State()
        return state if last is None or last.digest == state.head else State()

    def _write_state(self, state: State) -> None:
        try:
            write_atomic(self.folder / "state.json", json.dumps(asdict(state)).encode())
        except PlatformError:
            return  # only a projection: the journal holds the truth, and the next reader adds it up again

    # paths

    def _blob(self, digest: str) -> Path:
        hexadecimal = digest.removeprefix("sha256:")
        return self.folder / "blobs" / "sha256" / hexadecimal[:2] / hexadecimal

    def _manifest_path(self, number: int) -> Path:
        return self.folder / "versions" / f"v{number}.json"

    def _entry_path(self, seq: int) -> Path:
        return self.folder / "journal" / f"{seq:08}.json"
