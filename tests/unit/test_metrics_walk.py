"""Every registered metric, through all that is done with one: nothing is looked up by its name."""

from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri

from modelyard.config.sections.gate import Gate
from modelyard.core.catalogue import Catalogue
from modelyard.core.errors import ConfigError
from modelyard.core.vocabulary import Task
from modelyard.evaluation.gates import judgement, rules
from modelyard.evaluation.gates.judge import judge
from modelyard.evaluation.intervals import measure
from modelyard.evaluation.intervals.strategy import STRATEGIES, Combination
from modelyard.evaluation.test_set import Groups, TestSet, baseline_predictions
from modelyard.metrics.catalogue import METRICS, OVERVIEW, PRIMARY
from modelyard.metrics.metric import BINARY, Family, Metric
from modelyard.metrics.predictions import Predictions
from modelyard.records.envelope import Envelope
from modelyard.records.results import EvaluateResult, Signature
from modelyard.report.renderers.markdown import render_markdown
from modelyard.training.baseline import baseline_score, fit_baseline
from tests.registry_samples import record
from tests.unit.test_metrics_compute import BINARY as BINARY_PEERS
from tests.unit.test_metrics_compute import MULTICLASS, REGRESSION

N = 400
CLASSES: dict[Task, tuple[Any, ...]] = {"binary": (False, True), "multiclass": ("a", "b", "c"), "regression": ()}
WALKED = [(metric, task) for metric in METRICS for task in sorted(metric.tasks)]


def rows(task: Task, metric: Metric) -> tuple[Any, Predictions, Predictions]:
    """The truth, and a better and a worse model."""
    draw = np.random.default_rng(3)
    if task == "regression":
        y = draw.lognormal(sigma=0.7, size=N)
        apart = -1.0 if metric.aim is None else float(ndtri(metric.aim))
        better, worse = (Predictions(value=y * draw.lognormal(apart * spread, spread, size=N)) for spread in (0.1, 0.3))
        return y, better, worse
    k = len(CLASSES[task])
    codes = draw.integers(0, k, N)
    models = []
    for strength in (0.7, 0.35):
        raw = draw.random((N, k)) + strength * np.eye(k)[codes]
        probability = raw / raw.sum(axis=1, keepdims=True)
        label = probability.argmax(axis=1).astype(np.int64)
        models.append(Predictions(k, label, probability[:, 1] if task == "binary" else probability))
    return codes.astype(np.int64), models[0], models[1]


@pytest.mark.parametrize(("metric", "task"), WALKED, ids=lambda each: getattr(each, "name", each))
def test_every_metric_goes_all_the_way(metric: Metric, task: Task) -> None:
    y, better, worse = rows(task, metric)
    peers = {"binary": BINARY_PEERS, "multiclass": MULTICLASS, "regression": REGRESSION}[task]
    value = metric.value(y, better)
    assert value is not None
    assert value == pytest.approx(peers[metric.name](y, better.value if task == "regression" else better, None))
    test_set = TestSet(y, None, "row", False, None, seed=1, confidence=0.95)
    level = measure.level(metric, test_set, better)
    assert level.low is not None
    assert level.high is not None
    assert level.estimate == pytest.approx(value)
    assert level.low < value < level.high
    resampled = STRATEGIES.get(Family.STATISTIC).level(metric, test_set, better, ())
    assert resampled.estimate == pytest.approx(value), "a bootstrap of the statistic is about the same number"
    sign = 1.0 if metric.higher_is_better else -1.0
    if metric.aim is None:
        difference = measure.contrast(metric, test_set, Combination([better, worse], [sign, -sign]))
        assert difference.low is not None
        assert difference.low > 0
    signature = Signature(features=(), task=task, classes=CLASSES[task], positive=True if task == "binary" else None)
    fitted = fit_baseline(y, None, task, len(CLASSES[task]))
    models = {"challenger": better, "champion": worse, **baseline_predictions(fitted, signature, N)}
    constant = baseline_score(metric, y, None, fitted, task)
    if metric.aim is not None:
        assert constant == pytest.approx(metric.aim, abs=0.01), "the training quantile covers its share of them"
    elif constant is not None and not metric.maxed_by_positive:
        assert sign * (value - constant) > 0, "any real model is better than the best constant"
    bound = value - sign * 0.5 * abs(value)
    operator = "at_least" if metric.higher_is_better else "at_most"
    written = [
        Gate(metric=metric.name, **{operator: bound}, by=("part",)),
        Gate(metric=metric.name, no_worse_than="champion", margin=0.01),
    ]
    if metric.aim is not None:
        with pytest.raises(ConfigError, match="neither more nor less is better"):
            rules.from_config(tuple(written), task, lambda _: 1, "modelyard.yml")
        del written[1]
    asked = rules.from_config(tuple(written), task, lambda _: 1, "modelyard.yml")
    parts = {"part": Groups.of(np.arange(N) % 2)}
    gates = tuple(judge(rule, test_set, models, parts) for at, rule in enumerate(asked))
    assert {gate.verdict for gate in gates} == {"pass"} or gates[0].verdict == "inconclusive"
    assert {row.value for row in gates[0].slices} == {"0", "1"}
    assert gates[0].on_all_rows == "pass"
    rows_of_models = judgement.overview(asked, METRICS.get(PRIMARY[task]), task, test_set, models)
    result = EvaluateResult(test_rows=N, test_units=N, unit="row", gates=gates, metrics=rows_of_models)
    text = render_markdown({"evaluate": Envelope.seal(record("evaluate", result, []))})
    assert metric.name in text
    assert (f"to be near {metric.aim}" in text) == (metric.aim is not None)


def test_every_family_has_a_strategy_and_every_named_metric_is_there() -> None:
    assert set(STRATEGIES.names()) >= set(Family)
    assert {name for names in OVERVIEW.values() for name in names} | set(PRIMARY.values()) <= set(METRICS.names())


def test_a_metric_without_behaviour_cannot_be_registered() -> None:
    """One that is only a row of facts was computed as another metric."""
    catalogue: Catalogue[Metric] = Catalogue("metric", "metric/unknown-metric")
    bare: Any = Metric
    facts: dict[str, Any] = {"name": "no_such_metric", "tasks": BINARY, "needs": "label", "perfect": 1.0}
    with pytest.raises(TypeError, match="abstract"):
        catalogue.register(bare(**facts, higher_is_better=True))
    with pytest.raises(ConfigError, match="unknown metric 'no_such_metric'"):
        METRICS.get("no_such_metric")
