"""A closed set of names is spelled in one place: core/vocabulary.py."""

import ast
from pathlib import Path
from typing import Any, get_args

from modelyard.config.sections.gate import Gate
from modelyard.config.sections.train import Train
from modelyard.core import vocabulary
from modelyard.metrics.catalogue import METRICS
from modelyard.models.adapters import ADAPTERS

SOURCE = Path(__file__).parents[2] / "src" / "modelyard"
SETS = {
    frozenset(get_args(value)): name
    for name, value in vars(vocabulary).items()
    if get_args(value) and all(isinstance(each, str) for each in get_args(value))
}


def _spelled(node: ast.AST) -> frozenset[Any]:
    inner = node.slice if isinstance(node, ast.Subscript) else node
    items = inner.elts if isinstance(inner, ast.Tuple | ast.List | ast.Set) else []
    return frozenset(item.value for item in items if isinstance(item, ast.Constant))


def test_no_module_spells_a_set_of_names_again() -> None:
    assert len(SETS) >= 15
    copies = [
        f"{path.relative_to(SOURCE)}:{node.lineno} repeats {SETS[_spelled(node)]}"
        for path in sorted(SOURCE.rglob("*.py"))
        if path != SOURCE / "core" / "vocabulary.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Subscript | ast.Tuple | ast.List | ast.Set) and _spelled(node) in SETS
    ]
    assert not copies


def test_vocabulary_and_catalogue_agree() -> None:
    assert set(ADAPTERS.names()) == set(vocabulary.ADAPTERS)
    assert set(vocabulary.OPERATORS) <= set(Gate.model_fields)
    assert set(vocabulary.TRAINING_WAYS) <= set(Train.model_fields)
    assert {each for metric in METRICS for each in metric.tasks} == set(vocabulary.TASKS)
