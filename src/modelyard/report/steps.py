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
    GateResult,
    TrainResult,
)
from modelyard.records.results.evaluate import verdict_of
from modelyard.report import conclusion, leads, numbers, wording
from modelyard.report.brief import changes as brief_changes
from modelyard.report.brief import data as brief_data
from modelyard.report.brief import judgement as brief_judgement
from modelyard.report.document import Line, Text, Tile, line
from modelyard.report.registry import REPORTS, Results, StepReport
from modelyard.report.sections import decide, detect, evaluate, monitor, promote, train, validate
from modelyard.report.verdict_style import SEVERITY


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
    decisive = _decisive(judged, "" if row is None else row.metric)
    if decisive is not None:
        signed = wording.is_difference(decisive)
        yield Tile(
            wording.rule(decisive),
            wording.observed(decisive.estimate, signed=signed),
            wording.limits(decisive.estimate, signed=signed),
            decisive.verdict,
        )
    if row is not None:
        yield Tile(f"{row.metric} of the challenger", wording.observed(row.challenger), wording.limits(row.challenger))
        shown = decisive is not None and decisive.metric == row.metric and decisive.reference == "champion"
        if row.difference is not None and row.difference.value is not None and not shown:
            label = f"against champion {judged.champion}" if judged.champion else "against the champion"
            yield Tile(
                label, wording.observed(row.difference, signed=True), wording.limits(row.difference, signed=True)
            )
    counted = [gate.verdict for gate in judged.gates if gate.verdict is not Verdict.NOT_APPLICABLE]
    passed = sum(verdict is Verdict.PASS for verdict in counted)
    rest = evaluate.tally(verdict for verdict in counted if verdict is not Verdict.PASS)
    yield Tile("gates passed", f"{passed} of {len(counted)}", "all that apply" if rest == "none" else rest)
    units = numbers.units(judged.test_units, judged.unit)
    yield Tile("judged on", units, _behind(judged))


def _decisive(judged: EvaluateResult, primary: str) -> GateResult | None:
    """Return the gate that the verdict hangs on: of the worst the one against the champion, on the primary metric."""
    known = [
        gate for gate in judged.gates if gate.estimate.value is not None and gate.counted is not Verdict.NOT_APPLICABLE
    ]
    if not known:
        return None
    return min(
        known,
        key=lambda gate: (SEVERITY[gate.counted], gate.reference != "champion", gate.metric != primary),
    )


def _behind(judged: EvaluateResult) -> str:
    """Return what the units consist of."""
    return f"test {judged.unit}s" if judged.unit in wording.SINGLE else numbers.units(judged.test_rows, "row")


def _rules(result: EvaluateResult) -> Iterator[Line]:
    yield line(Text("Rules ", "muted"), wording.whose_rules(result))


for _report in (
    StepReport(DETECT.name, detect.sections, brief=brief_changes.sections, notes=detect.notes),
    StepReport(VALIDATE.name, validate.sections, brief=brief_data.sections, sentence=conclusion.validation),
    StepReport(TRAIN.name, train.sections),
    StepReport(
        EVALUATE.name,
        evaluate.sections,
        brief=brief_judgement.sections,
        sentence=leads.judgement,
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
