"""The root action's verdict: the first stage that did not end well, and never a pass out of nothing."""

import pytest

from modelyard.cli.job_status import conclude
from modelyard.cli.step_table import STAGES

OK = "success 0 pass"


@pytest.mark.parametrize(
    ("told", "code", "verdict"),
    [
        ({"detect": OK, "train": OK, "evaluate": OK, "report": OK}, 0, "pass"),
        ({"detect": OK, "validate": "skipped  ", "evaluate": OK}, 0, "pass"),
        ({"detect": OK, "evaluate": "failure 1 fail", "report": OK}, 1, "fail"),
        ({"detect": OK, "evaluate": "failure 1 inconclusive", "report": OK}, 1, "inconclusive"),
        ({"detect": OK, "evaluate": "success 0 fail", "report": OK}, 0, "fail"),
        ({"detect": OK, "validate": "failure 3 error", "report": "failure 4 error"}, 3, "error"),
        ({"detect": "failure  "}, 70, "error"),
        ({"detect": OK, "train": "failure  ", "report": OK}, 70, "error"),
        ({"detect": OK, "train": "cancelled  "}, 70, "error"),
        ({"detect": "success  pass"}, 70, "error"),
        ({"detect": "success 0 splendid"}, 70, "error"),
        ({"detect": OK, "evaluate": OK, "comment": "failure 4 error"}, 4, "error"),
        ({"detect": OK, "evaluate": "failure 1 fail", "comment": "success 0 fail"}, 1, "fail"),
        ({}, 70, "error"),
        (dict.fromkeys(STAGES, "skipped  "), 70, "error"),
    ],
)
def test_how_a_run_ends(told: dict[str, str], code: int, verdict: str) -> None:
    assert conclude(told) == (code, verdict)
