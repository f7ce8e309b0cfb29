"""Custom metrics, costs, waivers, behaviour tests, checks, the best promoted model, the ledger, by the command line."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from modelyard.registry.local.registry import LocalRegistry
from tests import desk

METRIC = """\
import numpy as np


def hit_rate(actual, predicted):
    print("this goes to a log, and not into the protocol")
    return float(np.mean(actual == predicted))


def two_numbers(actual, predicted):
    return np.array([1.0, 2.0])


def broken(actual, predicted):
    raise ValueError("no such luck")


def distance(actual, predicted):
    return float(np.mean(np.abs((actual == "yes") - predicted)))
"""

GATES = "    - {metric: roc_auc, at_least: 0.6}\n    - {metric: roc_auc, no_worse_than: champion, margin: 0.05}\n"


def tiny(folder: Path, gates: str, more: str = "") -> Path:
    config = desk.QUICK.replace(GATES, gates)
    assert gates in config
    return desk.repository(folder / "tiny", config + more)


def gates_of(folder: Path) -> dict[str, dict[str, Any]]:
    return {gate["id"]: gate for gate in desk.record(folder, "evaluate")["result"]["gates"]}


def checks_of(folder: Path) -> dict[str, dict[str, Any]]:
    named = {"subject": ""}
    return {
        ": ".join(part for part in (check["name"], (named | check)["subject"]) if part): check
        for check in desk.record(folder, "evaluate")["result"]["checks"]
    }


def test_an_own_metric_agrees_with_the_built_in_one(tmp_path: Path) -> None:
    folder = tiny(
        tmp_path,
        "    - {metric: hits, at_least: 0.5}\n    - {metric: accuracy, at_least: 0.5}\n"
        "    - {metric: distance, at_most: 0.6}\n    - {metric: accuracy, between: [0.3, 0.999]}\n",
        "  metrics:\n    hits: {function: 'scoring.own:hit_rate', higher_is_better: true}\n"
        "    distance: {function: 'scoring.own:distance', higher_is_better: false, needs: probability}\n",
    )
    (folder / "scoring").mkdir()
    (folder / "scoring" / "own.py").write_text(METRIC, "utf-8")
    done = desk.inside(folder, "run")
    assert done.code == 0, done.err
    found = gates_of(folder)
    own, built_in = found["hits-at-least"]["estimate"], found["accuracy-at-least"]["estimate"]
    assert own["value"] == built_in["value"]
    assert own["method"][0]["code"] == "bca"
    assert abs(own["low"] - built_in["low"]) < 0.01
    assert found["distance-at-most"]["verdict"] == "pass"
    assert found["accuracy-between"]["upper"] == 0.999


@pytest.mark.parametrize(
    ("function", "code", "said"),
    [
        ("two_numbers", 3, "it returned ndarray of shape (2,), and a metric is one number"),
        ("broken", 3, "own.py: ValueError, line 14"),
        ("brokn", 3, "own.py has no function 'brokn'; it has hit_rate, two_numbers, broken, distance"),
    ],
)
def test_an_own_metric_that_fails_says_where(tmp_path: Path, function: str, code: int, said: str) -> None:
    folder = tiny(
        tmp_path,
        "    - {metric: mine, at_least: 0.5}\n",
        f"  metrics: {{mine: {{function: 'own:{function}', higher_is_better: true}}}}\n",
    )
    (folder / "own.py").write_text(METRIC, "utf-8")
    done = desk.inside(folder, "run")
    assert done.code == code
    assert said in done.err
    assert "no such luck" not in done.out + done.err, "what user code raises may hold values of rows"


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ("{mine: {function: 'own:hit_rate'}}", "a custom metric has to say which way is better"),
        ("{mine: {function: 'gone:hit_rate', higher_is_better: true}}", "gone.py"),
        (
            "{mine: {higher_is_better: true}}",
            "a metric is a function, a list of costs, or a metric with its parameter; found none of them",
        ),
        ("{mine: {costs: [{actual: maybe, predicted: 'no', cost: 3}]}}", "unknown class 'maybe'"),
        ("{mine: {function: 'own:hit_rate', higher_is_better: true, needs: value}}", "needs is value"),
        ("{mine: {metric: accuracy, k: 3}}", "'accuracy' takes no parameter; these do: top_k_accuracy"),
        ("{mine: {metric: roc_auc, positive: 'yes'}}", "is a metric for multiclass, and this task is binary"),
        ("{mine: {metric: top_k_accuracy, k: 3, power: 1}}", "is a metric for multiclass"),
        ("{mine: {function: 'own:hit_rate', higher_is_better: true, k: 3}}", "k belongs to a metric with a parameter"),
        ("{mine: {metric: roc_auc, positive: 'yes', higher_is_better: true}}", "which way is better follows"),
        ("{accuracy: {function: 'own:hit_rate', higher_is_better: true}}", "accuracy is a built-in metric already"),
    ],
)
def test_an_own_metric_that_is_not_one_is_exit_2(tmp_path: Path, metrics: str, said: str) -> None:
    name = metrics[1:].partition(":")[0]
    folder = tiny(tmp_path, f"    - {{metric: {name}, at_least: 0.5}}\n", f"  metrics: {metrics}\n")
    (folder / "own.py").write_text(METRIC, "utf-8")
    done = desk.inside(folder, "run")
    assert (done.code, said in done.err) == (2, True), done.err


def test_costs_are_a_metric_of_their_own(tmp_path: Path) -> None:
    folder = tiny(
        tmp_path,
        "    - {metric: cost, at_most: 3}\n    - {metric: accuracy, at_least: 0.5}\n",
        '  metrics:\n    cost:\n      costs:\n        - {actual: "yes", predicted: "no", cost: 5}\n'
        '        - {actual: "no", predicted: "yes", cost: 1}\n',
    )
    done = desk.inside(folder, "run")
    assert done.code == 0, done.err
    found = gates_of(folder)["cost-at-most"]
    assert found["higher_is_better"] is False
    assert 0 < found["estimate"]["value"] < 3


OF_CLASSES = """\
model: {name: tiny, task: multiclass}
data:
  sets: {all: data/*.csv}
  split: {of: all, by: hash, test: 0.5}
  columns: {target: answer, id: key}
train:
  candidates:
    - {estimator: sklearn.linear_model.LogisticRegression}
  jobs: 1
evaluate:
  metrics:
    auc_of_late: {metric: roc_auc, positive: late}
    recall_of_lost: {metric: recall, positive: lost}
  gates:
    - {metric: auc_of_late, at_least: 0.6}
    - {metric: recall_of_lost, at_least: 0.3}
    - {metric: top_k_accuracy, better_than: baseline}
    - {metric: roc_auc_ovo, better_than: baseline}
    - {metric: matthews_corrcoef, better_than: baseline}
"""


def test_metrics_of_several_classes_and_of_one_of_them_are_gates(tmp_path: Path) -> None:
    folder = desk.repository(tmp_path / "three", OF_CLASSES)
    draw = np.random.default_rng(1)
    size, width = draw.normal(size=(2, 600))
    score = np.stack([size, width, -size - width]) + draw.gumbel(size=(3, 600))
    answer = np.array(["early", "late", "lost"])[score.argmax(axis=0)]
    table = {"key": [f"k{at}" for at in range(600)], "size": size, "width": width, "answer": answer}
    pl.DataFrame(table).write_csv(folder / "data" / "part-1.csv")
    done = desk.inside(folder, "run")
    assert done.code == 0, done.err
    assert {gate["verdict"] for gate in gates_of(folder).values()} == {"pass"}
    text = (folder / "modelyard.yml").read_text("utf-8").replace("positive: late", "positive: lat")
    (folder / "modelyard.yml").write_text(text, "utf-8")
    done = desk.inside(folder, "run")
    assert (done.code, "evaluate.metrics.auc_of_late.positive: unknown class 'lat'" in done.err) == (2, True), done.err


def test_a_level_is_adjusted_by_a_column_of_all_rows(tmp_path: Path) -> None:
    gates = "    - {metric: log_loss, at_most: 0.6, adjust_by: size}\n    - {metric: log_loss, at_most: 0.6}\n"
    folder = tiny(tmp_path, gates)
    done = desk.inside(folder, "run")
    assert done.code == 0, done.err
    adjusted, plain = (gate["estimate"] for gate in desk.record(folder, "evaluate")["result"]["gates"])
    codes = [[each["code"] for each in found["method"]] for found in (adjusted, plain)]
    assert "adjusted" not in codes[1]
    assert adjusted["high"] - adjusted["low"] <= plain["high"] - plain["low"]
    assert ("adjusted" in codes[0]) == (adjusted["low"] != plain["low"])


def waivers(**fields: str) -> str:
    written = {
        "gate": "accuracy-at-least",
        "reason": "the new labels arrive in June",
        "owner": "ml-team",
        "expires": (datetime.now(UTC) + timedelta(days=30)).date().isoformat(),
    } | fields
    return json.dumps({"waivers": [written]})


WAIVED = "    - {metric: accuracy, at_least: 0.99}\n    - {metric: roc_auc, at_least: 0.6}\n"


def test_a_waiver_lets_its_gate_pass_in_sight_until_it_expires(tmp_path: Path) -> None:
    folder = tiny(tmp_path, WAIVED, "  waivers: waivers.yml\n")
    (folder / "waivers.yml").write_text(waivers(), "utf-8")
    done = desk.inside(folder, "run")
    assert done.code == 0, done.err
    found = gates_of(folder)["accuracy-at-least"]
    assert found["verdict"] == "fail"
    assert (found["waived"]["owner"], found["waived"]["reason"]) == ("ml-team", "the new labels arrive in June")
    report = (folder / "modelyard-run" / "report.md").read_text("utf-8")
    assert "accuracy at least 0.99 (waived)" in report
    assert "the new labels arrive in June" in report
    assert "1 of 2 gates passed, 1 waived" in report
    (folder / "waivers.yml").write_text(waivers(expires="2026-01-31"), "utf-8")
    done = desk.inside(folder, "run")
    assert done.code == 1
    check = checks_of(folder)["waiver: accuracy-at-least"]
    assert check["finding"] == {"code": "waiver-expired", "values": {"owner": "ml-team", "expires": "2026-01-31"}}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"gate": "accuracy-at-last"}, "a waiver names the gate 'accuracy-at-last', which does not exist"),
        ({"gate": "accuracy at least 0.99"}, "[waiver/gate-by-words]\n  hint: Write gate: accuracy-at-least."),
        ({"slice": "colour = blue"}, "a waiver names the slice 'colour = blue'"),
        ({"expires": "soon"}, "waivers[0].expires: found 'soon'"),
        ({"owner": ""}, "waivers[0].owner: found ''"),
    ],
)
def test_a_waiver_that_names_nothing_is_exit_2(tmp_path: Path, fields: dict[str, str], said: str) -> None:
    folder = tiny(tmp_path, WAIVED, "  waivers: waivers.yml\n")
    (folder / "waivers.yml").write_text(waivers(**fields), "utf-8")
    done = desk.inside(folder, "run")
    assert (done.code, said in done.err) == (2, True), done.err


BEHAVIOUR = """\
tests:
  - {name: more size is more yes, kind: directional, column: size, add: 1, expect: increase, gate: true}
  - {name: size does not matter, kind: invariance, column: size, add: 1, tolerance: 0.001}
  - name: plain cases
    kind: minimum
    gate: true
    rows:
      - {size: 3, colour: red, answer: "yes"}
      - {size: -3, colour: blue, answer: "no"}
  - {name: like the champion, kind: golden, tolerance: 0.2}
"""
PLAIN = "    - {metric: roc_auc, at_least: 0.6}\n"


def test_behaviour_tests_say_what_averages_do_not(tmp_path: Path) -> None:
    folder = tiny(tmp_path, PLAIN, "  behaviour: behaviour.yml\n")
    (folder / "behaviour.yml").write_text(BEHAVIOUR, "utf-8")
    done = desk.inside(folder, "run", "--promote")
    assert done.code == 0, done.err
    found = checks_of(folder)
    assert {name: check["verdict"] for name, check in found.items() if ": " in name} == {
        "directional: more size is more yes": "pass",
        "invariance: size does not matter": "fail",
        "minimum: plain cases": "pass",
        "golden: like the champion": "not-applicable",
    }
    desk.edit(folder / "behaviour.yml", "expect: increase", "expect: decrease")
    done = desk.inside(folder, "run")
    assert done.code == 1
    assert "The gates pass; the check “directional: more size is more yes” does not" in (
        folder / "modelyard-run" / "report.md"
    ).read_text("utf-8")
    assert checks_of(folder)["golden: like the champion"]["verdict"] == "pass"


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("column: size, add: 1, expect", "column: siz, add: 1, expect", 2, "names the column 'siz'"),
        ("column: size, add: 1, expect", "column: colour, add: 1, expect", 2, "adds or multiplies 'colour'"),
        ('answer: "yes"', "answer: perhaps", 2, "unknown class 'perhaps'"),
        ("kind: golden", "kind: gold", 2, "behaviour.yml:10: tests[3].kind: found 'gold'"),
        ("add: 1, expect: increase", "add: 1", 2, "expect: increase or decrease belongs to a directional test"),
        ("expect: increase", "where: {colour: pink}, expect: increase", 1, ""),
    ],
)
def test_a_behaviour_test_that_cannot_be_run_is_never_green(
    tmp_path: Path, old: str, new: str, code: int, said: str
) -> None:
    folder = tiny(tmp_path, PLAIN, "  behaviour: behaviour.yml\n")
    (folder / "behaviour.yml").write_text(BEHAVIOUR.replace(old, new), "utf-8")
    done = desk.inside(folder, "run")
    if said:
        assert (done.code, said in done.err) == (code, True), done.err
    else:
        assert done.code != 0
        assert checks_of(folder)["directional: more size is more yes"]["finding"]["code"] == "behaviour-no-rows"


def test_a_model_that_is_not_calibrated_fails_where_that_is_a_gate(tmp_path: Path) -> None:
    folder = tiny(tmp_path, PLAIN, "  checks: {calibration: gate, calibration_error: 0.01}\n")
    desk.edit(folder / "modelyard.yml", "params: {C: [0.1, 1]}", "params: {C: [0.0005]}")
    done = desk.inside(folder, "run")
    assert done.code == 1
    finding = checks_of(folder)["calibration"]["finding"]
    assert finding["code"] == "calibration-off"
    assert finding["values"]["error_low"] > finding["values"]["most"] == 0.01
    result = desk.record(folder, "evaluate")["result"]
    kinds = [(curve["kind"], curve["model"]) for curve in result["curves"]]
    assert kinds == [(kind, "challenger") for kind in ("roc", "precision_recall", "calibration")]
    page = (folder / "modelyard-run" / "report.html").read_text("utf-8")
    assert "observed share" in page


def test_the_best_promoted_model_stays_behind_a_slow_slide(tmp_path: Path) -> None:
    folder = tiny(tmp_path, PLAIN + "    - {metric: roc_auc, no_worse_than: best-promoted, margin: 10 % of gain}\n")
    assert desk.inside(folder, "run", "--promote").code == 0
    desk.edit(folder / "modelyard.yml", "C: [0.1, 1]", "C: [0.2]")
    assert desk.inside(folder, "run", "--promote").code == 0
    result = desk.record(folder, "evaluate")["result"]
    assert (result["best"], result["walked"]) == ("v1", None)
    moved = LocalRegistry(folder / ".modelyard", "tiny").history("best-promoted")
    assert [(entry.alias, entry.to) for entry in moved] == [("best-promoted", "v1")], (
        "a model that is not surely better is promoted, and is not the best"
    )
    rule = "roc-auc-no-worse-than-best-promoted"
    desk.edit(folder / "modelyard.yml", "C: [0.2]", "C: [0.3]")
    assert desk.inside(folder, "run").code == 0
    assert gates_of(folder)[rule]["verdict"] == "pass"
    assert gates_of(folder)[rule]["margin"] is None
    result = desk.record(folder, "evaluate")["result"]
    assert (result["champion"], result["best"]) == ("v2", "v1")
    assert result["walked"]["low"] < result["walked"]["value"] < result["walked"]["high"]
    report = (folder / "modelyard-run" / "report.md").read_text("utf-8")
    assert "How far the alias has walked: on these rows v2 is 0.000" in report
    assert "than v1, the best that was promoted; between 0.00" in report


def test_looks_at_a_test_set_are_counted_once_each(tmp_path: Path) -> None:
    folder = tiny(tmp_path, PLAIN)
    assert desk.inside(folder, "run").code == 0
    assert desk.inside(folder, "evaluate").code == 0
    assert desk.record(folder, "evaluate")["result"]["reuse"]["evaluations"] == 1, "a re-run is free"
    desk.edit(folder / "modelyard.yml", "at_least: 0.6", "at_least: 0.5")
    assert desk.inside(folder, "run").code == 0
    assert desk.record(folder, "evaluate")["result"]["reuse"]["evaluations"] == 2
    desk.rows(700, seed=5, first=10_000).write_csv(folder / "data" / "part-1.csv")
    assert desk.inside(folder, "run").code == 0
    assert desk.record(folder, "evaluate")["result"]["reuse"]["evaluations"] == 1, "other rows are fresh"
