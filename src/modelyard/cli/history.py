"""``modelyard history``: what served when, who decided, why, and on what evidence."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from modelyard.cli import formats
from modelyard.cli.flags import Command
from modelyard.cli.session import open_context
from modelyard.core.errors import OK, ConfigError
from modelyard.registry.base import Registry, VersionRemoved
from modelyard.registry.journal import JournalEntry
from modelyard.registry.operations import serving
from modelyard.registry.reference import check_alias, parse_moment
from modelyard.report.document import Block, Code, Column, Paragraph, Table, line

EVERY = "every"


def run(_command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Print the history, newest last, or what served at a moment.

    Raises:
        ConfigError: not a date, not an alias, or nothing served then.
        PlatformError: the history cannot be read, or was changed.
    """
    form = formats.chosen(given)
    context = open_context(given, quiet=True)
    named = given.get("alias", context.config.registry.alias)
    alias = None if named == EVERY else check_alias(named)
    registry, moment = context.registry, given.get("on", "")
    if moment:
        if alias is None:
            raise ConfigError(
                "--on asks about one alias", hint="Example: modelyard history --alias champion --on 2026-05-03"
            )
        _on(form, registry, alias, moment)
        return OK
    newest = _newest(given.get("newest", ""))
    entries = registry.history(alias, newest=newest) if alias else _moves_and_removals(registry)[-(newest or 0) :]
    if form == "json":
        print(json.dumps([entry.model_dump(mode="json", by_alias=True) for entry in entries]))
        return OK
    if not entries:
        what = registry.model if alias in (None, context.config.registry.alias) else f"{named} of {registry.model}"
        print(f"{what} has no history yet: nothing was promoted or adopted")
        return OK
    formats.show(form, f"History of {registry.model}", [_table(entries)], {})
    return OK


def _newest(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**9):
        raise ConfigError(
            f"--newest is a number of entries, not {text[:40]!r}", hint="Example: modelyard history --newest 20"
        )
    return int(text)


def _moves_and_removals(registry: Registry) -> Sequence[JournalEntry]:
    return [entry for entry in registry.entries() if entry.to is not None]


def _on(form: str, registry: Registry, alias: str, moment: str) -> None:
    """What an alias pointed at at the end of a day or second, from the journal alone: its bytes may be gone."""
    until = parse_moment(f"{alias}@{moment}", moment)
    entry, later = serving(registry.history(), alias, until, datetime.now(UTC))
    removed = _removed(registry, entry.to or "")
    ends = f"until {later.at}, when {later.to} took its place" if later else "and does so still"
    lines = [
        f"{alias} of {registry.model} on {moment}: {entry.to}",
        f"It served from {entry.at} {ends}.",
        f"{entry.kind} by {entry.actor}: {entry.reason or 'no reason given'}.",
    ]
    if removed:
        lines.append(f"{removed}; modelyard show {entry.to} has what is known of it.")
    known: list[Block] = [Paragraph(line(text)) for text in lines[1:]]
    known.append(
        Table(
            "",
            (Column("", "lead"), Column("")),
            (
                (line("Manifest"), line(Code(entry.to_digest or ""))),
                (line("Evidence"), line(Code(entry.evidence))),
            ),
        )
    )
    data = {
        "exit-code": OK,
        "alias": alias,
        "on": moment,
        "version": entry.to,
        "removed": bool(removed),
        "entry": entry.model_dump(mode="json", by_alias=True),
        "until": later.at if later else None,
        "next": later.to if later else None,
    }
    formats.show(form, lines[0], known, data)


def _removed(registry: Registry, name: str) -> str:
    """That a version was removed, in words, or an empty string."""
    try:
        registry.resolve(name)
    except VersionRemoved as gone:
        return gone.message
    return ""


def _table(entries: Iterable[JournalEntry]) -> Table:
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
