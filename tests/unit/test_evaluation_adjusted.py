"""A level adjusted by a column whose mean is known from other rows: where it helps, where it may not be tried."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from modelyard.config.sections.data import Columns
from modelyard.config.sections.evaluate import Evaluate
from modelyard.config.sections.gate import Gate
from modelyard.config.sections.model import Model
from modelyard.core.errors import DataError
from modelyard.core.reasons import because
from modelyard.core.verdict import Verdict
from modelyard.evaluation.controls import control_of
from modelyard.evaluation.gates import rules
from modelyard.evaluation.gates.judge import judge
from modelyard.evaluation.intervals import measure
from modelyard.evaluation.rulebook import Rulebook
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.metric import MeanLoss
from modelyard.metrics.predictions import Predictions
from modelyard.report import wording
from modelyard.stats.adjusted import Control
from modelyard.stats.interval import Interval

N, OTHERS = 400, 1600
COLUMNS = Columns(target="y")


def drawn(strength: float, seed: int = 1) -> tuple[Any, Predictions, Control]:
    """Absolute errors that go with a column, and the column on test rows and others."""
    draw = np.random.default_rng(seed)
    column = draw.exponential(size=N + OTHERS)
    loss = strength * column[:N] + (1 - strength) * draw.exponential(size=N)
    return np.zeros(N), Predictions(value=loss), Control.of("earlier", column[:N], column[N:])


def reach(found: Interval) -> tuple[float, float]:
    middle = found.estimate or 0.0
    return middle - (found.low or 0.0), (found.high or 0.0) - middle


def truth(y: Any) -> TestSet:
    return TestSet(y, None, "row", False, None, seed=3, confidence=0.95)


@pytest.mark.parametrize("name", ["mean_absolute_error", "mean_squared_error", "root_mean_squared_error"])
def test_a_column_that_goes_with_the_loss_narrows_the_interval(name: str) -> None:
    y, model, control = drawn(0.8)
    plain = measure.level(METRICS.get(name), truth(y), model)
    found = measure.level(METRICS.get(name), truth(y), model, control=control)
    assert found.method[-1].code == "adjusted"
    assert "adjusted by earlier, " in wording.because(found.method[-1])
    assert None not in (plain.low, plain.high, found.low, found.high)
    assert reach(found)[0] < reach(plain)[0]
    assert reach(found)[1] < reach(plain)[1]


def test_what_is_taken_away_is_the_luck_of_the_draw() -> None:
    y, model, control = drawn(1.0)
    found = measure.level(METRICS.get("mean_absolute_error"), truth(y), model, control=control)
    assert found.estimate == pytest.approx(control.mean, rel=0.02), "the loss is the column, known from 1,600 more rows"


def test_a_column_that_says_nothing_leaves_the_interval_as_it_is_or_hardly_narrower() -> None:
    y, model, control = drawn(0.0)
    plain = measure.level(METRICS.get("mean_absolute_error"), truth(y), model)
    found = measure.level(METRICS.get("mean_absolute_error"), truth(y), model, control=control)
    widths = [(each.high or 0) - (each.low or 0) for each in (found, plain)]
    assert 0.97 * widths[1] < widths[0] <= widths[1]
    constant = Control("constant", np.ones(N), 1.0, 0.0)
    assert measure.level(METRICS.get("mean_absolute_error"), truth(y), model, control=constant) == plain


def test_every_metric_of_all_rows_is_a_mean_of_one_number_a_row() -> None:
    able = {metric.name for metric in METRICS if metric.of_all_rows}
    assert able >= {metric.name for metric in METRICS if isinstance(metric, MeanLoss)}
    assert {"accuracy", "top_k_accuracy", "quantile_coverage_90"} <= able
    assert not able & {"recall", "roc_auc", "f1", "r2", "matthews_corrcoef"}


def test_a_gate_whose_column_is_not_known_of_other_rows_is_an_error() -> None:
    y, model, control = drawn(0.8)
    written = Gate(metric="mean_absolute_error", at_most=2.0, adjust_by="earlier")
    (rule,) = rules.from_config((written,), "regression", lambda _: 1, "modelyard.yml")
    found = judge(rule, truth(y), {"challenger": model}, {})
    assert (found.verdict, found.reason) == (Verdict.ERROR, because("no-control", column="earlier"))
    found = judge(rule, truth(y), {"challenger": model}, {}, {"earlier": control})
    assert found.verdict is Verdict.PASS
    assert found.estimate.method[-1].code == "adjusted"


@pytest.mark.parametrize("more", [{"better_than": "champion"}, {"at_least": 0.5, "by": ("colour",)}])
def test_a_difference_or_slices_cannot_be_adjusted(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="adjust_by is for the level of all rows"):
        Gate(metric="accuracy", adjust_by="size", **more)


def frames(**fields: Any) -> tuple[Any, Any]:
    test = pl.DataFrame({"y": [1.0] * 4, "store": ["a", "a", "b", "b"], "earlier": [1.0, 2.0, None, 4.0]})
    others = pl.DataFrame({"y": [1.0] * 4, "store": ["c", "c", "d", "d"], "earlier": [1.0, 2.0, 3.0, None]})
    return test.with_columns(**fields), others.with_columns(**fields)


def test_a_missing_value_counts_as_the_mean_of_the_others() -> None:
    found = control_of("earlier", *frames(), COLUMNS, None)
    assert (list(found.values), found.mean) == ([1.0, 2.0, 2.0, 4.0], 2.0)
    assert found.error == pytest.approx(np.std([1, 2, 3, 2], ddof=1) / 2)


def test_units_of_the_others_say_how_well_their_mean_is_known() -> None:
    by_store = Columns(target="y", group="store")
    found = control_of("earlier", *frames(), by_store, None)
    assert found.error == pytest.approx(np.std([1.5, 2.5], ddof=1) / np.sqrt(2))
    weighted = control_of("earlier", *frames(), COLUMNS, np.array([1.0, 0.0, 1.0, 0.0]))
    assert weighted.mean == 2.0


@pytest.mark.parametrize(
    ("name", "frames_", "columns", "code"),
    [
        ("earlier", (frames()[0], None), COLUMNS, "evaluate/no-other-rows"),
        ("earlier", (frames()[0], frames()[1].clear()), COLUMNS, "evaluate/no-other-rows"),
        ("gone", frames(), COLUMNS, "evaluate/no-control"),
        ("store", frames(), COLUMNS, "evaluate/no-control"),
        ("earlier", frames(earlier=pl.lit(None, pl.Float64)), COLUMNS, "evaluate/no-control"),
        ("earlier", frames(store=pl.lit("a")), Columns(target="y", group="store"), "evaluate/shared-units"),
    ],
)
def test_a_column_that_is_no_control_is_refused(name: str, frames_: Any, columns: Columns, code: str) -> None:
    with pytest.raises(DataError) as caught:
        control_of(name, frames_[0], frames_[1], columns, None)
    assert caught.value.code == code


def test_rules_without_other_rows_are_the_same_ones_unadjusted() -> None:
    written = Gate(metric="accuracy", at_least=0.5, adjust_by="earlier")
    book = Rulebook(Model(name="m", task="binary"), Evaluate(gates=(written,)), COLUMNS)
    assert book.unadjusted().evaluate.gates == (Gate(metric="accuracy", at_least=0.5),)
    assert book.evaluate.gates == (written,)
