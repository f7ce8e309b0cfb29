"""Preprocessing of mixed numeric and categorical columns, by what the estimator can take.

* Histogram gradient boosting: numbers as they are (it takes missing values), categories as ordinal codes of at most 255
  levels that it splits as categories.
* Other trees: missing numbers become the median, categories ordinal codes; unknown is −1 and missing −2.
* All others, the linear models first: missing numbers become the median with an indicator beside them, then everything
  is scaled; categories are one-hot with rare levels in one column.
* Free text: tf-idf of its most frequent words, fewer and dense where an estimator splits on columns or takes no sparse
  ones.

Columns arrive as ``models.child.score.features`` makes them: numeric and boolean float64, categorical
str, text str without missing values.
"""

from collections.abc import Sequence
from typing import Any

from modelyard.records.results import Feature

VERSION = 1
"""Part of every fit digest: raise it when the same columns would be prepared differently."""
LEVELS = 255
"""Most levels of an ordinal category: histogram gradient boosting has 255 bins."""
COLUMNS = 50
"""Most one-hot columns of a category."""
WORDS, DENSE_WORDS = 10_000, 200
"""Most words of a column of free text, for estimators that take sparse columns and for those that do not."""
RARE = 10
"""Rows of a level under which it goes into the column of rare levels."""

_TREES = ("sklearn.tree.", "sklearn.ensemble.")


def pipeline(estimator: Any, features: Sequence[Feature]) -> Any:
    """Return a scikit-learn Pipeline of preprocessing (``prepare``) and the estimator (``model``), not yet fitted."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    numeric = [feature.name for feature in features if feature.kind not in ("categorical", "text")]
    categorical = [feature.name for feature in features if feature.kind == "categorical"]
    text = [feature.name for feature in features if feature.kind == "text"]
    boosting = type(estimator).__name__.startswith("HistGradientBoosting")
    if boosting and categorical:
        numbers = range(len(numeric), len(numeric) + len(categorical))
        estimator.set_params(categorical_features=list(numbers))
    for_numeric, for_categorical = _steps(estimator, boosting=boosting)
    parts: list[tuple[str, Any, Any]] = [
        ("numeric", for_numeric, numeric),
        ("categorical", for_categorical, categorical),
    ]
    sparse = _takes_sparse(estimator)
    parts += [(f"text_{at}", _words(sparse=sparse), name) for at, name in enumerate(text)]
    prepare = ColumnTransformer(
        [part for part in parts if part[2]],
        sparse_threshold=0.3 if sparse or not text else 0,
        verbose_feature_names_out=False,
    )
    return Pipeline([("prepare", prepare), ("model", estimator)])


def _steps(estimator: Any, *, boosting: bool) -> tuple[Any, Any]:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    if boosting:
        missing = float("nan")
        return "passthrough", OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=missing, max_categories=LEVELS
        )
    median = SimpleImputer(strategy="median", keep_empty_features=True)
    if type(estimator).__module__.startswith(_TREES):
        return median, OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2, max_categories=LEVELS
        )
    scaled = Pipeline([("impute", median.set_params(add_indicator=True)), ("scale", StandardScaler())])
    sparse = _takes_sparse(estimator)
    return scaled, OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=RARE, max_categories=COLUMNS, sparse_output=sparse
    )


def _takes_sparse(estimator: Any) -> bool:
    """Return whether an estimator works well on thousands of sparse columns."""
    from sklearn.utils import get_tags

    return bool(get_tags(estimator).input_tags.sparse) and not type(estimator).__module__.startswith(_TREES)


def _words(*, sparse: bool) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(max_features=WORDS if sparse else DENSE_WORDS, sublinear_tf=True)
