"""ARCHITECTURE.md and the decisions describe the source as it is: floors, names and links exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.contract.test_imports import LEVELS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "modelyard"
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
DECISIONS = sorted(path for path in (ROOT / "docs" / "decisions").glob("*.md") if path.name != "README.md")
JOURNEYS = ("A row", "A verdict", "A model", "A token", "A configuration error")
NAME = re.compile(r"`([a-z_]+(?:\.[a-z_]+)*):([A-Za-z_]+(?:\.[A-Za-z_]+)*)`")
"""``module:function``, the module without ``modelyard.``."""
ADDING = sorted((ROOT / "docs" / "adding").glob("*.md"))
DOCUMENTS = [ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *DECISIONS, *ADDING]


@cache
def _names(module: str) -> frozenset[str]:
    """Return what a module defines or imports at its top, and the methods and attributes of its classes."""
    base = SOURCE.joinpath(*module.split("."))
    path = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    if not path.is_file():
        return frozenset()
    found: set[str] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        own = _defined(node)
        found.update(own)
        if isinstance(node, ast.ClassDef):
            found.update(f"{node.name}.{name}" for inner in node.body for name in _defined(inner))
    return frozenset(found)


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    if isinstance(node, ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    return []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_function_that_a_document_names_exists(path: Path) -> None:
    named = NAME.findall(path.read_text("utf-8"))
    assert [f"{module}:{name}" for module, name in named if name not in _names(module)] == []


def test_a_name_that_does_not_exist_is_found() -> None:
    assert "Catalogue.get" in _names("core.catalogue")
    assert "Catalogue.fetch" not in _names("core.catalogue")
    assert NAME.findall("first `core.catalogue:Catalogue.get`, not `make check`") == [
        ("core.catalogue", "Catalogue.get")
    ]


def test_the_floors_are_those_of_the_import_test() -> None:
    section = ARCHITECTURE.split("## Floors")[1].split("\n## ")[0]
    rows = re.findall(r"^\| \d+ \| (.+?) \|", section, flags=re.MULTILINE)
    floors = [set(re.findall(r"`(\w+)`", row)) for row in rows]
    assert floors == [set(level) for level in LEVELS]


@pytest.mark.parametrize("journey", JOURNEYS)
def test_a_journey_is_a_list_of_functions_in_order(journey: str) -> None:
    section = ARCHITECTURE.split(f"### {journey}")[1].split("\n## ")[0].split("\n### ")[0]
    stops = re.findall(r"^\d+\. .*(?:\n   .*)*", section, flags=re.MULTILINE)
    assert len(stops) >= 5
    assert [stop for stop in stops if not NAME.search(stop)] == []


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.name)
def test_a_decision_is_short_and_says_context_decision_and_consequences(path: Path) -> None:
    text = path.read_text("utf-8")
    assert re.match(rf"# {path.name[:4]} \S", text)
    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert len(text.splitlines()) <= 60


def test_decisions_are_numbered_without_a_gap_and_listed() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    index = (ROOT / "docs" / "decisions" / "README.md").read_text("utf-8")
    assert re.findall(r"\]\(([\w-]+\.md)\)", index) == [path.name for path in DECISIONS]


def test_links_of_the_documents_lead_somewhere() -> None:
    pages = [*DOCUMENTS, ROOT / "docs" / "decisions" / "README.md"]
    links = [(path, link) for path in pages for link in re.findall(r"\]\(([^)#:]+)", path.read_text("utf-8"))]
    assert [f"{path.name}: {link}" for path, link in links if not (path.parent / link).exists()] == []
