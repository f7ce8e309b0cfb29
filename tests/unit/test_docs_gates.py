"""docs/gates.md and the README's lines of Python are run, and what they print is what they say."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [path for path in (ROOT / "README.md", ROOT / "docs" / "gates.md") if "```python" in path.read_text("utf-8")]


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", path.read_text("utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_lines_of_python_run_and_print_what_the_page_says(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known: dict[str, Any] = {}
    for block in blocks(path, "python"):
        exec(compile(block, path.name, "exec"), known)  # noqa: S102 - the page's own lines
    tests: list[Callable[[], None]] = [each for name, each in known.items() if name.startswith("test_")]
    assert tests, "a page about tests holds one"
    for test in tests:
        test()
    printed = capsys.readouterr().out
    assert printed.strip()
    assert printed in blocks(path, "text")


def test_both_pages_are_tested() -> None:
    assert [path.name for path in PAGES] == ["README.md", "gates.md"]
