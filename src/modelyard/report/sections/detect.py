"""What changed since the champion: reasons, data sets, partitions."""

from collections.abc import Iterator, Sequence

from modelyard.records.envelope import Envelope
from modelyard.records.results import ColumnType, DataSet, DetectResult
from modelyard.report import columns, numbers, wording
from modelyard.report.conclusion import outcome
from modelyard.report.document import Block, Break, Code, Column, Inline, Line, Listing, Section, Table, line

COLUMNS = 40
"""Columns that are listed; those worth a look come first."""
SHOWN = 12
"""Names that are listed of each kind of change; the rest is counted."""
_REASONS = {
    "first-run": "there is no champion yet",
    "data": "data",
    "code": "code",
    "configuration": "configuration",
    "packages": "packages",
}


def sections(envelope: Envelope) -> tuple[Section, ...]:
    """Build the section *What changed*; nothing where the step has no result."""
    result = outcome(envelope)
    if not isinstance(result, DetectResult):
        return ()
    reasons = ", ".join(_REASONS[reason] for reason in result.reasons) or "nothing"
    since = f" since champion {result.champion}" if result.champion else ""
    blocks: list[Block] = []
    for reason, details in result.details.items():
        if details:
            blocks.append(Listing((_names(f"{_REASONS[reason].capitalize()}: ", details),)))
    if result.sets:
        blocks.append(sets_of(result.sets))
    if result.columns:
        blocks.append(columns_of(result.columns))
    return (Section("changed", "What changed", f"{reasons}{since}", tuple(blocks), 60),)


def notes(result: DetectResult) -> Iterator[Line]:
    """Yield the decision that started the run, and the message."""
    if result.told is not None:
        yield line("A message said that ", Code(result.told), " had changed.")
    if result.decision is not None:
        why = wording.because(result.decision.reason)
        yield line(f"Monitoring decided at {result.decision.time} to retrain: {why}. ", Code(result.decision.digest))


def columns_of(found: Sequence[ColumnType]) -> Table:
    """Return the types of columns, those worth a look first."""
    told = sorted(found, key=lambda each: not columns.worth_telling(each))[:COLUMNS]
    heads = (
        Column("Column", "lead"),
        Column("Type"),
        Column("Kind"),
        Column("Missing", number=True),
        Column("Why", "lead"),
    )
    rows = tuple(
        (
            line(Code(each.name)),
            line(each.type),
            line(each.kind),
            line(numbers.share(each.missing, each.rows) if each.rows else numbers.count(0)),
            line(columns.why(each)),
        )
        for each in told
    )
    more = f", {numbers.count(len(found) - len(told))} more in the record" if len(found) > len(told) else ""
    return Table(f"Columns of all sets{more}", heads, rows, before_fold=5)


def sets_of(sets: Sequence[DataSet]) -> Table:
    """Return the data sets with what changed in each."""
    columns = (
        Column("Data set", "lead"),
        Column("Files", number=True),
        Column("Size", number=True),
        Column("Changes", "lead"),
    )
    rows = tuple(
        (
            line(Code(data.name)),
            line(numbers.count(len(data.partitions))),
            line(numbers.size(sum(partition.size for partition in data.partitions))),
            _changes(data),
        )
        for data in sets
    )
    return Table("Data sets", columns, rows)


def _changes(data: DataSet) -> Line:
    """Name what changed, each partition once."""
    moved = {path for pair in data.renamed for path in pair}
    kinds = (
        ("renamed ", [f"{then} → {now}" for then, now in data.renamed]),
        ("added ", [path for path in data.added if path not in moved and path not in data.late]),
        ("late ", data.late),
        ("modified ", [path for path in data.modified if path not in data.reordered]),
        ("in another order ", data.reordered),
        ("removed ", [path for path in data.removed if path not in moved]),
    )
    parts: list[Inline] = []
    for word, names in kinds:
        if names:
            parts += [Break()] if parts else []
            parts += _names(f"{numbers.count(len(names))} {word}", names)
    return tuple(parts) or line("unchanged")


def _names(lead: str, names: Sequence[str]) -> Line:
    parts: list[Inline | str] = [lead]
    for index, name in enumerate(names[:SHOWN]):
        parts += [", ", Code(name)] if index else [Code(name)]
    if len(names) > SHOWN:
        parts.append(f" and {numbers.count(len(names) - SHOWN)} more")
    return line(*parts)
