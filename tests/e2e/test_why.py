"""`modelyard why`: one verdict's story from its record, at a desk and of a version."""

import json
import re
from pathlib import Path

import pytest

from tests import desk


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    second = "    - {metric: accuracy, at_least: 0.68, by: [colour, {colour: blue}], inconclusive: allow}\n"
    config = desk.QUICK.replace("at_least: 0.6}\n", "at_least: 0.6}\n" + second)
    folder = desk.repository(tmp_path_factory.mktemp("why") / "repo", config)
    assert desk.modelyard(folder, "run", "--promote").code == 0
    return folder


def test_the_gates_are_listed_with_their_verdicts(judged: Path) -> None:
    lines = desk.modelyard(judged, "why").out.splitlines()
    assert [re.split(r"\s{2,}", line.strip()) for line in lines] == [
        ["roc-auc-at-least", "pass", "roc_auc at least 0.6"],
        ["accuracy-at-least-by-colour", "inconclusive", "accuracy at least 0.68"],
        ["roc-auc-no-worse-than-champion", "not-applicable", "roc_auc no worse than champion, margin 0.05"],
    ]


@pytest.mark.parametrize("named", ["roc-auc-at-least", "1", "roc_auc at least"])
def test_a_gate_tells_its_whole_story(judged: Path, named: str) -> None:
    said = desk.modelyard(judged, "why", named).out
    assert said.startswith(
        "roc_auc at least 0.6: pass\n  The challenger’s roc_auc is 0.8430 [0.7854, 0.8860] on 242 rows"
    )
    assert "Newcombe" in said
    assert "visible     differences of 0.072 or more" in said
    assert "hindsight   at_least 0.7853 would just have passed; chosen after the fact" in said
    assert "again       modelyard evaluate" in said
    record = json.loads((judged / "modelyard-run" / "records" / "evaluate.json").read_text("utf-8"))
    assert f"evidence    {record['digest']}" in said


def test_slices_that_decide_are_told_with_what_they_need(judged: Path) -> None:
    said = desk.modelyard(judged, "why", "accuracy-at-least-by-colour").out
    assert said.startswith("accuracy at least 0.68: inconclusive (allowed)")
    assert "Of its slices: colour = blue must be judged, and has too few rows for it." in said
    needs = r"; too few rows \([\d,]+ of about [\d,]+\) to see a shortfall of 0\.1"
    found = re.findall(r"slice +colour = (\w+): inconclusive, .*, [\d.]+% of the rows" + needs, said)
    assert sorted(found) == ["blue", "red"]


def test_a_version_tells_the_same(judged: Path) -> None:
    assert desk.modelyard(judged, "why", "1", "--version", "v1").out == desk.modelyard(judged, "why", "1").out


def test_a_gate_that_is_not_there_is_named_with_the_nearest(judged: Path) -> None:
    done = desk.modelyard(judged, "why", "roc-auc-at-leased")
    assert done.code == 2
    assert "Did you mean 'roc-auc-at-least'?" in done.err
    assert desk.modelyard(judged, "why", "roc_auc").code == 2


def test_without_an_evaluation_there_is_nothing_to_ask(tmp_path: Path) -> None:
    folder = desk.repository(tmp_path / "repo", desk.QUICK)
    done = desk.modelyard(folder, "why")
    assert (done.code, "[record/no-evaluation]" in done.err) == (3, True)
