"""Performance without labels: what it says under drift of features, what it cannot see, and when it says nothing."""

import numpy as np
import polars as pl
import pytest

from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.predictions import Predictions
from modelyard.monitoring.calibrators import Labelled, Points, edges_of, fit, score_bins
from modelyard.monitoring.estimated import Estimator, deciding, estimate, expected, reference_of, scored, track
from modelyard.records.results import Estimate, Signature
from modelyard.records.results.monitor import EstimatedPerformance, Window

BINARY = Signature(features=(), task="binary", classes=("no", "yes"), positive="yes", threshold=0.5)
THREE = Signature(features=(), task="multiclass", classes=("a", "b", "c"))
VALUES = Signature(features=(), task="regression")
NAMES = ("roc_auc", "accuracy", "recall", "log_loss")
Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def drawn(random: np.random.Generator, n: int, *, shift: float = 0.0, concept: float = 0.0) -> Rows:
    """Features, scores that are too sure of themselves, and labels, whose rules a concept changes."""
    x = random.normal(size=(n, 2))
    x[:, 0] += shift
    true = 1 / (1 + np.exp(-((1.2 - concept) * x[:, 0] + 0.5 * x[:, 1] - 1)))
    score = 1 / (1 + np.exp(-2 * (1.2 * x[:, 0] + 0.5 * x[:, 1] - 1)))
    return x, score, (random.random(n) < true).astype(np.int64)


def predictions(score: np.ndarray) -> Predictions:
    return Predictions(2, label=(score >= 0.5).astype(np.int64), probability=score)


def logged(rows: Rows, *, labels: bool = False) -> pl.DataFrame:
    x, score, y = rows
    frame = pl.DataFrame(
        {"probability_yes": score, "probability_no": 1 - score, "feature_a": x[:, 0], "feature_b": x[:, 1]}
    )
    return frame.with_columns(label=pl.Series(np.where(y == 1, "yes", "no"))) if labels else frame


@pytest.fixture(scope="module")
def reference() -> Labelled:
    _, score, y = drawn(np.random.default_rng(1), 4000)
    return reference_of([METRICS.get(name) for name in NAMES], y, predictions(score))


@pytest.mark.parametrize("name", NAMES)
def test_under_drift_of_features_the_estimate_follows_though_scores_are_not_calibrated(
    reference: Labelled, name: str
) -> None:
    metric = METRICS.get(name)
    covered = 0
    for seed in range(10, 15):
        rows = drawn(np.random.default_rng(seed), 1500, shift=0.8)
        found = estimate(reference, logged(rows), metric, signature=BINARY, seed=seed).estimate
        realised = metric.value(rows[2], predictions(rows[1]))
        assert realised is not None
        covered += (found.low or 0) <= realised <= (found.high or 0)
    assert covered >= 4


def test_what_the_estimate_cannot_see_is_that_labels_follow_other_rules(reference: Labelled) -> None:
    rows = drawn(np.random.default_rng(2), 3000, concept=1.2)
    found = estimate(reference, logged(rows), METRICS.get("roc_auc"), signature=BINARY)
    realised = METRICS.get("roc_auc").value(rows[2], predictions(rows[1]))
    assert realised is not None
    assert (found.estimate.low or 0) > realised + 0.05
    assert [reason.code for reason in found.estimate.method] == ["assumes-scores-mean-the-same"]
    late = scored(found, Estimate(value=realised))
    assert (late.covered, late.realised) == (False, realised)


def test_a_window_of_few_rows_has_a_wider_interval(reference: Labelled) -> None:
    rows = drawn(np.random.default_rng(3), 4000)
    wide = {}
    for n in (100, 4000):
        part = (rows[0][:n], rows[1][:n], rows[2][:n])
        found = estimate(reference, logged(part), METRICS.get("accuracy"), signature=BINARY).estimate
        wide[n] = (found.high or 0) - (found.low or 0)
    assert wide[100] > 2 * wide[4000] > 0


def test_matured_rows_are_weighted_towards_the_window(reference: Labelled) -> None:
    matured = logged(drawn(np.random.default_rng(4), 3000), labels=True)
    rows = drawn(np.random.default_rng(5), 1500, shift=1.0)
    found = estimate(reference, logged(rows), METRICS.get("accuracy"), signature=BINARY, matured=matured)
    assert found.weighted is not None
    assert 300 <= found.weighted < 2500
    assert [reason.code for reason in found.estimate.method] == ["assumes-features-mean-the-same"]
    far = drawn(np.random.default_rng(6), 1500, shift=9.0)
    alone = estimate(reference, logged(far), METRICS.get("accuracy"), signature=BINARY, matured=matured)
    assert alone.weighted is None, "matured rows that are worth too few are not used"


def test_several_classes_are_calibrated_one_by_one() -> None:
    random = np.random.default_rng(7)

    def some(n: int) -> tuple[np.ndarray, np.ndarray]:
        logits = 1.5 * random.normal(size=(n, 3))
        true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        sure = np.exp(2 * logits) / np.exp(2 * logits).sum(axis=1, keepdims=True)
        y = (random.random(n)[:, None] > np.cumsum(true, axis=1)).sum(axis=1).clip(0, 2)
        return sure, y.astype(np.int64)

    metrics = [METRICS.get("accuracy"), METRICS.get("log_loss")]
    table, y = some(4000)
    kept = reference_of(metrics, y, Predictions(3, label=table.argmax(axis=1), probability=table))
    table, y = some(2000)
    frame = pl.DataFrame({f"probability_{name}": table[:, at] for at, name in enumerate("abc")})
    estimator = Estimator(kept, frame, signature=THREE)
    for metric in metrics:
        realised = metric.value(y, Predictions(3, label=table.argmax(axis=1), probability=table))
        found = estimator.estimate(metric).estimate
        assert realised is not None
        assert (found.low or 0) < realised < (found.high or 0)


@pytest.mark.parametrize("name", ["mean_absolute_error", "root_mean_squared_error"])
@pytest.mark.parametrize("with_features", [False, True])
def test_a_regressions_loss_is_estimated_where_it_depends_on_the_prediction(name: str, with_features: bool) -> None:
    random = np.random.default_rng(8)
    metric = METRICS.get(name)

    def some(n: int, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        value = random.normal(size=n) + shift
        return value, value + (0.3 + np.abs(value)) * random.normal(size=n)

    value, truth = some(4000)
    kept = reference_of([metric], truth, Predictions(value=value))
    value, truth = some(3000)
    matured = pl.DataFrame({"prediction": value, "label": truth, "feature_a": value}) if with_features else None
    value, truth = some(2000, shift=1.2)
    frame = pl.DataFrame({"prediction": value, "feature_a": value})
    found = estimate(kept, frame, metric, signature=VALUES, matured=matured)
    realised = metric.value(truth, Predictions(value=value))
    assert found.method == "dle"
    assert realised is not None
    assert (found.estimate.low or 0) < realised < (found.estimate.high or 0)
    assert found.reference is not None
    assert realised > (found.reference.value or 0) * 1.15, "the test result alone would be far off"


# nothing to say


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (pl.DataFrame({"probability_yes": [0.5] * 3, "probability_no": [0.5] * 3}), "too-few-rows"),
        (pl.DataFrame({"probability_yes": [float("nan")] * 50, "probability_no": [float("nan")] * 50}), "too-few-rows"),
        (pl.DataFrame({"prediction": ["yes"] * 50}), "lacks-output"),
    ],
    ids=["3 rows", "NaN", "labels alone"],
)
def test_what_cannot_be_estimated_is_refused(reference: Labelled, frame: pl.DataFrame, why: str) -> None:
    found = estimate(reference, frame, METRICS.get("accuracy"), signature=BINARY).estimate
    assert (found.value, found.low) == (None, None)
    assert found.refused is not None
    assert found.refused.code == why


@pytest.mark.parametrize(("share", "why"), [(0.0, "too-few-to-calibrate"), (1.0, "too-few-to-calibrate")])
def test_test_rows_of_one_class_calibrate_nothing(share: float, why: str) -> None:
    random = np.random.default_rng(9)
    kept = reference_of([METRICS.get("accuracy")], np.full(500, int(share)), predictions(random.random(500)))
    found = estimate(kept, logged(drawn(random, 200)), METRICS.get("accuracy"), signature=BINARY).estimate
    assert found.refused is not None
    assert found.refused.code == why


def test_without_a_reference_nothing_is_estimated() -> None:
    frame = logged(drawn(np.random.default_rng(10), 200))
    for kept in (
        Labelled(),
        reference_of([METRICS.get("accuracy")], np.zeros(20, np.int64), predictions(np.zeros(20))),
    ):
        found = estimate(kept, frame, METRICS.get("accuracy"), signature=BINARY)
        assert found.estimate.refused is not None
        assert found.estimate.refused.code == "no-calibration"
        assert deciding(found, []).decides is False


def test_scores_that_are_all_equal_say_one_thing(reference: Labelled) -> None:
    frame = pl.DataFrame({"probability_yes": [0.7] * 200, "probability_no": [0.3] * 200})
    assert estimate(reference, frame, METRICS.get("roc_auc"), signature=BINARY).estimate.value == pytest.approx(0.5)


# the record


def windows(covered: list[bool | None]) -> list[Window]:
    blank = {
        "begin": "",
        "end": "",
        "version": "v1",
        "rows": 1,
        "labelled": 1,
        "mature": True,
        "digest": "sha256:" + "0" * 64,
    }
    return [
        Window(
            key=str(at),
            estimated=(
                EstimatedPerformance(
                    metric="accuracy", method="cbpe", estimate=Estimate(value=0.8, low=0.7, high=0.9),
                    realised=None if own is None else 0.8 if own else 0.5, covered=own,
                ),
            ),
            **blank,
        )
        for at, own in enumerate(covered)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("covered", "decides"),
    [([True] * 4, False), ([True] * 5, True), ([True] * 4 + [False], True), ([True] * 3 + [False] * 2, False),
     ([True] * 4 + [None] * 9, False)],
)  # fmt: skip
def test_an_estimate_counts_by_its_record_alone(covered: list[bool | None], decides: bool) -> None:
    (record,) = track(windows(covered))
    known = [own for own in covered if own is not None]
    assert (record.windows, record.covered, record.decides) == (len(known), sum(known), decides)
    assert record.error == pytest.approx(0.3 * (1 - sum(known) / len(known)))
    found = windows([True])[0].estimated[0]
    assert deciding(found, [record]).decides is decides
    assert deciding(found.model_copy(update={"metric": "recall"}), [record]).decides is False
    assert track([]) == ()


# calibration


def test_bins_hold_ten_rows_and_no_rows_own_score() -> None:
    random = np.random.default_rng(11)
    score = np.concatenate([random.beta(0.5, 5, size=900), np.full(100, 0.25)])
    bins = score_bins(score, random.random(1000) < score)
    assert bins is not None
    assert min(bins.rows) >= 10
    assert sum(bins.rows) == 1000
    assert not set(bins.edges) & set(score.tolist()) - {0.25}
    assert edges_of(np.full(500, 0.3)).tolist() in ([], [0.3])


def test_isotonic_follows_the_rows_and_platt_takes_over_below_a_thousand() -> None:
    score = np.linspace(0.05, 0.95, 10)
    rows = np.full(10, 400.0)
    stepped = np.where(score < 0.5, 0.2, 0.7)
    fitted = fit(score, rows, rows * stepped)
    assert fitted(score) == pytest.approx(stepped, abs=0.002)
    few = fit(score, rows / 10, rows / 10 * score)
    assert few(score) == pytest.approx(score, abs=0.06)
    assert (np.diff(few(np.linspace(0, 1, 50))) >= 0).all()
    separated = fit(score, rows / 10, np.where(score < 0.5, 0.0, rows / 10))(score)
    assert 0 < separated.min() < separated.max() < 1


def test_the_expected_metric_of_certain_chances_is_the_metric() -> None:
    _, score, y = drawn(np.random.default_rng(12), 300)
    certain = np.column_stack([1 - y, y]).astype(float)
    for name in NAMES:
        metric = METRICS.get(name)
        assert expected(metric, predictions(score), certain) == pytest.approx(metric.value(y, predictions(score)))


def test_weights_do_not_pretend_to_be_rows() -> None:
    random = np.random.default_rng(13)
    score = random.random(400)
    points = Points.of_rows(score, random.random(400) < score, np.where(score > 0.5, 3.0, 0.5))
    assert points.counts.sum() == 400
    spread = [points.redrawn(random, lambda given: given).positives.sum() for _ in range(200)]
    exact = np.sqrt(float((points.rows**2 * score[np.argsort(score)] * (1 - np.sort(score))).sum()))
    assert np.std(spread) == pytest.approx(exact, rel=0.2)
