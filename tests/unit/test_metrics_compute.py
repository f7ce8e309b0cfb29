"""Every metric of the catalogue agrees with scikit-learn's function of that name."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as peer
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.predictions import Predictions
from modelyard.metrics.regression import QUANTILES
from modelyard.metrics.shared import CLIP


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


def pinball(alpha: float) -> Callable[..., float]:
    return lambda y, p, w: float(peer.mean_pinball_loss(y, p, sample_weight=w, alpha=alpha))


BINARY: dict[str, Callable[[Any, Predictions, Any], float]] = {
    "accuracy": lambda y, p, w: peer.accuracy_score(y, p.label, sample_weight=w),
    "recall": lambda y, p, w: peer.recall_score(y, p.label, sample_weight=w),
    "specificity": lambda y, p, w: peer.recall_score(y, p.label, sample_weight=w, pos_label=0),
    "precision": lambda y, p, w: peer.precision_score(y, p.label, sample_weight=w),
    "f1": lambda y, p, w: peer.f1_score(y, p.label, sample_weight=w),
    "balanced_accuracy": lambda y, p, w: peer.balanced_accuracy_score(y, p.label, sample_weight=w),
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
    "roc_auc_ovr": lambda y, p, w: peer.roc_auc_score(y, p.probability, multi_class="ovr", sample_weight=w),
    "log_loss": lambda y, p, w: peer.log_loss(y, p.probability, sample_weight=w),
}
REGRESSION: dict[str, Callable[[Any, Any, Any], float]] = {
    "mean_absolute_error": lambda y, p, w: peer.mean_absolute_error(y, p, sample_weight=w),
    "mean_squared_error": lambda y, p, w: peer.mean_squared_error(y, p, sample_weight=w),
    "root_mean_squared_error": lambda y, p, w: peer.root_mean_squared_error(y, p, sample_weight=w),
    "median_absolute_error": lambda y, p, w: peer.median_absolute_error(y, p, sample_weight=w),
    "r2": lambda y, p, w: peer.r2_score(y, p, sample_weight=w),
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
        BINARY[name](y, predictions, given_weight), abs=1e-9
    )


@pytest.mark.parametrize("name", MULTICLASS)
@pytest.mark.parametrize("weighted", [False, True])
def test_multiclass_metrics_agree_with_scikit_learn(name: str, weighted: bool) -> None:
    y, predictions, weight = _multiclass(3)
    given_weight = weight if weighted else None
    peers = MULTICLASS[name](y, predictions, given_weight)
    assert METRICS.get(name).value(y, predictions, given_weight) == pytest.approx(peers, abs=1e-9)


@pytest.mark.parametrize("name", REGRESSION)
@pytest.mark.parametrize("n", [300, 301])
def test_regression_metrics_agree_with_scikit_learn(name: str, n: int) -> None:
    draw = np.random.default_rng(1)
    y = draw.normal(size=n)
    predicted = y + draw.normal(size=n)
    assert METRICS.get(name).value(y, Predictions(value=predicted)) == pytest.approx(
        REGRESSION[name](y, predicted, None), abs=1e-9
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
            assert weighted == pytest.approx(repeated, abs=1e-9)
