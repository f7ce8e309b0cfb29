"""A moved alias: which version stands where now, who moved it, why, and on what evidence."""

from modelyard.records.envelope import Envelope
from modelyard.records.results import PromoteResult, RollbackResult
from modelyard.report import numbers
from modelyard.report.conclusion import outcome
from modelyard.report.document import Block, Code, Line, Listing, Paragraph, Section, Text, line
from modelyard.verdict import Verdict


def sections(envelope: Envelope) -> tuple[Section, ...]:
    """The section *Promotion* or *Rollback*; nothing where the step has no result."""
    result = outcome(envelope)
    if isinstance(result, PromoteResult):
        title, facts = (
            "Promotion",
            [line("Model ", Code(result.model_digest)), line("Evidence ", Code(result.evidence))],
        )
    elif isinstance(result, RollbackResult):
        title, facts = "Rollback", [line(f"Proof: {result.proof or 'none'}")]
    else:
        return ()
    verb = "is now" if envelope.record.verdict is Verdict.PASS else "would be"
    lead = line(Code(result.alias), f" {verb} ", Text(result.version, "strong"), _before(result.previous), ".")
    who: list[Line] = [line(f"By {result.actor or 'unknown'}: {result.reason or 'no reason given'}")]
    journal: list[Line] = [line(f"Journal entry {numbers.count(result.journal)}")]
    blocks: tuple[Block, ...] = (Paragraph(lead), Listing((*who, *facts, *journal)))
    summary = f"{result.alias} {verb} {result.version}"
    return (Section("moved", title, summary, blocks, 90, folded=False),)


def _before(previous: str | None) -> str:
    return f", before it {previous}" if previous else ", the first"
