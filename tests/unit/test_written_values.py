"""Numbers and booleans are shown as what they are, although 0 == False and 1 == True in Python."""

from typing import Any

import pytest

from modelyard.core.documents import as_written
from modelyard.records.results import CandidateRow
from modelyard.usecases.compare_versions import changed


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1, "1"), (1.0, "1.0"), (True, "true"), (False, "false"), (None, "null"), ("true", "true"),
     ([0, False, 1, True, None], "[0, false, 1, true, null]")],
)  # fmt: skip
def test_a_parameter_is_written_as_in_the_configuration(value: Any, text: str) -> None:
    assert as_written(value) == text


def test_a_record_keeps_numbers_and_booleans_apart() -> None:
    params: dict[str, Any] = {"seed": 0, "C": 1, "warm_start": True, "refit": False}
    row = CandidateRow(name="a", params=params, score=None, seconds=0.0, fits=1, cached=False)
    read = CandidateRow.model_validate_json(row.model_dump_json()).params
    assert {name: as_written(value) for name, value in read.items()} == {
        "seed": "0", "C": "1", "warm_start": "true", "refit": "false",
    }  # fmt: skip


def test_a_parameter_that_turns_from_a_number_into_a_boolean_has_changed() -> None:
    assert changed({"C": 1, "n": 2}, {"C": True, "n": 2}) == {"C": (1, True)}
