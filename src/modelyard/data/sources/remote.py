"""Objects of stores elsewhere as a data source: listed, fingerprinted by what their store says, fetched when needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.core.canonical import digest
from modelyard.core.errors import nearest
from modelyard.core.files import self_ignoring
from modelyard.data import reading
from modelyard.data.opened import kind
from modelyard.data.remote import address, cloud, failures, hub, web
from modelyard.data.remote.address import Keys
from modelyard.data.remote.cloud import AZURE, GCS, S3, Cloud
from modelyard.data.remote.kept import Kept
from modelyard.data.remote.objects import Object, Store
from modelyard.data.source import Location, RowFormat
from modelyard.data.sources.files import check_kinds
from modelyard.records.results import DataSet, Partition

if TYPE_CHECKING:
    import polars as pl


@dataclass
class RemoteSource:
    """A data set of objects; implements ``Source``. No request is sent before a method is called."""

    location: Location
    opened: Callable[[], tuple[Store, Keys]]
    _then: list[dict[str, Partition]] = field(default_factory=list)

    def recall(self, then: DataSet) -> None:
        """Take what another run saw, so that objects which their store says are still the same are not read again."""
        if then.source == self.location.source:
            self._then.append({part.path: part for part in then.partitions})

    @cached_property
    def _where(self) -> tuple[Store, Keys]:
        return self.opened()

    @cached_property
    def _kept(self) -> Kept:
        state = self_ignoring(self.location.root / ".modelyard")
        return Kept(self.location, self._where[0], state / "remote")

    @cached_property
    def objects(self) -> dict[str, Object]:
        """Ask the store which objects there are, once; by key, sorted."""
        store, keys = self._where
        if keys.wild:
            found = [each for each in store.list(keys.folder, deep=keys.deep) if keys.match(each.key)]
        else:
            one = store.look_up(keys.text)
            found = [] if one is None else [one]
        if not found:
            raise failures.nothing_there(self.location, wild=keys.wild, looked=self._looked(store, keys))
        for each in found:
            address.refuse_odd(self.location, each.key)
        known = {each.key: each for each in sorted(found, key=lambda each: each.key)}
        check_kinds(Path(), self.location.key, [Path(key) for key in known])
        return known

    def _looked(self, store: Store, keys: Keys) -> str:
        """Say what the folder holds that was looked in."""
        names = [each.key for each in store.list(keys.folder, deep=False)]
        if not names:
            return ""
        holds = (
            f"Its folder holds {', '.join(ascii(name)[1:-1] for name in names[:6])}{', …' if len(names) > 6 else ''}."
        )
        return f"{nearest(keys.text, names)} {holds}".lstrip()

    def list(self) -> tuple[str, ...]:
        """Name the objects by their keys."""
        return tuple(self.objects)

    def fingerprint(self) -> DataSet:
        """Digest the contents; what the store says is the same as when it was last read is not read again."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> DataSet:
        still: dict[str, Partition] = {}
        for seen in (*self._then, self._kept.remembered()):
            for key, each in self.objects.items():
                if key in seen and each.is_still(seen[key]):
                    still[key] = seen[key]
        fresh = self._kept.fetch(each for key, each in self.objects.items() if key not in still)
        partitions = tuple(
            self._partition(each, still[key].digest, still[key].size)
            if key in still
            else self._partition(each, fresh[key])
            for key, each in self.objects.items()
        )
        self._kept.remember(partitions)
        where = self.location
        own = digest([[part.path, part.digest] for part in partitions])
        return DataSet(name=where.set, source=where.source, digest=own, partitions=partitions)

    def _partition(self, each: Object, own: str, known: int | None = None) -> Partition:
        size = each.size if each.size is not None else self._kept.size_of(own) if known is None else known
        return Partition(
            path=each.key, digest=own, size=size, etag=each.etag, version=each.version, modified=each.modified
        )

    @cached_property
    def _view(self) -> Path:
        """Fetch what is not here yet; the folder in which all of it is.

        Raises:
            DataError: an object's contents are not those that its store's answer stood for.
        """
        parts = {part.path: part for part in self._fingerprint.partitions}
        missing = [self.objects[key] for key, part in parts.items() if not self._kept.holds(part)]
        for key, own in self._kept.fetch(missing).items():
            if own != parts[key].digest:
                raise failures.changed_while_read(self.location, key)
        return self._kept.view(parts)

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """Return the objects as files here."""
        return tuple(self._view / key for key in self.objects)

    def read(self, columns: Sequence[str] | None = None) -> "pl.DataFrame":
        """Read the objects, one after the other."""
        return reading.read(self.paths, columns, root=self._view, how=self.location.how)

    def load(self) -> reading.Loaded:
        """Read the objects, each typed by itself, for types that are decided over all sets."""
        return reading.load(self.paths, root=self._view, how=self.location.how)

    def text(self, columns: Sequence[str]) -> "pl.DataFrame | None":
        """Read the cells of columns; None where the objects tell types."""
        return reading.text(self.paths, columns, root=self._view, how=self.location.how)

    def describe(self) -> "dict[str, pl.DataType]":
        """Return column to type."""
        return reading.schema(self.paths, root=self._view, how=self.location.how)

    def row_format(self) -> RowFormat:
        """Return the format of the objects; every kind of CSV counts as CSV."""
        return ".parquet" if kind(Path(next(iter(self.objects)))) == ".parquet" else ".csv"


@dataclass(frozen=True)
class Buckets:
    """Buckets of one vendor; implements ``SourceKind``."""

    cloud: Cloud

    @property
    def name(self) -> str:
        """Return the scheme."""
        return self.cloud.name

    def open(self, location: Location) -> RemoteSource:
        """Return the data set of objects in a bucket."""
        return RemoteSource(location, lambda: self._opened(location))

    def _opened(self, location: Location) -> tuple[Store, Keys]:
        bucket, keys = address.in_bucket(location)
        return cloud.Bucket(self.cloud, location, bucket), keys


@dataclass(frozen=True)
class WebFiles:
    """Files on web servers; implements ``SourceKind``."""

    name: str

    def open(self, location: Location) -> RemoteSource:
        """Return the data set of one file."""
        return RemoteSource(location, lambda: self._opened(location))

    def _opened(self, location: Location) -> tuple[Store, Keys]:
        found = web.WebFile(location)
        return found, Keys(found.key)


class HuggingFace:
    """Data sets on Hugging Face; implements ``SourceKind``."""

    name = "hf"

    def open(self, location: Location) -> RemoteSource:
        """Return the data set of files in a repository."""
        return RemoteSource(location, lambda: self._opened(location))

    def _opened(self, location: Location) -> tuple[Store, Keys]:
        name, revision, keys = hub.split(location)
        return hub.Repository(location, name, revision), keys


KINDS = (Buckets(S3), Buckets(GCS), Buckets(AZURE), WebFiles("https"), WebFiles("http"), HuggingFace())
