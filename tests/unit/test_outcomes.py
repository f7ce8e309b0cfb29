"""Outcomes of cases: every format says the same, repeats are one case, and what cannot be paired is never judged."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.core.vocabulary import OUTCOME_FORMATS
from modelyard.evaluation.outcomes.formats import FORMATS
from modelyard.gates import Judgement, ModelyardError, judge, judge_outcomes
from tests.outcome_samples import COLUMNS, SHAPES, Tried, inspect, junit, promptfoo, table, tried

GATES: list[dict[str, Any]] = [
    {"metric": "pass_rate", "at_least": 0.6},
    {"metric": "pass_rate", "no_worse_than": "champion", "margin": 0.05, "by": ["topic"]},
]
NEW, OLD = tried(0.8, seed=2, drift=0.1), tried(0.8, seed=3, drift=0.1)


def outcomes(
    shape: str, folder: Path, new: Sequence[Tried] = NEW, old: Sequence[Tried] = OLD, **more: Any
) -> Judgement:
    folder.mkdir(exist_ok=True)
    challenger, champion = (SHAPES[shape](folder / name, rows) for name, rows in (("new", new), ("old", old)))
    named: dict[str, Any] = {} if shape in ("table", "junit") else {"format": shape}
    columns = COLUMNS if shape == "table" else {}
    return judge_outcomes(more.pop("gates", GATES), challenger, champion, **named, **columns, **more)


def numbers(found: Judgement) -> list[Any]:
    return [(gate.state, gate.estimate.value, gate.interval, gate.estimate.n) for gate in found.gates]


def test_every_format_has_a_sample() -> None:
    assert set(SHAPES) == set(OUTCOME_FORMATS) == set(FORMATS.names())


@pytest.mark.parametrize("shape", SHAPES)
def test_every_format_gives_the_numbers_of_a_binary_task(tmp_path: Path, shape: str) -> None:
    found = outcomes(shape, tmp_path)
    plain = judge(
        [{"metric": "accuracy", "at_least": 0.6}, {"metric": "accuracy", "no_worse_than": "champion", "margin": 0.05}],
        [True] * len(NEW), challenger=[bool(each.passed) for each in NEW],
        champion=[bool(each.passed) for each in OLD], task="binary", classes=[False, True],
    )  # fmt: skip
    assert [gate.interval for gate in found.gates] == [gate.interval for gate in plain.gates]
    assert (found.unit, found.units, found.gates[0].estimate.method) == ("case", 300, "Wilson")
    assert {(row.column, row.value) for row in found.gates[1].slices} == {
        ("topic", "billing"), ("topic", "shipping"), ("topic", "returns"),
    }  # fmt: skip
    assert found.headline.endswith("; 300 cases")


@pytest.mark.parametrize("shape", ["promptfoo", "deepeval"])
def test_scores_are_judged_beside_the_pass_rate(tmp_path: Path, shape: str) -> None:
    found = outcomes(shape, tmp_path, gates=[{"metric": "mean_score", "no_worse_than": "champion", "margin": 0.05},
                                             {"metric": "mean_cost", "at_most": 0.003}])  # fmt: skip
    score, cost = found.gates
    mean = np.mean([each.score for each in NEW]) - np.mean([each.score for each in OLD])
    assert score.estimate.value == pytest.approx(mean)
    assert cost.estimate.value == pytest.approx(np.mean([each.cost for each in NEW]))
    assert cost.state == "pass"


@pytest.mark.parametrize("shape", ["table", "promptfoo", "inspect", "deepeval"])
def test_attempts_at_one_case_are_one_case(tmp_path: Path, shape: str) -> None:
    new, old = tried(0.8, attempts=4, seed=2, drift=0.3), tried(0.8, attempts=3, seed=3, drift=0.3)
    found = outcomes(shape, tmp_path, new, old)
    level, difference = found.gates
    assert (found.rows, level.estimate.n, level.estimate.unit) == (300, 300, "case")
    share = {}
    for side, rows in (("new", new), ("old", old)):
        frame = pl.DataFrame([vars(each) for each in rows])
        share[side] = frame.group_by("case", maintain_order=True).agg(pl.col("passed").mean())["passed"].to_numpy()
    assert level.estimate.value == pytest.approx(share["new"].mean())
    assert difference.estimate.value == pytest.approx((share["new"] - share["old"]).mean())
    error = (share["new"] - share["old"]).std(ddof=1) / np.sqrt(300)
    assert difference.interval is not None
    assert difference.interval[1] - difference.interval[0] == pytest.approx(2 * 1.968 * error, rel=0.01)


def test_forty_cases_that_were_tried_equally_often_have_a_level(tmp_path: Path) -> None:
    new, old = tried(0.8, cases=40, attempts=5, seed=2, drift=0.3), tried(0.8, cases=40, attempts=5, seed=3, drift=0.3)
    found = outcomes("inspect", tmp_path, new, old, gates=[{**GATES[0], "at_least": 0.4}, {**GATES[1], "by": []}])
    level, difference = found.gates
    assert (found.rows, found.units, level.estimate.n, level.estimate.rows, level.estimate.unit) == (
        40,
        40,
        40,
        200,
        "case",
    )
    assert level.state == "pass"
    assert level.estimate.value == pytest.approx(np.mean([each.passed for each in new]))
    assert difference.interval is not None
    plain = judge(
        [{"metric": "accuracy", "at_least": 0.4}], [True] * 200, challenger=[bool(each.passed) for each in new],
        task="binary", classes=[False, True], unit=[each.case for each in new],
    )  # fmt: skip
    assert plain.gates[0].interval == level.interval


def test_a_challenger_at_the_margin_passes_in_few_runs_although_its_attempts_agree() -> None:
    """Counting attempts as independent would pass it in about one run of five."""
    draw, passed, runs = np.random.default_rng(8), 0, 300
    gates = [{"metric": "pass_rate", "no_worse_than": "champion", "margin": 0.1}]
    for _ in range(runs):
        both = []
        for rate in (0.6, 0.7):
            of_case = np.repeat(draw.random(60) < rate, 5) ^ (draw.random(300) < 0.02)
            both.append({"case": np.repeat(np.arange(60), 5), "try": np.tile(np.arange(5), 60), "ok": of_case})
        found = judge_outcomes(gates, *both, case="case", outcome="ok", repeat="try")
        passed += found.verdict == "pass"
    assert passed <= 18  # 2.5 % nominal: 99.9 % limit of a true 2.5 % in 300 runs


def test_lower_scores_may_be_better_and_units_may_be_larger_than_cases() -> None:
    draw = np.random.default_rng(4)
    n = 400
    new = {"id": np.arange(n), "seconds": draw.gamma(2.0, 1.0, n), "route": np.arange(n) % 50}
    old = {**new, "seconds": new["seconds"] + 0.5 + 0.2 * draw.random(n)}
    gates = [{"metric": "mean_score", "better_than": "champion"}]
    named: dict[str, Any] = {"case": "id", "outcome": "seconds"}
    assert judge_outcomes(gates, new, old, direction="lower", **named).verdict == "pass"
    assert judge_outcomes(gates, new, old, **named).verdict == "fail"
    found = judge_outcomes(gates, new, old, direction="lower", unit="route", **named)
    assert (found.rows, found.units, found.unit, found.gates[0].estimate.n) == (400, 50, "route", 50)


@pytest.mark.parametrize("kind", ["rows", "columns", "pandas", "polars", "words", "numbers"])
def test_tables_come_in_many_kinds(kind: str) -> None:
    rows: list[dict[str, Any]] = [{"id": at, "ok": at % 4 > 0} for at in range(200)]
    as_given: dict[str, Any] = {
        "rows": rows,
        "columns": {"id": [row["id"] for row in rows], "ok": [row["ok"] for row in rows]},
        "pandas": pd.DataFrame(rows),
        "polars": pl.DataFrame(rows),
        "words": [{**row, "ok": "passed" if row["ok"] else "Failed"} for row in rows],
        "numbers": [{**row, "ok": float(row["ok"])} for row in rows],
    }
    found = judge_outcomes([{"metric": "pass_rate", "at_least": 0.6}], as_given[kind], case="id", outcome="ok")
    assert found.gates[0].estimate.value == 0.75
    assert found.verdict == "pass"


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**20), attempts=st.integers(1, 3))
def test_neither_order_nor_names_of_cases_matter(seed: int, attempts: int) -> None:
    draw = np.random.default_rng(seed)
    case, attempt = np.repeat(np.arange(80), attempts), np.tile(np.arange(attempts), 80)
    sides = [{"case": case, "try": attempt, "ok": draw.random(len(case)) < rate} for rate in (0.7, 0.6)]
    named: dict[str, Any] = {"case": "case", "outcome": "ok", "repeat": "try"}
    gates = [{"metric": "pass_rate", "no_worse_than": "champion", "margin": 0.1}]
    plain = judge_outcomes(gates, *sides, **named)
    order, names = draw.permutation(len(case)), np.array([f"q{each}" for each in draw.permutation(80)])
    first = {key: values[order] for key, values in sides[0].items()}
    moved = judge_outcomes(gates, {**first, "case": names[first["case"]]}, {**sides[1], "case": names[case]}, **named)
    assert moved.verdict == plain.verdict
    assert plain.gates[0].interval is not None
    low, high = plain.gates[0].interval
    assert moved.gates[0].interval == pytest.approx((low, high), rel=1e-9, abs=1e-12)
    turned = judge_outcomes(gates, sides[1], sides[0], **named)
    assert turned.gates[0].estimate.value == pytest.approx(-(plain.gates[0].estimate.value or 0.0), abs=1e-12)


def test_one_file_may_hold_both_sides(tmp_path: Path) -> None:
    one, two = promptfoo(tmp_path / "a", NEW, provider="new"), promptfoo(tmp_path / "b", OLD, provider="old")
    both = json.loads(one.read_text("utf-8"))
    both["results"]["results"] += json.loads(two.read_text("utf-8"))["results"]["results"]
    one.write_text(json.dumps(both), "utf-8")
    sides = {"challenger": {"provider": "new"}, "champion": {"provider": "old"}}
    found = judge_outcomes(GATES, one, one, format="promptfoo", only=sides)
    assert numbers(found) == numbers(outcomes("promptfoo", tmp_path / "apart"))
    with pytest.raises(ModelyardError, match="results of 2 providers, and only one can be judged: 'new', 'old'"):
        judge_outcomes(GATES, one, two, format="promptfoo")
    with pytest.raises(ModelyardError, match="there is no provider 'newer'"):
        judge_outcomes(GATES, one, two, format="promptfoo", only={"provider": "newer"})


def test_promptfoo_tests_may_be_named_by_their_metadata(tmp_path: Path) -> None:
    found = outcomes("promptfoo", tmp_path, case="vars.question")
    assert numbers(found) == numbers(outcomes("promptfoo", tmp_path))


@pytest.mark.parametrize("shape", SHAPES)
def test_few_errors_are_left_out_and_many_are_refused(tmp_path: Path, shape: str) -> None:
    broken = [replace(each, passed=None) if at < 3 else each for at, each in enumerate(NEW)]
    assert outcomes(shape, tmp_path, broken).rows == 297
    many = [replace(each, passed=None) if at < 4 else each for at, each in enumerate(NEW)]
    with pytest.raises(ModelyardError) as caught:
        outcomes(shape, tmp_path, many)
    assert caught.value.code == "outcomes/no-outcome"
    assert "the challenger: 4 of 300 attempts have no outcome (allowed: 1 %)" in str(caught.value)


def test_an_error_is_no_failure_of_the_champion(tmp_path: Path) -> None:
    """Counted as failures, a broken harness would make the challenger look better."""
    broken = [replace(each, passed=None) if at < 100 else each for at, each in enumerate(OLD)]
    with pytest.raises(ModelyardError, match="the champion: 100 of 300 attempts have no outcome"):
        outcomes("inspect", tmp_path, NEW, broken)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("new", "old", "who"), [(NEW[5:], OLD, "challenger"), (NEW, OLD[5:], "champion")])
def test_cases_on_one_side_alone_are_refused(
    tmp_path: Path, shape: str, new: Sequence[Tried], old: Sequence[Tried], who: str
) -> None:
    with pytest.raises(ModelyardError) as caught:
        outcomes(shape, tmp_path, new, old)
    assert caught.value.code == "outcomes/unmatched-cases"
    assert f"the {who}: 5 of 300 cases have no outcome" in str(caught.value)


@pytest.mark.parametrize("shape", ["table", "inspect", "junit"])
def test_two_outcomes_of_one_attempt_are_refused(tmp_path: Path, shape: str) -> None:
    with pytest.raises(ModelyardError) as caught:
        outcomes(shape, tmp_path, [*NEW, NEW[0]])
    assert caught.value.code == "outcomes/repeated-case"
    assert "'" in str(caught.value)


@pytest.mark.parametrize("shape", SHAPES)
def test_no_case_at_all_is_refused(tmp_path: Path, shape: str) -> None:
    with pytest.raises(ModelyardError) as caught:
        outcomes(shape, tmp_path, [])
    assert caught.value.code in ("outcomes/no-cases", "outcomes/unreadable")
    assert str(tmp_path) not in str(caught.value)


def test_an_unfinished_log_is_refused(tmp_path: Path) -> None:
    path = inspect(tmp_path / "log", NEW, status="cancelled")
    with pytest.raises(ModelyardError, match="the status 'cancelled', and only a finished one"):
        judge_outcomes(GATES[:1], path, format="inspect")


HOSTILE: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "cut short": ("promptfoo", lambda path: path.write_text('{"results": {"resul', "utf-8"), "outcomes/unreadable"),
    "deep": ("deepeval", lambda path: path.write_text("[" * 200_000, "utf-8"), "outcomes/unreadable"),
    "a list": ("inspect", lambda path: path.write_text("[1]", "utf-8"), "outcomes/other-format"),
    "another format": ("deepeval", lambda path: path.write_text('{"results": []}', "utf-8"), "outcomes/other-format"),
    "rows of text": ("promptfoo", lambda path: path.write_text('{"results": ["a"]}', "utf-8"), "outcomes/other-format"),
    "bytes": ("promptfoo", lambda path: path.write_bytes(b"\xff\xfe\x00{"), "outcomes/unreadable"),
    "entities": (
        "junit",
        lambda path: path.write_text('<!DOCTYPE a [<!ENTITY x "boom">]><testsuites>&x;</testsuites>', "utf-8"),
        "outcomes/unreadable",
    ),
    "no xml": ("junit", lambda path: path.write_text("<testsuites><testsuite>", "utf-8"), "outcomes/unreadable"),
    "html": ("junit", lambda path: path.write_text("<html/>", "utf-8"), "outcomes/other-format"),
    "a folder": ("promptfoo", lambda path: path.mkdir(), "outcomes/unreadable"),
    "missing": ("promptfoo", lambda _path: None, "outcomes/no-file"),
    "an odd outcome": (
        "table", lambda path: path.write_text('{"id": 1, "passed": "maybe"}\n', "utf-8"), "outcomes/unknown-outcome",
    ),
    "a case without a name": (
        "table", lambda path: path.write_text('{"id": null, "passed": true}\n', "utf-8"), "outcomes/no-case",
    ),
    "no such column": ("table", lambda path: path.write_text('{"ids": 1}\n', "utf-8"), "data/missing-column"),
    "a score that is none": (
        "promptfoo",
        lambda path: path.write_text('{"results": [{"success": true, "score": "high"}]}', "utf-8"),
        "outcomes/not-a-number",
    ),
    "an infinite score": (
        "promptfoo",
        lambda path: path.write_text('{"results": [{"success": true, "score": Infinity}]}', "utf-8"),
        "outcomes/not-a-number",
    ),
    "several scorers": (
        "inspect",
        lambda path: path.write_text(
            '{"eval": {}, "status": "success", "samples": [{"id": 1, "scores": {"a": {}, "b": {}}}]}', "utf-8"
        ),
        "outcomes/several-results",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_says_something_else_is_refused_with_its_side(tmp_path: Path, name: str) -> None:
    shape, write, code = HOSTILE[name]
    path = tmp_path / {"table": "file.jsonl", "junit": "file.xml"}.get(shape, "file.json")
    write(path)
    named: dict[str, Any] = {"case": "id", "outcome": "passed"} if shape == "table" else {}
    with pytest.raises(ModelyardError) as caught:
        judge_outcomes(GATES[:1], path, format=shape, **named)
    assert caught.value.code == code, str(caught.value)
    assert "challenger" in str(caught.value)


SLIPS: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown metric": ({"gates": [{"metric": "accuracy", "at_least": 0.5}]}, "config/unknown-metric", "pass_rate"),
    "percent": ({"gates": [{"metric": "pass_rate", "at_least": 80}]}, "config/senseless-gate", "between 0 and 1"),
    "baseline": ({"gates": [{"metric": "pass_rate", "better_than": "baseline"}]}, "outcomes/no-baseline", "constant"),
    "no tag": ({"gates": [{"metric": "pass_rate", "at_least": 0.5, "by": ["tpic"]}]}, "config/unknown-slice", "'tpic'"),
    "no unit": ({"unit": "conversation"}, "outcomes/no-unit", "300 of 300 cases have no 'conversation'"),
    "adjusted": (
        {"gates": [{"metric": "pass_rate", "at_least": 0.5, "adjust_by": "age"}]}, "config/senseless-gate",
        "gates[0].adjust_by",
    ),
    "no gates": ({"gates": None}, "config/bad-value", "no default gates"),
    "format": ({"format": "promptfo"}, "outcomes/unknown-format", "Did you mean 'promptfoo'?"),
    "selection": ({"only": {"scorer": "match"}}, "outcomes/unknown-selection", "provider and prompt"),
    "outcome": ({"outcome": "success"}, "outcomes/unknown-selection", "outcome means nothing in the format promptfoo"),
    "direction": ({"direction": "up"}, "config/bad-value", "allowed: higher, lower"),
    "no name tells": ({"format": None}, "outcomes/unnamed-format", "Name it: format: table, promptfoo"),
    "nothing applies": (
        {"gates": GATES[1:], "champion": None}, "evaluate/no-applicable-gate", "none yet",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_told_before_anything_is_judged(tmp_path: Path, name: str) -> None:
    changed, code, words = SLIPS[name]
    given: dict[str, Any] = {
        "champion": promptfoo(tmp_path / "old", OLD),
        "format": "promptfoo",
        "gates": GATES,
        **changed,
    }
    with pytest.raises(ModelyardError) as caught:
        judge_outcomes(given.pop("gates"), promptfoo(tmp_path / "new", NEW), **given)
    assert caught.value.code == code, str(caught.value)
    assert words in str(caught.value)


def test_a_measure_that_not_every_attempt_has_cannot_be_gated(tmp_path: Path) -> None:
    path = inspect(tmp_path / "log", NEW)
    text = path.read_text("utf-8").replace('"value": "C"', '"value": "P"', 1)
    path.write_text(text, "utf-8")
    with pytest.raises(
        ModelyardError, match="pass_rate is gated, and not every attempt of both sides passed or failed"
    ):
        judge_outcomes(GATES[:1], path, format="inspect")
    assert judge_outcomes([{"metric": "mean_score", "at_least": 0.5}], path, format="inspect").verdict == "pass"
    with pytest.raises(ModelyardError, match="not every attempt of both sides has a cost"):
        judge_outcomes([{"metric": "mean_cost", "at_most": 1}], {"id": [1], "ok": [True]}, case="id", outcome="ok")


def test_what_was_skipped_was_not_asked(tmp_path: Path) -> None:
    path = junit(tmp_path / "one", NEW)
    assert judge_outcomes(GATES[:1], path).rows == len(NEW)


def test_the_same_file_on_both_sides_is_no_worse(tmp_path: Path) -> None:
    path = table(tmp_path / "one", NEW)
    found = judge_outcomes(GATES, path, path, **COLUMNS)
    assert found.gates[1].estimate.value == 0.0
    assert found.gates[1].interval is not None
    assert found.gates[1].interval[0] > -0.05
