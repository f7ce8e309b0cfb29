"""Preprocessing by estimator: what each is given, and that all of it can be stored."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from modelyard.models import store
from modelyard.models.child import score as score_child
from modelyard.records.results import Feature
from modelyard.training.preprocessing import COLUMNS, LEVELS, RARE, pipeline
from tests.model_loading import load

FEATURES = (
    Feature(name="town", kind="categorical"),
    Feature(name="size", kind="numeric"),
    Feature(name="open", kind="boolean"),
)
N = 400


def frame(towns: int = 4) -> Any:
    rows = pl.DataFrame(
        {
            "town": [None if row % 40 == 0 else f"town {row % towns}" for row in range(N)],
            "size": [None if row % 50 == 1 else float(row) for row in range(N)],
            "open": [row % 3 == 0 for row in range(N)],
        }
    )
    return score_child.features(rows, [(feature.name, feature.kind) for feature in FEATURES])


Y = np.arange(N) % 2 == 0


def prepared(estimator: Any, towns: int = 4) -> tuple[Any, Any]:
    made = pipeline(estimator, FEATURES).fit(frame(towns), Y)
    out = made[:-1].transform(frame(towns))
    return made, out.toarray() if hasattr(out, "toarray") else out


def test_linear_models_get_scaled_numbers_an_indicator_of_gaps_and_one_column_a_level() -> None:
    _, out = prepared(LogisticRegression())
    assert out.shape == (N, 3 + 5)  # size, open, gap in size; four towns and the missing one
    assert np.isfinite(out).all()
    assert np.allclose(out[:, :2].mean(axis=0), 0)
    assert np.allclose(out[:, :3].std(axis=0), 1)
    assert np.allclose(out[:, 3:].sum(axis=1), 1)


def test_rare_and_countless_levels_share_one_column() -> None:
    _, many = prepared(LogisticRegression(), towns=N // (RARE + 5))
    assert many.shape[1] <= 3 + COLUMNS
    _, rare = prepared(LogisticRegression(), towns=N)
    assert rare.shape[1] == 3 + 2  # all levels are rare but the missing one


def test_boosting_gets_numbers_with_their_gaps_and_categories_as_codes_that_it_knows_as_such() -> None:
    made, out = prepared(HistGradientBoostingClassifier(max_iter=2))
    assert out.shape == (N, 3)
    assert np.isnan(out[:, 0]).sum() == N // 50
    assert np.isnan(out[:, 2]).sum() == N // 40
    assert made[-1].is_categorical_.tolist() == [False, False, True]


def test_boosting_takes_more_levels_than_it_has_bins() -> None:
    _, out = prepared(HistGradientBoostingClassifier(max_iter=2), towns=N)
    assert np.nanmax(out[:, 2]) < LEVELS


def test_other_trees_get_medians_and_codes() -> None:
    _, out = prepared(RandomForestClassifier(2))
    assert np.isfinite(out).all()
    assert set(out[:, 2]) == {-2.0, 0.0, 1.0, 2.0, 3.0}
    assert out[1, 0] == np.nanmedian(frame()["size"])


@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(), HistGradientBoostingClassifier(max_iter=2), RandomForestClassifier(2), GaussianNB()],
    ids=lambda each: type(each).__name__,
)
def test_what_was_fitted_can_be_stored_and_takes_what_it_never_saw(estimator: Any, tmp_path: Any) -> None:
    made = pipeline(estimator, FEATURES).fit(frame(), Y)
    store.save_sklearn(made, tmp_path)
    strange = frame().assign(town="elsewhere", open=float("nan"))
    assert np.isfinite(load(tmp_path).predict_proba(strange)).all()


def test_columns_of_one_kind_alone_are_enough() -> None:
    for features in (FEATURES[:1], FEATURES[1:]):
        for estimator in (LogisticRegression(), HistGradientBoostingClassifier(max_iter=2)):
            pipeline(estimator, features).fit(frame(), Y)
