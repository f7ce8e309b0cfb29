"""No code asks for a step, an operator or an adapter by its name outside the package that it belongs to."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.core.vocabulary import ADAPTERS, OPERATORS
from modelyard.steps.catalogue import STEPS

SOURCE = Path(__file__).parents[2] / "src" / "modelyard"
KINDS: dict[str, tuple[str, ...]] = {"step": STEPS.names(), "operator": OPERATORS, "adapter": ADAPTERS}
NAMES = {name: kind for kind, names in KINDS.items() for name in names}
OWN = {"step": ("steps/{name}/",), "operator": ("evaluation/gates/",), "adapter": ("models/adapters/",)}
"""Where a kind of thing may be asked for by its name."""


def _strings(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        for element in node.elts:
            yield from _strings(element)


def compared(text: str) -> Iterator[tuple[str, str]]:
    """Find comparisons with names: the name, and the code that compares."""
    for node in ast.walk(ast.parse(text)):
        found: list[str] = []
        if isinstance(node, ast.Compare):
            found = [name for side in (node.left, *node.comparators) for name in _strings(side)]
        elif isinstance(node, ast.MatchValue):
            found = list(_strings(node.value))
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Dict):
            found = [name for key in node.value.keys if key is not None for name in _strings(key)]
        for name in found:
            if name in NAMES:
                code = ast.unparse(node)
                yield name, code


OTHER_WORDS = {
    "evaluation/checks/calibration.py: checks.calibration == 'report'",
    "evaluation/session.py: modes.discovered_slices == 'report'",
    "config/configuration.py: 'train' not in self.data.sets",
    "config/scripts.py: {'train', 'model_dir'} <= set(filled)",
    "config/sections/data.py: {'train', 'test'} <= set(self.sets)",
    "policy/change.py: 'train' in own.data.sets",
    "steps/rollback/step.py: inputs.part == 'prove'",
    "steps/rows.py: 'train' in config.data.sets",
}
"""The same words with another meaning: data sets, placeholders, modes of checks, parts of a command, ways to train."""

LEFT = {
    "models/child/score.py: job['format'] == 'pyfunc'",
    "models/child/score.py: stored_as == 'pyfunc'",
}
"""What is still to become an object's own business. Nothing is added here."""


def _own(where: str, name: str) -> bool:
    return where.startswith(tuple(own.format(name=name) for own in OWN[NAMES[name]]))


def test_a_name_is_compared_in_its_own_package_alone() -> None:
    found = {
        f"{where}: {code}"
        for path in sorted(SOURCE.rglob("*.py"))
        for where in [path.relative_to(SOURCE).as_posix()]
        for name, code in compared(path.read_text("utf-8"))
        if not _own(where, name)
    }
    assert found - OTHER_WORDS - LEFT == set()


@pytest.mark.parametrize(
    "text",
    [
        "if step == 'promote': ...", "if step in ('detect', other): ...", "if 'sklearn' != adapter: ...",
        "match step:\n    case 'train': ...", "{'evaluate': f}[step]",
    ],
)  # fmt: skip
def test_a_comparison_is_found(text: str) -> None:
    assert len(list(compared(text))) == 1
