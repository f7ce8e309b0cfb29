"""Waivers of gates and of single slices: never wider than what they name."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from modelyard.config.sections.gate import Gate
from modelyard.core.errors import ConfigError
from modelyard.core.verdict import Verdict
from modelyard.evaluation.gates import judgement, rules, waivers
from modelyard.evaluation.gates.waivers import Waiver
from modelyard.evaluation.test_set import Groups, TestSet
from modelyard.metrics.predictions import Predictions
from modelyard.records.results import GateResult

TODAY = date(2026, 3, 1)
SHOP = np.repeat(["a", "b", "c"], [700, 740, 60])
RARE = np.arange(1500) < 10
RIGHT = np.concatenate([np.arange(n) < share * n for n, share in ((700, 0.6), (740, 0.95), (60, 0.8))])


def judged(*gates: dict[str, Any]) -> tuple[GateResult, ...]:
    """Shop a is surely below 0.75, b surely above, c has too few rows to tell; rare has hardly any."""
    y = (np.random.default_rng(1).random(1500) < 0.5).astype(np.int64)
    truth = TestSet(y, None, "row", False, None, seed=1, confidence=0.95)
    columns = {"shop": Groups.of(SHOP), "rare": Groups.of(RARE)}
    found = rules.from_config(tuple(Gate(**gate) for gate in gates), "binary", lambda _: None, "modelyard.yml")
    return judgement.judge_all(found, truth, {"challenger": Predictions(2, np.where(RIGHT, y, 1 - y))}, columns)


def applied(gates: tuple[GateResult, ...], *slices: str | None, gate: str = "") -> tuple[Verdict, list[str]]:
    """The verdict of gates with waivers, and what became of each waiver."""
    written = [Waiver(gate=gate or gates[-1].id, slice=each, reason="r", owner="o", expires=TODAY) for each in slices]
    found, rows, _ = waivers.apply(gates, written, TODAY, "w.yml")
    return judgement.verdict_of(found), [row.state for row in rows]


BY_SHOP = {"metric": "accuracy", "at_least": 0.75, "by": ["shop"]}


@pytest.mark.parametrize(
    ("gate", "slices", "verdict"),
    [
        (BY_SHOP, [], "fail"),
        (BY_SHOP, ["shop = a"], "pass"),
        (BY_SHOP, ["shop = b"], "fail"),
        ({**BY_SHOP, "require": "every"}, ["shop = a"], "fail"),
        ({**BY_SHOP, "require": "every"}, ["shop = a", "shop = c"], "pass"),
        ({**BY_SHOP, "by": ["shop", {"rare": True}]}, ["shop = a"], "fail"),
        ({**BY_SHOP, "by": ["shop", {"rare": True}]}, ["shop = a", "rare = True"], "pass"),
        ({**BY_SHOP, "by": [{"rare": True}]}, ["rare = True"], "inconclusive"),
        ({**BY_SHOP, "at_least": 0.79}, [], "fail"),
    ],
)
def test_a_waived_slice_leaves_the_gate_to_the_others(gate: dict[str, Any], slices: list[str], verdict: str) -> None:
    assert applied(judged(gate), *slices)[0] == verdict


def test_ids_tell_gates_apart_that_once_read_alike() -> None:
    gates = judged({"metric": "accuracy", "at_least": 0.75}, BY_SHOP)
    assert [gate.id for gate in gates] == ["accuracy-at-least", "accuracy-at-least-by-shop"]
    assert applied(gates, "shop = a") == (Verdict.PASS, ["in use"])


def test_ids_hold_in_another_order_and_tell_bounds_apart_where_they_must() -> None:
    first, second = {"metric": "accuracy", "at_least": 0.5}, {"metric": "accuracy", "at_least": 0.6}
    other = {"metric": "recall", "no_worse_than": "champion", "margin": 0.01}
    there = [gate.id for gate in judged(first, other, second)]
    assert there == ["accuracy-at-least-0.5", "recall-no-worse-than-champion", "accuracy-at-least-0.6"]
    assert [gate.id for gate in judged(second, other, first)] == there[::-1]
    assert [gate.id for gate in judged(first, first)] == ["accuracy-at-least-0.5", "accuracy-at-least-0.5-2"]


def test_a_waiver_by_the_old_sentence_is_told_the_id() -> None:
    gates = judged(BY_SHOP)
    with pytest.raises(ConfigError) as error:
        applied(gates, None, gate="accuracy at least 0.75")
    assert error.value.code == "waiver/gate-by-words"
    assert error.value.hint == "Write gate: accuracy-at-least-by-shop."


def test_a_slice_without_rows_today_is_said_and_one_of_no_column_is_refused() -> None:
    assert applied(judged(BY_SHOP), "shop = z") == (Verdict.FAIL, ["not in these rows"])
    with pytest.raises(ConfigError, match="names the slice 'shp = a'") as error:
        applied(judged(BY_SHOP), "shp = a")
    assert "shop = a" in error.value.hint


def test_a_gate_that_does_not_apply_yet_may_have_waived_slices() -> None:
    later = {"metric": "accuracy", "no_worse_than": "champion", "margin": 0.01, "by": ["shop"]}
    waiver = Waiver(gate="accuracy-no-worse-than-champion-by-shop", slice="shop = a", reason="r", owner="o",
                    expires=TODAY)  # fmt: skip
    found, rows, _ = waivers.apply(judged({"metric": "accuracy", "at_least": 0.5}, later), [waiver], TODAY, "w.yml")
    assert [row.state for row in rows] == ["not needed now"]
    assert judgement.verdict_of(found) is Verdict.PASS
