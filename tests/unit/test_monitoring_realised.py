"""Performance of what serves: rules looked at again and again, resumed, and held back where labels say too little."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from modelyard.core.errors import DataError
from modelyard.core.verdict import Verdict
from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.predictions import Predictions
from modelyard.monitoring.levels import Level, Rows, level_of, varies_together, watched
from modelyard.monitoring.realised import Rule, Watch, calibrated, levels_of, usual_margin
from modelyard.monitoring.served import labelled
from modelyard.records.results import Signature
from modelyard.records.results.monitor import RealisedPerformance
from modelyard.stats import change

BINARY = Signature(features=(), task="binary", classes=("no", "yes"), positive="yes", threshold=0.5)
VALUES = Signature(features=(), task="regression")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LABELS = ("accuracy", "balanced_accuracy", "recall", "specificity", "precision", "f1")
SCORES = ("roc_auc", "log_loss", "brier_score")


def drawn(random: np.random.Generator, n: int, signal: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    score = random.normal(size=n)
    probability = 1 / (1 + np.exp(-(1.5 * score - 1)))
    return probability, random.random(n) < 1 / (1 + np.exp(-(1.5 * signal * score - 1)))


def logged(probability: np.ndarray, late: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": [str(at) for at in range(len(late))],
            "time": [NOON] * len(late),
            "probability_no": 1 - probability,
            "probability_yes": probability,
            "feature_carrier": np.where(np.arange(len(late)) % 2, "AA", "UA"),
            "label": np.where(late, "yes", "no"),
            "label_time": [NOON + timedelta(days=7)] * len(late),
        }
    )


def window(random: np.random.Generator, n: int = 1000, signal: float = 1.0) -> pl.DataFrame:
    return logged(*drawn(random, n, signal))


def predictions(probability: np.ndarray) -> Predictions:
    return Predictions(2, label=(probability >= 0.5).astype(np.int64), probability=probability)


def level_on_test(metric: str, random: np.random.Generator, n: int = 5000) -> Level:
    probability, late = drawn(random, n)
    level = level_of(METRICS.get(metric), Rows(late.astype(np.int64), predictions(probability)), baseline=0.5)
    assert level is not None
    return level


def looks(watch: Watch, frames: Sequence[pl.DataFrame], first: int = 1) -> list[tuple[RealisedPerformance, ...]]:
    return [
        watch.look(frame, begin=f"2026-01-{at:02d}", end=f"2026-01-{at + 1:02d}")
        for at, frame in enumerate(frames, first)
    ]


@pytest.mark.parametrize("metric", [*LABELS, *SCORES])
def test_a_fall_is_called_against_the_test_result_and_steady_labels_are_not(metric: str) -> None:
    random = np.random.default_rng(1)
    watch = Watch(Rule(METRICS.get(metric), "no_worse_than", margin=0.02), BINARY, [level_on_test(metric, random)])
    good = looks(watch, [window(random) for _ in range(6)])
    assert Verdict.FAIL not in {rows[0].verdict for rows in good}
    bad = looks(watch, [window(random, signal=0.2) for _ in range(6)], first=7)[-1][0]
    assert bad.verdict is Verdict.FAIL
    assert bad.reason is not None
    assert bad.reason.values["since"] == "2026-01-07"
    assert bad.looks == 12
    assert bad.bound is not None
    assert (bad.low or 0) < (bad.window.value or 0) < (bad.high or 0)


def test_a_fall_after_a_long_good_life_is_seen_while_the_mean_of_all_is_still_good() -> None:
    random = np.random.default_rng(2)
    watch = Watch(Rule(METRICS.get("accuracy"), "at_least", bound=0.72), BINARY)
    looks(watch, [window(random, 500) for _ in range(20)])
    found = looks(watch, [window(random, 500, signal=0.1) for _ in range(3)], first=21)[-1][0]
    assert found.verdict is Verdict.FAIL
    assert found.since == "2026-01-22", "limits are about what is seen since the fall"


def test_an_absolute_bound_that_is_kept_passes() -> None:
    random = np.random.default_rng(3)
    watch = Watch(Rule(METRICS.get("roc_auc"), "at_least", bound=0.7), BINARY)
    found = looks(watch, [window(random) for _ in range(4)])[-1][0]
    assert found.verdict is Verdict.PASS
    assert (found.against, found.margin, found.bound) == ("", None, 0.7)
    loss = Watch(Rule(METRICS.get("log_loss"), "at_most", bound=0.3), BINARY)
    assert looks(loss, [window(random) for _ in range(4)])[-1][0].verdict is Verdict.FAIL


def test_a_test_result_of_few_rows_is_not_taken_for_the_truth() -> None:
    random = np.random.default_rng(4)
    level = level_on_test("accuracy", random)
    lucky = level.model_copy(update={"rows": 60, "values": 60, "mean": 0.9, "deviation": 0.3})
    found = {}
    for name, one in (("known", lucky.model_copy(update={"values": 60_000})), ("few", lucky)):
        watch = Watch(Rule(METRICS.get("accuracy"), "no_worse_than", margin=0.05), BINARY, [one])
        found[name] = looks(watch, [window(np.random.default_rng(5), 400) for _ in range(4)])[-1][0].verdict
    assert found == {"known": Verdict.FAIL, "few": Verdict.INCONCLUSIVE}


def test_a_regression_is_watched_by_losses_that_the_test_rows_bound() -> None:
    random = np.random.default_rng(6)
    metric = METRICS.get("root_mean_squared_error")
    truth = random.normal(size=4000)
    level = level_of(metric, Rows(truth, Predictions(value=truth + random.normal(size=4000))), baseline=2.0)
    assert level is not None
    assert level.most is not None
    watch = Watch(Rule(metric, "no_worse_than"), VALUES, [level])

    def errors(size: float) -> pl.DataFrame:
        value = random.normal(size=800)
        return pl.DataFrame({"prediction": value, "label": value + size * random.normal(size=800)})

    good, bad = looks(watch, [*(errors(1.0) for _ in range(3)), *(errors(1.4) for _ in range(4))])[2::4]
    assert good[0].verdict is not Verdict.FAIL
    assert bad[0].verdict is Verdict.FAIL
    assert bad[0].bound == pytest.approx(1.1, abs=0.05), "a tenth of the gain, and of the shortfall from 0"


def test_slices_have_their_own_sequences_and_share_an_error_rate() -> None:
    random = np.random.default_rng(7)
    rule = Rule(METRICS.get("accuracy"), "at_least", bound=0.7, by=("carrier",))
    watch = Watch(rule, BINARY)

    def one_bad() -> pl.DataFrame:
        frame = window(random, 2000)
        wrong = np.where(random.random(2000) < 0.5, "yes", "no")
        is_aa = pl.col("feature_carrier") == "AA"
        return frame.with_columns(label=pl.when(is_aa).then(pl.lit(pl.Series(wrong))).otherwise(pl.col("label")))

    found = {row.slice: row for row in looks(watch, [one_bad() for _ in range(4)])[-1]}
    assert list(found) == ["", "carrier = AA", "carrier = UA"]
    assert found["carrier = AA"].verdict is Verdict.FAIL
    assert found["carrier = UA"].verdict is Verdict.PASS
    assert found["carrier = AA"].n == found["carrier = UA"].n == 4000
    gone = looks(watch, [window(random).filter(pl.col("feature_carrier") == "UA")], first=9)[-1]
    assert [row.verdict for row in gone[1:]] == [Verdict.NOT_APPLICABLE, Verdict.PASS]


def test_a_watch_that_is_stopped_and_resumed_says_the_same_and_counts_nothing_twice() -> None:
    frames = [window(np.random.default_rng(seed), 300) for seed in range(6)]
    rule = Rule(METRICS.get("roc_auc"), "no_worse_than", by=("carrier",))
    level = level_on_test("roc_auc", np.random.default_rng(8))
    straight = Watch(rule, BINARY, [level])
    expected = looks(straight, frames)
    stopped = Watch(rule, BINARY, [level])
    looks(stopped, frames[:3])
    kept = json.loads(json.dumps(stopped.as_data()))
    resumed = Watch(rule, BINARY, [level])
    resumed.resume(kept)
    assert resumed.until == "2026-01-04"
    with pytest.raises(DataError) as refused:
        resumed.look(frames[2], begin="2026-01-03", end="2026-01-04")
    assert refused.value.code == "data/counted-already"
    assert looks(resumed, frames[3:], first=4) == expected[3:]
    assert resumed.as_data() == straight.as_data()


def test_windows_of_so_many_rows_may_share_a_moment() -> None:
    watch = Watch(Rule(METRICS.get("accuracy"), "at_least", bound=0.7), BINARY)
    frame = window(np.random.default_rng(31), 500)
    watch.look(frame, begin="2026-01-01T00", end="2026-01-01T07:00:00.000001", key="rows 1-500")
    found = watch.look(frame, begin="2026-01-01T07", end="2026-01-01T07:00:00.000001", key="rows 501-1000")[0]
    found = watch.look(frame, begin="2026-01-01T07", end="2026-01-01T07:00:00.000001", key="rows 1001-1500")[0]
    assert found.looks == 3
    with pytest.raises(DataError):
        watch.look(frame, begin="2026-01-01T07", end="2026-01-01T07:00:00.000001", key="rows 1001-1500")


@pytest.mark.parametrize("damage", [{}, {"lines": []}, {"until": "x", "last_unit": "", "sliced": True, "lines": [{}]}])
def test_a_damaged_state_is_refused(damage: dict[str, object]) -> None:
    with pytest.raises(DataError) as refused:
        Watch(Rule(METRICS.get("accuracy"), "at_least", bound=0.7), BINARY).resume(damage)
    assert refused.value.code == "data/no-watch"


def test_units_are_counted_once_and_one_that_goes_on_is_not_counted_again() -> None:
    random = np.random.default_rng(9)
    watch = Watch(Rule(METRICS.get("accuracy"), "at_least", bound=0.7), BINARY, unit="day", ordered=True)
    frame = window(random, 700)
    days = np.repeat([f"2026-01-0{day}" for day in range(1, 8)], 100)
    first = watch.look(frame, begin="2026-01-01", end="2026-01-08", unit=days)[0]
    assert (first.units, first.n, first.window.unit) == (7, 700, "day")
    later = np.repeat(["2026-01-07", "2026-01-08"], 350)
    second = watch.look(frame, begin="2026-01-08", end="2026-01-15", unit=later)[0]
    assert (second.units, second.n) == (8, 1050)


def test_a_test_result_of_days_is_held_to_days_alone_and_a_fall_is_seen_in_few() -> None:
    random = np.random.default_rng(30)
    probability, late = drawn(random, 6000)
    days = np.repeat(np.arange(60), 100)
    level = level_of(METRICS.get("accuracy"), Rows(late.astype(np.int64), predictions(probability), days), ordered=True)
    assert level is not None
    assert level.band is not None
    rule = Rule(METRICS.get("accuracy"), "no_worse_than", margin=0.02)
    without = looks(Watch(rule, BINARY, [level]), [window(random, 700)])[0][0]
    assert without.reason is not None
    assert (without.verdict, without.reason.code) == (Verdict.INCONCLUSIVE, "units-not-logged")
    watch = Watch(rule, BINARY, [level], unit="day", ordered=True)
    verdicts = []
    for week in range(5):
        names = np.repeat([f"{week}-{day}" for day in range(7)], 100)
        frame = window(random, 700, signal=0.2)
        verdicts.append(watch.look(frame, begin=f"{week}", end=f"{week + 1}", unit=names)[0].verdict)
    assert verdicts[-1] is Verdict.FAIL


# labels that say too little


def test_labels_that_are_not_mature_are_told_and_not_counted() -> None:
    watch = Watch(Rule(METRICS.get("accuracy"), "at_least", bound=0.7), BINARY)
    frame = window(np.random.default_rng(10))
    found = watch.look(frame, begin="2026-01-01", end="2026-01-02", mature=False)[0]
    assert (found.verdict, found.looks, found.low, watch.until) == (Verdict.INCONCLUSIVE, 0, None, "")
    assert found.reason is not None
    assert found.reason.code == "labels-immature"
    assert found.window.value is not None, "the window is told"
    assert looks(watch, [frame])[0][0].looks == 1


@pytest.mark.parametrize("without", ["no column", "none"])
def test_without_labels_nothing_is_said(without: str) -> None:
    frame = window(np.random.default_rng(11))
    frame = frame.drop("label") if without == "no column" else frame.with_columns(label=pl.lit(None, pl.String))
    found = looks(Watch(Rule(METRICS.get("accuracy"), "at_least", bound=0.7), BINARY), [frame])[0][0]
    assert (found.verdict, found.window.value, found.n) == (Verdict.NOT_APPLICABLE, None, 0)
    assert found.reason is not None
    assert found.reason.code == "no-labels"


def test_labels_of_one_kind_of_predictions_hold_everything_back() -> None:
    frame = window(np.random.default_rng(12), 2000)
    late_only = frame.with_columns(label=pl.when(pl.col("probability_yes") > 0.4).then(pl.col("label")))
    watch = Watch(Rule(METRICS.get("accuracy"), "at_least", bound=0.9), BINARY)
    found = looks(watch, [late_only])[0][0]
    assert (found.verdict, found.looks, watch.until) == (Verdict.INCONCLUSIVE, 0, "")
    assert found.reason is not None
    assert found.reason.code == "labels-selective"
    at_random = frame.with_columns(label=pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.col("label")))
    assert looks(watch, [at_random])[0][0].looks == 1


@pytest.mark.parametrize(("metric", "rows"), [("roc_auc", 3), ("accuracy", 3), ("log_loss", 1), ("recall", 3)])
def test_three_rows_never_pass(metric: str, rows: int) -> None:
    how = METRICS.get(metric)
    rule = Rule(how, "at_least" if how.higher_is_better else "at_most", bound=0.5)
    found = looks(Watch(rule, BINARY), [window(np.random.default_rng(13), rows)])[0][0]
    assert found.verdict is Verdict.INCONCLUSIVE


def test_one_class_has_no_auc() -> None:
    frame = window(np.random.default_rng(14)).with_columns(label=pl.lit("no"))
    found = looks(Watch(Rule(METRICS.get("roc_auc"), "at_least", bound=0.1), BINARY), [frame])[0][0]
    assert (found.verdict, found.window.value, found.looks) == (Verdict.INCONCLUSIVE, None, 0)


def test_scores_that_are_none_and_labels_from_before_are_left_out_and_counted() -> None:
    frame = window(np.random.default_rng(15), 10).with_columns(
        probability_yes=pl.Series([float("nan"), None, *[0.5] * 8]),
        probability_no=pl.Series([float("nan"), None, *[0.5] * 8]),
        label_time=pl.Series([NOON] * 9 + [NOON - timedelta(hours=1)]),
        label=pl.Series(["no"] * 6 + ["YES?", None, "yes", "yes"]),
    )
    served = labelled(frame, BINARY)
    assert served.rows.tolist() == [2, 3, 4, 5, 8]
    assert (served.unscored, served.early, served.unknown, served.unlabelled) == (2, 1, 1, 1)


def test_a_metric_without_bounded_values_is_told_for_its_window_alone() -> None:
    watch = Watch(Rule(METRICS.get("matthews_corrcoef"), "at_least", bound=0.1), BINARY)
    found = looks(watch, [window(np.random.default_rng(16))])[0][0]
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason is not None
    assert found.reason.code == "no-sequence"
    assert found.window.low is not None


def test_without_a_test_result_there_is_nothing_to_compare_with() -> None:
    watch = Watch(Rule(METRICS.get("accuracy"), "no_worse_than", margin=0.1), BINARY)
    found = looks(watch, [window(np.random.default_rng(17))])[0][0]
    assert (found.verdict, found.bound) == (Verdict.INCONCLUSIVE, None)
    assert found.reason is not None
    assert found.reason.code == "no-test-level"


# what is kept of the test rows, and how it is judged


def test_the_usual_margin_is_that_of_the_default_gates() -> None:
    auc, loss = METRICS.get("roc_auc"), METRICS.get("log_loss")
    assert usual_margin(auc, 0.6, 0.5) == pytest.approx(0.01), "a tenth of the gain"
    assert usual_margin(auc, 0.9, 0.5) == pytest.approx(0.01), "a tenth of the shortfall"
    assert usual_margin(auc, 0.99, 0.5) == pytest.approx(0.0049), "a hundredth of the gain"
    assert usual_margin(loss, 0.3, 0.7) == pytest.approx(0.03)
    assert usual_margin(METRICS.get("r2"), 0.4, 0.0) == pytest.approx(0.04)
    assert usual_margin(auc, 0.45, 0.5) == pytest.approx(0.055), "without a gain the shortfall alone"


def test_the_values_mean_is_the_metric() -> None:
    random = np.random.default_rng(18)
    probability, late = drawn(random, 20_000)
    y = late.astype(np.int64)
    for name in (*LABELS, *SCORES):
        metric = METRICS.get(name)
        how = watched(metric)
        assert how is not None
        value = metric.value(y, predictions(probability))
        mean = float(how.values(Rows(y, predictions(probability))).found.mean())
        assert how.shown(mean) == pytest.approx(value, abs=0.012)
        assert how.hidden(how.shown(mean)) == pytest.approx(mean)


def test_units_that_resemble_the_one_before_are_worth_less() -> None:
    random = np.random.default_rng(19)
    shocks, days = random.normal(size=4000), [0.0]
    for shock in shocks:
        days.append(0.5 * days[-1] + shock)
    assert varies_together(np.array(days)) == pytest.approx(3.0, abs=0.5)
    assert varies_together(shocks) < 1.1


def test_a_detector_keeps_its_promise_where_the_mean_lies_at_the_bound() -> None:
    random = np.random.default_rng(20)
    called = 0
    for _ in range(400):
        state = change.begin(0, 1, 0.8, alpha=0.025)
        for _ in range(25):
            state = change.look(state, random.random(80) < 0.8)
            if change.fell(state):
                called += 1
                break
    assert called <= 17, "2.5 % of 400, and what chance adds in one of a hundred tests"


def test_a_detector_recovers_when_the_mean_does() -> None:
    random = np.random.default_rng(21)
    state = change.begin(0, 1, 0.8)
    for _ in range(30):
        state = change.look(state, random.random(200) < 0.6)
    assert change.fell(state)
    state = change.Detector.of(json.loads(json.dumps(state.as_data())))
    looked = 0
    while change.fell(state):
        state, looked = change.look(state, random.random(200) < 0.9), looked + 1
    assert looked <= 3


@pytest.mark.parametrize("damage", [{}, {"wealth": [0.0]}, None])
def test_a_damaged_detector_is_refused(damage: dict[str, object] | None) -> None:
    data = change.begin(0, 1, 0.5).as_data()
    with pytest.raises(DataError) as refused:
        change.Detector.of({**data, "alpha": 3} if damage is None else damage)
    assert refused.value.code == "data/no-detector"
    with pytest.raises(DataError) as outside:
        change.look(change.begin(0, 1, 0.5), [2.0])
    assert outside.value.code == "data/outside-limits"
    with pytest.raises(DataError) as none:
        change.begin(1, 0, 0.5)
    assert none.value.code == "data/bad-detector"


def test_levels_of_slices_are_those_that_rules_watch() -> None:
    random = np.random.default_rng(22)
    probability, late = drawn(random, 4000)
    carrier = np.where(random.random(4000) < 0.7, "AA", "UA")
    rule = Rule(METRICS.get("recall"), "no_worse_than", by=("carrier",))
    levels = levels_of([rule], Rows(late.astype(np.int64), predictions(probability)), slices={"carrier": carrier})
    assert [level.slice for level in levels] == ["", "carrier = AA", "carrier = UA"]
    assert levels[0].rows == levels[1].rows + levels[2].rows == int(late.sum())
    found = looks(Watch(rule, BINARY, levels), [window(random)])[0]
    assert [row.bound is None for row in found] == [False] * 3


def test_served_probabilities_are_held_to_observed_shares() -> None:
    frame = window(np.random.default_rng(24), 4000)
    good = calibrated(labelled(frame, BINARY))
    assert good is not None
    assert good.slope.low is not None
    assert good.slope.high is not None
    assert good.slope.low < 1 < good.slope.high
    shifted = frame.with_columns(probability_yes=pl.col("probability_yes") / 2)
    off = calibrated(labelled(shifted, BINARY))
    assert off is not None
    assert (off.intercept.low or 0) > 0
    assert calibrated(labelled(frame.drop("label"), BINARY)) is None
