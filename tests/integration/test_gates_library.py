"""The gates as a library give the numbers of the pipeline: what a record holds, to the last digit."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import polars as pl
import pytest
import yaml

from modelyard.gates import Judgement, judge
from tests import desk
from tests.desk import edit
from tests.desk import inside as modelyard

SEED = 11
ROWS = 900
GATES = """\
  - {metric: roc_auc, at_least: 0.6, by: [shop]}
  - {metric: roc_auc, no_worse_than: champion, margin: 10 % of gain}
  - {metric: accuracy, no_worse_than: champion, margin: 2 %, by: [shop]}
  - {metric: f1, no_worse_than: champion, margin: 0.05}
  - {metric: average_precision, no_worse_than: best-promoted, margin: 0.05}
  - {metric: log_loss, better_than: champion}
  - {metric: brier_score, better_than: baseline, margin: 0.01}
"""


WHEN = np.datetime64("2026-01-01T00:00") + np.arange(ROWS) * np.timedelta64(170, "m")


def rows(count: int, seed: int) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    answer = draw.choice(["no", "yes"], count, p=[0.6, 0.4])
    value = draw.normal(size=count)
    return pl.DataFrame(
        {
            "key": [f"{seed}-{at}" for at in range(count)],
            "answer": answer,
            "kind": draw.choice(["a", "b", "c"], count),
            "value": value,
            "shop": draw.choice(["north", "south", "west"], count),
            "store": draw.integers(0, 40, count),
            "when": pl.Series(WHEN[:count].astype("datetime64[us]")),
            "weight": draw.uniform(0.5, 2.0, count),
        }
    )


TRAIN, TEST = rows(300, 2), rows(ROWS, 1)
TRUE = (TEST["answer"] == "yes").to_numpy()


def scores(strength: float, seed: int) -> Any:
    return strength * TRUE + (1 - strength) * np.random.default_rng(seed).random(ROWS)


def table(strength: float, seed: int) -> Any:
    raw = np.random.default_rng(seed).random((ROWS, 3))
    raw += strength * (TEST["kind"].to_numpy()[:, None] == np.array(["a", "b", "c"]))
    return raw / raw.sum(axis=1, keepdims=True)


def repository(folder: Path, model: str, columns: str, predictions: pl.DataFrame, gates: str) -> Path:
    (folder / "data").mkdir(parents=True)
    TRAIN.write_parquet(folder / "data" / "train.parquet")
    TEST.write_parquet(folder / "data" / "test.parquet")
    predictions.write_parquet(folder / "challenger.parquet")
    (folder / "modelyard.yml").write_text(
        f"model: {{name: judged, {model}}}\n"
        "data:\n  sets: {train: data/train.parquet, test: data/test.parquet}\n"
        f"  columns: {{id: key, {columns}}}\n"
        "  overlap: {allow: made up}\n"
        "evaluate:\n"
        "  challenger: challenger.parquet\n" + (f"  gates:\n{gates}" if gates else ""),
        "utf-8",
    )
    (folder / ".gitignore").write_text("data/\n*.parquet\n", "utf-8")
    desk.commit(folder)
    return folder


def run(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run the pipeline with the library's seed, and return the result of its evaluation."""
    with patch("modelyard.steps.evaluate.step._seed", lambda *_: SEED):
        done = modelyard(folder, "run", *arguments)
    assert done.code in (0, 1), done.err
    result: dict[str, Any] = desk.record(folder, "evaluate")["result"]
    return result


def same(found: Judgement, result: dict[str, Any], verdict: str) -> None:
    assert found.verdict == verdict
    assert (found.rows, found.units, found.unit) == (result["test_rows"], result["test_units"], result["unit"])
    assert found.equal_chance == result["equal_chance"]
    assert len(found.gates) == len(result["gates"]) > 0
    for gate, kept in zip(found.gates, result["gates"], strict=True):
        assert (gate.name, gate.state) == (kept["id"], kept["verdict"])
        for ours, theirs in (
            (gate.estimate, kept["estimate"]),
            (gate.challenger, kept["challenger"]),
            (gate.reference, kept["reference_level"]),
        ):
            assert (ours is None) == (theirs is None)
            if ours is not None:
                shown = (ours.value, ours.low, ours.high, ours.n, ours.rows, ours.unit, ours.approximate)
                assert ours.effective == (theirs["n"] if theirs["effective"] is None else theirs["effective"])
                assert shown == tuple(
                    theirs[key] for key in ("value", "low", "high", "n", "rows", "unit", "approximate")
                )
        assert (gate.smallest_visible, gate.units_to_decide) == (kept["smallest_visible"], kept["units_to_decide"])
        assert [(row.value, row.state, row.challenger.low) for row in gate.slices] == [
            (row["value"], row["verdict"], row["challenger"]["low"]) for row in kept["slices"]
        ]
    for values, row in zip(found.metrics, result["metrics"], strict=True):
        assert (values.metric, values.challenger.low, values.baseline) == (
            row["metric"], row["challenger"]["low"], row["baseline"],
        )  # fmt: skip


def test_with_a_champion_and_slices(tmp_path: Path) -> None:
    champion, challenger = scores(0.3, 3), scores(0.35, 4)
    keyed = TEST.select("key")
    folder = repository(
        tmp_path / "two", 'task: binary, positive: "yes"', "target: answer",
        keyed.with_columns(probability=pl.Series(champion)), "  - {metric: roc_auc, at_least: 0.6}\n",
    )  # fmt: skip
    assert modelyard(folder, "run", "--promote").code == 0
    (folder / "challenger.parquet").rename(folder / "champion.parquet")
    keyed.with_columns(probability=pl.Series(challenger)).write_parquet(folder / "challenger.parquet")
    edit(folder / "modelyard.yml", "  challenger:", "  champion: champion.parquet\n  challenger:")
    edit(folder / "modelyard.yml", "  - {metric: roc_auc, at_least: 0.6}\n", GATES)
    result = run(folder)
    given: dict[str, Any] = {"challenger": challenger, "champion": champion, "train_y": TRAIN["answer"]}
    given |= {"slices": {"shop": TEST["shop"]}, "task": "binary", "positive": "yes", "seed": SEED}
    found = judge(yaml.safe_load(GATES), TEST["answer"], **given)
    same(found, result, desk.record(folder, "evaluate")["verdict"])
    edit(folder / "modelyard.yml", f"  gates:\n{GATES}", "")
    same(judge(None, TEST["answer"], **given), run(folder), desk.record(folder, "evaluate")["verdict"])


KINDS: dict[str, tuple[str, str, pl.DataFrame, str, dict[str, Any]]] = {
    "days": (
        "task: binary", "target: answer, time: when, unit: {every: day, zone: Europe/Berlin}",
        pl.DataFrame({"probability": scores(0.4, 5)}),
        "  - {metric: roc_auc, at_least: 0.6}\n  - {metric: recall, at_least: 0.2, by: [shop]}\n",
        {"y": TEST["answer"], "task": "binary", "challenger": scores(0.4, 5), "train_y": TRAIN["answer"],
         "times": WHEN, "unit": {"every": "day", "zone": "Europe/Berlin"}, "slices": {"shop": TEST["shop"]}},
    ),
    "weighted stores": (
        "task: multiclass", "target: kind, unit: {column: store}, weight: weight",
        pl.DataFrame({f"probability_{name}": table(0.6, 6)[:, at] for at, name in enumerate("abc")}),
        "  - {metric: accuracy, at_least: 0.4}\n  - {metric: f1_macro, better_than: baseline}\n",
        {"y": TEST["kind"], "task": "multiclass", "challenger": table(0.6, 6), "train_y": TRAIN["kind"],
         "train_weight": TRAIN["weight"], "weight": TEST["weight"], "unit": TEST["store"]},
    ),
    "numbers": (
        "task: regression", "target: value", pl.DataFrame({"prediction": TEST["value"] + 0.3 * table(0.5, 7)[:, 0]}),
        "",
        {"y": TEST["value"], "task": "regression", "challenger": TEST["value"] + 0.3 * table(0.5, 7)[:, 0],
         "train_y": TRAIN["value"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_units_weights_and_other_tasks(tmp_path: Path, kind: str) -> None:
    model, columns, predictions, gates, given = KINDS[kind]
    folder = repository(
        tmp_path / "one", model, columns, pl.concat([TEST.select("key"), predictions], how="horizontal"), gates
    )
    result = run(folder)
    written = yaml.safe_load(gates) if gates else None
    same(judge(written, seed=SEED, **given), result, desk.record(folder, "evaluate")["verdict"])
