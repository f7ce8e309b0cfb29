"""`modelyard monitor --follow`: a line for what begins to be seen, a clean end, and no row counted twice."""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from modelyard.log import Writer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONFIG = """\
model: {name: late, task: binary, positive: true}
data:
  sets: {all: data.csv}
  split: {of: all, by: hash, column: id}
  columns: {target: late, id: id, unit: row}
train: {candidates: [{estimator: sklearn.linear_model.LogisticRegression}]}
monitor: {log: {source: served}}
registry: {kind: local}
"""


def test_a_log_is_followed_until_the_process_is_ended(tmp_path: Path) -> None:
    (tmp_path / "modelyard.yml").write_text(CONFIG, "utf-8")
    (tmp_path / "data.csv").write_text("id,x,late\n1,2,true\n", "utf-8")
    modelyard = [sys.executable, "-m", "modelyard", "monitor", "--follow", "--every", "1"]
    with Writer(tmp_path / "served", model="v7") as log:
        for at in range(20):
            log.write(id=at, time=NOON + timedelta(minutes=at), prediction=True)
        running = subprocess.Popen(modelyard, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert running.stdout is not None
        assert running.stdout.readline() == (
            "2026-03-01T12:19:00+00:00  v7: the registry has no such version, after 20 predictions\n"
        )
        for at in range(20):
            log.label(id=at, label=True, time=NOON)
        running.send_signal(signal.SIGTERM)
        said = running.communicate()[1]
        assert running.returncode == 130, said
        assert "20 predictions" in said
        assert "Traceback" not in said
        log.write(id=20, time=NOON + timedelta(hours=1), prediction=True)
    done = subprocess.run(
        [*modelyard, "--looks", "1", "--json"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    kinds = [json.loads(line)["kind"] for line in done.stdout.splitlines()]
    assert kinds in ([], ["version"]), "told again only where the process ended before that was kept"
    quiet = subprocess.run(
        [*modelyard, "--looks", "1", "--json"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert quiet.stdout == "", "what was told is not told again"
    assert done.stderr == "21 predictions, 20 of them with a label, until 2026-03-01T13:00:00+00:00\n"
    (tmp_path / ".modelyard" / "monitor" / "follow.db").unlink()
    again = subprocess.run(
        [*modelyard, "--looks", "1", "--json"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert json.loads(again.stdout)["kind"] == "version"
    assert again.stderr == done.stderr
