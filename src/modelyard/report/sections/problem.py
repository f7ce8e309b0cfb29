"""A step that ended with an error: what was found, and what to do about it."""

from modelyard.records.envelope import Envelope
from modelyard.report.conclusion import outcome, problem_of
from modelyard.report.document import Block, Code, CodeBlock, Inline, Paragraph, Section, Text, line


def sections(envelope: Envelope) -> tuple[Section, ...]:
    """Build one section where the step has no result that can be read; nothing otherwise."""
    record = envelope.record
    if record.problem is None and outcome(envelope) is not None:
        return ()
    blocks: list[Block] = [CodeBlock(problem_of(envelope))]
    if record.problem is not None:
        if record.problem.hint:
            blocks.append(Paragraph(line(Text("What to do: ", "strong"), *_with_code(record.problem.hint))))
        blocks.append(Paragraph(line(Text(f"The step ended with exit code {record.problem.exit_code}.", "muted"))))
    else:
        blocks.append(Paragraph(line(Text("What to do: ", "strong"), "run the step again.")))
    title = f"{record.step.capitalize()} ended with an error"
    return (Section(f"problem-{record.step}", title, "", tuple(blocks), 100, folded=False),)


def _with_code(text: str) -> list[Inline | str]:
    """Return text whose parts between back-ticks are code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return [text]
    return [Code(part) if at % 2 else part for at, part in enumerate(parts) if part]
