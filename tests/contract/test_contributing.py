"""docs/adding: a page for each kind of thing that can be added, with an example that is made in a copy and run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PAGES = {path.stem: path.read_text("utf-8") for path in sorted((ROOT / "docs" / "adding").glob("*.md"))}
KINDS = (
    "metric", "gate-operator", "step", "data-source", "validation-engine", "adapter", "way-to-train",
    "estimator-family", "registry-kind", "report-section", "command", "check", "workflow-template", "error",
)  # fmt: skip
_FILE = re.compile(r"^```\w+\n# ((?:src|tests|workflows-templates)/[\w./-]+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_EDIT = re.compile(r"^```diff\n([\w./-]+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CHOSEN = "not test_metrics_compute or log_cosh"
"""Every example's test, and of the tests that were there already those of the example."""
_CONFTEST = """
from pathlib import Path

import modelyard

assert Path(modelyard.__file__).is_relative_to(Path(__file__).parent), modelyard.__file__
"""


def edited(text: str, hunks: str) -> str:
    """Return a text with the hunks of a diff applied, each where its old lines stand exactly once."""
    for hunk in hunks.split("@@\n"):
        lines = hunk.splitlines()
        before = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
        after = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
        assert text.count(before) == 1, f"not there, or several times:\n{before}"
        text = text.replace(before, after)
    return text


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_thing_has_a_page_with_an_example_and_its_test(kind: str) -> None:
    paths = [path for path, _ in (*_FILE.findall(PAGES[kind]), *_EDIT.findall(PAGES[kind]))]
    assert [path for path in paths if path.startswith("tests/")], "an example comes with a test"
    assert [path for path in paths if not path.startswith("tests/")], "an example comes with a file"
    assert re.findall(r"^\* \*\*(.+?):\*\*", PAGES[kind], flags=re.MULTILINE) == [
        "Edit",
        "Copy",
        "Use",
        "Tests and prose",
    ]


def test_contributing_lists_every_page() -> None:
    assert re.findall(r"\]\(docs/adding/([\w-]+)\.md\)", CONTRIBUTING) == list(KINDS)
    assert sorted(KINDS) == sorted(PAGES)


def test_every_example_runs(tmp_path: Path) -> None:
    """All examples are made in one copy of the source, as a contributor would, and tested in a process of their own."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for page in PAGES.values():
        for name, text in _FILE.findall(page):
            assert not (ROOT / name).exists(), f"{name} is there already"
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, "utf-8")
        for name, hunks in _EDIT.findall(page):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            known = path if path.exists() else ROOT / name
            path.write_text(edited(known.read_text("utf-8"), hunks), "utf-8")
    (tmp_path / "conftest.py").write_text(_CONFTEST, "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", "-k", _CHOSEN]
    paths = os.pathsep.join([str(tmp_path / "src"), str(ROOT)])  # the copy, and the helpers of tests/
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.findall(r"^(\d+) passed", done.stdout, flags=re.MULTILINE)[0]) >= len(KINDS)
