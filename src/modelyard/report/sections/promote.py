"""A moved alias: which version stands where now, who moved it, why, and on what evidence or proof."""

from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope
from modelyard.records.results import PromoteResult, ProveResult, RollbackResult
from modelyard.report import numbers
from modelyard.report.conclusion import outcome
from modelyard.report.document import Block, Code, Line, Listing, Paragraph, Section, Text, line

_SHOWN = {
    "golden": "golden predictions came out again",
    "loading": "it loads and predicts, and has no golden rows",
    "none": "nothing but intact files",
}


def sections(envelope: Envelope) -> tuple[Section, ...]:
    """Build the section *Promotion*, *Proof* or *Rollback*; nothing where the step has no result."""
    result = outcome(envelope)
    if isinstance(result, ProveResult):
        return (_proof(result),)
    if isinstance(result, PromoteResult):
        title = "Promotion"
        facts = [line("Model ", Code(result.model_digest)), line("Evidence ", Code(result.evidence))]
        waiting = result.pull_request
        if waiting is not None:
            facts.append(line("Moves when ", Text(f"pull request {waiting.number}"), " is merged: ", Code(waiting.url)))
            facts.append(line("Pointer ", Code(waiting.pointer), " on the branch ", Code(waiting.branch)))
    elif isinstance(result, RollbackResult):
        title = "Rollback"
        facts = [line(Text("Proof: ", "strong"), result.proof)]
        if result.proof_digest:
            facts.append(line("Record of the proof ", Code(result.proof_digest)))
    else:
        return ()
    moved = envelope.record.verdict is Verdict.PASS and result.journal > 0
    verb = "is now" if moved else "would be"
    version = result.version or "the next version"
    lead = line(Code(result.alias), f" {verb} ", Text(version, "strong"), _before(result.previous), ".")
    who: list[Line] = [line(f"By {result.actor or 'unknown'}: {result.reason or 'no reason given'}")]
    journal: list[Line] = [line(f"Journal entry {numbers.count(result.journal)}")] if result.journal else []
    blocks: tuple[Block, ...] = (Paragraph(lead), Listing((*who, *facts, *journal)))
    summary = f"{result.alias} {verb} {version}"
    return (Section("moved", title, summary, blocks, 90, folded=False),)


def _proof(result: ProveResult) -> Section:
    lead = line(Text(result.version, "strong"), f": {result.said}.")
    facts: list[Line] = [
        line(Code(result.alias), f" pointed at {result.seen}"),
        line(f"Asked for: {_SHOWN[result.asked]}"),
        line("Model ", Code(result.model_digest)),
        line("Manifest ", Code(result.version_digest), ", every file compared with it"),
    ]
    if result.reproduced is not None:
        largest = "none" if result.largest is None else f"{result.largest:.3g}"
        allowed = "none" if result.tolerance is None else f"{result.tolerance:.0e}"
        facts.append(line(f"Golden rows: {result.rows}, {result.exact} the same to the last bit"))
        facts.append(line(f"Largest difference: {largest} (allowed: {allowed})"))
    if result.environment:
        facts.append(line(f"Loaded in {result.environment}"))
    blocks: tuple[Block, ...] = (Paragraph(lead), Listing(tuple(facts)))
    return Section("proof", "Proof", f"{result.version}: {_SHOWN[result.shown]}", blocks, 85, folded=False)


def _before(previous: str | None) -> str:
    return f", before it {previous}" if previous else ", the first"
