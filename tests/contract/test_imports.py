"""Imports go one way: from the front door down to plain data, and never sideways."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "modelyard"

LEVELS = (
    {"core"},
    {"config", "records", "stats", "github", "vcs", "workflows"},
    {"policy", "metrics", "data", "report"},
    {"models", "registry", "log"},
    {"validation", "training", "evaluation"},
    {"monitoring"},
    {"steps"},
    {"usecases", "gates"},
    {"cli"},
    {"generate", "__main__"},
)
LEVEL = {name: height for height, names in enumerate(LEVELS) for name in names}
HEAVY = {"great_expectations", "jinja2", "joblib", "lightgbm", "numpy", "pandas", "polars", "scipy", "skops", "sklearn"}
LIGHT = {"core", "config", "records", "policy", "registry", "steps", "usecases", "log", "cli", "workflows"}
"""What the command line imports before it knows what to do: no heavy library at import time."""


def _room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def _imported(tree: ast.AST) -> set[str]:
    named: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            named.add(node.module)
            named |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
    return named


def _files() -> list[Path]:
    return [path for path in sorted(SOURCE.rglob("*.py")) if path != SOURCE / "__init__.py"]


@pytest.mark.parametrize("path", _files(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_only_from_below(path: Path) -> None:
    room = _room(path)
    assert room in LEVEL, f"{room} has no level: give it one here and in ARCHITECTURE.md"
    for name in _imported(ast.parse(path.read_text("utf-8"))):
        parts = name.split(".")
        if parts[0] == "modelyard" and len(parts) > 1 and parts[1] in LEVEL and parts[1] != room:
            assert LEVEL[parts[1]] < LEVEL[room], f"{path.name} in {room} imports {name}, which is not below it"


@pytest.mark.parametrize(
    "path", [path for path in _files() if _room(path) in LIGHT], ids=lambda path: str(path.relative_to(SOURCE))
)
def test_the_command_line_imports_nothing_heavy(path: Path) -> None:
    at_import_time = [
        node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    named = {name.split(".")[0] for node in at_import_time for name in _imported(node)}
    assert not named & HEAVY


@pytest.mark.parametrize("path", sorted((SOURCE / "models" / "child").glob("*.py")), ids=lambda path: path.name)
def test_scoring_runs_without_modelyard(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert not any(name.split(".")[0] == "modelyard" for name in _imported(tree))


def test_reports_are_made_from_records_alone() -> None:
    allowed = {"report", "records", "core"}
    for path in sorted((SOURCE / "report").rglob("*.py")):
        for name in _imported(ast.parse(path.read_text("utf-8"))):
            parts = name.split(".")
            if parts[0] == "modelyard" and len(parts) > 1:
                assert parts[1] in allowed or parts[1] not in LEVEL, f"{path.name} imports {name}"
