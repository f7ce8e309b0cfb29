"""What a report shows beyond the judgement: importance by shuffling, how far columns moved, what models cost."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from modelyard.core.errors import DataError
from modelyard.data.profile import profile
from modelyard.evaluation.diagnostics import importance
from modelyard.evaluation.diagnostics.moved import moved
from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.predictions import Predictions
from modelyard.records.results.diagnostics import Footprint
from modelyard.records.results.part import same_work
from modelyard.steps.evaluate import contenders

N = 400


def rows(seed: int = 1) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "id": [f"r{at}" for at in range(N)],
            "a": draw.normal(size=N),
            "b": draw.normal(size=N),
            "c": ["x", "y"] * (N // 2),
        }
    )


def by(column: str, frame: pl.DataFrame) -> Predictions:
    score = 1 / (1 + np.exp(-3 * frame[column].to_numpy()))
    return Predictions(2, label=(score >= 0.5).astype(np.int64), probability=score)


def test_each_copy_has_one_column_shuffled_and_ids_of_its_own() -> None:
    frame = rows()
    table = importance.permuted(frame, ["a", "c"], "id", 7)
    assert len(table) == 3 * N
    assert table["id"].n_unique() == 3 * N
    assert table["id"].dtype == pl.String
    whole, a, c = (table[at * N : (at + 1) * N] for at in range(3))
    assert whole.drop("id").equals(frame.drop("id"))
    assert a.drop("id", "a").equals(frame.drop("id", "a"))
    assert not a["a"].equals(frame["a"])
    assert sorted(a["a"]) == sorted(frame["a"])
    assert sorted(c["c"]) == sorted(frame["c"])
    assert table.equals(importance.permuted(frame, ["a", "c"], "id", 7)), "seeded"


def test_a_column_is_worth_what_the_metric_loses_without_it() -> None:
    frame = rows()
    truth = (frame["a"].to_numpy() > 0).astype(np.int64)
    table = importance.permuted(frame, ["a", "b"], "id", 7)
    scored = {"challenger": (by("a", table), ["a", "b"]), "champion": (by("b", table), ["b"])}
    found = importance.importance(METRICS.get("roc_auc"), truth, ["a", "b"], scored, 3)
    assert found is not None
    first, second = found.features
    assert (found.metric, found.rows, found.left_out) == ("roc_auc", N, 3)
    assert (first.feature, second.feature) == ("a", "b")
    assert first.drop == pytest.approx(0.5, abs=0.1)
    assert first.champion is None, "it does not take the column"
    assert second.drop == 0
    worse = importance.importance(METRICS.get("log_loss"), truth, ["a", "b"], scored, 0)
    assert worse is not None
    assert worse.features[0].drop is not None
    assert worse.features[0].drop > 0.5, "less is better, and more than 0 still means that it is used"


def test_the_work_is_bounded_and_small_test_sets_are_left_alone() -> None:
    names = [f"f{at}" for at in range(60)]
    assert importance.chosen([names, ["f59"]]) == names[:24]
    many = pl.DataFrame({"id": range(50_000)})
    assert len(importance.sampled(many, 3)) == 1_000
    assert importance.sampled(many, 3).equals(importance.sampled(many, 3))
    assert len(importance.sampled(many.head(99), 3)) == 0


def test_columns_move_as_their_profiles_say() -> None:
    draw = np.random.default_rng(2)

    def told(shift: float, share: float) -> dict[str, Any]:
        frame = pl.DataFrame(
            {
                "x": draw.normal(shift, 2, 5_000),
                "k": np.where(draw.random(5_000) < share, "u", "v"),
                "same": [1.0] * 5_000,
            }
        )
        columns: dict[str, Any] = profile(frame, (), b"key")["columns"]
        return columns

    found = moved(["x", "k", "same", "gone"], told(0, 0.5), told(1, 0.5), told(0, 0.8))
    by_name = {one.feature: one for one in found}
    assert set(by_name) == {"x", "k"}, "a column without spread or profile says nothing"
    assert by_name["x"].measure == "wasserstein"
    assert by_name["x"].to_test == pytest.approx(0.5, abs=0.05)
    assert by_name["x"].since_champion == pytest.approx(0, abs=0.07)
    assert by_name["k"].measure == "variation"
    assert by_name["k"].since_champion == pytest.approx(0.3, abs=0.03)
    assert moved(["k"], {"k": {"type": "String"}}, {}, {}) == (), "without a key there are no categories"


def test_seconds_are_no_part_of_what_two_machines_agree_on() -> None:
    one = Footprint(model="challenger", size=10, training_seconds=3.5, scoring_seconds=0.1, rows=7)
    kept = same_work(Footprint, one.model_dump(mode="json"))
    assert kept == {"model": "challenger", "size": 10, "rows": 7}


class Failing:
    """A scorer that fails on anything but the rows that count."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def score(self, tables: dict[str, Any], **_how: Any) -> tuple[dict[str, Path], str]:
        self.calls.append(sorted(tables))
        if len(tables) > 1:
            raise DataError("it fails on shuffled rows", code="model/failed")
        return {name: Path(name) for name in tables}, ""


def test_a_model_that_fails_on_shuffled_rows_is_judged_without_them() -> None:
    scorer: Any = Failing()
    written, _ = contenders._score(scorer, {"challenger": 1}, {"challenger-permuted": 2})
    assert scorer.calls == [["challenger", "challenger-permuted"], ["challenger"]]
    assert list(written) == ["challenger"]
    with pytest.raises(DataError):
        contenders._score(scorer, {"challenger": 1, "train-sample": 2}, {})
