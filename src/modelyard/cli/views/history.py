"""The history of aliases, and what served at a moment, as a page and as data."""

from collections.abc import Iterable, Iterator
from typing import Any

from modelyard.core.errors import OK
from modelyard.registry.journal import JournalEntry
from modelyard.report.document import Block, Code, Column, Paragraph, Table, line
from modelyard.usecases.history import Service


def service_title(service: Service, model: str, moment: str) -> str:
    """Return what served, in a line."""
    return f"{service.alias} of {model} on {moment}: {service.entry.to}"


def service(service: Service) -> Iterator[Block]:
    """Build the page of what served at a moment."""
    entry, later = service.entry, service.next
    ends = f"until {later.at}, when {later.to} took its place" if later else "and does so still"
    yield Paragraph(line(f"It served from {entry.at} {ends}."))
    yield Paragraph(line(f"{entry.kind} by {entry.actor}: {entry.reason or 'no reason given'}."))
    if service.removed:
        yield Paragraph(line(f"{service.removed}; modelyard show {entry.to} has what is known of it."))
    rows = ((line("Manifest"), line(Code(entry.to_digest or ""))), (line("Evidence"), line(Code(entry.evidence))))
    yield Table("", (Column("", "lead"), Column("")), rows)


def service_data(service: Service, moment: str) -> dict[str, Any]:
    """Return what ``--json`` prints of it."""
    later = service.next
    return {
        "exit-code": OK,
        "alias": service.alias,
        "on": moment,
        "version": service.entry.to,
        "removed": bool(service.removed),
        "entry": service.entry.model_dump(mode="json", by_alias=True),
        "until": later.at if later else None,
        "next": later.to if later else None,
    }


def moves(entries: Iterable[JournalEntry]) -> Table:
    """Build the table of moves, in the order of the journal."""
    columns = ("When", "Alias", "Move", "What", "Who", "Why", "Evidence")
    rows = tuple(
        (
            line(entry.at),
            line(entry.alias or ""),
            line(f"{entry.from_ or 'nothing'} → {entry.to}" if entry.alias else f"{entry.to}"),
            line(entry.kind),
            line(entry.actor),
            line(entry.reason or "no reason given"),
            line(Code(entry.evidence if entry.evidence == "none" else entry.evidence[:19] + "…")),
        )
        for entry in entries
    )
    return Table("", tuple(Column(head) for head in columns), rows)
