"""The configured data sets as a run sees them: listed, fingerprinted, read and split once each."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.config.configuration import Config
from modelyard.config.sections.data import AS_USUAL
from modelyard.core import files
from modelyard.data.source import Location, Recalling, Source, Untyped
from modelyard.data.sources import open_source
from modelyard.data.sources.files import FileSource
from modelyard.records.results import ColumnType, DataSet
from modelyard.steps import rows
from modelyard.steps.once import Once
from modelyard.steps.rows import Rows

if TYPE_CHECKING:
    from modelyard.data.copying import FileCopy


@dataclass
class DataView:
    """The data sets of one run, so that ``modelyard run`` reads the data once and a run with nothing to do, none."""

    config: Config
    root: Path
    base: Path
    """The folder of modelyard.yml, which paths in it are relative to."""
    fork: bool = False
    """A pull request of a fork is judged, which has no secrets."""
    pinned: bool = False
    """Data has to be what its pointers in git name."""
    _once: Once = field(default_factory=Once, repr=False, compare=False)

    def sources(self) -> dict[str, Source]:
        """Return the source of every named data set."""
        return self._once("sources", self._sources)

    def _sources(self) -> dict[str, Source]:
        cache = files.self_ignoring(self.root / ".modelyard") / "fingerprints.json"
        named = self.config.data.sets
        how = self.config.data.read
        event = {"fork": self.fork, "pinned": self.pinned}
        return {
            name: open_source(Location(name, each, self.root, self.base, cache, how.get(name, AS_USUAL), **event))
            for name, each in named.items()
        }

    def recall(self, sets: Iterable[DataSet]) -> None:
        """Tell the sources what another run saw, so that what is known to be unchanged is not read again."""
        sources = self.sources()
        for then in sets:
            source: object = sources.get(then.name)
            if isinstance(source, Recalling):
                source.recall(then)

    def fingerprint(self) -> dict[str, DataSet]:
        """Fingerprint every named data set."""
        return self._once("sets", lambda: {name: source.fingerprint() for name, source in self.sources().items()})

    def digest_sets(self) -> dict[str, str]:
        """Digest the contents of every named data set."""
        return {name: found.digest for name, found in self.fingerprint().items()}

    def read(self, name: str) -> Any:
        """Read a data set as a Polars frame, in the types that were decided over all sets."""
        return self._once(f"frame {name}", lambda: self._finish(name))

    def read_text(self, name: str, columns: Sequence[str]) -> Any:
        """Read columns of a set as its files write them; None where they hold no text."""
        source = self.sources()[name]
        return source.text(columns) if isinstance(source, Untyped) else None

    def describe(self) -> tuple[ColumnType, ...]:
        """Describe every column of all sets: type, kind, missing values, and why it is what it is."""
        from modelyard.data.types import described

        return tuple(described(each, self.config.data.columns.personal) for each in self._types().values())

    def _types(self) -> dict[str, Any]:
        """Return the type of every column, decided once over all files of all sets."""
        return self._once("types", self._decide)

    def _decide(self) -> dict[str, Any]:
        from modelyard.data.types import decide_all

        files = [each for name in self.sources() for each in self._loaded(name).files()]
        return decide_all(files, self.config.data.columns.drop)

    def _finish(self, name: str) -> Any:
        """Bring a set into the decided types; what was read of its files is let go."""
        types = self._types()
        frame = self._loaded(name).finish(types)
        self._once.forget(f"loaded {name}")
        return frame

    def _loaded(self, name: str) -> Any:
        return self._once(f"loaded {name}", lambda: self._load(name))

    def _load(self, name: str) -> Any:
        from modelyard.data.reading import of_frame

        source = self.sources()[name]
        return source.load() if isinstance(source, Untyped) else of_frame(source.read(), f"data.sets.{name}")

    def digest_rows(self) -> tuple[str, str]:
        """Digest what decides the training rows and the test rows: contents, split, and the columns' meaning."""
        return rows.digest_rows(self.config, self.digest_sets())

    def training_files(self) -> "list[FileCopy]":
        """Return the files of all sets as a user's script is to find them: with training rows alone.

        Files of the set ``test`` become copies of training files where they have their columns and kind, else hold no
        row. Files of sets that are neither are left as they are, without rows of the test that stand in them too.
        """
        split, parts = self.config.data.split, self.split()
        name = split.of if split else "train"
        found = {copy.path: copy for copy in self._kept_rows(name, parts)}
        if split is None:
            for copy in self._without_rows("test", tuple(found)):
                found.setdefault(copy.path, copy)
        for other in self.sources():
            if other not in (name, "test" if split is None else name):
                for copy in self._unseen(other, parts, tuple(found)):
                    found.setdefault(copy.path, copy)
        return list(found.values())

    def _unseen(self, name: str, parts: Rows, known: "tuple[Path, ...]") -> "Iterator[FileCopy]":
        """Yield the files of a set that is neither trained on nor judged, without rows that are judged."""
        source = self.sources()[name]
        if not isinstance(source, FileSource) or set(source.paths) <= set(known):
            return
        for copy in self._cut(source, lambda frame: rows.unseen(self.config, frame, parts)):
            yield copy if copy.hides else replace(copy, keep=None)

    def _kept_rows(self, name: str, parts: Rows) -> "Iterator[FileCopy]":
        """Yield the files of the set that training rows are from, with those alone."""
        source = self.sources().get(name)
        if isinstance(source, FileSource):
            yield from self._cut(source, lambda frame: rows.in_training(self.config, frame, parts))

    def _cut(self, source: FileSource, keep_of: "Callable[[Any], Any]") -> "Iterator[FileCopy]":
        """Yield a set's files with the rows that are kept of the whole; as they are where that cannot be told."""
        from modelyard.data.copying import FileCopy

        loaded = source.load()
        keep, start = keep_of(loaded.finish(self._types())), 0
        for path, frame in zip(source.paths, loaded.frames, strict=True):
            part = None if keep is None else keep[start : start + len(frame)]
            yield FileCopy(path, part, how=source.location.how)
            start += len(frame)

    def _without_rows(self, name: str, training: "tuple[Path, ...]") -> "Iterator[FileCopy]":
        import numpy as np

        from modelyard.data.copying import FileCopy
        from modelyard.data.opened import kind

        source, train = self.sources()[name], self.sources().get("train")
        if not isinstance(source, FileSource):
            return
        loaded = source.load()
        alike = isinstance(train, FileSource) and train.location.how == source.location.how
        columns = train.load().frames[0].columns if isinstance(train, FileSource) and alike else []
        for at, (path, frame) in enumerate(zip(source.paths, loaded.frames, strict=True)):
            like = training[at % len(training)] if training else None
            if like is not None and kind(like) == kind(path) and columns == frame.columns:
                yield FileCopy(path, like=like)
            else:
                yield FileCopy(path, np.zeros(len(frame), dtype=bool), how=source.location.how)

    def split(self) -> Rows:
        """Read, check and split the data; the frames that were read are let go.

        Raises:
            DataError: missing columns, rows without target, nothing on one side of the split.
        """
        parts = self._once("split", lambda: rows.split(self.config, self.read))
        for name in self.config.data.sets:
            self._once.forget(f"frame {name}")
        return parts
