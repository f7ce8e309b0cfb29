"""``modelyard diff v7 v8``: what differs between two versions, from what they carry."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modelyard.cli import formats
from modelyard.cli.flags import Command
from modelyard.cli.session import open_context
from modelyard.cli.show import written
from modelyard.cli.versions import Facts, facts
from modelyard.core.errors import OK
from modelyard.records.results import Estimate, GateResult, MetricRow
from modelyard.report import numbers, wording
from modelyard.report.document import Badge, Block, Code, Column, Line, Paragraph, Table, line

Pair = tuple[Facts, Facts]


def run(_command: Command, given: Mapping[str, str], positional: list[str]) -> int:
    """Show what differs.

    Raises:
        ConfigError: one of them does not exist; the nearest is named.
        DataError: a record that one carries was changed.
        PlatformError: the registry cannot be read.
    """
    form = formats.chosen(given)
    context = open_context(given, quiet=True)
    old, new = (facts(context.registry, name) for name in positional)
    title = f"{old.name} and {new.name} of {context.registry.model}"
    formats.show(form, title, _blocks((old, new)), _as_data((old, new)))
    return OK


def _blocks(pair: Pair) -> Iterator[Block]:
    old, new = pair
    for each in pair:
        if each.removed is not None:
            gone = f"The bytes of {each.name} were removed on {each.removed.at[:10]}; only its manifest is compared."
            yield Paragraph(line(gone), note=True)
        if each.broken:
            yield Paragraph(line(f"{each.name} is not as it was recorded: {each.broken[0]}"), note=True)
    yield from _metrics(pair)
    yield from _gates(pair)
    changes = (
        ("Data", "Data set", _data(pair)),
        ("Parameters", "Parameter", changed(old.parameters, new.parameters)),
        ("Packages", "Package", changed(_environment(old), _environment(new))),
        ("Made of", "What", changed(_facts(old), _facts(new))),
        ("Features", "Feature", changed(_features(old), _features(new))),
    )
    same = []
    for caption, what, found in changes:
        if not found:
            same.append(caption.lower())
            continue
        columns = (Column(what, "lead"), Column(old.name), Column(new.name))
        rows = tuple((line(Code(name)), _written(before), _written(after)) for name, (before, after) in found.items())
        yield Table(caption, columns, rows)
    if same:
        yield Paragraph(line(f"Equal in both: {', '.join(same)}."))


def _metrics(pair: Pair) -> Iterator[Block]:
    old, new = pair
    rows = {row.metric: row for row in new.metrics}
    before = {row.metric: row for row in old.metrics}
    names = list(dict.fromkeys((*before, *rows)))
    if not names:
        return
    paired = {gate.metric: gate for gate in new.gates if _compares(gate, pair)}
    head = f"{new.name} minus {old.name}, paired then"
    columns = (Column("Metric", "lead"), *(Column(each.name, number=True) for each in pair), Column(head, number=True))
    yield Table(
        "Metrics",
        columns,
        tuple(
            (
                line(name),
                _level(before.get(name)),
                _level(rows.get(name)),
                _estimate(paired[name].estimate) if name in paired else line(numbers.NONE),
            )
            for name in names
        ),
    )
    yield Paragraph(line(_comparable(pair)))


def _compares(gate: GateResult, pair: Pair) -> bool:
    """Whether a gate of the new version measured exactly new minus old, on the same rows."""
    against = (
        {"champion": pair[1].evaluated.champion, "best-promoted": pair[1].evaluated.best} if pair[1].evaluated else {}
    )
    return (
        gate.estimate.value is not None
        and wording.is_difference(gate)
        and not wording.is_contrast(gate)
        and against.get(gate.reference) == pair[0].name
    )


def _same_rows(pair: Pair) -> bool:
    digests = [
        each.evaluated.evaluation.test_set.digest if each.evaluated and each.evaluated.evaluation else None
        for each in pair
    ]
    trained = [each.trained.test_digest if each.trained else None for each in pair]
    return any(found[0] is not None and found[0] == found[1] for found in (digests, trained))


def _comparable(pair: Pair) -> str:
    if _same_rows(pair):
        return "Both were judged on the same test rows; only a paired difference says whether one is better."
    return (
        "They were judged on different test rows, so their levels are not comparable; "
        "the paired difference is, where there is one."
    )


def _gates(pair: Pair) -> Iterator[Block]:
    found = [{gate.rule: gate for gate in each.gates} for each in pair]
    names = list(dict.fromkeys((*found[0], *found[1])))
    if names:
        columns = (Column("Gate", "lead"), *(Column(each.name) for each in pair))
        yield Table(
            "Gates", columns, tuple((line(name), *(_verdict(own.get(name)) for own in found)) for name in names)
        )


def _verdict(gate: GateResult | None) -> Line:
    if gate is None:
        return line("not a gate")
    shown = wording.with_limits(gate.estimate, signed=wording.is_difference(gate))
    return line(Badge(gate.verdict), "" if shown == numbers.NONE else f" {shown}")


def _level(row: MetricRow | None) -> Line:
    return line(wording.with_limits(row.challenger) if row else numbers.NONE)


def _estimate(estimate: Estimate) -> Line:
    return line(wording.with_limits(estimate, signed=True))


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Name to the values before and after, of what differs; None where it is not there."""
    names = dict.fromkeys((*old, *new))
    return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}


def _data(pair: Pair) -> dict[str, tuple[Any, Any]]:
    """Data sets that differ, and their partitions where both runs saw them."""
    found: dict[str, tuple[Any, Any]] = {}
    for name, digests in changed(*(each.version.manifest.data for each in pair)).items():
        found[name] = digests
        sets = [each.sets.get(name) for each in pair]
        if sets[0] is None or sets[1] is None:
            continue
        parts = [{part.path: part for part in each.partitions} for each in sets if each is not None]
        for path, (before, after) in changed(*parts).items():
            found[f"{name}: {path}"] = tuple(_part(part) for part in (before, after))  # type: ignore[assignment] # a pair
    return found


def _part(part: Any) -> str | None:
    return None if part is None else f"{numbers.size(part.size)}, {part.digest[:19]}…"


def _environment(each: Facts) -> dict[str, str]:
    if each.environment is None:
        return {}
    return {"python": each.environment.python, "platform": each.environment.platform, **each.packages}


def _facts(each: Facts) -> dict[str, Any]:
    manifest = each.version.manifest
    detected = each.detected
    return {
        "model size": numbers.size(each.model_size),
        "size": numbers.size(manifest.size),
        "kind": manifest.adapter,
        "predict command": manifest.predict_command or None,
        "threshold": manifest.signature.threshold,
        "model digest": manifest.model_digest,
        "fit digest": manifest.fit_digest,
        "configuration digest": manifest.config_digest,
        "code digest": detected.code_digest if detected else None,
        "rules digest": each.evaluated.rules_digest if each.evaluated else None,
        "environment digest": manifest.environment_digest,
        "tree": manifest.tree or None,
        "training rows": each.trained.train_rows if each.trained else None,
        "split": each.trained.split or None if each.trained else None,
    }


def _features(each: Facts) -> dict[str, str]:
    return {feature.name: feature.kind for feature in each.version.manifest.signature.features}


def _written(value: Any) -> Line:
    return line(numbers.NONE) if value is None else line(Code(written(value)))


def _as_data(pair: Pair) -> dict[str, Any]:
    old, new = pair

    def levels(each: Facts) -> dict[str, Any]:
        return {row.metric: row.challenger.model_dump(mode="json") for row in each.metrics}

    def verdicts(each: Facts) -> dict[str, Any]:
        return {
            gate.rule: {"verdict": gate.verdict.value, "estimate": gate.estimate.model_dump(mode="json")}
            for gate in each.gates
        }

    def both(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: {old.name: before.get(name), new.name: after.get(name)} for name in dict.fromkeys((*before, *after))
        }

    return {
        "exit-code": OK,
        "versions": [old.name, new.name],
        "removed": [each.name for each in pair if each.removed],
        "intact": {each.name: not each.broken for each in pair},
        "metrics": both(levels(old), levels(new)),
        "same-test-rows": _same_rows(pair),
        "paired": {gate.metric: gate.estimate.model_dump(mode="json") for gate in new.gates if _compares(gate, pair)},
        "gates": both(verdicts(old), verdicts(new)),
        "data": _listed(_data(pair)),
        "parameters": _listed(changed(old.parameters, new.parameters)),
        "packages": _listed(changed(_environment(old), _environment(new))),
        "made-of": _listed(changed(_facts(old), _facts(new))),
        "features": _listed(changed(_features(old), _features(new))),
        "size": {each.name: {"model": each.model_size, "all": each.version.manifest.size} for each in pair},
    }


def _listed(found: Mapping[str, Iterable[Any]]) -> dict[str, list[Any]]:
    return {name: list(values) for name, values in found.items()}
