"""A champion made with an older scikit-learn is scored in that one, and the challenger in today's, in one run."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests import desk

TOOLS = Path(__file__).parents[2] / ".tools"
OFFLINE = {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(TOOLS / "uv-cache")}


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """An interpreter with modelyard beside scikit-learn 1.8.0."""
    uv, folder = str(Path(sys.executable).parent / "uv"), tmp_path / "older"
    environment = {**os.environ, **OFFLINE}
    base = getattr(sys, "_base_executable", sys.executable)
    for command in (
        ["venv", "--no-project", "--python", base, str(folder)],
        ["pip", "install", "--python", str(folder / "bin" / "python"), "--require-hashes", "-r",
         str(TOOLS / "older.lock")],
    ):  # fmt: skip
        subprocess.run([uv, "--no-config", "--quiet", *command], check=True, env=environment)
    here, there = Path(sysconfig.get_path("purelib")), next((folder / "lib").glob("python3*")) / "site-packages"
    for part in here.glob("*modelyard*"):
        (shutil.copytree if part.is_dir() else shutil.copy)(part, there / part.name)
    return folder / "bin" / "python"


def test_each_model_is_scored_in_its_own_scikit_learn(tmp_path: Path, older: Path) -> None:
    folder = desk.repository(tmp_path / "tiny", desk.QUICK)
    first = subprocess.run(
        [str(older), "-m", "modelyard", "run", "--promote"], cwd=folder, capture_output=True, text=True, check=False,
        env=desk.environment(OFFLINE),
    )  # fmt: skip
    assert first.returncode == 0, first.stderr
    text = (folder / "modelyard-run" / "environment.txt").read_text("utf-8")
    assert "scikit-learn==1.8.0" in text

    desk.edit(folder / "modelyard.yml", "C: [0.1, 1]", "C: [0.1, 1, 10]")
    second = desk.modelyard(folder, "run", environ=OFFLINE)
    assert second.code == 0, second.err
    assert "the champion v1 scores the same rows" in second.err
    assert "scikit-learn==1.8.0" not in (folder / "modelyard-run" / "environment.txt").read_text("utf-8")
    (built,) = (path for path in (folder / ".modelyard" / "envs").iterdir() if path.is_dir())
    version = subprocess.run(
        [str(built / "bin" / "python"), "-I", "-c", "import sklearn; print(sklearn.__version__)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert version.stdout.strip() == "1.8.0"
    gate = desk.record(folder, "evaluate")["result"]["gates"][1]
    assert (gate["reference"], gate["verdict"]) == ("champion", "pass")
