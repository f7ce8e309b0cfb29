"""How the challenger was made: the candidates with their folds, and the model that came of it."""

from collections.abc import Sequence

from modelyard.core.documents import as_written
from modelyard.records.envelope import Envelope
from modelyard.records.results import CandidateRow, Scalar, TrainResult
from modelyard.report import charts, numbers
from modelyard.report.conclusion import outcome
from modelyard.report.document import (
    Block,
    Break,
    Code,
    Column,
    Inline,
    Line,
    Listing,
    Paragraph,
    Section,
    Table,
    Text,
    line,
)

_HOW = {
    "entrypoint": "The challenger was made by the project's function.",
    "command": "The challenger was made by the project's command.",
    "none": "Nothing was trained here: the challenger came as predictions.",
}

PLOTTED = 100
"""Candidates that get a plot of their own, the best ones."""


def sections(envelope: Envelope) -> tuple[Section, ...]:
    """Build the section *Candidates* or *Training*; nothing where the step has no result."""
    result = outcome(envelope)
    if not isinstance(result, TrainResult):
        return ()
    blocks: list[Block] = []
    title = "Training"
    summary = _HOW.get(result.how, "")
    if result.candidates:
        title, summary = "Candidates", _search(result)
        blocks.append(_candidates(result))
    else:
        blocks.append(Paragraph(line(summary)))
    blocks.append(Listing(tuple(_facts(result))))
    if result.own_metrics:
        blocks.append(_training_metrics(result.own_metrics))
    return (Section("training", title, summary, tuple(blocks), 50),)


def _search(result: TrainResult) -> str:
    text = numbers.plural(len(result.candidates), "candidate")
    if result.folds:
        kind = {"time": "time-ordered ", "group": "grouped "}.get(result.folds_follow, "")
        text += f" over {result.folds} {kind}fold{'' if result.folds == 1 else 's'}"
    winner = next((row for row in result.candidates if row.winner), None)
    if winner is not None and winner.score is not None:
        text += f"; the best has {result.metric} {numbers.metric(winner.score, numbers.decimals([winner.score]))}"
    return text


def _facts(result: TrainResult) -> list[Line]:
    facts = []
    if result.fits or result.fits_from_cache:
        cached = f", {numbers.count(result.fits_from_cache)} more from the cache" if result.fits_from_cache else ""
        facts.append(line(f"{numbers.plural(result.fits, 'fit')} done{cached}."))
    rows = f"{numbers.units(result.train_rows, 'row')} to train on"
    rows += f", {numbers.units(result.test_rows, 'row')} kept for the test" if result.test_rows else ""
    rows += f", split {result.split}" if result.split else ""
    if result.dropped_missing_target:
        rows += f"; {numbers.units(result.dropped_missing_target, 'row')} without a target left out"
    facts.append(line(f"{rows}."))
    made = f"Seed {result.seed}"
    made += f", model of {numbers.size(result.model_size)}" if result.model_size else ""
    if result.signature is not None:
        made += f", {numbers.plural(len(result.signature.features), 'feature')}"
        if result.signature.threshold is not None:
            made += f", decision threshold {numbers.exact(result.signature.threshold)}"
    facts.append(line(f"{made}."))
    return facts


def _candidates(result: TrainResult) -> Table:
    rows = sorted(result.candidates, key=_order(result.candidates))
    places = numbers.decimals([row.score for row in rows])
    axis = charts.Axis.over([score for row in rows for score in (*row.scores, row.score)])
    columns = (
        Column("Candidate", "lead"),
        Column("Mean and folds", "plot", header_plot=charts.header(axis), html_only=True),
        Column(f"Mean {result.metric}", number=True),
        Column("Folds", number=True),
        Column("Time", number=True),
    )
    return Table(
        "Candidates",
        columns,
        tuple(
            (
                _name(row),
                line(charts.folds_row(axis, row.scores, row.score, winner=row.winner)) if at < PLOTTED else line(),
                line(Text(numbers.metric(row.score, places), "strong" if row.winner else ""), *_error(row, places)),
                line(_range(row, places)),
                line("cached" if row.cached else numbers.duration(row.seconds)),
            )
            for at, row in enumerate(rows)
        ),
        stacked=True,
        before_fold=10,
    )


def _error(row: CandidateRow, places: int) -> tuple[Text, ...]:
    """Show the corrected standard error: how much the procedure varies, which no gate uses."""
    return () if row.error is None else (Text(f" ± {numbers.metric(row.error, places)}", "muted"),)


def _name(row: CandidateRow) -> Line:
    parts: list[Inline | str] = []
    if row.winner:
        parts += [Text("★ winner ", "strong")]
    parts.append(Code(row.name))
    if row.params and not all(f"{key}=" in row.name for key in row.params):
        parts += [Break(), Text(", ".join(f"{key} = {_value(value)}" for key, value in row.params.items()), "muted")]
    if row.problem:
        parts += [Break(), Text(row.problem)]
    return line(*parts)


def _value(value: Scalar | tuple[Scalar, ...]) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(_value(item) for item in value)})"
    if isinstance(value, float):
        return numbers.exact(value)
    return "none" if value is None else as_written(value)


def _range(row: CandidateRow, places: int) -> str:
    if not row.scores:
        return numbers.NONE
    low, high = numbers.metric(min(row.scores), places), numbers.metric(max(row.scores), places)
    return f"{low} to {high}"


def _order(rows: Sequence[CandidateRow]) -> "_Key":
    """Return a key that sorts best first; the winner tells which direction is best, since the record does not."""
    scores = [row.score for row in rows if row.score is not None]
    winner = next((row.score for row in rows if row.winner and row.score is not None), None)
    return _Key(descending=winner is None or winner >= max(scores, default=0.0))


class _Key:
    """Sort key of candidates: the winner, then by score, then those without one."""

    def __init__(self, *, descending: bool) -> None:
        self._sign = -1.0 if descending else 1.0

    def __call__(self, row: CandidateRow) -> tuple[int, float]:
        if row.score is None:
            return (2, 0.0)
        return (0 if row.winner else 1, self._sign * row.score)


def _training_metrics(values: dict[str, Scalar]) -> Table:
    columns = (Column("The training's own numbers, not judged", "lead"), Column("Value", number=True))
    return Table(
        "Training metrics", columns, tuple((line(Code(key)), line(_value(value))) for key, value in values.items())
    )
