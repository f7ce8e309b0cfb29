"""Records in, document out: which sections there are, and in which order."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope
from modelyard.records.results import (
    DETECT,
    TRAIN,
    VALIDATE,
    DetectResult,
    EvaluateResult,
    Part,
    TrainResult,
    ValidateResult,
    in_order,
)
from modelyard.report import numbers, origin
from modelyard.report.brief import changes
from modelyard.report.conclusion import headline, outcome, step_verdict
from modelyard.report.document import (
    Badge,
    Block,
    Code,
    CodeBlock,
    Column,
    Document,
    Inline,
    Line,
    Link,
    Listing,
    Paragraph,
    Section,
    Table,
    Text,
    Tile,
    line,
    place,
)
from modelyard.report.registry import Records, Results, StepReport, report_of
from modelyard.report.sections import problem

SHOWN_PUSHES = 6
"""Earlier pushes that a comment names."""
_HEX = re.compile(r"[0-9a-f]{16,64}(-dirty)?")


@dataclass(frozen=True)
class About:
    """What a comment knows beside the records: addresses of pages, the head, and what was said of earlier ones.

    Attributes:
        report: address of the page of the report, where it can be opened.
        run: address of the run.
        run_id: its number.
        commit: the head.
        commit_page: its address.
        note: whose word it is.
        pushes: earlier verdicts and their heads, oldest first.
    """

    report: str = ""
    run: str = ""
    run_id: str = ""
    commit: str = ""
    commit_page: str = ""
    note: str = ""
    pushes: tuple[tuple[Verdict, str], ...] = ()


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


def comment(records: Records, about: About | None = None) -> Document:
    """Compose what a reviewer reads: the verdict and why, the gates, what changed; the rest in folds."""
    about = about or About()
    found = [records[kind.name] for kind in in_order() if kind.name in records and report_of(kind.name)]
    results = {envelope.record.step: outcome(envelope) for envelope in found}
    head = headline(records)
    parts = [section for envelope in found for section in _in_comment(envelope, results)]
    fault = results.get(VALIDATE.name)
    if isinstance(fault, ValidateResult) and step_verdict(records[VALIDATE.name]) is head.verdict is Verdict.FAIL:
        parts = [section for section in parts if section.key == "validation"]  # a fault of the data, and nothing else
    else:
        parts += _made(found)
    return Document(
        model=found[0].record.model if found else "model",
        headline=head,
        under=second_line(found, results, about),
        notes=(*((line(about.note),) if about.note else ()), *_notes(found)),
        sections=tuple(sorted(parts, key=place)),
        footer=below(found, head.words, about),
    )


def _in_comment(envelope: Envelope, results: Results) -> tuple[Section, ...]:
    shown = report_of(envelope.record.step)
    if shown is None:
        return ()
    found = shown.brief(envelope, results) if shown.brief else shown.sections(envelope)
    followed = any(results.get(link.step, envelope) is None for link in envelope.record.builds_on)
    return (*(() if followed else problem.sections(envelope)), *found)


def second_line(found: Sequence[Envelope], results: Results, about: About) -> Line:
    """Return where to read on, and what the verdict is about: ``Open the report · run 7001 · 3f2a9c4 against v2``."""
    parts: list[Inline | str] = []
    if about.report:
        parts.append(Link("Open the report", about.report, strong=True))
    if about.run:
        parts += [" · " if parts else "", Link(f"run {about.run_id}", about.run)]
    commit = about.commit or next((each.record.circumstances.commit or "" for each in reversed(found)), "")
    champion = next((each.record.champion_version for each in reversed(found) if each.record.champion_version), None)
    if commit:
        shown = Link(commit[:7], about.commit_page, code=True) if about.commit_page else Code(commit[:7])
        parts += [" · " if parts else "", shown]
        parts += [f" against champion {champion}"] if champion else []
    detected, trained = results.get(DETECT.name), results.get(TRAIN.name)
    if isinstance(detected, DetectResult):
        said = changes.first_line(detected, trained if isinstance(trained, TrainResult) else None)
        parts += [" · " if parts else "", *said]
    return line(*parts)


def _made(found: list[Envelope]) -> list[Section]:
    """Return how to reproduce the verdict, with digests of twelve characters; the page has whole ones."""
    if not found:
        return []
    last, blocks = found[-1], list[Block]()
    judged = next((result for _, result in _results(found) if isinstance(result, EvaluateResult)), None)
    if judged is not None and judged.reproduce:
        blocks.append(Paragraph(line("The same verdict locally, given the same champion, platform and packages:")))
        blocks.append(CodeBlock(judged.reproduce, "sh"))
    columns = (Column("Step"), Column("Took", number=True), Column("Peak memory", number=True), Column("Record"))
    rows = tuple(
        (
            line(envelope.record.step),
            line(numbers.duration(envelope.record.circumstances.seconds)),
            line(_memory(envelope)),
            line(Code(short(envelope.digest))),
        )
        for envelope in found
    )
    blocks += [Table("Steps", columns, rows), Listing(tuple(_origin(last, found, shorten=short)))]
    seconds = numbers.duration(sum(envelope.record.circumstances.seconds for envelope in found))
    summary = f"{numbers.plural(len(found), 'step')} in {seconds}, digests, environment"
    return [Section("made", "Reproduce", summary, tuple(blocks), 30)]


def short(digest: str) -> str:
    """Return the first twelve characters of a digest, or of a commit or tree, without what names its kind."""
    kind, _, value = digest.rpartition(":")
    dirty = "-dirty" if value.endswith("-dirty") else ""
    return f"{value[:12]}{dirty}" if kind or _HEX.fullmatch(value) else digest


def below(found: Sequence[Envelope], words: str, about: About) -> Line:
    """Return the version, and the verdicts on earlier pushes."""
    version = found[-1].record.tool_version if found else ""
    parts: list[Inline | str] = [f"modelyard {version}".strip()]
    if about.pushes:
        parts.append(f" · updated {numbers.plural(len(about.pushes), 'time')}: ")
        for verdict, commit in about.pushes[-SHOWN_PUSHES:]:
            parts += [f"{verdict.words.capitalize()} ", Code(commit[:7]), " → "]
        parts.append(Text(words[:1].upper() + words[1:], "strong"))
        parts += [" ", Code(about.commit[:7])] if about.commit else []
    elif found:
        parts += [" · result ", Code(short(found[-1].result_digest))]
    return line(*parts)


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
        rows.append(
            (
                line(envelope.record.step),
                line(Badge(step_verdict(envelope))),
                line(when.started),
                line(numbers.duration(when.seconds)),
                line(_memory(envelope)),
                line(Code(envelope.digest)),
            )
        )
    blocks: tuple[Block, ...] = (Table("Steps", columns, tuple(rows)), Listing(tuple(_origin(found[-1], found))))
    seconds = sum(envelope.record.circumstances.seconds for envelope in found)
    summary = f"{numbers.plural(len(found), 'step')} in {numbers.duration(seconds)}, digests, environment"
    return [Section("made", "How it was made", summary, blocks, 30, html_folded=True)]


def _memory(envelope: Envelope) -> str:
    found = envelope.record.circumstances.peak_memory_mib
    return numbers.NONE if found is None else f"{found:,.0f} MiB"


def _origin(last: Envelope, found: list[Envelope], shorten: Callable[[str], str] = str) -> Iterator[Line]:
    """Yield where the records come from; ``shorten`` is for digests and commits."""
    record = last.record
    when = record.circumstances
    started = "locally" if when.event == "desk" else when.event
    commits = (*_pair(" · commit ", when.commit, shorten), *_pair(" · head ", when.head, shorten))
    yield line(Text("Started by ", "muted"), started, *commits)
    if when.base:
        yield line(Text("Base ", "muted"), Code(shorten(when.base)))
    if when.run_id:
        yield line(Text("Run ", "muted"), Code(when.run_id), f", attempt {when.attempt}")
    if record.tree:
        yield line(Text("Tree ", "muted"), Code(shorten(record.tree)))
    if when.uncommitted:
        yield line(Text("Not as in the commit ", "muted"), *_listed(when.uncommitted))
    yield line(Text("Configuration ", "muted"), Code(shorten(record.config_digest)))
    for name, value in sorted(
        {key: value for envelope in found for key, value in envelope.record.data.items()}.items()
    ):
        yield line(Text("Data ", "muted"), Code(name), " ", Code(shorten(value)))
    for label, attribute in (
        ("Fit ", "fit_digest"),
        ("Model ", "model_digest"),
        ("Environment ", "environment_digest"),
    ):
        known: list[str] = [item for envelope in found if (item := getattr(envelope.record, attribute))]
        if known:
            yield line(Text(label, "muted"), Code(shorten(known[-1])))
    champion = next((item.record.champion_version for item in reversed(found) if item.record.champion_version), None)
    yield line(Text("Champion ", "muted"), champion or "none")
    for shown, result in _results(found):
        yield from shown.origin(result) if shown.origin else ()
    if when.platform:
        yield line(Text("Platform ", "muted"), when.platform)


def _listed(names: tuple[str, ...]) -> tuple[str | Code, ...]:
    parts = [part for name in names for part in (", ", Code(name))]
    return tuple(parts[1:])


def _pair(label: str, value: str | None, shorten: Callable[[str], str]) -> tuple[Text | Code, ...]:
    return (Text(label, "muted"), Code(shorten(value))) if value else ()


def _footer(found: list[Envelope]) -> Line:
    if not found:
        return line("modelyard")
    last = found[-1]
    return line(f"modelyard {last.record.tool_version}, result ", Code(last.result_digest))
