"""Where models err: each table against a second way to compute it, and nothing told of fewer than ten rows."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from modelyard.evaluation.diagnostics.diagnose import diagnose
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.metric import BINARY
from modelyard.metrics.predictions import Predictions
from modelyard.metrics.shared import MeanCost
from modelyard.records.results import Diagnostics

N = 2_000


def rows_of(y: Any, classes: tuple[str, ...] = (), weight: Any = None) -> TestSet:
    return TestSet(y, None, "row", False, weight, 7, 0.95, classes)


def scored(draw: np.random.Generator, y: Any, noise: float) -> Predictions:
    score = np.clip(0.3 + 0.4 * y + draw.normal(0, noise, len(y)), 0, 1)
    return Predictions(2, label=(score >= 0.5).astype(np.int64), probability=score)


@pytest.fixture
def binary() -> tuple[Any, dict[str, Predictions]]:
    draw = np.random.default_rng(3)
    y = (draw.random(N) < 0.3).astype(np.int64)
    return y, {"challenger": scored(draw, y, 0.2), "champion": scored(draw, y, 0.3)}


def test_confusion_is_the_count_of_each_pair_for_both_models(binary: Any) -> None:
    y, models = binary
    found = diagnose("binary", rows_of(y, ("no", "yes")), models)
    assert found.classes == ("no", "yes")
    assert [each.model for each in found.confusion] == ["challenger", "champion"]
    for each in found.confusion:
        label = models[each.model].labels
        assert each.counts == tuple(tuple(int(((y == a) & (label == b)).sum()) for b in (0, 1)) for a in (0, 1))


def test_thresholds_are_what_calling_from_there_gives(binary: Any) -> None:
    y, models = binary
    costs = MeanCost(name="money", tasks=BINARY, costs=((0.0, 1.0), (5.0, 0.0)))
    weight = np.random.default_rng(1).uniform(0.5, 2, N)
    found = diagnose("binary", rows_of(y, weight=weight), models, threshold=0.37, custom=[costs])
    of_challenger, of_champion = found.thresholds
    assert [row.threshold for row in of_champion.rows] == [round(0.05 * step, 2) for step in range(1, 20)]
    assert len(of_challenger.rows) == 20
    assert of_challenger.chosen == 0.37
    assert of_challenger.cost == "money"
    for table in found.thresholds:
        score = models[table.model].probabilities
        for row in table.rows:
            called = score >= row.threshold
            assert row.rows == called.sum()
            assert row.flagged == pytest.approx(np.average(called, weights=weight), rel=1e-5)
            assert row.recall == pytest.approx(np.average(called[y == 1], weights=weight[y == 1]), rel=1e-5)
            labels = Predictions(2, label=called.astype(np.int64))
            assert row.cost == pytest.approx(np.average(costs.losses(y, labels), weights=weight), rel=1e-5)
            if row.rows < 10:
                assert row.precision is None
            else:
                assert row.precision == pytest.approx(np.average(y[called], weights=weight[called]), rel=1e-5)


def test_histograms_hold_every_row_and_ten_in_each_bin(binary: Any) -> None:
    y, models = binary
    for each in diagnose("binary", rows_of(y), models).scores:
        score = models[each.model].probabilities
        assert each.bins[0].low == 0
        assert each.bins[-1].high == 1
        for found in each.bins:
            inside = (score >= found.low) & ((score < found.high) | (found.high == 1))
            assert (found.negatives, found.positives) == ((inside & (y == 0)).sum(), (inside & (y == 1)).sum())
            assert found.negatives + found.positives >= 10


def test_lift_is_the_rate_among_the_highest_scores_over_the_rate_of_all(binary: Any) -> None:
    y, models = binary
    lift = diagnose("binary", rows_of(y), models).lift[0]
    order = np.argsort(-models["challenger"].probabilities, kind="stable")
    assert lift.rows[-1].lift == 1
    assert lift.rows[-1].captured == 1
    for row in lift.rows:
        top = y[order[: row.rows]]
        assert row.rate == pytest.approx(top.mean(), rel=1e-5)
        assert row.lift == pytest.approx(top.mean() / y.mean(), rel=1e-5)
        assert row.captured == pytest.approx(top.sum() / y.sum(), rel=1e-5)


def test_one_class_or_labels_alone_leave_out_what_they_cannot_tell() -> None:
    y = np.zeros(50, dtype=np.int64)
    one_class = diagnose("binary", rows_of(y), {"challenger": scored(np.random.default_rng(0), y, 0.1)})
    assert one_class.lift == ()
    assert {row.recall for row in one_class.thresholds[0].rows} == {None}
    labels = diagnose("binary", rows_of(y), {"challenger": Predictions(2, label=y)})
    assert labels.confusion[0].counts == ((50, 0), (0, 0))
    assert (labels.thresholds, labels.scores, labels.lift) == ((), (), ())


@pytest.fixture
def several() -> tuple[Any, dict[str, Predictions]]:
    draw = np.random.default_rng(5)
    y = draw.choice(4, N, p=[0.5, 0.3, 0.15, 0.05])

    def labels(right: float, shift: int) -> Predictions:
        return Predictions(4, label=np.where(draw.random(N) < right, y, (y + shift) % 4))

    return y, {"challenger": labels(0.8, 1), "champion": labels(0.7, 2)}


def test_recall_of_each_class_stands_beside_the_champions_with_a_paired_difference(several: Any) -> None:
    y, models = several
    found = diagnose("multiclass", rows_of(y, ("a", "b", "c", "d")), models)
    assert [row.name for row in found.by_class] == ["a", "b", "c", "d"]
    for code, row in enumerate(found.by_class):
        own = y == code
        levels = [float((models[role].labels[own] == code).mean()) for role in ("challenger", "champion")]
        assert row.support == own.sum()
        assert row.champion is not None
        assert row.difference is not None
        assert (row.recall.value, row.champion.value) == pytest.approx(levels)
        assert row.difference.value == pytest.approx(levels[0] - levels[1])
        assert row.difference.low is not None
        assert row.difference.low < levels[0] - levels[1]
        called = models["challenger"].labels == code
        assert row.precision == pytest.approx((y[called] == code).mean(), rel=1e-5)


def test_the_pairs_that_grew_most_are_named(several: Any) -> None:
    y, models = several
    found = diagnose("multiclass", rows_of(y, ("a", "b", "c", "d")), models).confused
    grown = {}
    for a in range(4):
        for b in range(4):
            after, before = (int(((y == a) & (models[role].labels == b)).sum()) for role in ("challenger", "champion"))
            if a != b and after > before:
                grown["abcd"[a], "abcd"[b]] = (after, before)
    worst = sorted(grown, key=lambda pair: grown[pair][1] - grown[pair][0])[:5]
    assert [(each.actual, each.predicted) for each in found] == worst
    assert [(each.rows, each.before) for each in found] == [grown[pair] for pair in worst]
    first = diagnose("multiclass", rows_of(y), {"challenger": models["challenger"]}).confused
    assert {each.before for each in first} == {None}


def test_rare_classes_and_unknown_ones_of_a_champion_share_the_last_place() -> None:
    y = np.repeat(np.arange(30), np.arange(1, 31) * 12)
    odd = y.copy()
    odd[:25] = 30
    found = diagnose(
        "multiclass", rows_of(y), {"challenger": Predictions(30, label=y), "champion": Predictions(30, label=odd)}
    )
    assert found.classes == tuple(map(str, range(10, 30)))
    assert found.others == 11
    new, old = (np.array(each.counts) for each in found.confusion)
    assert new.shape == (21, 21)
    assert new.sum() == old.sum() == len(y)
    assert new[-1, -1] == (y < 10).sum()
    assert len(found.by_class) == 20


@pytest.fixture
def regression() -> tuple[Any, dict[str, Predictions], Any]:
    draw = np.random.default_rng(8)
    y = draw.lognormal(3, 0.7, N)
    times = pl.Series(np.datetime64("2024-01-01T00:00:00", "us") + np.sort(draw.integers(0, 90 * 86400 * 10**6, N)))
    models = {
        role: Predictions(value=y + draw.normal(shift, 4, N))
        for role, shift in (("challenger", 1.0), ("champion", -2.0))
    }
    return y, models, times


def test_errors_are_told_by_tenths_of_value_prediction_and_time(regression: Any) -> None:
    y, models, times = regression
    errors = diagnose("regression", rows_of(y), models, times=times).errors
    assert errors is not None
    residual, before = (models[role].values - y for role in ("challenger", "champion"))
    assert errors.bias.value == pytest.approx(residual.mean())
    assert errors.bias.low is not None
    assert errors.bias.low > 0.5
    assert errors.champion_bias is not None
    assert errors.champion_bias.high is not None
    assert errors.champion_bias.high < -1.5
    for by, bins in ((y, errors.by_actual), (models["challenger"].values, errors.by_prediction)):
        assert len(bins) == 10
        order = np.array_split(np.argsort(by, kind="stable"), 10)
        for rows, found in zip(order, bins, strict=True):
            assert found.rows == len(rows)
            assert found.bias == pytest.approx(residual[rows].mean(), rel=1e-4)
            assert found.error == pytest.approx(np.abs(residual[rows]).mean(), rel=1e-4)
            assert found.spread == pytest.approx(residual[rows].std(), rel=1e-4)
            assert found.champion_bias == pytest.approx(before[rows].mean(), rel=1e-4)
    assert len(errors.over_time) == 20
    assert errors.over_time[0].since.startswith("2024-01-01")
    assert sum(each.rows for each in errors.over_time) == N


def test_hexagons_count_rows_where_they_are_and_leave_out_the_few(regression: Any) -> None:
    y, models, _ = regression
    errors = diagnose("regression", rows_of(y), models).errors
    assert errors is not None
    for chart in errors.hexbins:
        assert sum(cell.rows for cell in chart.cells) + chart.left_out == N
        assert all(cell.rows >= 10 for cell in chart.cells)
        told = [y, *(model.values for model in models.values())]
        assert max((each < chart.low).sum() for each in told) >= 9
        assert max((each > chart.high).sum() for each in told) >= 9
        busiest = max(chart.cells, key=lambda cell: cell.rows)
        span = chart.high - chart.low
        near = np.hypot((y - chart.low) / span - busiest.x, (models[chart.model].values - chart.low) / span - busiest.y)
        assert (near <= 1 / chart.across / np.sqrt(3)).sum() >= busiest.rows
        assert (near <= 0.5 / chart.across).sum() <= busiest.rows


def _ranges_of(found: Diagnostics) -> list[int]:
    assert found.errors is not None
    each = (*found.errors.by_actual, *found.errors.by_prediction, *found.errors.over_time)
    return [one.rows for one in each] + [cell.rows for chart in found.errors.hexbins for cell in chart.cells]


@pytest.mark.parametrize("n", [1, 9, 10, 19, 25, 39, 40, 137])
def test_no_range_holds_fewer_than_ten_rows(n: int) -> None:
    draw = np.random.default_rng(n)
    for y in (draw.normal(0, 1, n), draw.integers(0, 3, n).astype(float), np.zeros(n)):
        times = pl.Series(np.datetime64("2024-01-01") + draw.integers(0, 5, n))
        model = Predictions(value=y + draw.normal(0, 1, n))
        found = diagnose("regression", rows_of(y), {"challenger": model}, times=times)
        assert all(rows >= 10 for rows in _ranges_of(found))
        label = (y > 0).astype(np.int64)
        binary = diagnose("binary", rows_of(label), {"challenger": scored(draw, label, 0.3)})
        assert all(each.negatives + each.positives >= 10 for one in binary.scores for each in one.bins)
        assert all(row.rows >= 10 for one in binary.lift for row in one.rows)
        assert all(each.rows >= 10 for one in binary.reliability for each in one.bins)


def test_equal_rows_give_equal_numbers(regression: Any, binary: Any, several: Any) -> None:
    y, models, times = regression
    first, second = (diagnose("regression", rows_of(y), models, times=times) for _ in range(2))
    assert first == second
    assert diagnose("binary", rows_of(binary[0]), binary[1]) == diagnose("binary", rows_of(binary[0]), binary[1])
    assert len(first.model_dump_json()) < 60_000
    assert diagnose("multiclass", rows_of(several[0]), several[1]) == diagnose(
        "multiclass", rows_of(several[0]), several[1]
    )


def test_the_extremes_are_not_told_and_nothing_of_a_personal_target(regression: Any) -> None:
    y, models, times = regression
    errors = diagnose("regression", rows_of(y), models, times=times).errors
    assert errors is not None
    for bins in (errors.by_actual, errors.by_prediction):
        assert (bins[0].low, bins[-1].high) == (None, None)
        assert [one.high for one in bins[:-1]] == [one.low for one in bins[1:]]
    private = diagnose("regression", rows_of(y), models, times=times, personal=True).errors
    assert private is not None
    assert (private.by_actual, private.by_prediction, private.over_time, private.hexbins) == ((), (), (), ())
    assert private.bias == errors.bias
