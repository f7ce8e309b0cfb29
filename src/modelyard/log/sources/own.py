"""A folder that ``Writer`` writes: every partition is a piece, complete or not."""

from dataclasses import dataclass
from pathlib import Path

from modelyard.core.errors import DataError
from modelyard.data.fingerprint import status_of
from modelyard.log.partitions import find, partitions, read_partition
from modelyard.log.source import Part, Piece, Want


@dataclass(frozen=True)
class OwnFolder:
    """A folder of partitions.

    Attributes:
        name: as it is named in the configuration.
        folder: where it is.
    """

    name: str
    folder: Path

    def pieces(self) -> list[Piece]:
        """List the partitions, as they were begun."""
        if not self.folder.is_dir():
            raise DataError(
                f"{self.name:.200} is not a folder of a log",
                code="log/no-folder",
                hint="Name the folder that Writer wrote to; for other files say in columns= what is what.",
            )
        return [Piece(stem, find(self.folder, stem, status_of), kind) for stem, kind in partitions(self.folder).items()]

    def read(self, piece: Piece, want: Want) -> Part:
        """Read a partition."""
        return find(self.folder, piece.name, lambda path: read_partition(path, piece.at, want))
