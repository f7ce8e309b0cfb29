"""examples/gates and examples/outcomes do what they say."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.desk import inside as modelyard

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_example_of_a_test_passes(tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "gates" / "test_model.py", tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_model.py"]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, check=False)
    assert "2 passed" in done.stdout, done.stdout


def shown(source: str, known: dict[str, Any]) -> Any:
    """Run a cell, and return what a notebook would show of it."""
    *before, last = ast.parse(source).body
    exec(compile(ast.Module(before, []), "cell", "exec"), known)  # noqa: S102 - the notebook's own lines
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), "cell", "eval"), known)  # noqa: S307 - the same
    exec(compile(ast.Module([last], []), "cell", "exec"), known)  # noqa: S102 - the same
    return None


def test_the_notebook_shows_a_table_and_a_difference_that_cannot_be_told() -> None:
    cells = json.loads((EXAMPLES / "gates" / "compare.ipynb").read_text("utf-8"))["cells"]
    known: dict[str, Any] = {}
    every = [shown("".join(cell["source"]), known) for cell in cells if cell["cell_type"] == "code"]
    _, first, second, (_, interval, needed) = every
    assert first.verdict == "pass"
    assert second.verdict == "inconclusive"
    assert "<table>" in second._repr_html_()
    assert interval[0] < -4 < interval[1] < 0
    assert needed > 221


def test_the_example_of_outcomes_promotes_and_holds(tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLES / "outcomes", tmp_path / "bot")

    def tried(skill: str) -> None:
        subprocess.run([sys.executable, "make_results.py", "new", skill], cwd=folder, check=True)

    tried("0.83")
    done = modelyard(folder, "judge", "--config", "outcomes.yml", "--first", "--keep")
    assert done.code == 0, done.out + done.err
    assert "600 cases" in done.out
    assert (folder / "champion.jsonl").is_file()
    tried("0.70")
    done = modelyard(folder, "judge", "--config", "outcomes.yml")
    assert done.code == 1
    assert "verdict: fail (hold)" in done.out
