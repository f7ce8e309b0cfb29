"""Records in, document out: which sections there are, and in which order."""

from collections.abc import Iterator

from modelyard.records.envelope import Envelope
from modelyard.records.results import Part, in_order
from modelyard.report import numbers, origin
from modelyard.report.conclusion import headline, outcome, step_verdict
from modelyard.report.document import (
    Badge,
    Block,
    Code,
    Column,
    Document,
    Line,
    Listing,
    Section,
    Table,
    Text,
    Tile,
    line,
    place,
)
from modelyard.report.registry import Records, StepReport, report_of
from modelyard.report.sections import problem


def document(records: Records) -> Document:
    """Compose the whole report of a run, from whichever of its records there are."""
    found = [records[kind.name] for kind in in_order() if kind.name in records and report_of(kind.name)]
    model = found[0].record.model if found else "model"
    parts = [section for envelope in found for section in _of(envelope)]
    parts += _provenance(found)
    return Document(
        model=model,
        headline=headline(records),
        origin=origin.of(found),
        notes=tuple(_notes(found)),
        tiles=tuple(_tiles(found)),
        sections=tuple(sorted(parts, key=place)),
        footer=_footer(found),
    )


def _of(envelope: Envelope) -> tuple[Section, ...]:
    shown = report_of(envelope.record.step)
    return (*problem.sections(envelope), *(shown.sections(envelope) if shown else ()))


def _results(found: list[Envelope]) -> Iterator[tuple[StepReport, Part]]:
    """Go through the results that are shown, each with how."""
    for envelope in found:
        shown, result = report_of(envelope.record.step), outcome(envelope)
        if shown is not None and result is not None:
            yield shown, result


def _notes(found: list[Envelope]) -> Iterator[Line]:
    for shown, result in _results(found):
        yield from shown.notes(result) if shown.notes else ()


def _tiles(found: list[Envelope]) -> Iterator[Tile]:
    results = {envelope.record.step: outcome(envelope) for envelope in found}
    for shown, result in _results(found):
        yield from shown.tiles(result, results) if shown.tiles else ()


def _provenance(found: list[Envelope]) -> list[Section]:
    if not found:
        return []
    columns = (
        Column("Step", "lead"),
        Column("Verdict"),
        Column("Started"),
        Column("Took", number=True),
        Column("Peak memory", number=True),
        Column("Record"),
    )
    rows = []
    for envelope in found:
        when = envelope.record.circumstances
        memory = numbers.NONE if when.peak_memory_mib is None else f"{when.peak_memory_mib:,.0f} MiB"
        rows.append(
            (
                line(envelope.record.step),
                line(Badge(step_verdict(envelope))),
                line(when.started),
                line(numbers.duration(when.seconds)),
                line(memory),
                line(Code(envelope.digest)),
            )
        )
    blocks: tuple[Block, ...] = (Table("Steps", columns, tuple(rows)), Listing(tuple(_origin(found[-1], found))))
    seconds = sum(envelope.record.circumstances.seconds for envelope in found)
    summary = f"{numbers.plural(len(found), 'step')} in {numbers.duration(seconds)}, digests, environment"
    return [Section("made", "How it was made", summary, blocks, 30, html_folded=True)]


def _origin(last: Envelope, found: list[Envelope]) -> Iterator[Line]:
    record = last.record
    when = record.circumstances
    yield line(Text("Event ", "muted"), when.event, *_pair(" · commit ", when.commit), *_pair(" · head ", when.head))
    if when.base:
        yield line(Text("Base ", "muted"), Code(when.base))
    if when.run_id:
        yield line(Text("Run ", "muted"), Code(when.run_id), f", attempt {when.attempt}")
    if record.tree:
        yield line(Text("Tree ", "muted"), Code(record.tree))
    if when.uncommitted:
        yield line(Text("Not as in the commit ", "muted"), *_listed(when.uncommitted))
    yield line(Text("Configuration ", "muted"), Code(record.config_digest))
    for name, value in sorted(
        {key: value for envelope in found for key, value in envelope.record.data.items()}.items()
    ):
        yield line(Text("Data ", "muted"), Code(name), " ", Code(value))
    for label, attribute in (
        ("Fit ", "fit_digest"),
        ("Model ", "model_digest"),
        ("Environment ", "environment_digest"),
    ):
        known: list[str] = [item for envelope in found if (item := getattr(envelope.record, attribute))]
        if known:
            yield line(Text(label, "muted"), Code(known[-1]))
    champion = next((item.record.champion_version for item in reversed(found) if item.record.champion_version), None)
    yield line(Text("Champion seen ", "muted"), champion or "none")
    for shown, result in _results(found):
        yield from shown.origin(result) if shown.origin else ()
    if when.platform:
        yield line(Text("Platform ", "muted"), when.platform)


def _listed(names: tuple[str, ...]) -> tuple[str | Code, ...]:
    parts = [part for name in names for part in (", ", Code(name))]
    return tuple(parts[1:])


def _pair(label: str, value: str | None) -> tuple[Text | Code, ...]:
    return (Text(label, "muted"), Code(value)) if value else ()


def _footer(found: list[Envelope]) -> Line:
    if not found:
        return line("modelyard")
    last = found[-1]
    return line(f"modelyard {last.record.tool_version}, result ", Code(last.result_digest))
