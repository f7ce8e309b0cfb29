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


class RolledBack(Part):
    """The rollback from the very same model that a promotion takes back."""

    version: str
    """The version that was left then."""
    at: str
    """When, as the journal has it."""
    actor: str
    reason: str


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
    rolled_back: RolledBack | None = None
    """The same model was rolled back before, and a person promotes it again."""


PROMOTE = RecordKind("promote", 60, PromoteResult, of_run=False)
