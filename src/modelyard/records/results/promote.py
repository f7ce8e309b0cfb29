"""A moved alias, or one that a pull request would move."""

from typing import Annotated

from modelyard.records.results.kind import RecordKind
from modelyard.records.results.part import CIRCUMSTANCE, Digest, Part


class PullRequest(Part):
    """The small pull request whose merge moves an alias."""

    number: int
    url: str
    branch: str
    pointer: str
    """Path of the file that it changes."""


class PromoteResult(Part):
    """A moved alias; in a dry run, and while a pull request waits, one that would be moved."""

    version: str
    """Empty in a dry run, where no version was published."""
    alias: str
    previous: str | None
    model_digest: Digest
    evidence: Digest
    actor: str
    reason: str
    journal: int
    """Number of the journal's entry; 0 where nothing was moved."""
    already: Annotated[bool, CIRCUMSTANCE] = False
    """An earlier attempt had moved it; this one found nothing left to do."""
    dry_run: bool = False
    pull_request: PullRequest | None = None


PROMOTE = RecordKind("promote", 60, PromoteResult, of_run=False)
