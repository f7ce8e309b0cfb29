"""A version as a page and as data."""

from collections.abc import Iterator
from typing import Any

from modelyard.core.documents import as_written
from modelyard.core.errors import OK
from modelyard.report import numbers, wording
from modelyard.report.document import Badge, Block, Code, Column, Line, Listing, Paragraph, Table, Text, line
from modelyard.usecases.describe_version import VersionFacts


def blocks(known: VersionFacts, *, packages: bool = True) -> Iterator[Block]:
    """Build the page."""
    if known.removed is not None:
        removal = known.removed
        why = removal.reason or "no reason given"
        gone = f"Its bytes were removed on {removal.at[:10]} by {removal.actor}: {why}. What follows is its manifest."
        yield Paragraph(line(gone), note=True)
    yield Table("", (Column("", "lead"), Column("")), tuple(_summary(known)))
    if known.metrics:
        yield _metrics(known)
    elif known.version.manifest.metrics:
        yield _short_metrics(known)
    if known.gates:
        yield _gates(known)
    if known.sets or known.version.manifest.data:
        yield _data(known)
    if known.parameters:
        rows = tuple((line(Code(name)), line(Code(as_written(value)))) for name, value in known.parameters.items())
        yield Table("Parameters", (Column("Name", "lead"), Column("Value")), rows)
    if known.about:
        yield _moves(known)
    if known.environment is not None:
        listed = ", ".join(f"{name} {version}" for name, version in known.environment.packages)
        head = f"Python {known.environment.python} on {known.environment.platform}; "
        head += f"{numbers.plural(len(known.environment.packages), 'package')}"
        yield Paragraph(line(f"{head}{f': {listed}' if packages else ' (--all lists them)'}"))


def _summary(known: VersionFacts) -> Iterator[tuple[Line, Line]]:
    manifest = known.version.manifest

    def row(name: str, *parts: Any) -> tuple[Line, Line]:
        return line(Text(name)), line(*parts)

    yield row("Published", manifest.created)
    yield row("Aliases", ", ".join(known.aliases) or "none")
    model = numbers.size(known.model_size)
    files = numbers.plural(len(manifest.files), "file")
    yield row("Size", f"{numbers.size(manifest.size)} in {files}, the model {model}")
    yield row("Kind", manifest.adapter, f", {numbers.plural(len(manifest.signature.features), 'feature')}")
    if manifest.parent:
        yield row("Champion then", manifest.parent)
    yield row("Model", Code(manifest.model_digest))
    yield row("Manifest", Code(known.version.digest))
    yield row("Evidence", Code(manifest.evidence), "" if manifest.evidence != "none" else ": it was adopted")
    for name, value in (("Fit", manifest.fit_digest), ("Configuration", manifest.config_digest)):
        if value:
            yield row(name, Code(value))
    if manifest.tree:
        yield row("Tree", Code(manifest.tree))
    yield row("Chain", _chain(known))


def _chain(known: VersionFacts) -> str:
    if known.broken:
        more = len(known.broken) - 1
        return f"BROKEN: {known.broken[0]}{f'; and {more} more' if more else ''}"
    if known.removed is not None:
        return "manifest and journal agree; the records went with the bytes"
    steps = ", ".join(known.records) or "no records"
    return (
        f"verified: manifest, journal and records agree ({steps}); every byte: modelyard verify --version {known.name}"
    )


def _metrics(known: VersionFacts) -> Table:
    columns = (
        Column("Metric", "lead"),
        Column(known.name, number=True),
        Column(f"Champion then ({known.version.manifest.parent or 'none'})", number=True),
        Column("Baseline", number=True),
    )
    rows = tuple(
        (
            line(row.metric),
            line(wording.with_limits(row.challenger)),
            line(wording.with_limits(row.champion) if row.champion else numbers.NONE),
            line(numbers.metric(row.baseline, numbers.decimals([row.baseline]))),
        )
        for row in known.metrics
    )
    on = f" on {numbers.units(known.evaluated.test_rows, 'row')}" if known.evaluated else ""
    return Table(f"Metrics{on}", columns, rows)


def _short_metrics(known: VersionFacts) -> Table:
    rows = tuple(
        (line(name), line(numbers.metric(value, numbers.decimals([value]))))
        for name, value in known.version.manifest.metrics.items()
    )
    return Table("Metrics, without their intervals", (Column("Metric", "lead"), Column("Value", number=True)), rows)


def _gates(known: VersionFacts) -> Table:
    columns = (Column("Gate", "lead"), Column("Verdict", "verdict"), Column("Required"), Column("Found", number=True))
    rows = tuple(
        (
            line(wording.rule(gate)),
            line(Badge(gate.verdict), " (waived)" if gate.waived else ""),
            line(wording.required(gate)),
            line(wording.with_limits(gate.estimate, signed=wording.is_difference(gate))),
        )
        for gate in known.gates
    )
    return Table("Gates", columns, rows)


def _data(known: VersionFacts) -> Table:
    columns = (Column("Data set", "lead"), Column("Files", number=True), Column("Size", number=True), Column("Digest"))
    sets, rows = known.sets, []
    for name in sorted({*sets, *known.version.manifest.data}):
        data_set = sets.get(name)
        files = numbers.count(len(data_set.partitions)) if data_set else numbers.NONE
        size = numbers.size(sum(part.size for part in data_set.partitions)) if data_set else numbers.NONE
        digest = data_set.digest if data_set else known.version.manifest.data[name]
        rows.append((line(name), line(files), line(size), line(Code(digest))))
    return Table("Data", columns, tuple(rows))


def _moves(known: VersionFacts) -> Listing:
    items = []
    for entry in known.about:
        what = f"{entry.alias} → {entry.to}, {entry.kind}" if entry.alias else entry.kind
        items.append(line(f"{entry.at}  {what} by {entry.actor}: {entry.reason or 'no reason given'}"))
    return Listing(tuple(items))


def data(known: VersionFacts) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    environment = known.environment
    return {
        "exit-code": OK,
        "version": known.name,
        "digest": known.version.digest,
        "manifest": known.version.manifest.model_dump(mode="json", by_alias=True),
        "aliases": list(known.aliases),
        "removed": known.removed.model_dump(mode="json", by_alias=True) if known.removed else None,
        "chain": {"intact": not known.broken, "broken": list(known.broken), "records": list(known.records)},
        "metrics": [row.model_dump(mode="json") for row in known.metrics],
        "gates": [gate.model_dump(mode="json", exclude={"slices"}) for gate in known.gates],
        "data": {name: each.model_dump(mode="json", exclude={"partitions"}) for name, each in known.sets.items()},
        "parameters": known.parameters,
        "python": environment.python if environment else None,
        "platform": environment.platform if environment else None,
        "packages": known.packages,
        "history": [entry.model_dump(mode="json", by_alias=True) for entry in known.about],
    }
