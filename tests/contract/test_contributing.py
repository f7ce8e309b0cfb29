"""CONTRIBUTING.md: there is an example for each kind of thing that can be added, and every example is run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
KINDS = (
    "A metric", "A gate operator", "A step", "A data source", "A validation engine", "An adapter", "A way to train",
    "An estimator family", "A registry kind", "A report section", "A command", "A workflow template", "An error",
)  # fmt: skip
_FILE = re.compile(
    r"^```\w+\n(?:# |<!-- )((?:src|tests|workflows-templates)/[\w./-]+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL
)
_CONFTEST = """
import importlib
from pathlib import Path

SOURCE = Path(__file__).parent / "src" / "modelyard"
for folder in sorted(path for path in SOURCE.rglob("*") if path.is_dir() and path.name != "__pycache__"):
    if not (folder / "__init__.py").exists():  # a package of ours, which gets one more folder to look in
        name = ".".join(("modelyard", *folder.relative_to(SOURCE).parts))
        importlib.import_module(name).__path__.append(str(folder))
"""


def files(section: str) -> dict[str, str]:
    """Return the files that a section's code blocks are, by their paths in the first line."""
    return dict(_FILE.findall(section))


def sections() -> dict[str, str]:
    """Return what stands under each heading of the third level."""
    parts = re.split(r"^### (.+)$", TEXT, flags=re.MULTILINE)
    return {heading: body.split("\n## ")[0] for heading, body in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_thing_has_an_example_with_its_test(kind: str) -> None:
    named = files(sections()[kind])
    assert [name for name in named if name.startswith("tests/")], "an example comes with a test"
    assert [name for name in named if not name.startswith("tests/")], "an example comes with a file"


def test_every_example_runs(tmp_path: Path) -> None:
    """Each example is a file where the repository would have it, and all of them share one process of their own."""
    for name, text in files(TEXT).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "conftest.py").write_text(_CONFTEST, "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}  # for the helpers of tests/
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.findall(r"^(\d+) passed", done.stdout, flags=re.MULTILINE)[0]) >= len(KINDS)
