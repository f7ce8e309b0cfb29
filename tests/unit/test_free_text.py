"""Free text given to candidates: told from categories, prepared by tf-idf, stored as equal bytes, made up of words."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.pipeline import FeatureUnion, make_pipeline

from modelyard.core.errors import DataError
from modelyard.models import store
from modelyard.models.child import score as child
from modelyard.records.results import Feature
from modelyard.training.preprocessing import DENSE_WORDS, pipeline
from modelyard.training.signature import Features, free_text
from tests.model_loading import load
from tests.training_samples import config, run

N = 240
GOOD, BAD = ["good", "lovely", "fine", "great"], ["bad", "awful", "poor", "weak"]
FEATURES = (Feature(name="review", kind="text"), Feature(name="stars", kind="numeric"))


def reviews(n: int = N, seed: int = 1) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    late = draw.random(n) < 0.5
    texts = [
        " ".join([f"film{at} was", *draw.choice(GOOD if one else BAD, 2), *draw.choice(GOOD + BAD, 2)])
        for at, one in enumerate(late)
    ]
    frame = pl.DataFrame({"id": np.arange(n), "review": texts, "stars": draw.normal(size=n), "late": late})
    return frame.with_columns(review=pl.when(pl.col("id") % 30 == 0).then(None).otherwise(pl.col("review")))


def inputs(frame: pl.DataFrame) -> Any:
    return child.features(frame, [(feature.name, feature.kind) for feature in FEATURES])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([f"number {at} was not to my liking" for at in range(50)], "text"),
        (["the very same four words"] * 50, "categorical"),
        ([f"user{at}" for at in range(50)], "categorical"),
        ([f"Ada Lovelace {at}" for at in range(50)], "categorical"),
        ([None] * 49 + ["one text of six words here"], "categorical"),
        (["New York City and State", "Salt Lake City and Valley"] * 25, "categorical"),
        ([f"{at:032x}" for at in range(50)], "categorical"),
        ([f"2024-01-{at % 28 + 1:02} 10:00" for at in range(50)], "categorical"),
        ([None, ""] * 10 + [f"a b c d e f g h i j k {at}" for at in range(80)], "text"),
    ],
    ids=["text", "repeated", "ids", "names", "one value", "places", "hashes", "times", "text with gaps"],
)
def test_free_text_is_told_from_categories(values: list[str | None], kind: str) -> None:
    column = pl.DataFrame({"x": pl.Series(values, dtype=pl.String)})
    found = free_text(Features((Feature(name="x", kind="categorical"),), {}), column)
    assert found.features[0].kind == kind


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(), HistGradientBoostingClassifier(max_iter=20), RandomForestClassifier(20, random_state=0),
        GaussianNB(), Ridge(),
    ],
    ids=lambda each: type(each).__name__,
)  # fmt: skip
def test_every_kind_of_estimator_learns_from_words_and_is_stored(estimator: Any, tmp_path: Path) -> None:
    known, new = reviews(), reviews(seed=2)
    truth = known["late"].to_numpy()
    model = pipeline(estimator, FEATURES).fit(inputs(known), truth)
    store.save_sklearn(model, tmp_path)
    loaded = load(tmp_path)
    given = inputs(new)
    scores = loaded.predict_proba(given)[:, 1] if hasattr(loaded, "predict_proba") else loaded.predict(given)
    if not isinstance(estimator, GaussianNB):  # which a word that is seen once makes sure of itself
        assert roc_auc_score(new["late"].to_numpy(), scores) > 0.85
    assert np.isfinite(scores).all()
    prepared = model[:-1].transform(given)
    assert prepared.shape[1] <= DENSE_WORDS + 2 or hasattr(prepared, "toarray")


def test_it_is_what_scikit_learn_gives_for_the_same_words() -> None:
    known, new = reviews(), reviews(seed=2)
    ours = pipeline(LogisticRegression(), FEATURES[:1]).fit(inputs(known)[["review"]], known["late"].to_numpy())
    plain = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression())
    plain.fit(known["review"].fill_null("").to_list(), known["late"].to_numpy())
    wanted = plain.predict_proba(new["review"].fill_null("").to_list())
    assert np.allclose(ours.predict_proba(inputs(new)[["review"]]), wanted, atol=1e-9)


SAVE = """
import hashlib, sys
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.pipeline import FeatureUnion
from modelyard.models import store
texts = ["a good film", "a bad film", "an awful one"]
parts = [("a", TfidfVectorizer(max_features=5)), ("b", CountVectorizer(stop_words="english"))]
print(hashlib.sha256(store.skops_archive(FeatureUnion(parts).fit(texts))).hexdigest())
"""


def test_equal_vectorizers_are_equal_bytes_in_every_process() -> None:
    digests = {
        subprocess.run([sys.executable, "-c", SAVE], check=True, capture_output=True, text=True).stdout for _ in "ab"
    }
    assert len(digests) == 1


def test_the_search_says_what_it_does_and_the_signature_tells_it(tmp_path: Path) -> None:
    told: list[str] = []
    linear = {"estimator": "sklearn.linear_model.LogisticRegression"}
    trained = run(tmp_path, config({"candidates": [linear]}, columns={"drop": []}), reviews(), say=told.append)
    assert [feature.kind for feature in trained.result.signature.features] == ["text", "numeric"]  # type: ignore[union-attr] # trained
    assert any("'review' is free text" in line for line in told)
    assert trained.result.candidates[0].score > 0.85  # type: ignore[operator] # it was fitted


def test_negative_numbers_beside_text_are_that_candidates_problem(tmp_path: Path) -> None:
    counts = {"estimator": f"sklearn.naive_bayes.{MultinomialNB.__name__}"}
    with pytest.raises(DataError, match="every candidate failed"):
        run(tmp_path, config({"candidates": [counts]}, columns={"drop": []}), reviews())


def golden(model: Any, tmp_path: Path, features: tuple[Feature, ...]) -> tuple[str, pl.DataFrame | None]:
    files = {name: str(tmp_path / f"{name}.parquet") for name in ("inputs", "predictions")}
    job = {
        "task": "binary", "classes": [False, True], "positive": True, "id": "__row__", "format": "skops",
        "features": [feature.model_dump() for feature in features],
        "golden": {"quantiles": {"stars": [-1.0, 0.0, 1.0]}, "seed": "1", "rows": 32, **files},
    }  # fmt: skip
    why = child.golden(model, job)
    return why, None if why else pl.read_parquet(files["inputs"])


def test_golden_rows_are_made_of_words_that_the_model_holds(tmp_path: Path) -> None:
    known = reviews()
    model = pipeline(LogisticRegression(), FEATURES).fit(inputs(known), known["late"].to_numpy())
    why, made = golden(model, tmp_path, FEATURES)
    assert (why, made is None) == ("", False)
    spoken = {word for text in made["review"] for word in text.split()}  # type: ignore[index] # made
    assert spoken <= set(model[0].named_transformers_["text_0"].vocabulary_)
    assert not set(made["review"]) & set(known["review"].drop_nulls()), "never a text of a row"  # type: ignore[index] # made


def test_an_entrypoints_union_of_vectorizers_gets_golden_words_too(tmp_path: Path) -> None:
    known = reviews().drop_nulls()
    from sklearn.compose import make_column_transformer

    union = FeatureUnion([("words", TfidfVectorizer()), ("letters", TfidfVectorizer(analyzer="char", max_features=9))])
    model = make_pipeline(make_column_transformer((union, "review")), LogisticRegression())
    features = (Feature(name="review", kind="categorical", type="str"),)
    model.fit(child.features(known, [("review", "categorical")]), known["late"].to_numpy())
    why, made = golden(model, tmp_path, features)
    assert why == ""
    assert made is not None
    assert made["review"].null_count() == 0
