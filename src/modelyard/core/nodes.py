"""What the readers of YAML and JSON share: the tags of nodes, and the limits on their number and depth."""

from dataclasses import dataclass

TAG = "tag:yaml.org,2002:"
AMBIGUOUS = "ambiguous"
MERGE = TAG + "merge"


class TooMuchError(Exception):
    """The text has more nodes, or nests deeper, than allowed; ``line`` is where that was noticed."""

    def __init__(self, message: str, line: int) -> None:
        self.message = message
        self.line = line
        super().__init__(message)


@dataclass(frozen=True)
class Limits:
    """How large a file may be; ``integer`` is the largest whole number, None for any."""

    bytes: int = 1 << 20
    nodes: int = 10_000
    depth: int = 64
    integer: int | None = 2**53
    """Beyond it, canonical JSON and most readers of JSON lose digits."""

    def check(self, nodes: int, depth: int, line: int) -> None:
        """Raise a TooMuchError where there are too many nodes, or they nest too deep."""
        if nodes > self.nodes:
            raise TooMuchError(f"more than {self.nodes:,} values", line)
        if depth > self.depth:
            raise TooMuchError(f"nested more than {self.depth} deep", line)
