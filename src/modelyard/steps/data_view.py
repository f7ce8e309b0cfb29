"""The configured data sets as a run sees them: listed, fingerprinted, read and split once each."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelyard.config.configuration import Config
from modelyard.core import files
from modelyard.data.source import Location, Source
from modelyard.data.sources import open_source
from modelyard.records.results import DataSet
from modelyard.steps import rows
from modelyard.steps.once import Once
from modelyard.steps.rows import Rows


@dataclass
class DataView:
    """The data sets of one run, so that ``modelyard run`` reads the data once and a run with nothing to do, none."""

    config: Config
    root: Path
    base: Path
    """The folder of modelyard.yml, which paths in it are relative to."""
    _once: Once = field(default_factory=Once, repr=False, compare=False)

    def sources(self) -> dict[str, Source]:
        """Return the source of every named data set."""
        return self._once("sources", self._sources)

    def _sources(self) -> dict[str, Source]:
        cache = files.self_ignoring(self.root / ".modelyard") / "fingerprints.json"
        named = self.config.data.sets
        return {name: open_source(Location(name, each, self.root, self.base, cache)) for name, each in named.items()}

    def fingerprint(self) -> dict[str, DataSet]:
        """Fingerprint every named data set."""
        return self._once("sets", lambda: {name: source.fingerprint() for name, source in self.sources().items()})

    def digest_sets(self) -> dict[str, str]:
        """Digest the contents of every named data set."""
        return {name: found.digest for name, found in self.fingerprint().items()}

    def read(self, name: str) -> Any:
        """Read a data set as a Polars frame; its contents must still be what was fingerprinted."""
        return self._once(f"frame {name}", lambda: self.sources()[name].read())

    def digest_rows(self) -> tuple[str, str]:
        """Digest what decides the training rows and the test rows: contents, split, and the columns' meaning."""
        return rows.digest_rows(self.config, self.digest_sets())

    def split(self) -> Rows:
        """Read, check and split the data; the frames that were read are let go.

        Raises:
            DataError: missing columns, rows without target, nothing on one side of the split.
        """
        parts = self._once("split", lambda: rows.split(self.config, self.read))
        for name in self.config.data.sets:
            self._once.forget(f"frame {name}")
        return parts
