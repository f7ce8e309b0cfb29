"""Packages that a change pins: they run where the user's code runs, and in no process of ours."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import desk
from tests.act import TOOLS
from tests.integration.test_action_environment import make
from tests.training_samples import wheel

TOKEN = "ghs_not_a_real_token"
ENTRYPOINT = desk.QUICK.replace(
    "  candidates:\n    - {estimator: sklearn.linear_model.LogisticRegression, params: {C: [0.1, 1]}}\n"
    "  search: {method: grid, folds: 3}\n  jobs: 1\n",
    "  entrypoint: own:fit\n",
)
FIT = """\
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
import evilpin

def fit(data, parameters, seed):
    columns = make_column_transformer(("passthrough", ["size"]))
    return make_pipeline(columns, LogisticRegression()).fit(data.features, data.target)
"""


@dataclass(frozen=True)
class Seen:
    """A process that a package ran in: its command line, and whether it held the token."""

    command: str
    token: bool


@dataclass(frozen=True)
class Attack:
    """A repository whose pins name a package that runs when Python starts, and what that package saw."""

    folder: Path
    witness: Path
    environ: Mapping[str, str]

    def seen(self) -> list[Seen]:
        lines = self.witness.read_text("utf-8").splitlines() if self.witness.is_file() else []
        return [Seen(**json.loads(line)) for line in lines]


def planted(tmp_path: Path, config: str, **more: str) -> Attack:
    """Make a repository that pins ``evilpin``, and the wheel; more modules as file name to text."""
    wheels, witness = tmp_path / "wheels", tmp_path / "witness"
    wheels.mkdir()
    code = (
        "import json, os, sys; open({path!r}, 'a').write(json.dumps({{'command': ' '.join(sys.orig_argv), "
        "'token': any({token!r} in value for value in os.environ.values())}}) + chr(10))"
    )
    pth = code.format(path=str(witness), token=TOKEN)
    wheel(wheels, "1.0", "evilpin", {"evilpin.pth": f"{pth}\n", "evilpin/__init__.py": "", **more})
    folder = desk.repository(tmp_path / "repo", config + "requirements: pins.txt\n")
    (folder / "pins.txt").write_text("evilpin==1.0\n", "utf-8")
    (folder / "own.py").write_text(FIT, "utf-8")
    desk.git(folder, "add", "-A")
    desk.git(folder, "commit", "-qm", "pins")
    offline = {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(TOOLS / "uv-cache"), "UV_FIND_LINKS": str(wheels)}
    return Attack(folder, witness, offline)


@pytest.mark.parametrize("config", [desk.QUICK, ENTRYPOINT], ids=["candidates", "entrypoint"])
def test_pins_run_beside_the_users_code_alone_and_never_with_a_token(tmp_path: Path, config: str) -> None:
    attack = planted(tmp_path, config)
    done = desk.modelyard(attack.folder, "run", environ={**attack.environ, "MODELYARD_TOKEN": TOKEN})
    assert done.code == 0, done.out + done.err
    seen = attack.seen()
    assert seen, "the package is there for the code that trains and scores"
    assert not [each for each in seen if each.token]
    assert not [each for each in seen if "modelyard run" in each.command]


def test_pins_of_a_pull_request_are_not_in_the_environment_that_actions_make(tmp_path: Path) -> None:
    attack = planted(tmp_path, ENTRYPOINT)
    made = make(tmp_path, "ml", attack.folder, UV_FIND_LINKS=attack.environ["UV_FIND_LINKS"])
    assert made.code == 0, made.said
    environ = {**os.environ, **attack.environ, "MODELYARD_TOKEN": TOKEN, "RUNNER_TEMP": str(tmp_path / "temp dir")}
    for step in ("detect", "train"):
        command = [str(made.python), "-I", "-X", "utf8", "-m", "modelyard", step]
        done = subprocess.run(command, cwd=attack.folder, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert not [each for each in attack.seen() if each.token], step
        assert not [each for each in attack.seen() if f"modelyard {step}" in each.command]
    assert attack.seen()


@pytest.mark.parametrize("name", ["polars", "pydantic", "yaml"])
def test_a_package_that_is_called_like_one_of_ours_is_not_imported_by_us(tmp_path: Path, name: str) -> None:
    text = f"import os\nif os.environ.get('MODELYARD_TOKEN'):\n    raise SystemExit('planted {name}')\n"
    attack = planted(tmp_path, desk.QUICK, **{f"{name}/__init__.py": text})
    done = desk.modelyard(attack.folder, "detect", environ={**attack.environ, "MODELYARD_TOKEN": TOKEN})
    assert done.code == 0, done.out + done.err


def test_a_package_that_brings_a_modelyard_of_its_own_is_refused(tmp_path: Path) -> None:
    attack = planted(tmp_path, desk.QUICK, **{"modelyard/__init__.py": "raise SystemExit('planted')\n"})
    done = desk.modelyard(attack.folder, "run", environ=attack.environ)
    assert done.code == 2
    assert "modelyard" in done.err
    assert "environment/shadows-modelyard" in done.err
    assert not attack.seen()
    assert sys.executable not in done.out
