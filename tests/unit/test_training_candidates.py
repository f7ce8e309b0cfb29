"""Candidates: grids in a stable order, scikit-learn's estimators alone, mistakes with the nearest spelling."""

from typing import Any

import pytest

from modelyard.config.sections.train import Candidate
from modelyard.core.errors import ConfigError, Place
from modelyard.training.candidates import Choice, expand, problem_with, resolve

LINEAR = "sklearn.linear_model.LogisticRegression"
BOOSTING = "sklearn.ensemble.HistGradientBoostingClassifier"


def choices(*candidates: dict[str, Any], task: Any = "binary", **options: Any) -> list[Choice]:
    given = {"seed": 7, "class_weight": None, "weighted": False, **options}
    return expand(
        [Candidate.model_validate(candidate) for candidate in candidates],
        task=task,
        place=lambda key: Place("modelyard.yml", None, ".".join(map(str, key))),
        **given,
    )


def test_lists_are_dimensions_and_the_last_one_varies_fastest() -> None:
    found = choices(
        {"estimator": BOOSTING, "params": {"learning_rate": [0.05, 0.1], "max_leaf_nodes": [31, 63], "max_iter": 10}},
        {"estimator": LINEAR},
    )
    assert [choice.name for choice in found] == [
        "HistGradientBoostingClassifier learning_rate=0.05 max_leaf_nodes=31 max_iter=10",
        "HistGradientBoostingClassifier learning_rate=0.05 max_leaf_nodes=63 max_iter=10",
        "HistGradientBoostingClassifier learning_rate=0.1 max_leaf_nodes=31 max_iter=10",
        "HistGradientBoostingClassifier learning_rate=0.1 max_leaf_nodes=63 max_iter=10",
        "LogisticRegression",
    ]
    assert found[0].params == {"learning_rate": 0.05, "max_leaf_nodes": 31, "max_iter": 10}


def test_the_same_candidate_twice_is_one() -> None:
    assert len(choices({"estimator": LINEAR, "params": {"C": [1.0, 1.0]}}, {"estimator": LINEAR})) == 2


def test_the_seed_is_set_where_it_is_taken_and_the_users_own_stays() -> None:
    seeded, own = choices({"estimator": BOOSTING}, {"estimator": BOOSTING, "params": {"random_state": 3}})
    assert seeded.build().random_state == 7
    assert own.build().random_state == 3
    (unseeded,) = choices({"estimator": "sklearn.naive_bayes.GaussianNB"})
    assert "random_state" not in unseeded.settings


def test_balanced_classes_are_the_estimators_own_where_it_takes_them_else_row_weights() -> None:
    own, by_rows = choices(
        {"estimator": LINEAR}, {"estimator": "sklearn.naive_bayes.GaussianNB"}, class_weight="balanced"
    )
    assert own.build().class_weight == "balanced"
    assert (own.weigh_classes, by_rows.weigh_classes) == (False, True)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sklearn.linear_model.LogisticRegresion", LINEAR),
        ("sklearn.ensemble.LogisticRegression", LINEAR),
        ("LogisticRegression", LINEAR),
        ("sklearn.ensemble.HistGradientBostingClassifier", BOOSTING),
    ],
)
def test_an_unknown_estimator_is_named_with_the_nearest(written: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=meant) as caught:
        choices({"estimator": LINEAR}, {"estimator": written})
    assert caught.value.exit_code == 2
    assert str(caught.value.place) == "modelyard.yml: train.candidates.1.estimator"
    assert problem_with(written) is not None
    assert problem_with(meant) is None


@pytest.mark.parametrize(
    "written",
    ["os.system", "xgboost.XGBClassifier", "sklearn.linear_model._logistic.LogisticRegression", "sklearn",
     "sklearn.preprocessing.StandardScaler", "sklearn.utils.check_array", "sklearn.base.ClassifierMixin", ""],
)  # fmt: skip
def test_nothing_but_public_scikit_learn_estimators_is_taken(written: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(written)
    assert caught.value.code == "config/unknown-estimator"


def test_a_regressor_is_none_for_classes_and_the_classifier_is_named() -> None:
    with pytest.raises(ConfigError, match="RandomForestClassifier"):
        choices({"estimator": "sklearn.ensemble.RandomForestRegressor"})


def test_an_estimator_made_of_estimators_points_to_an_entrypoint() -> None:
    with pytest.raises(ConfigError, match="made of other estimators") as caught:
        choices({"estimator": "sklearn.ensemble.VotingClassifier"})
    assert "train.entrypoint" in caught.value.hint


def test_an_unknown_parameter_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'learning_rates'.*Did you mean 'learning_rate'") as caught:
        choices({"estimator": BOOSTING, "params": {"learning_rates": 0.1}})
    assert str(caught.value.place) == "modelyard.yml: train.candidates.0.params.learning_rates"


@pytest.mark.parametrize("value", [-1.0, "much", [1.0, -1.0]])
def test_a_value_that_scikit_learn_refuses_is_refused_before_any_fit(value: Any) -> None:
    with pytest.raises(ConfigError, match="'C' parameter of LogisticRegression"):
        choices({"estimator": LINEAR, "params": {"C": value}})


def test_an_empty_list_leaves_nothing_to_try() -> None:
    with pytest.raises(ConfigError, match="nothing to try"):
        choices({"estimator": LINEAR, "params": {"C": []}})


def test_weights_that_an_estimator_cannot_take_are_refused() -> None:
    neighbours = {"estimator": "sklearn.neighbors.KNeighborsClassifier"}
    with pytest.raises(ConfigError, match=r"does not support row weights"):
        choices(neighbours, weighted=True)
    with pytest.raises(ConfigError, match=r"does not support class weights"):
        choices(neighbours, class_weight="balanced")


def test_class_weights_mean_nothing_for_numbers() -> None:
    with pytest.raises(ConfigError, match="regression"):
        choices({"estimator": "sklearn.linear_model.Ridge"}, task="regression", class_weight="balanced")


def test_an_estimator_without_probabilities_is_refused_for_a_metric_of_probabilities() -> None:
    with pytest.raises(ConfigError, match="no predict_proba, which roc_auc needs"):
        choices({"estimator": "sklearn.linear_model.RidgeClassifier"}, probabilities_for="roc_auc")
