"""References tell nothing that few rows share; summaries add up exactly, in whatever order."""

import json
import math
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.core.errors import DataError
from modelyard.monitoring.profile import Numbers, Reference, Summary, merge, value_of
from modelyard.monitoring.reference import reference_of
from modelyard.monitoring.summary import summarise

KEY = b"k" * 32
CARRIERS = ["AA", "B6", "DL", "EV", "UA"]


def features(n: int, seed: int = 1) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "distance": draw.integers(80, 5_000, n),
            "delay": np.where(draw.random(n) < 0.4, 0.0, draw.exponential(20, n)),
            "temperature": pl.Series([None if each < 0.02 else each for each in draw.random(n).tolist()]),
            "night": draw.random(n) < 0.2,
            "carrier": draw.choice(CARRIERS, n, p=[0.3, 0.3, 0.2, 0.1, 0.1]),
            "scheduled": pl.Series(draw.integers(0, 10**6, n) * 1_000_000).cast(pl.Datetime("us", "UTC")),
            "passenger": [f"name {each}" for each in range(n)],
        }
    )


def said(n: int, seed: int = 2) -> pl.DataFrame:
    probability = np.random.default_rng(seed).beta(2, 5, n)
    return pl.DataFrame({"probability": probability, "prediction": probability > 0.5})


def made(n: int = 2_000, **more: Any) -> Reference:
    prediction = said(n)
    came = np.random.default_rng(3).random(n) < prediction["probability"].to_numpy()
    return reference_of(
        features(n), prediction, came, task="binary", positive=True, personal=["passenger"], **({"key": KEY} | more)
    )


def log_of(n: int, seed: int = 4) -> pl.DataFrame:
    frame = features(n, seed).rename(lambda name: f"feature_{name}")
    times = pl.Series(np.sort(np.random.default_rng(seed).integers(0, 7 * 86_400, n)) * 1_000_000)
    return frame.hstack(said(n, seed)).with_columns(time=times.cast(pl.Datetime("us", "UTC")), model=pl.lit("v1"))


def test_a_reference_is_json_that_comes_back() -> None:
    reference = made()
    text = reference.model_dump_json()
    assert Reference.model_validate_json(text) == reference
    assert len(text) < 20_000


def test_a_reference_tells_nothing_that_fewer_than_ten_rows_share() -> None:
    reference = made()
    for column in (*reference.features.values(), *reference.outputs.values()):
        for counts in (column.numbers, column.categories):
            assert counts is None or all(rows >= 10 for rows in counts.rows)
    assert reference.scores is not None
    assert min(reference.scores.rows) >= 10
    text = reference.model_dump_json()
    for secret in ("name 1", *CARRIERS):
        assert secret not in text
    values = set(features(2_000)["delay"].to_list())
    delay = reference.features["delay"].numbers
    assert delay is not None
    assert {edge for edge in delay.edges if edge > 0} & values == set()


def test_without_a_key_no_category_is_told() -> None:
    reference = made(key=None)
    assert reference.features["carrier"].categories is None
    assert not reference.keyed
    summary = summarise(log_of(500), reference, key=KEY)
    assert summary.features["carrier"].levels == {}
    assert not summary.keyed


def test_a_hundred_thousand_categories_stay_small() -> None:
    frame = pl.DataFrame({"id": [f"level {each}" for each in range(100_000)] + ["often"] * 5_000})
    prediction = pl.DataFrame({"prediction": np.arange(105_000.0)})
    reference = reference_of(frame, prediction, None, task="regression", key=KEY)
    found = reference.features["id"].categories
    assert found is not None
    assert (found.rows, found.merged_levels, found.merged_rows) == ((5_000,), 100_000, 100_000)
    summary = summarise(frame.rename({"id": "feature_id"}).hstack(prediction), reference, key=KEY)
    assert (list(summary.features["id"].levels.values()), summary.features["id"].others) == ([5_000], 100_000)
    assert len(reference.model_dump_json()) < 5_000


def test_bins_hold_what_lies_in_them() -> None:
    values = features(2_000)["delay"].to_numpy()
    numbers = made().features["delay"].numbers
    assert isinstance(numbers, Numbers)
    edges = [-math.inf, *numbers.edges, math.inf]
    assert list(numbers.rows) == [int(((values > low) & (values <= high)).sum()) for low, high in pairwise(edges)]
    assert (values == 0).sum() in numbers.rows, "a value that many share has its own bin"


def test_the_sketch_is_as_fine_everywhere() -> None:
    draw = np.random.default_rng(5)
    values = draw.normal(size=4_000) * 10.0 ** draw.integers(-9, 9, 4_000)
    frame, prediction = pl.DataFrame({"x": values}), pl.DataFrame({"prediction": values})
    reference = reference_of(frame, prediction, None, task="regression")
    found = summarise(pl.DataFrame({"feature_x": values, "prediction": values}), reference).features["x"]
    assert sum(found.counts) == 4_000
    cumulated, ordered = np.cumsum(found.counts), np.sort(values)
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        code = found.codes[int(np.searchsorted(cumulated, share * 4_000))]
        assert value_of(code) == pytest.approx(ordered[int(share * 4_000)], rel=0.02)


def test_missing_nan_and_infinite_are_apart() -> None:
    values = [1.0] * 20 + [None] * 3 + [math.nan] * 4 + [math.inf] * 5
    frame, prediction = pl.DataFrame({"x": values}), pl.DataFrame({"prediction": [0.5] * 32})
    column = reference_of(frame, prediction, None, task="regression").features["x"]
    assert (column.missing, column.nan, column.infinite) == (3, 4, 5)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=60, max_size=60), st.permutations(range(5)))
def test_summaries_add_up_exactly_in_any_order(part: list[int], order: list[int]) -> None:
    reference, rows = made(400), log_of(60)
    rows = rows.with_columns(
        label=pl.Series([None, True] * 30),
        label_time=pl.col("time") - pl.duration(hours=1),
        sample=pl.Series([1.0, 0.5] * 30),
        feature_delay=pl.when(pl.int_range(60) % 7 == 0).then(math.nan).otherwise("feature_delay"),
    )
    whole = summarise(rows, reference, key=KEY)
    summaries = [summarise(rows.filter(pl.Series(part) == each), reference, key=KEY) for each in range(5)]
    left = Summary()
    for each in order:
        left = merge(left, summaries[each])
    a, b, c = summaries[0], merge(summaries[1], summaries[2]), merge(summaries[3], summaries[4])
    assert left.model_dump_json() == whole.model_dump_json() == merge(a, merge(b, c)).model_dump_json()
    assert Summary.model_validate_json(whole.model_dump_json()) == whole
    assert whole.early_labels == 60
    assert Counter(whole.sampled) == {"1.0": 30, "0.5": 30}


def test_multiclass_says_a_label_and_how_sure_it_is() -> None:
    draw = np.random.default_rng(6)
    shares = draw.dirichlet([3, 2, 1], 300)
    prediction = pl.DataFrame({f"probability_{name}": shares[:, at] for at, name in enumerate(("a", "b", "c"))})
    reference = reference_of(pl.DataFrame({"x": draw.random(300)}), prediction, None, task="multiclass")
    labels = reference.outputs["prediction"].categories
    assert labels is not None
    assert dict(zip(labels.names, labels.rows, strict=True)) == Counter("abc"[each] for each in shares.argmax(axis=1))
    assert reference.outputs["probability"].numbers is not None


def test_classes_are_the_same_however_the_log_writes_them() -> None:
    probability = np.linspace(0.02, 0.98, 200)
    frame, truth = pl.DataFrame({"x": probability}), probability > 0.4
    reference = reference_of(
        frame, pl.DataFrame({"probability": probability}), truth, task="binary", positive=True, threshold=0.5
    )
    for true, false in (("True", "False"), ("true", "false"), ("1", "0")):
        logged = pl.DataFrame({f"probability_{true}": probability, f"probability_{false}": 1 - probability})
        counted = summarise(logged, reference).outputs["probability"]
        numbers = reference.outputs["probability"].numbers
        assert numbers is not None
        assert counted.bins == numbers.rows


@pytest.mark.parametrize("n", [0, 3])
def test_a_reference_needs_rows_and_the_prediction_of_each(n: int) -> None:
    with pytest.raises(DataError) as caught:
        reference_of(pl.DataFrame({"x": [0.5] * n}), pl.DataFrame({"prediction": [0.5] * 2}), None, task="regression")
    assert caught.value.code == "data/no-reference-rows"


def test_three_rows_are_a_reference_that_tells_types_alone() -> None:
    reference = reference_of(features(3), said(3), None, task="binary", key=KEY, positive=True)
    assert all(column.numbers is None for column in reference.features.values())
    assert json.loads(summarise(log_of(3), reference, key=KEY).model_dump_json())["rows"] == 3


def test_a_version_that_exists_as_predictions_only_has_a_reference_of_what_it_said() -> None:
    found = reference_of(pl.DataFrame(), pl.DataFrame({"prediction": ["a", "b"] * 20}), ["a"] * 40, task="multiclass")
    assert (found.rows, found.features, list(found.outputs)) == (40, {}, ["prediction"])
