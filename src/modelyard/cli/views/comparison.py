"""Two versions beside each other, as a page and as data."""

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.core.documents import as_written
from modelyard.core.errors import OK
from modelyard.records.results import GateResult, MetricRow
from modelyard.report import numbers, wording
from modelyard.report.document import Badge, Block, Code, Column, Line, Paragraph, Table, line
from modelyard.usecases.compare_versions import Changes, Comparison
from modelyard.usecases.describe_version import VersionFacts


def blocks(compared: Comparison) -> Iterator[Block]:
    """Build the page."""
    for facts in compared.both:
        if facts.removed is not None:
            gone = f"The bytes of {facts.name} were removed on {facts.removed.at[:10]}; only its manifest is compared."
            yield Paragraph(line(gone), note=True)
        if facts.broken:
            yield Paragraph(line(f"{facts.name} is not as it was recorded: {facts.broken[0]}"), note=True)
    yield from _metrics(compared)
    yield from _gates(compared)
    same = []
    for caption, what, changes in (
        ("Data", "Data set", compared.data),
        ("Parameters", "Parameter", compared.parameters),
        ("Packages", "Package", compared.packages),
        ("Made of", "What", compared.provenance),
        ("Features", "Feature", compared.features),
    ):
        if changes:
            columns = (Column(what, "lead"), *(Column(facts.name) for facts in compared.both))
            rows = tuple((line(Code(name)), *map(_value, values)) for name, values in changes.items())
            yield Table(caption, columns, rows)
        else:
            same.append(caption.lower())
    if same:
        yield Paragraph(line(f"Equal in both: {', '.join(same)}."))


def _metrics(compared: Comparison) -> Iterator[Block]:
    levels = [{row.metric: row for row in facts.metrics} for facts in compared.both]
    names = list(dict.fromkeys((*levels[0], *levels[1])))
    if not names:
        return
    columns = (
        Column("Metric", "lead"),
        *(Column(facts.name, number=True) for facts in compared.both),
        Column(f"{compared.new.name} minus {compared.old.name}, paired then", number=True),
    )
    rows = tuple((line(name), *(_level(rows.get(name)) for rows in levels), _paired(compared, name)) for name in names)
    yield Table("Metrics", columns, rows)
    yield Paragraph(line(_comparable(compared)))


def _paired(compared: Comparison, metric: str) -> Line:
    gate = compared.paired.get(metric)
    found = compared.differences.get(metric) if gate is None else gate.estimate
    return line(numbers.NONE if found is None else wording.with_limits(found, signed=True))


def _comparable(compared: Comparison) -> str:
    if compared.same_test_rows:
        return "Both were judged on the same test rows; only a paired difference says whether one is better."
    return (
        "They were judged on different test rows, so their levels are not comparable; "
        "the paired difference is, where there is one."
    )


def _gates(compared: Comparison) -> Iterator[Block]:
    gates = [{wording.rule(gate): gate for gate in facts.gates} for facts in compared.both]
    names = list(dict.fromkeys((*gates[0], *gates[1])))
    if names:
        columns = (Column("Gate", "lead"), *(Column(facts.name) for facts in compared.both))
        yield Table(
            "Gates", columns, tuple((line(name), *(_verdict(by_rule.get(name)) for by_rule in gates)) for name in names)
        )


def _verdict(gate: GateResult | None) -> Line:
    if gate is None:
        return line("not a gate")
    shown = wording.with_limits(gate.estimate, signed=wording.is_difference(gate))
    return line(Badge(gate.verdict), "" if shown == numbers.NONE else f" {shown}")


def _level(row: MetricRow | None) -> Line:
    return line(wording.with_limits(row.challenger) if row else numbers.NONE)


def _value(value: Any) -> Line:
    return line(numbers.NONE) if value is None else line(Code(as_written(value)))


def data(compared: Comparison) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    return {
        "exit-code": OK,
        "versions": [facts.name for facts in compared.both],
        "removed": [facts.name for facts in compared.both if facts.removed],
        "intact": {facts.name: not facts.broken for facts in compared.both},
        "metrics": _by_version(compared, *map(_levels, compared.both)),
        "same-test-rows": compared.same_test_rows,
        "paired": {metric: gate.estimate.model_dump(mode="json") for metric, gate in compared.paired.items()},
        "gates": _by_version(compared, *map(_verdicts, compared.both)),
        "data": _listed(compared.data),
        "parameters": _listed(compared.parameters),
        "packages": _listed(compared.packages),
        "made-of": _listed(compared.provenance),
        "features": _listed(compared.features),
        "size": {
            facts.name: {"model": facts.model_size, "all": facts.version.manifest.size} for facts in compared.both
        },
    }


def _levels(facts: VersionFacts) -> dict[str, Any]:
    return {row.metric: row.challenger.model_dump(mode="json") for row in facts.metrics}


def _verdicts(facts: VersionFacts) -> dict[str, Any]:
    return {
        wording.rule(gate): {"verdict": gate.verdict.value, "estimate": gate.estimate.model_dump(mode="json")}
        for gate in facts.gates
    }


def _by_version(compared: Comparison, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    names = [facts.name for facts in compared.both]
    return {key: dict(zip(names, (old.get(key), new.get(key)), strict=True)) for key in dict.fromkeys((*old, *new))}


def _listed(changes: Changes) -> dict[str, list[Any]]:
    return {name: list(values) for name, values in changes.items()}
