"""A tiny repository to run the real command line in: git, a CSV that can be learned, two cheap candidates, a suite."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl

from modelyard.cli.main import main

ROWS = 600

CONFIG = """\
model: {name: tiny, task: binary, positive: "yes", metric: roc_auc}
data:
  sets: {all: data/*.csv}
  split: {of: all, by: hash, test: 0.4}
  columns: {target: answer, id: key}
validate:
  suites: {all: suite.json}
train:
  candidates:
    - {estimator: sklearn.linear_model.LogisticRegression, params: {C: [0.1, 1]}}
  search: {method: grid, folds: 3}
  jobs: 1
evaluate:
  gates:
    - {metric: roc_auc, at_least: 0.6}
    - {metric: roc_auc, no_worse_than: champion, margin: 0.05}
"""

QUICK = CONFIG.replace("validate:\n  suites: {all: suite.json}\n", "")
"""Without a suite: Great Expectations takes seconds to be imported in an environment that was just made."""

SUITE = {
    "name": "tiny",
    "expectations": [
        {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 10, "max_value": 100_000}},
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "answer"}},
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": "size", "min_value": -10, "max_value": 10}},
    ],
}


@dataclass(frozen=True)
class Done:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


def rows(count: int = ROWS, seed: int = 1, first: int = 0) -> pl.DataFrame:
    """Rows whose answer follows ``size`` and ``colour``."""
    import numpy as np

    draw = np.random.default_rng(seed)
    size = draw.normal(size=count)
    colour = draw.choice(["red", "green", "blue"], count)
    hidden = size + (colour == "red") + draw.normal(size=count)
    return pl.DataFrame(
        {
            "key": [f"k{first + at}" for at in range(count)],
            "size": size.round(4),
            "colour": colour,
            "answer": np.where(hidden > 0.3, "yes", "no"),
        }
    )


def repository(folder: Path, config: str = CONFIG) -> Path:
    """Write the repository and commit it."""
    (folder / "data").mkdir(parents=True)
    rows().write_csv(folder / "data" / "part-1.csv")
    (folder / "modelyard.yml").write_text(config, "utf-8")
    (folder / "suite.json").write_text(json.dumps(SUITE, indent=1), "utf-8")
    (folder / ".gitignore").write_text("data/\n", "utf-8")
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    """Make a folder a repository with one commit of everything in it."""
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")


def git(folder: Path, *arguments: str) -> None:
    """Run git."""
    named = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *named, *arguments], cwd=folder, check=True, capture_output=True)


def said(folder: Path, *arguments: str) -> str:
    """Return what git printed."""
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a user: the project's interpreter first on PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, **(extra or {})}


def modelyard(folder: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> Done:
    """Run the command line as a user would; a traceback is never acceptable."""
    command = [sys.executable, "-m", "modelyard", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment(environ), capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def inside(folder: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> Done:
    """Run the command line in this process, without the two seconds that a process of its own imports."""
    out, err = StringIO(), StringIO()
    with patch.dict(os.environ, environment(environ)), chdir(folder), redirect_stdout(out), redirect_stderr(err):
        code = main(arguments)
    assert "Traceback" not in err.getvalue(), err.getvalue()
    return Done(code, out.getvalue(), err.getvalue())


def edit(path: Path, old: str, new: str) -> None:
    """Replace text that must be there."""
    text = path.read_text("utf-8")
    assert old in text, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new), "utf-8")


def record(folder: Path, step: str) -> dict[str, Any]:
    """A step's record."""
    found: dict[str, Any] = json.loads((folder / "modelyard-run" / "records" / f"{step}.json").read_bytes())["record"]
    return found
