"""What is known of the records of one step: its place in the chain, its result, and what it may build on."""

from dataclasses import dataclass

from modelyard.core.catalogue import Catalogue
from modelyard.core.verdict import Verdict
from modelyard.records.results.part import Part


@dataclass(frozen=True)
class RecordKind:
    """The records of one step."""

    name: str
    order: int
    """Place in the chain: a record builds on records of a lower order alone."""
    result: type[Part]
    judges: bool = False
    """Its verdict counts for the verdict of the run."""
    of_run: bool = True
    """It is one of a run's stages: reports show it and versions carry it. The others move aliases."""
    accepts: frozenset[Verdict] = frozenset({Verdict.PASS})
    """Verdicts of earlier steps that it may build on."""


RESULTS: Catalogue[RecordKind] = Catalogue("step", "record/unknown-step")
"""The kinds of records; the package of a step that is added registers its own."""


def in_order() -> tuple[RecordKind, ...]:
    """Return the kinds by their place in the chain."""
    return tuple(sorted(RESULTS, key=lambda kind: kind.order))


def known_step(name: str) -> str:
    """Return a step's name.

    Raises:
        ValueError: no kind of record has this name.
    """
    if name not in RESULTS:
        raise ValueError(f"unknown step; known: {', '.join(RESULTS.names())}")
    return name
