"""A step of a package of its own is everywhere where steps are listed, by its registration alone."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import desk

ROOT = Path(__file__).parents[2]
SCRIPT = """
import json, sys, types
import tests.dummy_step
from modelyard.generate import write
from modelyard.generate.actions import root_action, step_action

table = types.ModuleType("modelyard.cli.step_table")
exec(write.step_table(), table.__dict__)
for name in [name for name in sys.modules if name.startswith("modelyard.cli")]:
    del sys.modules[name]
sys.modules["modelyard.cli.step_table"] = table
from modelyard.cli import help
from modelyard.cli.commands import COMMANDS
from modelyard.cli.main import main
from modelyard.steps import catalogue, pipeline
from modelyard.steps.catalogue import STEPS

stages = pipeline.stages(catalogue.stages(), "pull-request", asked=(), sections=("validate",))
found = {
    "help": help.overview(),
    "flags": help.command_help(COMMANDS.get("watch")),
    "stages": [step.name for step in stages],
    "root": root_action(),
    "action": step_action(STEPS.get("watch").spec),
    "page": write.actions_page((write.ROOT / "docs" / "actions.md").read_text("utf-8")),
    "codes": [main(command.split()) for command in ("detect", "watch --window 3", "watch --json", "report", "verify")],
}
print("\\n" + json.dumps(found))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return desk.repository(tmp_path_factory.mktemp("own") / "tiny", desk.QUICK)


@pytest.fixture(scope="module")
def printed(folder: Path) -> list[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "MODELYARD_"))}
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=folder, env={**environ, "PYTHONPATH": path},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def found(printed: list[str]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(printed[-1])
    return told


def test_it_is_in_the_help(found: dict[str, Any]) -> None:
    assert re.search(r"^  watch +Compare what is served with what the champion was trained on.$", found["help"], re.M)
    assert "--window DURATION" in found["flags"]
    assert "(default: 7 days)" in found["flags"]


def test_it_is_a_stage_of_the_pipeline_and_of_the_root_action(found: dict[str, Any]) -> None:
    assert found["stages"] == ["detect", "validate", "train", "evaluate", "watch", "report"]
    assert 'exec "$MODELYARD_INTERPRETER" -I -X utf8 -m modelyard watch' in found["root"]
    assert "MODELYARD_WINDOW: ${{ inputs.window }}" in found["root"]
    assert "MODELYARD_WATCH: ${{ steps.watch.outcome }}" in found["root"]
    assert (
        "if: ${{ contains(steps.detect.outputs.stages, 'promote') && steps.watch.outputs.verdict == 'pass' }}"
        in (found["root"])
    )


def test_it_has_an_action_and_a_place_in_the_documentation(found: dict[str, Any]) -> None:
    assert "name: modelyard watch" in found["action"]
    assert "drifted:" in found["action"]
    assert "The job grants `contents: read`, `issues: write`." in found["page"]
    assert "| `window` | How far back to look. | `7 days` |" in found["page"]


def test_it_runs_and_is_in_the_report(found: dict[str, Any], printed: list[str], folder: Path) -> None:
    assert found["codes"] == [0, 0, 0, 0, 0]
    assert "watch: pass · 1 columns drifted" in printed
    assert "  drifted: size" in printed
    record = desk.record(folder, "watch")
    assert (record["step"], record["result"]) == ("watch", {"drifted": ["size"]})
    report = (folder / "modelyard-run" / "report.md").read_text("utf-8")
    assert "Watched columns" in report
    assert "Watched columns" in (folder / "modelyard-run" / "report.html").read_text("utf-8")
