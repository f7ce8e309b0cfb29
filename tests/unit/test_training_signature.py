"""Features, target, weights and baseline from the training rows."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from modelyard.config.sections.data import Columns
from modelyard.config.sections.model import Model
from modelyard.core.errors import ConfigError, DataError
from modelyard.training.baseline import fit_baseline
from modelyard.training.signature import command_features, find_features, find_target, find_weight, signature
from tests.training_samples import rows


def columns(**given: Any) -> Columns:
    return Columns.model_validate({"target": "late", **given})


def model(task: str = "binary", **given: Any) -> Model:
    return Model.model_validate({"name": "m", "task": task, **given})


def kinds(found: Any) -> dict[str, str]:
    return {feature.name: feature.kind for feature in found.features}


def test_features_are_the_columns_without_another_role_in_their_order() -> None:
    given = columns(id="id", time="when", weight="weight", group="month", drop=["minutes"], protected=["night"],
                    personal=["carrier"])  # fmt: skip
    found = find_features(rows(), given)
    assert kinds(found) == {"delay": "numeric", "distance": "numeric", "carrier": "categorical"}
    assert found.left_out == {}


def test_a_unit_column_is_no_feature_and_booleans_are_their_own_kind() -> None:
    found = find_features(rows(), columns(unit={"column": "month"}, drop=["id"]))
    assert "month" not in kinds(found)
    assert kinds(found)["night"] == "boolean"


def test_times_and_empty_columns_are_left_out_and_said_so() -> None:
    found = find_features(rows().with_columns(empty=pl.lit(None), gone=pl.lit(None, pl.Float64)), columns())
    assert set(found.left_out) == {"when", "empty", "gone"}
    assert "hour" in found.left_out["when"]


@pytest.mark.parametrize("odd", [pl.Series([[1], [2]]), pl.Series([{"a": 1}, {"a": 2}]), pl.Series([b"1", b"2"])])
def test_a_column_that_no_model_takes_is_named(odd: pl.Series) -> None:
    frame = pl.DataFrame({"late": [True, False], "a": [1, 2], "odd": odd})
    with pytest.raises(DataError, match="'odd'"):
        find_features(frame, columns())
    assert kinds(find_features(frame, columns(drop=["odd"]))) == {"a": "numeric"}


def test_no_feature_left_is_an_error() -> None:
    with pytest.raises(DataError, match="no column is left"):
        find_features(rows().select("late", "when"), columns())


def test_a_command_sees_times_and_groups_too() -> None:
    given = columns(id="id", time="when", weight="weight", group="month", drop=["minutes"], protected=["night"])
    assert kinds(command_features(rows(), given)) == {
        "delay": "numeric", "distance": "numeric", "carrier": "categorical", "month": "categorical", "when": "time",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "positive", "classes"),
    [
        ([True, False, True], None, (False, True)),
        ([0, 1, 1], None, (0, 1)),
        ([1.0, 0.0, 1.0], None, (0, 1)),
        (["no", "yes", "no"], None, ("no", "yes")),
        (["no", "yes", "no"], "no", ("yes", "no")),
        ([0, 1, 1], True, (0, 1)),
        ([True, False, True], 0, (True, False)),
        ([1, 2, 2], 1, (2, 1)),
    ],
)
def test_the_positive_class_comes_second_and_its_rows_are_one(values: Any, positive: Any, classes: Any) -> None:
    target = find_target(pl.DataFrame({"y": values}), "y", model(positive=positive))
    assert target.classes == classes
    assert type(target.classes[1]) is type(classes[1])
    assert target.positive == classes[1]
    assert target.codes.tolist() == [int(value == classes[1]) for value in values]
    assert target.labels.tolist() == values


def test_classes_of_several_are_in_their_order() -> None:
    target = find_target(pl.DataFrame({"y": ["b", "a", "c", "a"]}), "y", model("multiclass"))
    assert (target.classes, target.codes.tolist(), target.positive) == (("a", "b", "c"), [1, 0, 2, 0], None)


def test_one_class_in_the_training_rows_is_an_error() -> None:
    for task in ("binary", "multiclass"):
        with pytest.raises(DataError, match="one class") as caught:
            find_target(pl.DataFrame({"y": [1, 1]}), "y", model(task))
        assert caught.value.exit_code == 3


def test_three_labels_are_not_binary() -> None:
    with pytest.raises(DataError, match="3 labels") as caught:
        find_target(pl.DataFrame({"y": [1, 2, 3]}), "y", model())
    assert "multiclass" in caught.value.hint


@pytest.mark.parametrize(
    "values",
    [["yes", "yes ", "no"], ["Yes", "yes", "YES"], ["no  way", "no way", "b"], ["\tno", "no", "yes"],
     ["no\u00a0way", "no way", "b"]],
)  # fmt: skip
@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_labels_that_differ_in_white_space_or_case_only_are_named(values: list[str], task: str) -> None:
    with pytest.raises(DataError) as caught:
        find_target(pl.DataFrame({"y": values}), "y", model(task))
    assert caught.value.code == "data/label-spelling"
    assert "(1 rows)" in caught.value.message
    assert repr(values[0]) in caught.value.message
    with pytest.raises(DataError) as caught:
        find_target(pl.DataFrame({"y": values}), "y", model(task), personal=True)
    assert caught.value.code == "data/label-spelling"
    assert not any(value.strip() in caught.value.message for value in values[:2])


@pytest.mark.parametrize(("values", "positive"), [(["a", "b"], "c"), ([0, 1], "1"), (["0", "1"], 1), ([1, 2], 3)])
def test_a_positive_class_that_is_no_label_is_a_configuration_error(values: Any, positive: Any) -> None:
    with pytest.raises(ConfigError, match="none of the 2 labels"):
        find_target(pl.DataFrame({"y": values}), "y", model(positive=positive))


@pytest.mark.parametrize("values", [["1", "2"], [True, False]])
def test_regression_needs_numbers(values: Any) -> None:
    with pytest.raises(DataError, match="regression needs numbers"):
        find_target(pl.DataFrame({"y": values}), "y", model("regression"))


@pytest.mark.parametrize(
    ("values", "task"), [([1.5, 2.0], "binary"), ([1.0, None], "binary"), ([1.0, float("nan")], "regression"),
                         ([1.0, float("inf")], "regression"), ([1.0, float("inf")], "binary")]
)  # fmt: skip
def test_a_target_that_cannot_be_learned_is_an_error(values: Any, task: str) -> None:
    with pytest.raises(DataError):
        find_target(pl.DataFrame({"y": values}), "y", model(task))


@pytest.mark.parametrize(
    "bad", [[1.0, None], [1.0, -1.0], [1.0, float("nan")], [1.0, float("inf")], [0.0, 0.0], ["a", "b"]]
)
def test_weights_that_weigh_nothing_are_refused(bad: Any) -> None:
    with pytest.raises(DataError):
        find_weight(pl.DataFrame({"w": bad}), columns(weight="w"))


def test_weights_are_numbers_or_absent() -> None:
    found = find_weight(pl.DataFrame({"w": [1, 2]}), columns(weight="w"))
    assert found is not None
    assert found.tolist() == [1.0, 2.0]
    assert find_weight(pl.DataFrame({"w": [1, 2]}), columns()) is None


def test_the_signature_holds_the_threshold_of_a_binary_task_alone() -> None:
    found = find_features(rows(), columns(drop=["when", "minutes"]))
    binary = find_target(rows(), "late", model())
    assert signature(found, binary, model(threshold=0.3)).threshold == 0.3
    assert signature(found, binary, model()).classes == (False, True)
    numbers = signature(found, find_target(rows(), "minutes", model("regression")), model("regression"))
    assert (numbers.threshold, numbers.classes, numbers.positive) == (None, (), None)


def test_the_baseline_is_weighted_shares_or_mean_and_median() -> None:
    y = np.array([0, 1, 1, 1])
    assert fit_baseline(y, None, "binary") == {"share_0": 0.25, "share_1": 0.75}
    assert fit_baseline(y, np.array([3.0, 1, 1, 1]), "binary") == {"share_0": 0.5, "share_1": 0.5}
    assert fit_baseline(np.array([0, 2]), None, "multiclass", 3) == {"share_0": 0.5, "share_1": 0.0, "share_2": 0.5}
    values = np.array([4.0, 1.0, 2.0, 9.0])
    found = fit_baseline(values, None, "regression")
    assert (found["mean"], found["median"], found["quantile_10"], found["quantile_95"]) == (4.0, 3.0, 1.0, 9.0)
    repeated = np.repeat(values, [2, 1, 3, 1])
    weighted = fit_baseline(values, np.array([2.0, 1, 3, 1]), "regression")
    assert weighted["median"] == np.median(repeated)
    assert weighted["mean"] == pytest.approx(repeated.mean())


def test_the_relative_median_is_the_constant_of_the_least_percentage_error() -> None:
    y, weight = np.random.default_rng(3).lognormal(size=201), np.random.default_rng(4).integers(1, 4, 201)
    found = fit_baseline(y, weight.astype(np.float64), "regression")["relative_median"]
    errors = [float(np.average(abs(y - constant) / y, weights=weight)) for constant in y]
    assert found == y[int(np.argmin(errors))]
    assert fit_baseline(np.zeros(3), None, "regression")["relative_median"] == 0.0
