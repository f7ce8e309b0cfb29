"""Every metric of the catalogue agrees with scikit-learn's function of that name."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as peer
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.core.reasons import because
from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.predictions import Predictions
from modelyard.metrics.regression import QUANTILES
from modelyard.metrics.shared import CLIP
from modelyard.metrics.templates import TEMPLATES


def _binary(seed: int, n: int = 300, *, ties: bool = False) -> tuple[Any, Predictions, Any]:
    draw = np.random.default_rng(seed)
    y = (draw.random(n) < 0.4).astype(np.int64)
    probability = np.clip(0.3 * y + 0.7 * draw.random(n), 0, 1)
    if ties:
        probability = np.round(probability, 1)
    return y, Predictions(2, (probability >= 0.5).astype(np.int64), probability), draw.random(n) + 0.1


def _multiclass(seed: int, n: int = 300) -> tuple[Any, Predictions, Any]:
    draw = np.random.default_rng(seed)
    y = draw.integers(0, 3, n)
    raw = draw.random((n, 3)) + np.eye(3)[y]
    probability = raw / raw.sum(axis=1, keepdims=True)
    return y, Predictions(3, probability.argmax(axis=1).astype(np.int64), probability), draw.random(n) + 0.1


def _clipped(probability: Any) -> Any:
    return np.clip(probability, CLIP, 1 - CLIP)


def covered(y: Any, predicted: Any, weight: Any) -> float:
    return float(np.average(y <= predicted, weights=weight))


def pinball(alpha: float) -> Callable[..., float]:
    return lambda y, p, w: float(peer.mean_pinball_loss(y, p, sample_weight=w, alpha=alpha))


def of_pairs(y: Any, probability: Any, weight: Any, average: str) -> float:
    """scikit-learn's one-versus-one AUC; with weights, of which it takes none there, from its areas of two classes."""
    if weight is None:
        return float(peer.roc_auc_score(y, probability, multi_class="ovo", average=average))
    areas, rows = [], []
    for first, second in itertools.combinations(range(probability.shape[1]), 2):
        both = (y == first) | (y == second)
        each = [
            peer.roc_auc_score(y[both] == own, probability[both, own], sample_weight=weight[both])
            for own in (first, second)
        ]
        areas.append(np.mean(each))
        rows.append(weight[both].sum())
    return float(np.average(areas, weights=rows if average == "weighted" else None))


BINARY: dict[str, Callable[[Any, Predictions, Any], float]] = {
    "accuracy": lambda y, p, w: peer.accuracy_score(y, p.label, sample_weight=w),
    "recall": lambda y, p, w: peer.recall_score(y, p.label, sample_weight=w),
    "specificity": lambda y, p, w: peer.recall_score(y, p.label, sample_weight=w, pos_label=0),
    "precision": lambda y, p, w: peer.precision_score(y, p.label, sample_weight=w),
    "f1": lambda y, p, w: peer.f1_score(y, p.label, sample_weight=w),
    "balanced_accuracy": lambda y, p, w: peer.balanced_accuracy_score(y, p.label, sample_weight=w),
    "matthews_corrcoef": lambda y, p, w: peer.matthews_corrcoef(y, p.label, sample_weight=w),
    "roc_auc": lambda y, p, w: peer.roc_auc_score(y, p.probability, sample_weight=w),
    "average_precision": lambda y, p, w: peer.average_precision_score(y, p.probability, sample_weight=w),
    "log_loss": lambda y, p, w: peer.log_loss(y, _clipped(p.probability), sample_weight=w),
    "brier_score": lambda y, p, w: peer.brier_score_loss(y, p.probability, sample_weight=w),
}
MULTICLASS: dict[str, Callable[[Any, Predictions, Any], float]] = {
    "accuracy": lambda y, p, w: peer.accuracy_score(y, p.label, sample_weight=w),
    "balanced_accuracy": lambda y, p, w: peer.balanced_accuracy_score(y, p.label, sample_weight=w),
    "precision_macro": lambda y, p, w: peer.precision_score(y, p.label, average="macro", sample_weight=w),
    "recall_macro": lambda y, p, w: peer.recall_score(y, p.label, average="macro", sample_weight=w),
    "f1_macro": lambda y, p, w: peer.f1_score(y, p.label, average="macro", sample_weight=w),
    "matthews_corrcoef": lambda y, p, w: peer.matthews_corrcoef(y, p.label, sample_weight=w),
    "roc_auc_ovr": lambda y, p, w: peer.roc_auc_score(y, p.probability, multi_class="ovr", sample_weight=w),
    "roc_auc_ovr_weighted": lambda y, p, w: peer.roc_auc_score(
        y, p.probability, multi_class="ovr", average="weighted", sample_weight=w
    ),
    "roc_auc_ovo": lambda y, p, w: of_pairs(y, p.probability, w, "macro"),
    "roc_auc_ovo_weighted": lambda y, p, w: of_pairs(y, p.probability, w, "weighted"),
    "top_k_accuracy": lambda y, p, w: peer.top_k_accuracy_score(y, p.probability, k=2, sample_weight=w),
    "log_loss": lambda y, p, w: peer.log_loss(y, p.probability, sample_weight=w),
}
REGRESSION: dict[str, Callable[[Any, Any, Any], float]] = {
    "mean_absolute_error": lambda y, p, w: peer.mean_absolute_error(y, p, sample_weight=w),
    "mean_squared_error": lambda y, p, w: peer.mean_squared_error(y, p, sample_weight=w),
    "root_mean_squared_error": lambda y, p, w: peer.root_mean_squared_error(y, p, sample_weight=w),
    "median_absolute_error": lambda y, p, w: peer.median_absolute_error(y, p, sample_weight=w),
    "r2": lambda y, p, w: peer.r2_score(y, p, sample_weight=w),
    "mean_absolute_percentage_error": lambda y, p, w: peer.mean_absolute_percentage_error(y, p, sample_weight=w),
    "symmetric_mean_absolute_percentage_error": lambda y, p, w: float(
        np.average(2 * np.abs(y - p) / (np.abs(y) + np.abs(p)), weights=w)
    ),
    "mean_poisson_deviance": lambda y, p, w: peer.mean_poisson_deviance(y, p, sample_weight=w),
    "mean_gamma_deviance": lambda y, p, w: peer.mean_gamma_deviance(y, p, sample_weight=w),
    **{f"quantile_coverage_{percent:02d}": covered for percent in QUANTILES},
    **{f"mean_pinball_loss_{percent:02d}": pinball(percent / 100) for percent in QUANTILES},
}


def test_every_metric_of_the_catalogue_has_a_peer_here() -> None:
    for tasks, known in (("binary", BINARY), ("multiclass", MULTICLASS), ("regression", REGRESSION)):
        assert {metric.name for metric in METRICS if tasks in metric.tasks} == set(known)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_binary_metrics_agree_with_scikit_learn(name: str, ties: bool, weighted: bool) -> None:
    y, predictions, weight = _binary(7, ties=ties)
    given_weight = weight if weighted else None
    assert METRICS.get(name).value(y, predictions, given_weight) == pytest.approx(
        BINARY[name](y, predictions, given_weight), abs=1e-12
    )


@pytest.mark.parametrize("name", MULTICLASS)
@pytest.mark.parametrize("weighted", [False, True])
def test_multiclass_metrics_agree_with_scikit_learn(name: str, weighted: bool) -> None:
    y, predictions, weight = _multiclass(3)
    given_weight = weight if weighted else None
    peers = MULTICLASS[name](y, predictions, given_weight)
    assert METRICS.get(name).value(y, predictions, given_weight) == pytest.approx(peers, abs=1e-12)


@pytest.mark.parametrize("name", REGRESSION)
@pytest.mark.parametrize("n", [300, 301])
def test_regression_metrics_agree_with_scikit_learn(name: str, n: int) -> None:
    draw = np.random.default_rng(1)
    y = draw.lognormal(size=n)
    predicted = y * draw.lognormal(size=n)
    for weight in (None, draw.random(n) + 0.1):
        if weight is not None and name == "median_absolute_error":
            continue
        assert METRICS.get(name).value(y, Predictions(value=predicted), weight) == pytest.approx(
            REGRESSION[name](y, predicted, weight), rel=1e-12
        )


@pytest.mark.parametrize("name", sorted(set(BINARY) - {"accuracy", "log_loss", "brier_score", "recall"}))
def test_a_metric_that_is_undefined_on_one_class_says_so(name: str) -> None:
    y = np.zeros(20, dtype=np.int64)
    predictions = Predictions(2, np.zeros(20, dtype=np.int64), np.linspace(0, 0.4, 20))
    expected = 1.0 if name == "specificity" else None
    assert METRICS.get(name).value(y, predictions) == expected


def test_one_certain_mistake_costs_log_loss_a_bounded_amount() -> None:
    predictions = Predictions(2, np.array([0]), np.array([0.0]))
    assert METRICS.get("log_loss").value(np.array([1]), predictions) == pytest.approx(-np.log(CLIP))


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 60))
def test_a_weight_of_two_is_a_row_given_twice(seed: int, n: int) -> None:
    y, predictions, _ = _binary(seed, n, ties=True)
    weight = np.random.default_rng(seed).integers(0, 3, n).astype(float)
    twice = np.repeat(np.arange(n), weight.astype(int))
    for name in BINARY:
        weighted = METRICS.get(name).value(y, predictions, weight)
        repeated = METRICS.get(name).value(y[twice], predictions.take(twice)) if len(twice) else None
        assert (weighted is None) == (repeated is None)
        if weighted is not None:
            assert weighted == pytest.approx(repeated, abs=1e-12)


@pytest.mark.parametrize("power", [-0.5, 0, 1, 1.3, 1.5, 1.9, 2, 3])
def test_tweedie_deviances_agree_with_scikit_learn(power: float) -> None:
    draw = np.random.default_rng(2)
    y, predicted, weight = draw.lognormal(size=200), draw.lognormal(size=200), draw.random(200)
    if power < 2:
        y[:50] = 0.0
    metric = TEMPLATES.get("mean_tweedie_deviance").make("claims", power)
    expected = peer.mean_tweedie_deviance(y, predicted, sample_weight=weight, power=power)
    assert metric.value(y, Predictions(value=predicted), weight) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("k", [1, 2, 4])
@pytest.mark.parametrize("ties", [False, True])
def test_top_k_accuracy_agrees_with_scikit_learn(k: int, ties: bool) -> None:
    draw = np.random.default_rng(k)
    y, probability = draw.integers(0, 6, 400), draw.random((400, 6))
    probability = np.round(probability, 1) if ties else probability
    metric = TEMPLATES.get("top_k_accuracy").make("first", k)
    expected = peer.top_k_accuracy_score(y, probability, k=k)
    assert metric.value(y, Predictions(6, probability=probability)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("code", [0, 1, 2])
def test_metrics_of_one_class_agree_with_scikit_learn(code: int) -> None:
    y, predictions, weight = _multiclass(5)
    own, label = y == code, predictions.labels == code
    score = predictions.probabilities[:, code]
    expected = {
        "roc_auc": peer.roc_auc_score(own, score, sample_weight=weight),
        "average_precision": peer.average_precision_score(own, score, sample_weight=weight),
        "recall": peer.recall_score(own, label, sample_weight=weight),
        "precision": peer.precision_score(own, label, sample_weight=weight),
        "f1": peer.f1_score(own, label, sample_weight=weight),
    }
    made = {name: TEMPLATES.get(name).make("of_class", code).value(y, predictions, weight) for name in expected}
    assert made == pytest.approx(expected, abs=1e-12)
    assert {each.name for each in TEMPLATES if each.parameter == "positive"} == set(expected)


def test_percentages_are_undefined_where_the_truth_is_0_and_symmetric_ones_are_not() -> None:
    y, predictions = np.array([0.0, 2.0, 0.0]), Predictions(value=np.array([0.0, 1.0, 3.0]))
    percentage = METRICS.get("mean_absolute_percentage_error")
    assert percentage.value(y, predictions) is None
    assert percentage.undefined(y, predictions) == because("actuals-zero", rows=2, metric=percentage.name)
    symmetric = METRICS.get("symmetric_mean_absolute_percentage_error")
    assert symmetric.value(y, predictions) == pytest.approx((0 + 2 / 3 + 2) / 3)


@pytest.mark.parametrize(
    ("power", "y", "predicted", "code"),
    [
        (1, [1.0, 0.0], [0.5, 0.0], "predictions-not-positive"),
        (1, [1.0, -1.0], [0.5, 0.5], "actuals-negative"),
        (1.5, [1.0, -1.0], [0.5, 0.5], "actuals-negative"),
        (2, [1.0, 0.0], [0.5, 0.5], "actuals-not-positive"),
        (-1, [1.0, -2.0], [0.5, -0.5], "predictions-not-positive"),
    ],
)
def test_a_deviance_is_undefined_where_scikit_learn_raises(
    power: float, y: list[float], predicted: list[float], code: str
) -> None:
    with pytest.raises(ValueError, match="Tweedie"):
        peer.mean_tweedie_deviance(y, predicted, power=power)
    metric = TEMPLATES.get("mean_tweedie_deviance").make("claims", power)
    model = Predictions(value=np.array(predicted))
    assert metric.undefined(np.array(y), model) == because(code, rows=1, metric="claims")
    assert metric.value(np.array(y), model) is None


def test_a_constant_label_has_no_correlation_with_the_class() -> None:
    y = np.array([0, 1, 1, 0, 1])
    assert METRICS.get("matthews_corrcoef").value(y, Predictions(2, np.ones(5, dtype=np.int64))) == 0.0


def test_an_auc_names_the_classes_that_have_no_row() -> None:
    y, predictions, _ = _multiclass(4)
    rows = y == 0
    for name in ("roc_auc_ovr", "roc_auc_ovr_weighted", "roc_auc_ovo", "roc_auc_ovo_weighted", "balanced_accuracy"):
        metric = METRICS.get(name)
        why = metric.undefined(y[rows], predictions.take(rows), ("early", "late", "lost"))
        assert why == because("classes-absent", classes=("late", "lost"))
        assert metric.value(y[rows], predictions.take(rows)) is None
    of_class = TEMPLATES.get("roc_auc").make("of_lost", 2)
    why = of_class.undefined(y[rows], predictions.take(rows), ("early", "late", "lost"))
    assert why == because("classes-absent", classes=("lost",))
