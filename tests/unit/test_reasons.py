"""Every reason that the source gives has words, and no words are for nothing; numbers read the same everywhere."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from modelyard.cli import output
from modelyard.core.operators import OPERATORS
from modelyard.core.reasons import Reason, because
from modelyard.core.verdict import Verdict
from modelyard.core.vocabulary import OPERATORS as NAMES
from modelyard.records.envelope import Envelope
from modelyard.records.results import Estimate, EvaluateResult, GateResult
from modelyard.report import wording
from modelyard.report.renderers.markdown import render_markdown
from tests.registry_samples import record

SOURCE = Path(__file__).parents[2] / "src" / "modelyard"


def codes() -> set[str]:
    """The codes that reasons and refusals are made with."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("because", "refuse") and node.args:
                found |= {
                    each.value
                    for each in ast.walk(node.args[0])
                    if isinstance(each, ast.Constant) and isinstance(each.value, str)
                }
    return found


def test_every_reason_has_words() -> None:
    assert codes() - set(wording.REASONS) == {"champion"}, "of the condition for no-champion"
    assert set(wording.REASONS) - codes() == set()


def test_a_reason_that_is_not_known_stands_for_itself() -> None:
    assert wording.because(Reason("something-new")) == "something-new"
    assert wording.because(because("too-few-units", units="many")) == "too-few-units"
    assert wording.because(because("too-few-units", units=1029, fewest=30)) == "1,029 units; at least 30 are needed"


def test_the_vocabulary_and_the_catalogue_of_operators_agree() -> None:
    assert OPERATORS.names() == NAMES


@pytest.mark.parametrize(
    ("value", "low", "high", "shown"),
    [
        (0.000123, 0.000121, 0.000125, "0.000123 [0.000121, 0.000125]"),
        (48_213.47, 47_101.2, 49_000.9, "48,213 [47,101, 49,001]"),
        (0.9144, 0.905, 0.923, "0.9144 [0.9050, 0.9230]"),
    ],
)
def test_terminal_and_report_print_the_same_numbers(value: float, low: float, high: float, shown: str) -> None:
    estimate = Estimate(value=value, low=low, high=high, n=92, unit="day")
    fields: dict[str, Any] = {"metric": "mean_absolute_error", "operator": "at_most", "bound": 1.0}
    gate = GateResult(
        id="g", verdict=Verdict.PASS, estimate=estimate, challenger=estimate, higher_is_better=False, **fields
    )
    result = EvaluateResult(test_rows=900, test_units=92, unit="day", gates=(gate,))
    sealed = Envelope.seal(record("evaluate", result, []))
    assert shown in output.step_lines(sealed)
    text = render_markdown({"evaluate": sealed})
    assert all(number in text for number in re.findall(r"[\d.,]*\d", shown))
