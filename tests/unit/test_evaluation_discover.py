"""Slices that nobody named: the planted one is found, chance is not, and nothing small or personal is said."""

from typing import Any

import numpy as np
import polars as pl

from modelyard.evaluation.discover import SHOWN, discover
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.predictions import Predictions

N = 6_000


def world(seed: int, worse_by: float, unit: bool = False) -> Any:
    draw = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {
            "shop": draw.choice(["a", "b", "c", "d"], N),
            "day": draw.choice(["mo", "tu", "we"], N),
            "size": draw.normal(size=N),
            "name": [f"n{at}" for at in range(N)],
        }
    )
    y = (draw.random(N) < 0.5).astype(np.int64)
    planted = ((frame["shop"] == "b") & (frame["day"] == "tu")).to_numpy()
    right = draw.random(N) < np.where(planted, 0.8 - worse_by, 0.8)
    champion = Predictions(2, np.where(draw.random(N) < 0.8, y, 1 - y))
    codes = draw.integers(0, 90, N) if unit else None
    truth = TestSet(y, codes, "day" if unit else "row", False, None, seed=seed, confidence=0.95)
    return truth, {"challenger": Predictions(2, np.where(right, y, 1 - y)), "champion": champion}, frame


def test_a_planted_slice_of_two_columns_is_found() -> None:
    for unit in (False, True):
        found = discover(METRICS.get("accuracy"), *world(1, 0.3, unit))
        first = found[0]
        assert dict(zip(first.columns, first.values, strict=True)) == {"shop": "b", "day": "tu"}
        assert 0.2 < first.excess < 0.4
        assert len(found) <= SHOWN
        assert all("name" not in one.columns for one in found), "a column of names is no slice"


def test_a_refinement_that_adds_nothing_to_its_parent_is_left_out() -> None:
    for seed in range(4, 8):
        truth, models, frame = world(seed, 0.0)
        draw = np.random.default_rng(seed)
        inside = (frame["shop"] == "b").to_numpy()
        right = draw.random(N) < np.where(inside, 0.6, 0.8)
        models["challenger"] = Predictions(2, np.where(right, truth.y, 1 - truth.y))
        found = discover(METRICS.get("accuracy"), truth, models, frame)
        assert (found[0].columns, found[0].values) == (("shop",), ("b",))
        assert not [one for one in found[1:] if ("shop", "b") in zip(one.columns, one.values, strict=True)]


def test_chance_alone_is_seldom_shown() -> None:
    runs = 40
    shown = sum(bool(discover(METRICS.get("accuracy"), *world(seed, 0.0))) for seed in range(runs))
    assert shown / runs <= 0.1 + 3 * (0.09 / runs) ** 0.5


def test_without_a_champion_the_challenger_is_held_against_itself() -> None:
    truth, models, frame = world(2, 0.3)
    del models["champion"]
    assert discover(METRICS.get("accuracy"), truth, models, frame)[0].values[0] in ("b", "tu")
    labels_only = {"challenger": models["challenger"], "champion": Predictions(2, None, np.full(N, 0.5))}
    assert discover(METRICS.get("accuracy"), truth, labels_only, frame) == ()


def test_few_rows_name_no_slice() -> None:
    truth, models, frame = world(3, 0.3)
    some = np.arange(100)
    few = {role: each.take(some) for role, each in models.items()}
    assert discover(METRICS.get("accuracy"), truth.take(some), few, frame[some]) == ()
