"""Lines of Python in the README and in docs are run, and print what the pages say."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.outcome_samples import promptfoo, tried

ROOT = Path(__file__).parents[2]
PAGES = [
    path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if "```python" in path.read_text() and path.name != "data-change.md"  # tests/integration/test_data_change_docs.py
]


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", path.read_text("utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_lines_of_python_run_and_print_what_the_page_says(
    path: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promptfoo(tmp_path / "new", tried(0.82, seed=2, drift=0.1))
    promptfoo(tmp_path / "old", tried(0.8, seed=3, drift=0.1))
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {}
    for block in blocks(path, "python"):
        exec(compile(block, path.name, "exec"), known)  # noqa: S102 - the page's own lines
    tests: list[Callable[[], None]] = [each for name, each in known.items() if name.startswith("test_")]
    assert tests or path.name in ("looks.md", "prediction-log.md"), "a page about gates shows a test of one"
    for test in tests:
        test()
    printed = capsys.readouterr().out
    assert printed.strip()
    texts = blocks(path, "text")
    assert printed in (*texts, "".join(texts))


def test_the_pages_are_tested() -> None:
    assert [path.name for path in PAGES] == ["README.md", "gates.md", "looks.md", "outcomes.md", "prediction-log.md"]
