"""The gates as a library: what goes in, what comes out, and what is refused, with words that name the arguments."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.gates import ConfigError, DataError, Gate, Judgement, ModelyardError, Verdict, judge

N = 600
DRAW = np.random.default_rng(5)
Y = (DRAW.random(N) < 0.4).astype(np.int64)
SHOP = DRAW.choice(["north", "south"], N)
AUC = [{"metric": "roc_auc", "at_least": 0.6}]


def scores(strength: float, seed: int, y: Any = Y) -> Any:
    return strength * y + (1 - strength) * np.random.default_rng(seed).random(len(y))


GOOD, FAIR = scores(0.4, 1), scores(0.2, 2)


def binary(gates: Any = AUC, **more: Any) -> Judgement:
    return judge(gates, **{"y": Y, "challenger": GOOD, "task": "binary", **more})


def numbers(found: Judgement) -> list[Any]:
    return [(gate.state, gate.estimate.value, gate.interval) for gate in found.gates]


def test_a_judgement_is_a_word_and_holds_what_decided() -> None:
    found = binary(
        champion=FAIR,
        gates=[
            {"metric": "accuracy", "at_least": 0.6},
            {"metric": "roc_auc", "no_worse_than": "champion", "margin": 0.01},
        ],
    )
    assert found.verdict == "pass"
    assert found
    level, difference = found.gates
    assert (level.name, level.rule, level.state) == ("accuracy-at-least", "accuracy at least 0.6", "pass")
    assert level.interval is not None
    assert level.interval[0] < (level.estimate.value or 0) < level.interval[1]
    assert (level.estimate.n, level.estimate.unit, level.estimate.method) == (N, "row", "Wilson")
    assert difference.reference is not None
    assert difference.required == "> −0.01".replace(" ", "\N{NO-BREAK SPACE}")
    assert found["roc-auc-no-worse-than-champion"] is difference
    assert {row.metric for row in found.metrics} >= {"roc_auc", "accuracy", "log_loss"}
    assert json.loads(json.dumps(found.as_data()))["gates"][0]["state"] == "pass"


def test_what_does_not_pass_is_false_and_says_why_in_one_line_and_in_several() -> None:
    found = binary([{"metric": "roc_auc", "at_least": 0.99}, {"metric": "recall", "at_least": 0.3, "by": ["shop"]}],
                   slices={"shop": SHOP})  # fmt: skip
    assert found.verdict == Verdict.FAIL
    assert not found
    assert repr(found).startswith("<hold: 1 pass, 1 fail; 600 rows; roc_auc at least 0.99: 0.")
    assert "\n" not in repr(found)
    assert len(repr(found)) < 240
    lines = str(found).splitlines()
    assert lines[0] == "hold: 1 pass, 1 fail; 600 rows"
    assert lines[1].split()[:5] == ["fail", "roc_auc", "at", "least", "0.99"]
    assert "required ≥" in lines[2]
    assert {(row.column, row.value) for row in found.gates[1].slices} == {("shop", "north"), ("shop", "south")}
    with pytest.raises(KeyError, match="gates: roc-auc-at-least, recall-at-least-by-shop"):
        found["auc"]


def test_a_notebook_shows_a_table_in_which_nothing_is_markup() -> None:
    found = binary([{"metric": "recall", "at_least": 0.99, "by": [{"<b>x</b>": "<i>a</i>"}]}],
                   slices={"<b>x</b>": ["<i>a</i>"] * N})  # fmt: skip
    html = found._repr_html_()
    assert "<table>" in html
    assert "<i>" not in html
    assert "recall at least 0.99" in html


def test_pytest_shows_the_gate_that_failed(tmp_path: Any) -> None:
    (tmp_path / "test_model.py").write_text(
        "from modelyard.gates import judge\n"
        "def test_model():\n"
        "    y = [0, 1] * 100\n"
        "    p = [0.2, 0.8, 0.6, 0.4] * 50\n"
        "    gates = [{'metric': 'roc_auc', 'at_least': 0.9}]\n"
        "    assert judge(gates, y, challenger=p, task='binary').verdict == 'pass'\n"
        "def test_bare():\n"
        "    assert judge([{'metric': 'accuracy', 'at_least': 0.9}], [0, 1], challenger=[0, 1], task='binary')\n",
        "utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_model.py"]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "assert 'fail' == 'pass'" in done.stdout
    assert "<hold: 1 fail; 200 rows; roc_auc at least 0.9: 0.7500 [" in done.stdout
    assert "assert <cannot tell yet: 1 inconclusive; 2 rows; accuracy at least 0.9: " in done.stdout


def test_it_is_light_until_something_is_judged() -> None:
    script = (
        "import sys; import modelyard.gates; "
        "heavy = {'numpy', 'polars', 'pandas', 'scipy', 'sklearn', 'pydantic', 'yaml'} & set(sys.modules); "
        "assert not heavy, heavy; modelyard.gates.Gate"
    )
    subprocess.run([sys.executable, "-I", "-c", script], check=True)


# what goes in

WORDS = np.where(Y == 1, "yes", "no")
KINDS: dict[str, Callable[[Any], Any]] = {
    "list": lambda values: np.asarray(values).tolist(),
    "tuple": lambda values: tuple(np.asarray(values).tolist()),
    "list of NumPy's numbers": list,
    "pandas": lambda values: pd.Series(values, index=np.arange(len(values))[::-1]),
    "polars": lambda values: pl.Series("mine", values),
    "objects": lambda values: np.array(np.asarray(values).tolist(), dtype=object),
    "one column": lambda values: np.asarray(values)[:, None],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("y", [Y, Y == 1, Y.astype(float), WORDS], ids=["codes", "booleans", "floats", "text"])
def test_every_kind_of_array_gives_the_same_numbers(kind: str, y: Any) -> None:
    gates = [
        {"metric": "roc_auc", "no_worse_than": "champion", "margin": 0.01},
        {"metric": "recall", "at_least": 0.2, "by": ["shop"]},
    ]
    plain = binary(gates, champion=FAIR, slices={"shop": SHOP}, unit=SHOP)
    made = KINDS[kind]
    found = binary(gates, y=made(y), challenger=made(GOOD), champion=made(FAIR), slices={"shop": made(SHOP)},
                   unit=made(SHOP))  # fmt: skip
    assert numbers(found) == numbers(plain)
    assert [row.value for row in found.gates[1].slices] == [row.value for row in plain.gates[1].slices]


def test_probabilities_of_both_classes_are_read_in_the_order_of_the_classes_or_by_name() -> None:
    plain = binary()
    table = np.column_stack([1 - GOOD, GOOD])
    assert numbers(binary(challenger=table)) == numbers(plain)
    assert numbers(binary(challenger=table[:, ::-1], classes=[1, 0])) == numbers(plain)
    assert numbers(binary(challenger=pd.DataFrame({1: GOOD, 0: 1 - GOOD}))) == numbers(plain)
    assert numbers(binary(challenger=pl.DataFrame({"probability": GOOD}))) == numbers(plain)
    assert numbers(binary(challenger={"probability_1": GOOD, "probability_0": 1 - GOOD})) == numbers(plain)
    other = binary(positive=0, challenger=1 - GOOD)
    assert other.gates[0].estimate.value == pytest.approx(plain.gates[0].estimate.value)
    assert numbers(binary(positive=0, challenger=table)) == numbers(other)


def test_labels_are_told_from_probabilities_by_their_type() -> None:
    gates = [{"metric": "accuracy", "at_least": 0.5}]
    label = (GOOD >= 0.5).astype(int)
    plain = binary(gates)
    assert numbers(binary(gates, challenger=label)) == numbers(plain)
    assert numbers(binary(gates, y=WORDS, challenger=np.where(label, "yes", "no"))) == numbers(plain)
    without = binary(challenger=label)
    assert (str(without.verdict), without.gates[0].reason) == (
        "error", "roc_auc needs a probability, which the challenger does not give",
    )  # fmt: skip


def test_thresholds_belong_to_models() -> None:
    gates = [{"metric": "recall", "no_worse_than": "champion", "margin": 0.01}]
    found = binary(gates, champion=GOOD * 0.5, threshold={"champion": 0.25})
    assert found.gates[0].estimate.value == 0.0
    assert binary(gates, champion=GOOD * 0.5).gates[0].estimate.value != 0.0


def test_several_classes_and_numbers() -> None:
    draw = np.random.default_rng(3)
    y = draw.choice(["a", "b", "c"], N)
    raw = draw.random((N, 3)) + 0.7 * (y[:, None] == np.array(["a", "b", "c"]))
    table = raw / raw.sum(axis=1, keepdims=True)
    gates = [{"metric": "accuracy", "at_least": 0.4}, {"metric": "log_loss", "better_than": "baseline"}]
    found = judge(gates, y, challenger=table, train_y=y, task="multiclass")
    assert found.verdict == "pass"
    moved = judge(gates, y, challenger=table[:, [2, 0, 1]], train_y=y, task="multiclass", classes=["c", "a", "b"])
    assert [one.estimate.value for one in moved.gates] == pytest.approx([one.estimate.value for one in found.gates])
    value = draw.normal(size=N)
    regression = judge(None, value, challenger=value + 0.1 * draw.normal(size=N), train_y=value, task="regression")
    assert regression.verdict == "pass"
    median = [{"metric": "mean_absolute_error", "better_than": "baseline", "margin": 0.1}]
    assert judge(median, value, challenger=value, baseline=np.zeros(N), task="regression").verdict == "pass"


def test_days_come_from_times_and_units_keep_their_name() -> None:
    times = pd.Series(pd.date_range("2026-01-01", periods=N, freq="5h", tz="Europe/Berlin"))
    found = binary(times=times)
    assert (found.unit, found.units) == ("day", 125)
    assert binary(times=times.dt.tz_localize(None).to_numpy(), unit={"every": "week"}).unit == "week"
    assert binary(unit=pd.Series(np.arange(N) % 60, name="store")).headline.endswith("600 rows, 60 units (store)")
    assert binary(unit=np.arange(N) % 60).gates[0].estimate.unit == "unit"


def test_units_of_unequal_size_and_weights_are_worth_less_than_they_are() -> None:
    store = np.where(np.arange(N) < N // 2, 0, 1 + np.arange(N) % 60)
    found = binary([{"metric": "accuracy", "at_least": 0.5}], unit=pd.Series(store, name="store"))
    estimate = found.gates[0].estimate
    sizes = np.bincount(store)
    assert estimate.n == 61
    assert estimate.effective == pytest.approx(N**2 / (sizes**2).sum())
    assert estimate.largest == pytest.approx(0.5)
    weight = np.where(np.arange(N) < 6, 1.0, 1e-3)
    weighted = binary([{"metric": "accuracy", "at_least": 0.5}], weight=weight)
    assert weighted.gates[0].estimate.effective < 15
    assert weighted.verdict != "pass"
    assert binary().gates[0].estimate.effective == N


def test_a_model_that_calls_nothing_positive_gets_a_remark() -> None:
    found = binary(challenger=GOOD * 0.45)
    assert found.verdict == "pass"
    assert [remark.split(",")[0] for remark in found.remarks] != []
    assert "note: " in str(found)
    assert "Note: " in found._repr_html_()
    assert binary().remarks == ()


def test_a_best_promoted_model_is_a_second_reference() -> None:
    gates = [
        {"metric": "roc_auc", "no_worse_than": "best-promoted", "margin": 0.01},
        {"metric": "roc_auc", "no_worse_than": "champion", "margin": 0.01},
    ]
    assert [gate.state for gate in binary(gates, champion=FAIR, best_promoted=scores(0.8, 4)).gates] == ["fail", "pass"]
    same = binary(gates, champion=FAIR)
    assert same.gates[0].estimate == same.gates[1].estimate


def test_without_a_champion_its_gates_do_not_apply() -> None:
    found = binary([*AUC, {"metric": "roc_auc", "no_worse_than": "champion", "margin": 0.01}])
    assert [gate.state for gate in found.gates] == ["pass", "not-applicable"]
    assert found.gates[1].reason == "there is no champion yet"
    assert found.verdict == "pass"


def test_gates_may_be_typed() -> None:
    typed = Gate(metric="recall", at_least=0.2, by=("shop", {"shop": "north"}))
    written = {"metric": "recall", "at_least": 0.2, "by": ["shop", {"shop": "north"}]}
    slices = {"shop": SHOP}
    assert numbers(binary([typed], slices=slices)) == numbers(binary([written], slices=slices))
    assert binary([{"metric": "roc_auc", "at_least": np.float32(0.6)}]).verdict == "pass"


def test_metrics_with_costs_or_a_parameter_are_written_as_in_the_configuration() -> None:
    costs = {
        "mistakes": {"costs": [{"actual": 1, "predicted": 0, "cost": 10}, {"actual": 0, "predicted": 1, "cost": 1}]}
    }
    found = binary([{"metric": "mistakes", "at_most": 9}], metrics=costs)
    label = GOOD >= 0.5
    assert found.gates[0].estimate.value == pytest.approx(np.where(Y == 1, 10 * ~label, label).mean())
    y = np.arange(N) % 3
    table = np.random.default_rng(1).dirichlet(np.ones(3), N)
    top = {"top_2": {"metric": "top_k_accuracy", "k": 2}}
    gates = [{"metric": "top_2", "at_least": 0.5}]
    assert judge(gates, y, challenger=table, task="multiclass", metrics=top).gates[0].state == "pass"


# what holds for any rows

ROWS = st.integers(min_value=60, max_value=200)


@settings(max_examples=15, deadline=None)
@given(rows=ROWS, seed=st.integers(0, 2**20), strength=st.floats(0.05, 0.9))
def test_the_order_of_the_rows_does_not_matter_and_the_difference_turns_with_the_models(
    rows: int, seed: int, strength: float
) -> None:
    draw = np.random.default_rng(seed)
    y = np.arange(rows) % 2
    one, two = scores(strength, seed, y), scores(0.3, seed + 1, y)
    gates = [
        {"metric": "accuracy", "at_least": 0.5},
        {"metric": "roc_auc", "no_worse_than": "champion", "margin": 0.05},
    ]
    plain = judge(gates, y, challenger=one, champion=two, task="binary")
    order = draw.permutation(rows)
    moved = judge(gates, y[order], challenger=one[order], champion=two[order], task="binary")
    for first, second in zip(plain.gates, moved.gates, strict=True):
        assert first.state == second.state
        assert second.interval == pytest.approx(first.interval) if first.interval else second.interval is None
    turned = judge(gates, y, challenger=two, champion=one, task="binary")
    assert turned.gates[1].estimate.value == pytest.approx(-(plain.gates[1].estimate.value or 0.0), abs=1e-12)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**20), bound=st.floats(0.05, 0.95))
def test_a_pass_means_that_the_whole_interval_reaches_the_bound(seed: int, bound: float) -> None:
    y = np.arange(120) % 2
    found = judge([{"metric": "accuracy", "at_least": bound}], y, challenger=scores(0.3, seed, y), task="binary")
    assert found.gates[0].interval is not None
    low, high = found.gates[0].interval
    assert found.verdict == ("pass" if low >= bound else "fail" if high < bound else "inconclusive")


# what is refused

BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "no rows": ({"y": [], "challenger": []}, "data/no-rows", "y holds no rows"),
    "other length": ({"y": Y[:-1]}, "data/array-length", "challenger has 600 rows, and y has 599"),
    "champion of another length": ({"champion": FAIR[:9]}, "data/array-length", "champion has 9 rows"),
    "slices of another length": ({"slices": {"shop": SHOP[:3]}}, "data/array-length", "slices['shop'] has 3 rows"),
    "units of another length": ({"unit": SHOP[:3]}, "data/array-length", "unit has 3 rows"),
    "no challenger": ({"challenger": None}, "data/array-shape", "no predictions of the challenger"),
    "truth missing": ({"y": [None, *Y[1:].tolist()]}, "data/missing-target", "1 of 600 rows of y are missing"),
    "truth NaN": ({"y": np.where(Y == 1, np.nan, 0.0)}, "data/missing-target", "rows of y are missing"),
    "score NaN": ({"challenger": np.where(SHOP == "north", np.nan, GOOD)}, "model/not-finite", "NaN, missing or inf"),
    "score missing": ({"challenger": [None, *GOOD[1:].tolist()]}, "model/not-finite", "1 of 600 predictions"),
    "not a probability": ({"challenger": GOOD * 2}, "model/probability-range", "outside 0 to 1"),
    "no label": ({"challenger": ["maybe"] * N}, "model/unknown-labels", "600 predicted labels are none of the 2"),
    "one class": ({"y": np.ones(N, dtype=int)}, "data/one-class", "y holds one class alone, 1"),
    "three classes": ({"y": np.arange(N) % 3}, "data/too-many-classes", "3 classes, and a binary task has two"),
    "spelling": ({"y": np.where(Y == 1, "yes", np.where(SHOP == "north", "Yes", "no"))}, "data/label-spelling", "case"),
    "three columns": ({"challenger": np.ones((N, 3)) / 3}, "model/other-classes", "3 columns of probabilities, and 2"),
    "cube": ({"y": np.ones((N, 2, 2))}, "data/array-shape", "y has the shape (600, 2, 2)"),
    "ragged": ({"challenger": [[0.1, 0.9], [0.2]] * (N // 2)}, "data/array-shape", "several lengths"),
    "mixed": ({"y": ["yes", 1, *Y[2:].tolist()]}, "data/array-kinds", "y holds values of several kinds"),
    "text among scores": ({"challenger": ["high", *GOOD[1:].tolist()]}, "data/array-kinds", "challenger holds values"),
    "complex": ({"challenger": GOOD + 0j}, "data/array-kinds", "challenger holds values"),
    "objects": ({"challenger": [object()] * N}, "data/array-kinds", "challenger holds values"),
    "weights below zero": ({"weight": -np.ones(N)}, "data/unusable-weights", "weight: "),
    "weights of text": ({"weight": SHOP}, "data/unusable-weights", "weight holds no numbers"),
    "unit missing": ({"unit": [None, *SHOP[1:].tolist()]}, "data/missing-values", "unit: 1 of 600 rows"),
    "times of text": ({"times": SHOP}, "data/not-a-time", "times: "),
    "times missing": ({"times": [None] * N}, "data/missing-values", "times: 600 of 600 rows"),
    "day without times": ({"unit": "day"}, "config/needs-time-column", "unit: a unit of one day needs times"),
    "no stretch": ({"unit": "dya"}, "config/unknown-unit", "Did you mean 'day'?"),
    "no zone": (
        {"times": pd.date_range("2026-01-01", periods=N), "unit": {"every": "day", "zone": "Nowhere"}},
        "config/unknown-time-zone", "Nowhere",
    ),
    "unknown metric": ({"gates": [{"metric": "auc", "at_least": 0.5}]}, "config/unknown-metric", "mean 'roc_auc'"),
    "metric of another task": ({"gates": [{"metric": "r2", "at_least": 0.5}]}, "config/metric-of-another-task", "r2"),
    "adjusted by rows that are not here": (
        {"gates": [{"metric": "accuracy", "at_least": 0.5, "adjust_by": "age"}]}, "evaluate/no-other-rows", "none",
    ),
    "a function": (
        {"metrics": {"mine": {"function": "a:b", "higher_is_better": True}}}, "config/function-in-call", "metrics.mine",
    ),
    "a name that is taken": (
        {"metrics": {"roc_auc": {"costs": [{"actual": 1, "predicted": 0, "cost": 1}]}}}, "config/metric-taken",
        "metrics.roc_auc",
    ),
    "costs of a class that is none": (
        {"metrics": {"mine": {"costs": [{"actual": 2, "predicted": 0, "cost": 1}]}}}, "metric/unknown-class", "class 2",
    ),
    "unknown key": ({"gates": [{"metric": "roc_auc", "at_leest": 1}]}, "config/unknown-key", "gates[0].at_leest"),
    "two operators": (
        {"gates": [{"metric": "roc_auc", "at_least": 0.5, "at_most": 0.9}]}, "config/one-operator", "gates[0].at_most",
    ),
    "bound out of reach": ({"gates": [{"metric": "roc_auc", "at_least": 2}]}, "config/senseless-gate", "reach"),
    "bound NaN": ({"gates": [{"metric": "roc_auc", "at_least": float("nan")}]}, "config/bad-value", "finite number"),
    "gate of a function": ({"gates": [{"metric": print, "at_least": 1}]}, "config/bad-value", "gates[0].metric"),
    "one gate": ({"gates": {"metric": "roc_auc", "at_least": 0.5}}, "config/bad-value", "gates are a list"),
    "no gate": ({"gates": []}, "config/bad-value", "judges nothing"),
    "no baseline": ({"gates": None}, "config/baseline-without-training-rows", "Pass train_y="),
    "no baseline for a gate": (
        {"gates": [*AUC, {"metric": "roc_auc", "better_than": "baseline"}]},
        "config/baseline-without-training-rows", "gates[1] compares with it",
    ),
    "recall of a baseline": (
        {"gates": [{"metric": "recall", "better_than": "baseline"}]}, "config/senseless-gate", "cannot be compared",
    ),
    "two baselines": ({"baseline": FAIR, "train_y": Y}, "config/bad-value", "only one of them can be the baseline"),
    "unknown slice": (
        {"gates": [{"metric": "roc_auc", "at_least": 0.5, "by": ["shopp"]}], "slices": {"shop": SHOP}},
        "config/unknown-slice", "Did you mean 'shop'?",
    ),
    "nothing applies": (
        {"gates": [{"metric": "roc_auc", "no_worse_than": "champion", "margin": 0.1}]},
        "evaluate/no-applicable-gate", "no champion",
    ),
    "unknown task": ({"task": "binry"}, "config/bad-value", "Did you mean 'binary'?"),
    "unknown positive": ({"positive": "yes"}, "config/unknown-class", "positive: 'yes' is none of the 2 labels"),
    "class of no name": ({"classes": [0, 2]}, "data/unknown-class", "y holds 1, which classes does not name"),
    "confidence": ({"confidence": 95}, "config/bad-value", "confidence: found 95"),
    "threshold": ({"threshold": 0}, "config/bad-value", "threshold: found 0"),
    "threshold of nobody": ({"threshold": {"champ": 0.3}}, "config/unknown-key", "Did you mean 'champion'?"),
    "a class twice": ({"classes": [0, 1, 1]}, "config/bad-value", "named twice"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_judged_is_refused_with_the_arguments_name(name: str) -> None:
    changed, code, words = BAD[name]
    if name == "nothing applies":
        words = "there is none yet"
    with pytest.raises(ModelyardError) as caught:
        binary(**changed)
    assert caught.value.code == code, str(caught.value)
    assert words in str(caught.value)
    assert isinstance(caught.value, ConfigError if caught.value.exit_code == 2 else DataError)
    for key in ("data.columns", "evaluate.", "model.p", "model.m"):
        assert key not in str(caught.value)


def test_one_class_among_the_test_rows_alone_cannot_be_told() -> None:
    y = np.ones(200, dtype=int)
    found = judge(AUC, y, challenger=GOOD[:200], task="binary", classes=[0, 1])
    assert (str(found.verdict), found.gates[0].reason) == ("inconclusive", "no row has the class 0")
    assert judge(AUC, y, challenger=GOOD[:200], task="binary", train_y=Y).verdict == "inconclusive"
