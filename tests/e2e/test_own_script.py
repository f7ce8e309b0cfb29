"""examples/own-script: a repository as people have them, gated without a change to its scripts."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests import desk
from tests.desk import edit, modelyard, record

EXAMPLE = Path(__file__).parents[2] / "examples" / "own-script"
SCRIPTS = ("train.py", "predict.py")


def test_a_script_is_gated_and_promoted_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("*.csv"))
    desk.commit(folder)
    waiting = modelyard(folder, "run")
    assert (waiting.code, "dvc pull" in waiting.err) == (3, True)
    subprocess.run([sys.executable, "make_data.py"], cwd=folder, check=True, capture_output=True)

    done = modelyard(folder, "run", "--promote")
    assert done.code == 0, done.out + done.err
    assert "roc_auc at least 0.95" in done.out
    assert record(folder, "train")["result"]["own_metrics"], "its metrics.json is picked up"
    assert record(folder, "train")["result"]["adapter"] == "command"

    edit(folder / "modelyard.yml", "at_least: 0.95", "at_least: 0.90")
    again = modelyard(folder, "run")
    assert again.code == 0, again.out + again.err
    assert "train: unchanged" in again.err
    assert "the champion v1 scores the same rows" in again.err
    for name in SCRIPTS:
        assert (folder / name).read_bytes() == (EXAMPLE / name).read_bytes()
