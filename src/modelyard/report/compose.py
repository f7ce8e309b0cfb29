"""Records in, document out: which sections there are, and in which order."""

from collections.abc import Iterator

from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope
from modelyard.records.results import EvaluateResult, TrainResult, in_order
from modelyard.report import numbers, wording
from modelyard.report.conclusion import Records, headline, outcome, step_verdict
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
)
from modelyard.report.sections import detect, evaluate, problem, promote, train, validate

_ORDER = (
    "problem",
    "moved",
    "proof",
    "rules",
    "gates",
    "validation!",
    "checks",
    "models",
    "slices",
    "discovered",
    "flips",
    "curves",
    "wear",
    "training",
    "validation",
    "changed",
    "made",
    "reproduce",
)


def document(records: Records) -> Document:
    """The whole report of a run, from whichever of its records there are."""
    found = [records[step] for step in (kind.name for kind in in_order()) if step in records and step != "report"]
    model = found[0].record.model if found else "model"
    parts = [section for envelope in found for section in _of(envelope)]
    parts += _provenance(found)
    return Document(
        model=model,
        headline=headline(records),
        notes=tuple(_notes(found)),
        tiles=tuple(_tiles(found)),
        sections=tuple(sorted(parts, key=_place)),
        footer=_footer(found),
    )


def _of(envelope: Envelope) -> tuple[Section, ...]:
    modules = {
        "detect": detect,
        "validate": validate,
        "train": train,
        "evaluate": evaluate,
        "promote": promote,
        "prove": promote,
        "rollback": promote,
    }
    module = modules.get(envelope.record.step)
    return (*problem.sections(envelope), *(module.sections(envelope) if module else ()))


def _place(section: Section) -> int:
    key = section.key.partition("-")[0]
    if key == "validation" and not section.folded:
        key = "validation!"
    return _ORDER.index(key)


def _notes(found: list[Envelope]) -> Iterator[Line]:
    for envelope in found:
        result = outcome(envelope)
        if isinstance(result, EvaluateResult):
            for text in (result.headline, result.champion_note):
                if text:
                    yield line(text)


def _tiles(found: list[Envelope]) -> Iterator[Tile]:
    results = {envelope.record.step: outcome(envelope) for envelope in found}
    judged, trained = results.get("evaluate"), results.get("train")
    if not isinstance(judged, EvaluateResult):
        return
    primary = trained.metric if isinstance(trained, TrainResult) else ""
    row = next((row for row in judged.metrics if row.metric == primary), judged.metrics[0] if judged.metrics else None)
    if row is not None:
        yield Tile(f"{row.metric} of the challenger", wording.observed(row.challenger), wording.limits(row.challenger))
        gate = next(
            (
                gate
                for gate in judged.gates
                if gate.metric == row.metric
                and gate.reference == "champion"
                and gate.estimate.value is not None
                and not wording.is_contrast(gate)
            ),
            None,
        )
        if gate is not None:
            label = f"against champion {judged.champion}" if judged.champion else "against the champion"
            yield Tile(label, wording.observed(gate.estimate, signed=True), wording.limits(gate.estimate, signed=True))
    counted = [gate.verdict for gate in judged.gates if gate.verdict is not Verdict.NOT_APPLICABLE]
    passed = sum(verdict is Verdict.PASS for verdict in counted)
    rest = evaluate.tally(verdict for verdict in counted if verdict is not Verdict.PASS)
    yield Tile("gates passed", f"{passed} of {len(counted)}", "all that apply" if rest == "none" else rest)
    units = numbers.units(judged.test_units, judged.unit)
    yield Tile("judged on", units, numbers.units(judged.test_rows, "row") if judged.unit != "row" else "test rows")


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
    for envelope in found:
        result = outcome(envelope)
        if isinstance(result, EvaluateResult):
            yield line(Text("Rules ", "muted"), result.rules)
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
