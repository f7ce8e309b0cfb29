"""Ctrl-C while processes start: the terminal tells all of them at once, and one good line is all that is said."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests import desk
from tests.desk import edit

FOLLOWING = "joblib.externals.loky.backend.popen_loky"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = desk.repository(tmp_path_factory.mktemp("interrupt") / "tiny", desk.QUICK)
    edit(folder / "modelyard.yml", "jobs: 1", "jobs: 2")
    return folder


def workers(session: int) -> int:
    """How many processes of a session are workers of a pool, counted from the moment that they are made."""
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError, ValueError):
            of_session = int((folder / "stat").read_text("utf-8", "replace").rsplit(")", 1)[1].split()[3])
            count += of_session == session and FOLLOWING in (folder / "cmdline").read_text("utf-8", "replace")
    return count


@pytest.mark.parametrize("later", [0.0, 0.1, 0.3, 0.7])
def test_ctrl_c_while_workers_start_says_one_line(repository: Path, later: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "modelyard", "run"], cwd=repository, env=desk.environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    until = time.monotonic() + 50
    while workers(process.pid) == 0 and time.monotonic() < until and process.poll() is None:
        time.sleep(0.01)
    time.sleep(later)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=50)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "Error" not in said
