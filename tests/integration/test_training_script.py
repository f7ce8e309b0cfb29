"""A script as it is: no placeholder, fixed paths; it sees training rows alone, and its model is taken and judged."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from modelyard.core.errors import DataError
from modelyard.data.copying import FileCopy
from modelyard.training.job import TrainingRows
from modelyard.training.train import Trained, train
from tests import desk
from tests import training_samples as samples
from tests.desk import edit, inside, record, rows

SCRIPT = """\
import csv
import pickle
from pathlib import Path

from rule import Rule

rows = list(csv.DictReader(open("data/rows.csv")))
Path("seen.txt").write_text(str(len(rows)))
sizes = [float(row["size"]) for row in rows if row["answer"] == "yes"]
with open("models/model.pkl", "wb") as file:
    pickle.dump(Rule(sum(sizes) / len(sizes), 1.0), file)
"""
RULE = """\
import numpy as np

class Rule:
    def __init__(self, middle, slope):
        self.middle, self.slope = middle, slope
        self.feature_names_in_, self.classes_ = np.array(["size", "weight"]), np.array(["no", "yes"])

    def predict_proba(self, frame):
        score = frame["size"].to_numpy() + (self.slope - 1) * frame["weight"].to_numpy()
        high = 1 / (1 + np.exp(self.middle - score))
        return np.column_stack([1 - high, high])

    def predict(self, frame):
        return self.classes_[(self.predict_proba(frame)[:, 1] > 0.5).astype(int)]
"""
CONFIG = """\
model: {name: tiny, task: binary, positive: "yes"}
data:
  sets: {all: data/rows.csv}
  split: {of: all, by: hash, test: 0.4}
  columns: {target: answer, id: key}
train: {command: python train.py, model: models/model.pkl}
evaluate: {gates: [{metric: roc_auc, at_least: 0.6}, {metric: roc_auc, no_worse_than: champion, margin: 0.1}]}
registry: {allow-pickles: true}
"""


def repository(folder: Path, script: str = SCRIPT, config: str = CONFIG) -> Path:
    """A repository whose script reads and writes fixed paths; an old model is tracked."""
    (folder / "data").mkdir(parents=True)
    (folder / "models").mkdir()
    weight = pl.Series(np.random.default_rng(3).normal(size=500).round(3))
    rows(500).with_columns(weight=weight).write_csv(folder / "data" / "rows.csv")
    (folder / "rule.py").write_text(RULE, "utf-8")
    (folder / "models" / "model.pkl").write_bytes(b"an old model")
    (folder / "train.py").write_text(script, "utf-8")
    (folder / "modelyard.yml").write_text(config, "utf-8")
    desk.commit(folder)
    return folder


def test_a_script_is_trained_judged_promoted_and_rolled_back_as_it_is(tmp_path: Path) -> None:
    folder = repository(tmp_path / "own")
    done = inside(folder, "run", "--promote")
    assert done.code == 0, done.out + done.err
    trained = record(folder, "train")["result"]
    assert (trained["adapter"], trained["how"]) == ("sklearn", "command")
    assert [each["name"] for each in trained["signature"]["features"]] == ["size", "weight"]
    assert record(folder, "promote")["result"]["version"] == "v1"
    assert (folder / "train.py").read_text("utf-8") == SCRIPT
    assert (folder / "models" / "model.pkl").read_bytes() == b"an old model"
    assert not (folder / "seen.txt").exists()
    assert (folder / "modelyard-run" / "model" / "code" / "rule.py").read_text("utf-8") == RULE

    edit(folder / "train.py", "1.0)", "1.05)")
    desk.git(folder, "commit", "-qam", "second")
    second = inside(folder, "run", "--promote")
    assert second.code == 0, second.out + second.err
    assert "the champion v1 scores the same rows" in second.err
    assert record(folder, "promote")["result"]["version"] == "v2"
    back = inside(folder, "rollback", "--to", "v1", "--reason", "a try")
    assert back.code == 0, back.out + back.err
    assert json.loads(inside(folder, "history", "--format", "json").out)


PLAIN = """\
import json, os, pathlib, sys
rows = pathlib.Path("data/all.csv").read_text().splitlines()
pathlib.Path("out/model.txt").write_text("\\n".join(rows))
"""


def plain(folder: Path, script: str = PLAIN, model: str = "out/model.txt", **section: Any) -> Trained:
    """Train by a script of the standard library alone, whose model a predict command would score."""
    frame = samples.rows(60)
    (folder / "data").mkdir(exist_ok=True)
    if not (folder / "data" / "all.csv").exists():
        frame.write_csv(folder / "data" / "all.csv")
    (folder / "train.py").write_text(script, "utf-8")
    files = [FileCopy(folder / "data" / "all.csv", np.arange(60) < 40)]
    given = TrainingRows(frame.head(40), "sha256:" + "0" * 64, files=lambda: files)
    at = samples.workplace(folder, code=lambda: [folder])
    command = {"command": f"{sys.executable} train.py", "model": model, **section}
    return train(samples.config(command), given, at=at, inputs={"code": "0"})


def test_the_script_sees_training_rows_alone_and_its_model_is_kept_under_its_name(tmp_path: Path) -> None:
    made = plain(tmp_path)
    lines = (tmp_path / "run" / "model" / "model.txt").read_text("utf-8").splitlines()
    assert lines == (tmp_path / "data" / "all.csv").read_text("utf-8").splitlines()[:41]
    assert made.result.adapter == "command"
    assert samples.leftovers(tmp_path) == []
    assert not (tmp_path / "out").exists(), "nothing is written beside the script"


def test_an_unchanged_script_is_not_run_again(tmp_path: Path) -> None:
    first = plain(tmp_path)
    again = plain(tmp_path)
    assert (again.result.fits, again.result.fits_from_cache) == (0, 1)
    assert again.result.model_digest == first.result.model_digest


def test_an_old_model_is_never_taken_for_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model.txt").write_text("old", "utf-8")
    with pytest.raises(DataError, match="was not written by the command") as caught:
        plain(tmp_path, "print('nothing')\n")
    assert (caught.value.code, "It wrote nothing" in caught.value.hint) == ("train/no-model", True)
    (tmp_path / "old.txt").write_text("old", "utf-8")
    with pytest.raises(DataError, match="was not written by the command"):
        plain(tmp_path, "import os\nos.symlink('../old.txt', 'out/model.txt')\n")
    assert samples.leftovers(tmp_path) == []


def test_a_model_written_elsewhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        plain(tmp_path, "open('final.txt', 'w').write('x')\n")
    assert "It wrote final.txt" in caught.value.hint


def test_a_glob_finds_the_one_model_and_refuses_two(tmp_path: Path) -> None:
    script = (
        "import os\nfor run in {runs}:\n"
        "    os.makedirs(f'mlruns/{{run}}/model')\n    open(f'mlruns/{{run}}/model/m', 'w').write(run)\n"
    )
    plain(tmp_path, script.format(runs=["a"]), "mlruns/*/model")
    assert (tmp_path / "run" / "model" / "m").read_text("utf-8") == "a"
    with pytest.raises(DataError, match="matches 2: mlruns/a/model, mlruns/b/model"):
        plain(tmp_path, script.format(runs=["a", "b"]), "mlruns/*/model", seed=1)


def test_a_model_outside_the_copy_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("x", "utf-8")
    with pytest.raises(DataError, match="was not written by the command"):
        plain(tmp_path, f"import os\nos.symlink('{tmp_path.parent}', 'out/model.txt')\n")


def test_a_script_that_fails_is_told_where_it_ran(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        plain(tmp_path, "open('cache/big.bin')\n")
    assert (caught.value.code, "train.code" in caught.value.hint) == ("command/failed", True)
    assert samples.leftovers(tmp_path) == []


def test_a_script_that_hangs_is_ended_and_its_copy_is_gone(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        plain(tmp_path, "import time\ntime.sleep(60)\n", timeout="1s")
    assert caught.value.code == "command/timed-out"
    assert samples.leftovers(tmp_path) == []


def test_no_token_and_no_way_to_the_workspace_stand_in_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    plain(tmp_path, "import json, os\njson.dump(dict(os.environ), open('out/model.txt', 'w'))\n")
    told = json.loads((tmp_path / "run" / "model" / "model.txt").read_text("utf-8"))
    assert "GITHUB_TOKEN" not in told
    assert told["GITHUB_WORKSPACE"] != str(tmp_path)
    assert told["PWD"] == told["GITHUB_WORKSPACE"]


def test_its_metrics_must_be_of_this_run(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text('{"auc": 0.1}', "utf-8")
    with pytest.raises(DataError) as caught:
        plain(tmp_path, metrics="metrics.json")
    assert caught.value.code == "train/no-metrics"
    made = plain(
        tmp_path, PLAIN + "json.dump({'auc': 0.9}, open('metrics.json', 'w'))\n", metrics="metrics.json", seed=1
    )
    assert made.result.own_metrics == {"auc": 0.9}


def test_metrics_beside_the_model_are_shown_without_being_named(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text('{"old": 1}', "utf-8")
    assert plain(tmp_path).result.own_metrics == {}
    made = plain(tmp_path, PLAIN + "json.dump({'auc': 0.9}, open('out/metrics.json', 'w'))\n", seed=1)
    assert made.result.own_metrics == {"auc": 0.9}
    made = plain(tmp_path, PLAIN + "open('metrics.json', 'w').write('{\"auc\": NaN}')\n", seed=2)
    assert made.result.own_metrics == {}, "what is no metrics file stops nothing where nobody named it"


PREDICTS = """\
import csv, sys
rows = list(csv.DictReader(open("data/rows.csv")))
asked = list(csv.DictReader(open(sys.argv[1])))
assert "answer" not in asked[0]
assert not {row["key"] for row in rows} & {row["key"] for row in asked}
with open("predictions.csv", "w") as file:
    file.write("key,probability\\n")
    for row in asked:
        file.write(f"{row['key']},{1 / (1 + 2.718 ** -float(row['size'])):.6f}\\n")
"""


def test_predictions_that_the_script_writes_for_the_rows_to_judge_are_judged(tmp_path: Path) -> None:
    config = CONFIG.replace("python train.py", '"python train.py {rows_csv}"').replace(
        "models/model.pkl", "predictions.csv"
    )
    folder = repository(tmp_path / "own", PREDICTS, config.partition("registry")[0])
    done = inside(folder, "run", "--promote")
    assert done.code == 0, done.out + done.err
    assert record(folder, "train")["result"]["adapter"] == "predictions"
    assert "roc_auc at least 0.6" in done.out
    edit(folder / "modelyard.yml", "columns: {target: answer, id: key}", "columns: {target: answer, drop: [key]}")
    edit(folder / "modelyard.yml", "by: hash", "by: random")
    refused = inside(folder, "run")
    assert (refused.code, "config/predictions-need-id" in refused.err) == (2, True), refused.err


@pytest.mark.parametrize(
    ("model", "code"), [("model.pt", "model/unknown-kind"), ("model.pkl", "input/pickle-not-allowed")]
)
def test_a_model_that_nothing_scores_is_refused_before_anything_runs(tmp_path: Path, model: str, code: str) -> None:
    repository(tmp_path / "own", config=CONFIG.replace("models/model.pkl", model).partition("registry")[0])
    done = inside(tmp_path / "own", "run")
    assert (done.code, code in done.out + done.err) == (2, True), done.out + done.err
    assert not (tmp_path / "own" / ".modelyard" / "logs" / "train.log").exists()
