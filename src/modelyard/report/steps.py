"""The built-in steps as reports show them."""

from collections.abc import Iterator

from modelyard.core.verdict import Verdict, worst
from modelyard.records.results import (
    DECIDE,
    DETECT,
    EVALUATE,
    MONITOR,
    PROMOTE,
    PROVE,
    ROLLBACK,
    TRAIN,
    VALIDATE,
    EvaluateResult,
    TrainResult,
)
from modelyard.records.results.evaluate import verdict_of
from modelyard.report import conclusion, numbers, wording
from modelyard.report.document import Line, Text, Tile, line
from modelyard.report.registry import REPORTS, Results, StepReport
from modelyard.report.sections import decide, detect, evaluate, monitor, promote, train, validate


def _verdict(result: EvaluateResult, claimed: Verdict) -> Verdict:
    before = [verdict_of(result.base_rows.gates)] if result.base_rows and result.base_rows.gates else []
    return worst([claimed, verdict_of(result.gates), *before])


def _notes(result: EvaluateResult) -> Iterator[Line]:
    for text in wording.notes(result):
        yield line(text)


def _tiles(judged: EvaluateResult, results: Results) -> Iterator[Tile]:
    trained = results.get(TRAIN.name)
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
    yield Tile("judged on", units, _behind(judged))


def _behind(judged: EvaluateResult) -> str:
    """Return what the units consist of."""
    return f"test {judged.unit}s" if judged.unit in wording.SINGLE else numbers.units(judged.test_rows, "row")


def _rules(result: EvaluateResult) -> Iterator[Line]:
    yield line(Text("Rules ", "muted"), wording.whose_rules(result))


for _report in (
    StepReport(DETECT.name, detect.sections, notes=detect.notes),
    StepReport(VALIDATE.name, validate.sections, sentence=conclusion.validation),
    StepReport(TRAIN.name, train.sections),
    StepReport(
        EVALUATE.name,
        evaluate.sections,
        sentence=conclusion.judgement,
        verdict=_verdict,
        notes=_notes,
        tiles=_tiles,
        origin=_rules,
    ),
    StepReport(PROMOTE.name, promote.sections, headline=conclusion.moved),
    StepReport(PROVE.name, promote.sections, headline=conclusion.proved),
    StepReport(ROLLBACK.name, promote.sections, headline=conclusion.moved),
    StepReport(MONITOR.name, monitor.sections, headline=monitor.headline, tiles=monitor.tiles),
    StepReport(DECIDE.name, decide.sections, headline=decide.headline, verdict=decide.verdict),
):
    REPORTS.register(_report)
