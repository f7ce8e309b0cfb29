"""A model gets whole numbers, booleans and categories as production gives them, and golden rows of the same kinds."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from modelyard.config.sections.data import Columns
from modelyard.config.sections.model import Model
from modelyard.core.errors import ConfigError
from modelyard.models.child import score
from modelyard.models.child.pyfunc_loader import Champion
from modelyard.models.child.pyfunc_loader import features as served
from modelyard.records.results import Feature
from modelyard.training.signature import as_numbers, find_features, find_target


def given(values: list[Any], kind: str, wanted: str, dtype: Any = None) -> Any:
    frame = pl.DataFrame({"x": pl.Series("x", values, dtype)})
    return score.features(frame, [("x", kind)], {"x": wanted})["x"]


@pytest.mark.parametrize(
    ("values", "kind", "wanted", "dtype"),
    [([1, 2], "numeric", "int64", "int64"), ([1, None], "numeric", "int64", "Int64"),
     ([1, 2], "numeric", "Int64", "Int64"), ([1.0, 2.0], "numeric", "int64", "int64"),
     ([1.5, 2.0], "numeric", "int64", "float64"),
     ([300, 1], "numeric", "int8", "int64"), ([1, 2], "numeric", "uint8", "uint8"),
     ([1, None], "numeric", "uint8", "UInt8"),
     ([1, 2], "numeric", "", "float64"), ([1, 2], "numeric", "float64", "float64"),
     ([True, False], "boolean", "bool", "bool"), ([True, None], "boolean", "bool", "boolean"),
     ([True, False], "boolean", "boolean", "boolean"), ([True, False], "boolean", "", "float64"),
     (["a", None], "categorical", "str", "str"), ([1, 2], "categorical", "str", "str")],
)  # fmt: skip
def test_a_column_comes_in_its_recorded_type(values: list[Any], kind: str, wanted: str, dtype: str) -> None:
    found = given(values, kind, wanted)
    assert str(found.dtype) == dtype
    assert [None if pd.isna(value) else value for value in found] == (
        [str(value) if value is not None else None for value in values] if kind == "categorical" else values
    )


def test_large_whole_numbers_stay_exact_beside_a_missing_one() -> None:
    assert given([2**53 + 1, None], "numeric", "Int64").tolist()[0] == 2**53 + 1


def test_text_for_numbers_is_counted_and_not_shown() -> None:
    with pytest.raises(score.WrongTypeError) as caught:
        given(["1", "Ada"], "numeric", "int64")
    assert "1 of 2 values of column 'x'" in str(caught.value)
    assert "Ada" not in str(caught.value)


def test_the_signature_records_the_type() -> None:
    frame = pl.DataFrame(
        {
            "y": [0, 1],
            "n": [1, 2],
            "m": [1, None],
            "b": [True, False],
            "c": [None, True],
            "f": [1.5, 2],
            "t": ["a", "b"],
        }
    )
    found = find_features(frame, Columns(target="y"))
    assert [each.type for each in found.features] == ["int64", "Int64", "bool", "boolean", "float64", "str"]
    assert [each.type for each in as_numbers(found).features] == ["float64"] * 5 + ["str"]


def test_a_feature_without_a_type_is_written_as_it_always_was() -> None:
    assert Feature(name="x", kind="numeric").model_dump() == {"name": "x", "kind": "numeric"}
    assert Feature(name="x", kind="numeric", type="int64").model_dump()["type"] == "int64"


def test_what_mlflow_serves_gets_the_same_types() -> None:
    table = pd.DataFrame({"n": [1.0, 2.0], "m": [1.0, None], "b": [True, False], "f": [1, 2]})
    wanted = [{"name": name, "kind": "numeric", "type": kind} for name, kind in
              [("n", "int64"), ("m", "int64"), ("b", "bool"), ("f", "float64")]]  # fmt: skip
    assert [str(dtype) for dtype in served(table, wanted).dtypes] == ["int64", "Int64", "bool", "float64"]


def test_golden_numbers_are_of_the_models_kind() -> None:
    wanted = [{"name": "n", "kind": "numeric", "type": "int64"}, {"name": "b", "kind": "boolean", "type": "bool"}]
    made = score.golden_rows(wanted, {"n": [1.2, 7.9]}, {}, seed="s", rows=8, named="id")
    assert (made["n"].dtype, made["b"].dtype) == (pl.Int64, pl.Boolean)
    assert set(made["n"].to_list()) <= {1, 8}


TEXTS = pd.DataFrame({"text": ["good fine day", "bad awful day"], "kind": ["a", "b"]})


def test_golden_text_is_made_of_the_words_that_the_model_holds() -> None:
    model = make_column_transformer((TfidfVectorizer(), "text"), (OneHotEncoder(), ["kind"])).fit(TEXTS)
    known = score.words(model)
    assert known == {"text": ["awful", "bad", "day", "fine", "good"]}
    wanted = [{"name": "text", "kind": "categorical"}, {"name": "kind", "kind": "categorical"}]
    made = score.golden_rows(wanted, {}, score.levels(model), seed="s", rows=8, named="id", words=known)
    assert set(" ".join(made["text"].to_list()).split()) <= set(known["text"])
    assert set(made["kind"].to_list()) <= {"a", "b"}


def job(tmp_path: Any, **features: str) -> dict[str, Any]:
    golden = {"seed": "s", "rows": 4, "quantiles": {}}
    golden |= {"inputs": str(tmp_path / "i"), "predictions": str(tmp_path / "p")}
    return {
        "features": [{"name": name, "kind": kind} for name, kind in features.items()], "task": "regression",
        "classes": [], "positive": None, "id": "id", "format": "joblib",
        "golden": golden,
    }  # fmt: skip


def test_a_model_that_takes_no_missing_text_gets_some(tmp_path: Any) -> None:
    model = SimpleNamespace(predict=lambda frame: [len(text.split()) for text in frame["text"]])
    assert score.golden(model, job(tmp_path, text="categorical")) == ""
    assert pl.read_parquet(tmp_path / "p")["prediction"].to_list() == [2.0] * 4


def test_a_model_that_takes_no_made_up_rows_says_so_and_is_judged_all_the_same(tmp_path: Any) -> None:
    def fail(_frame: Any) -> Any:
        raise KeyError("Ada")

    assert score.golden(SimpleNamespace(predict=fail), job(tmp_path, text="categorical")).endswith("(KeyError)")


def test_text_becomes_the_categories_that_a_lightgbm_model_was_fitted_on() -> None:
    from lightgbm import LGBMClassifier

    frame = pd.DataFrame({"g": pd.Categorical(["b", "a", "c"] * 40), "x": range(120)})
    model = LGBMClassifier(n_estimators=2, verbose=-1).fit(frame, [1, 0, 0] * 40)
    text = pd.DataFrame({"g": pd.Series(["c", "b", "new"], dtype="str"), "x": [1, 2, 3]})
    ready = score.as_fitted(model, text, [("g", "categorical"), ("x", "numeric")])
    assert ready["g"].cat.categories.tolist() == ["a", "b", "c"]
    assert model.predict_proba(ready).shape == (3, 2)


def test_unknown_categories_are_counted_and_not_shown() -> None:
    model = make_column_transformer((OneHotEncoder(), ["kind"])).fit(TEXTS)
    frame = pl.DataFrame({"kind": ["a", "Ada", "Ada", None]})
    found = score.unknown_categories(model, frame, [("kind", "categorical")])
    assert found == "column 'kind' (2 of 4 rows)"


def plain_columns(frame: Any) -> Any:
    return frame.to_numpy(dtype="float64")


@pytest.mark.parametrize(
    "first",
    [
        make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["t"]), remainder="passthrough"),
        make_column_transformer((FunctionTransformer(plain_columns), ["n", "b"])),
        make_column_transformer((FunctionTransformer(np.isnan), ["n", "b"])),
        make_column_transformer((SimpleImputer(), ["n", "b"])),
    ],
    ids=["passthrough", "numpy", "isnan", "imputer"],
)
def test_a_model_that_was_fitted_on_what_pandas_reads_is_given_missing_values_as_pandas_reads_them(first: Any) -> None:
    rows = pl.DataFrame({"n": [1, None, 3, 4] * 9, "b": [True, False, None, True] * 9, "t": ["u", "v", "w", "w"] * 9})
    wanted = [("n", "numeric"), ("b", "boolean"), ("t", "categorical")]
    read = score.features(rows, wanted)
    truth = np.arange(36) % 2
    model = make_pipeline(first, HistGradientBoostingClassifier(max_iter=3)).fit(read, truth)
    job = {
        "format": "joblib", "task": "binary", "classes": [0, 1], "positive": 1,
        "features": [{"name": "n", "type": "Int64"}, {"name": "b", "type": "bool"}, {"name": "t", "type": "str"}],
    }  # fmt: skip
    found = score.predicted(model, rows, wanted, job)["probability"]
    assert found.tolist() == model.predict_proba(read)[:, 1].tolist()


def test_numbers_that_float64_would_change_are_never_given_as_such() -> None:
    class Refuses:
        classes_ = (0, 1)

        def predict_proba(self, frame: Any) -> Any:
            raise TypeError(str(frame.dtypes.tolist()))

    rows = pl.DataFrame({"n": [2**53 + 1, None]})
    job = {
        "format": "joblib",
        "task": "binary",
        "classes": [0, 1],
        "positive": 1,
        "features": [{"name": "n", "type": "Int64"}],
    }
    with pytest.raises(TypeError, match="Int64"):
        score.predicted(Refuses(), rows, [("n", "numeric")], job)


def test_nothing_that_a_model_holds_of_a_personal_column_is_in_made_up_rows(tmp_path: Path) -> None:
    names, texts = [f"Ada {at}" for at in range(20)], [f"word{at} said" for at in range(20)]
    frame = pd.DataFrame({"name": names, "city": ["u", "v"] * 10, "note": texts})
    first = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["name"]),
        (OneHotEncoder(handle_unknown="ignore"), ["city"]),
        (TfidfVectorizer(), "note"),
    )
    model = make_pipeline(first, LogisticRegression()).fit(frame, np.arange(20) % 2)
    files = {name: str(tmp_path / f"{name}.parquet") for name in ("inputs", "predictions")}
    job = {
        "task": "binary", "classes": [0, 1], "positive": 1, "id": "", "format": "joblib",
        "features": [{"name": name, "kind": "categorical", "type": "str"} for name in frame.columns],
        "golden": {"quantiles": {}, "seed": "1", "rows": 8, "personal": ["name", "note"], **files},
    }  # fmt: skip
    assert score.golden(model, job) == ""
    made = pl.read_parquet(files["inputs"])
    assert set(made["city"]) <= {"u", "v"}
    assert made["city"].null_count() == 0
    assert not (set(made["name"].drop_nulls()) | set(made["note"].drop_nulls())) - {"made up"}


def test_made_up_rows_have_times_where_the_model_takes_times() -> None:
    features = [{"name": "at", "kind": "time", "type": ""}]
    made = score.golden_rows(features, {}, {}, seed="1", rows=8, named="id")
    assert made["at"].null_count() == 0
    assert made["at"].n_unique() > 1


class Categorical:
    """Stands for a LightGBM model, which knows the categories of its columns and which columns those are."""

    def __init__(self, columns: list[str]) -> None:
        self.feature_names_in_ = columns
        self.booster_ = SimpleNamespace(pandas_categorical=[["b", "a"]])


@pytest.mark.parametrize(
    ("model", "dtype"),
    [
        (Categorical(["t", "n"]), "category"),
        (SimpleNamespace(steps=[("first", None), ("last", Categorical(["t", "n"]))]), "category"),
        (SimpleNamespace(calibrated_classifiers_=[SimpleNamespace(estimator=Categorical(["t", "n"]))]), "category"),
        (SimpleNamespace(steps=[("encode", None), ("last", Categorical(["n", "t"]))]), "str"),
        (SimpleNamespace(steps=[("encode", None), ("last", Categorical(["Column_0"]))]), "str"),
        (SimpleNamespace(steps=[("only", SimpleNamespace())]), "str"),
    ],
    ids=["itself", "pipeline", "calibrated", "reordered", "encoded before", "no categories"],
)
def test_categories_are_as_the_model_was_fitted_wherever_it_was_given_these_columns(model: Any, dtype: str) -> None:
    frame = pd.DataFrame({"t": pd.Series(["a", "b", "new", None], dtype="str"), "n": [1.0, 2, 3, 4]})
    found = score.as_fitted(model, frame, [("t", "categorical"), ("n", "numeric")])["t"]
    assert str(found.dtype) == dtype
    if dtype == "category":
        assert found.cat.codes.tolist() == [1, 0, -1, -1]


def test_what_mlflow_serves_names_columns_by_class_and_falls_back_as_scoring_does() -> None:
    table = pd.DataFrame({"n": [1, None, 3, 4, 5, 6], "said": ["aa bb", None, "cc dd", "aa dd", "bb cc", "dd aa"]})
    classes = ["0", "1", "10"]
    facts = {
        "task": "multiclass", "classes": classes,
        "features": [{"name": "n", "kind": "numeric", "type": "int64"}, {"name": "said", "kind": "text"}],
    }  # fmt: skip
    first = make_column_transformer((FunctionTransformer(plain_columns), ["n"]), (CountVectorizer(), "said"))
    model = make_pipeline(first, SimpleImputer(), LogisticRegression())
    given = table.assign(said=table["said"].fillna(""))
    model.fit(given, [*classes, *classes])
    found = Champion(model, facts).predict(table)
    assert list(found.columns) == ["probability_0", "probability_1", "probability_10"]
    wanted = model.predict_proba(given)
    for at, name in enumerate(model.classes_):
        assert found[f"probability_{name}"].tolist() == wanted[:, at].tolist()


@pytest.mark.parametrize("positive", ["Yes", " yes", "yse"])
def test_a_positive_class_of_other_spelling_gets_the_nearest(positive: str) -> None:
    model = Model.model_validate({"name": "m", "task": "binary", "positive": positive})
    with pytest.raises(ConfigError) as caught:
        find_target(pl.DataFrame({"y": ["yes", "no"]}), "y", model)
    assert "Did you mean 'yes'?" in str(caught.value.hint)
