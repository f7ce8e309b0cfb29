"""An alias moved back."""

from typing import Annotated

from modelyard.core.verdict import Verdict
from modelyard.records.results.kind import RecordKind
from modelyard.records.results.part import CIRCUMSTANCE, Digest, Part
from modelyard.records.results.prove import ProofLevel


class RollbackResult(Part):
    """An alias moved back."""

    version: str
    alias: str
    previous: str | None
    actor: str
    reason: str
    journal: int
    already: Annotated[bool, CIRCUMSTANCE] = False
    """An earlier attempt had moved it; this one found nothing left to do."""
    proof: str
    """In words."""
    shown: ProofLevel = "none"
    proof_digest: Digest | None = None
    """Digest of the proof's record."""


ROLLBACK = RecordKind(
    "rollback", 80, RollbackResult, of_run=False, accepts=frozenset({Verdict.PASS, Verdict.NOT_APPLICABLE})
)
