"""A fourth kind of registry, in memory: what a new one takes, in one file."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from modelyard.core.errors import PlatformError
from modelyard.core.files import sha256_bytes
from modelyard.records.manifest import FileEntry, Sealed
from modelyard.registry import operations
from modelyard.registry.base import RegistryBase, View
from modelyard.registry.journal import JournalEntry, State, fold
from modelyard.registry.kinds import Kind, Opening
from modelyard.registry.protocol import Bundle, Orphan, Version


@dataclass
class Memory(View):
    """Everything that the registry holds."""

    versions: dict[int, Version] = field(default_factory=dict)
    log: list[JournalEntry] = field(default_factory=list)
    contents: dict[tuple[int, str], bytes] = field(default_factory=dict)

    @property
    def journal(self) -> State:
        return fold((entry, sha256_bytes(entry.to_bytes())) for entry in self.log)

    def numbers(self) -> Sequence[int]:
        return sorted(self.versions)

    def load(self, number: int) -> Version:
        return self.versions[number]

    def newest_first(self) -> Iterator[JournalEntry]:
        return reversed(self.log)


class MemoryRegistry(RegistryBase[Memory]):
    """A registry that lives as long as its memory."""

    kind = "memory"

    def __init__(
        self, memory: Memory, model: str, scratch: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        super().__init__(model, scratch, now)
        self._memory = memory

    def _view(self) -> Memory:
        return self._memory

    def _append(self, follow: Callable[[Memory], JournalEntry]) -> JournalEntry:
        self._memory.log.append(follow(self._memory))
        return self._memory.log[-1]

    def _put(self, bundle: Bundle) -> Version:
        contents = {path: source.read_bytes() for path, source in sorted(bundle.files.items())}
        files = [FileEntry(path=path, digest=sha256_bytes(data), size=len(data)) for path, data in contents.items()]
        number = len(self._memory.versions) + 1
        manifest = operations.manifest_of(bundle.content, files, number, self._now(), lambda file: contents[file.path])
        for version in self.list():
            if version.manifest.identity == manifest.identity:
                return version
        self._memory.contents |= {(number, path): data for path, data in contents.items()}
        self._memory.versions[number] = Version(manifest, Sealed.seal(manifest).digest)
        return self._memory.versions[number]

    def _get(self, view: Memory, version: Version, file: FileEntry, target: Path) -> None:
        data = view.contents.get((version.number, file.path), b"")
        if sha256_bytes(data) != file.digest:
            raise PlatformError(f"{file.path} is damaged", code="registry/file-damaged")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def _drop(self, number: int) -> None:
        for key in [key for key in self._memory.contents if key[0] == number]:
            del self._memory.contents[key]

    def entries(self) -> tuple[JournalEntry, ...]:
        return tuple(self._memory.log)

    def orphans(self) -> tuple[Orphan, ...]:
        return ()

    def discard(self, orphans: Iterable[Orphan]) -> None:
        pass


def _open(opening: Opening) -> MemoryRegistry:
    return MemoryRegistry(Memory(), opening.model, opening.scratch("memory"))


KIND = Kind("memory", _open, credentials=("MEMORY_REGISTRY_PIN",), outlives_job=False)
