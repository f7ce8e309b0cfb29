"""The threat model names the test that holds each line, and each of them exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text("utf-8")


def test_every_line_names_tests_that_exist() -> None:
    defined = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    tables = [
        part for part in PAGE.split("\n## ") if part.startswith(("A pull request", "A log", "A store", "A model"))
    ]
    rows = [line for part in tables for line in part.splitlines() if line.startswith("| ") and "|---" not in line]
    held = {row: re.findall(r"`(test_\w+)`", row) for row in rows if not row.endswith("| test |")}
    assert len(held) >= 15
    assert {row for row, names in held.items() if not names or not defined.issuperset(names)} == set()
