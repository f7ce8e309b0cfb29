"""Gates on predictions: what passes, fails, cannot tell, does not apply, or is an error."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from modelyard.config.sections.gate import Gate
from modelyard.core.errors import ConfigError
from modelyard.core.reasons import because
from modelyard.core.verdict import Verdict
from modelyard.evaluation.gates import judgement, rules
from modelyard.evaluation.gates.judge import judge
from modelyard.evaluation.intervals import measure
from modelyard.evaluation.intervals.strategy import Combination
from modelyard.evaluation.test_set import Groups, TestSet, baseline_predictions
from modelyard.metrics.catalogue import METRICS, PRIMARY
from modelyard.metrics.predictions import Predictions
from modelyard.metrics.templates import TEMPLATES
from modelyard.records.results import GateResult, Signature
from modelyard.report import wording
from modelyard.stats import estimate
from modelyard.stats.proportions import clopper_pearson, proportion

N = 4000
BINARY = Signature(features=(), task="binary", classes=(False, True), positive=True, threshold=0.5)


def truth(y: Any, *, unit: Any = None, in_time_order: bool = False, weight: Any = None) -> TestSet:
    return TestSet(y, unit, "row" if unit is None else "day", in_time_order, weight, seed=7, confidence=0.95)


def model(y: Any, strength: float, seed: int) -> Predictions:
    """A binary model: the share ``strength`` of its score is the truth."""
    draw = np.random.default_rng(seed)
    probability = np.clip(strength * y + (1 - strength) * draw.random(len(y)), 0, 1)
    return Predictions(2, (probability >= 0.5).astype(np.int64), probability)


@pytest.fixture(scope="module")
def y() -> Any:
    return (np.random.default_rng(1).random(N) < 0.3).astype(np.int64)


def gate(**fields: Any) -> rules.Rule:
    found = rules.from_config((Gate(**fields),), "binary", lambda _: 12, "modelyard.yml")
    return found[0]


def judged(rule: rules.Rule, y: Any, columns: Any = None, **models: Predictions) -> GateResult:
    everything = baseline_predictions({"share_0": 0.7, "share_1": 0.3}, BINARY, len(y))
    return judge(rule, truth(y), {**everything, **models}, columns or {})


def both(*arguments: Any) -> tuple[tuple[GateResult, ...], Verdict]:
    found = judgement.judge_all(*arguments)
    return found, judgement.verdict_of(found)


def test_a_bound_passes_fails_or_cannot_be_told(y: Any) -> None:
    strong = model(y, 0.4, 2)
    level = judged(gate(metric="roc_auc", at_least=0.5), y, challenger=strong)
    assert level.verdict is Verdict.PASS
    assert level.estimate.low is not None
    assert level.estimate.high is not None
    just_inside = judged(gate(metric="roc_auc", at_least=level.estimate.low), y, challenger=strong)
    assert just_inside.verdict is Verdict.PASS
    between = judged(gate(metric="roc_auc", at_least=level.estimate.low + 1e-6), y, challenger=strong)
    assert between.verdict is Verdict.INCONCLUSIVE
    assert between.smallest_visible is not None
    assert between.would_decide in ("pass", "fail", "unrealistic")
    out_of_reach = judged(gate(metric="roc_auc", at_least=level.estimate.high + 1e-6), y, challenger=strong)
    assert out_of_reach.verdict is Verdict.FAIL
    assert out_of_reach.units_to_decide is None


def test_a_loss_is_shown_in_its_own_direction(y: Any) -> None:
    better, worse = model(y, 0.5, 2), model(y, 0.3, 3)
    found = judged(gate(metric="log_loss", no_worse_than="champion", margin=0.01), y, challenger=better, champion=worse)
    assert found.verdict is Verdict.PASS
    assert found.estimate.value is not None
    assert found.estimate.value < 0
    turned = judged(
        gate(metric="log_loss", no_worse_than="champion", margin=0.01), y, challenger=worse, champion=better
    )
    assert turned.verdict is Verdict.FAIL
    assert turned.estimate.value == pytest.approx(-found.estimate.value)
    assert turned.estimate.low == pytest.approx(-(found.estimate.high or 0))


@pytest.mark.parametrize("metric", ["roc_auc", "accuracy", "log_loss", "f1"])
@pytest.mark.parametrize("margin", [0.01, "2 %", "10 % of gain"])
def test_equal_models_are_no_worse_and_not_better(y: Any, metric: str, margin: float | str) -> None:
    same = model(y, 0.4, 2)
    no_worse = judged(gate(metric=metric, no_worse_than="champion", margin=margin), y, challenger=same, champion=same)
    better = judged(gate(metric=metric, better_than="champion", margin=margin), y, challenger=same, champion=same)
    assert (no_worse.verdict, better.verdict) == (Verdict.PASS, Verdict.FAIL)
    assert no_worse.estimate.identical


def test_without_a_champion_its_gates_are_listed_and_not_counted(y: Any) -> None:
    found = judged(gate(metric="roc_auc", no_worse_than="champion", margin=0.01), y, challenger=model(y, 0.4, 2))
    assert found.verdict is Verdict.NOT_APPLICABLE


def test_a_run_in_which_no_gate_applies_is_refused(y: Any) -> None:
    rule = gate(metric="roc_auc", no_worse_than="champion", margin=0.01)
    with pytest.raises(ConfigError, match="no gate applies"):
        both((rule,), truth(y), {"challenger": model(y, 0.4, 2)}, {})


def test_labels_cannot_be_judged_by_a_metric_of_probabilities(y: Any) -> None:
    labels = Predictions(2, label=model(y, 0.4, 2).label)
    found = judged(gate(metric="roc_auc", at_least=0.5), y, challenger=labels)
    assert found.verdict is Verdict.ERROR
    assert found.reason == because("lacks-output", metric="roc_auc", needs="probability", role="challenger")
    assert judged(gate(metric="accuracy", at_least=0.5), y, challenger=labels).verdict is Verdict.PASS


def test_a_gate_against_a_baseline_that_is_not_there_is_an_error(y: Any) -> None:
    found = judge(gate(metric="roc_auc", better_than="baseline"), truth(y), {"challenger": model(y, 0.4, 2)}, {})
    assert (found.verdict, found.reason) == (Verdict.ERROR, because("no-reference", reference="baseline"))


def test_one_class_in_the_test_rows_cannot_be_told() -> None:
    y = np.zeros(200, dtype=np.int64)
    found = judged(gate(metric="roc_auc", at_least=0.5), y, challenger=model(y, 0.0, 2))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason == because("classes-absent", classes=("1",))


def test_constant_predictions_are_not_better_than_the_baseline(y: Any) -> None:
    constant = Predictions(2, np.zeros(N, dtype=np.int64), np.full(N, 0.3))
    assert judged(gate(metric="roc_auc", better_than="baseline"), y, challenger=constant).verdict is Verdict.FAIL


def test_an_allowed_inconclusive_gate_holds_nothing_back(y: Any) -> None:
    strong = model(y, 0.4, 2)
    sure = gate(metric="roc_auc", at_least=0.5)
    low = judged(sure, y, challenger=strong).estimate.low
    unsure = gate(metric="roc_auc", at_least=(low or 0) + 1e-6, inconclusive="allow")
    found, verdict = both((sure, unsure), truth(y), {"challenger": strong}, {})
    assert [one.verdict for one in found] == [Verdict.PASS, Verdict.INCONCLUSIVE]
    assert found[1].allowed
    assert verdict is Verdict.PASS
    with pytest.raises(ConfigError, match="so there is no verdict"):
        both((unsure,), truth(y), {"challenger": strong}, {})


def test_recall_against_the_baseline_is_refused_with_its_line() -> None:
    with pytest.raises(ConfigError, match=r"modelyard.yml:12: evaluate.gates\[0\].metric: recall cannot be compared"):
        gate(metric="recall", better_than="baseline")


@pytest.mark.parametrize(
    ("metric", "words"), [("auc", "roc_auc"), ("r2", "is a metric for regression, and this task is binary")]
)
def test_a_metric_that_is_unknown_or_for_another_task_is_named(metric: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        gate(metric=metric, at_least=0.5)


def test_slices_are_reported_largest_first(y: Any) -> None:
    columns = {"carrier": Groups.of(["AA"] * 3000 + ["UA"] * 990 + ["HA"] * 10)}
    found = judged(gate(metric="accuracy", at_least=0.6, by=["carrier"]), y, columns, challenger=model(y, 0.4, 2))
    assert [(row.value, row.challenger.rows) for row in found.slices] == [("AA", 3000), ("UA", 990), ("HA", 10)]
    assert found.verdict is Verdict.PASS


def test_units_are_counted_and_widen_the_interval(y: Any) -> None:
    days = np.arange(N) // 40
    shock = np.random.default_rng(5).random(100)[days]
    score = np.clip(model(y, 0.4, 2).probability + (shock - 0.5) * 0.8, 0, 1)  # type: ignore[operator]  # it has one
    predictions = Predictions(2, (score >= 0.5).astype(np.int64), score)
    rule = gate(metric="accuracy", at_least=0.5)
    by_row = judge(rule, truth(y), {"challenger": predictions}, {})
    by_day = judge(rule, truth(y, unit=days, in_time_order=True), {"challenger": predictions}, {})
    assert (by_row.estimate.n, by_day.estimate.n) == (N, 100)
    assert _width(by_day) > 2 * _width(by_row)


def _width(found: GateResult) -> float:
    assert found.estimate.low is not None
    assert found.estimate.high is not None
    return found.estimate.high - found.estimate.low


def test_default_gates_pass_a_better_model_and_hold_a_worse_one(y: Any) -> None:
    primary = METRICS.get(PRIMARY["binary"])
    default = rules.defaults(primary, champion_gains=True)
    baseline = baseline_predictions({"share_0": 0.7, "share_1": 0.3}, BINARY, N)["baseline"]
    strong, weak = model(y, 0.4, 2), model(y, 0.1, 3)
    _, up = both(default, truth(y), {"challenger": strong, "champion": weak, "baseline": baseline}, {})
    _, down = both(default, truth(y), {"challenger": weak, "champion": strong, "baseline": baseline}, {})
    assert (up, down) == (Verdict.PASS, Verdict.FAIL)


def test_default_gates_on_a_first_run_ask_for_more_than_the_baseline(y: Any) -> None:
    default = rules.defaults(METRICS.get("roc_auc"), champion_gains=True)
    noise = Predictions(2, np.zeros(N, dtype=np.int64), np.random.default_rng(9).random(N))
    baseline = baseline_predictions({"share_0": 0.7, "share_1": 0.3}, BINARY, N)["baseline"]
    found, verdict = both(default, truth(y), {"challenger": noise, "baseline": baseline}, {})
    assert verdict is not Verdict.PASS
    assert Verdict.NOT_APPLICABLE in [one.verdict for one in found]


def _regression(seed: int, noise: float) -> Callable[[Any], Predictions]:
    return lambda y: Predictions(value=y + noise * np.random.default_rng(seed).normal(size=len(y)))


@pytest.mark.parametrize("metric", ["root_mean_squared_error", "mean_absolute_error", "r2"])
def test_regression_metrics_tell_a_better_model(metric: str) -> None:
    y = np.random.default_rng(3).normal(size=600)
    better, worse = _regression(1, 0.5)(y), _regression(2, 0.9)(y)
    found = rules.from_config((Gate(metric=metric, better_than="champion"),), "regression", lambda _: 1, "m.yml")
    models = {"challenger": better, "champion": worse}
    assert judge(found[0], truth(y), models, {}).verdict is Verdict.PASS
    turned = {"challenger": worse, "champion": better}
    assert judge(found[0], truth(y), turned, {}).verdict is Verdict.FAIL


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision", "roc_auc_ovr"])
def test_a_faultless_weighted_ranking_still_has_an_interval(metric: str) -> None:
    y = (np.arange(600) % 2).astype(np.int64)
    weight = np.random.default_rng(4).uniform(0.5, 2.0, 600)
    score = np.clip(y * 0.4 + 0.5 * np.random.default_rng(5).random(600) * 0.7 + 0.01, 0, 1)
    found = measure.level(
        METRICS.get(metric),
        truth(y, weight=weight),
        Predictions(2, None, np.column_stack([1 - score, score]) if metric.endswith("ovr") else score),
    )
    assert found.estimate == pytest.approx(1.0)
    assert found.low is not None
    assert 0.95 < found.low < 0.999
    unweighted = measure.level(METRICS.get("roc_auc"), truth(y), Predictions(2, None, score))
    assert metric != "roc_auc" or found.low < (unweighted.low or 0), "weights are worth fewer rows"


def test_resamples_that_differ_by_rounding_alone_give_no_interval() -> None:
    draw = np.random.default_rng(6)
    found = estimate.level_statistic(
        lambda _: 0.7 + 1e-16 * int(draw.integers(0, 9)), estimate.Resampling(n=100, seed=1)
    )
    assert (found.low, found.refused) == (None, because("constant-resamples"))


def test_the_joint_chance_is_of_the_gates_that_decide_and_can_be_passed(y: Any) -> None:
    same = {"challenger": model(y, 0.4, 2), "champion": model(y, 0.4, 3)}
    level, paired = gate(metric="roc_auc", at_least=0.5), gate(metric="accuracy", no_worse_than="champion", margin=0.02)
    open_one = gate(metric="roc_auc", at_least=0.8, inconclusive="allow")
    found = judgement.judge_all((level, paired), truth(y), same, {})
    chances = [one.equal_chance for one in found]
    assert judgement.equal_chance(found) == pytest.approx(np.prod([each or 0 for each in chances]))
    few = truth(y, unit=np.arange(N) % 29)
    refused = judgement.judge_all((level, paired), few, same, {})
    assert refused[1].equal_chance is not None
    assert judgement.equal_chance(refused) is None, "29 units are too few for the level, whoever is judged"
    allowed = judgement.judge_all((paired, open_one), few, same, {})
    assert judgement.equal_chance(allowed) == allowed[0].equal_chance


def three(seed: int, n: int = 600) -> tuple[Any, Predictions, Predictions]:
    """Truth of three classes, and two models that were fitted alike."""
    draw = np.random.default_rng(seed)
    y = draw.choice(3, n, p=(0.6, 0.3, 0.1)).astype(np.int64)
    models = []
    for _ in range(2):
        raw = draw.random((n, 3)) + 0.6 * np.eye(3)[y]
        probability = raw / raw.sum(axis=1, keepdims=True)
        models.append(Predictions(3, probability.argmax(axis=1).astype(np.int64), probability))
    return y, models[0], models[1]


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_a_ranking_of_one_class_of_three_is_judged_as_the_class_against_the_rest(name: str) -> None:
    y, first, second = three(1)
    of_class, of_two = TEMPLATES.get(name).make("late", 1), METRICS.get(name)
    own = (y == 1).astype(np.int64)
    one, other = (Predictions(2, None, each.probabilities[:, 1]) for each in (first, second))
    assert measure.level(of_class, truth(y), first) == measure.level(of_two, truth(own), one)
    pairs = [Combination([first, second], [1.0, -1.0]), Combination([one, other], [1.0, -1.0])]
    assert measure.contrast(of_class, truth(y), pairs[0]) == measure.contrast(of_two, truth(own), pairs[1])
    only = np.flatnonzero(y != 1)
    named = replace(truth(y[only]), classes=("early", "late", "lost"))
    refused = measure.contrast(of_class, named, Combination([first.take(only), second.take(only)], [1.0, -1.0]))
    assert refused.refused == because("classes-absent", classes=("late",))


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "recall", "precision", "f1"])
def test_slices_are_judged_by_a_metric_of_one_class(name: str) -> None:
    y, first, second = three(3, 3_000)
    metric = TEMPLATES.get(name).make("of_class", 0)
    written = (
        Gate(metric="of_class", at_least=0.3, by=("part",)),
        Gate(metric="of_class", no_worse_than="champion", margin=0.1, by=("part",)),
    )
    asked = rules.from_config(written, "multiclass", lambda _: 1, "modelyard.yml", {"of_class": metric})
    parts = {"part": Groups.of(np.arange(len(y)) % 2)}
    for rule in asked:
        found = judge(rule, truth(y), {"challenger": first, "champion": second}, parts)
        assert (found.verdict, [row.verdict for row in found.slices]) == (Verdict.PASS, [Verdict.PASS] * 2)


def test_a_recall_of_one_class_is_judged_on_its_rows() -> None:
    y, first, _ = three(2)
    found = measure.level(TEMPLATES.get("recall").make("late", 2), truth(y), first)
    assert found == proportion(int((first.labels[y == 2] == 2).sum()), int((y == 2).sum()))


def test_a_correlation_without_a_single_error_knows_that_errors_may_come() -> None:
    y = np.repeat(np.arange(2), 60)
    found = measure.level(METRICS.get("matthews_corrcoef"), truth(y), Predictions(2, y))
    low, _ = clopper_pearson(60, 60)
    assert (found.estimate, found.high) == (1.0, 1.0)
    assert found.low is not None
    assert found.low < low, "either class alone moves it almost that far"


def test_a_percentage_of_nothing_is_refused_in_words() -> None:
    y = np.append(np.linspace(1, 2, 200), [0.0, 0.0])
    metric = METRICS.get("mean_absolute_percentage_error")
    found = measure.level(metric, truth(y), Predictions(value=y + 0.1))
    assert found.low is None
    assert found.refused is not None
    assert wording.because(found.refused).startswith("actual values that are 0: 2; nothing is a percentage of 0")
    model = Predictions(value=np.append(np.ones(201), -1.0))
    why = measure.level(METRICS.get("mean_poisson_deviance"), truth(y), model).refused
    assert why is not None
    assert wording.because(why) == "predictions that are 0 or below: 1; mean_poisson_deviance needs them above 0"
