"""The rows of behaviour tests: values fit their columns, or the test is refused with its name."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from modelyard.core.errors import ConfigError
from modelyard.evaluation.checks.behaviour import BehaviourTest, Prepared, prepare, read
from modelyard.evaluation.gates import waivers
from modelyard.records.results import Feature, Signature

FRAME = pl.DataFrame(
    {
        "key": ["a", "b", "c"],
        "size": [1.5, 2.0, None],
        "count": [1, 2, 3],
        "colour": ["red", "3", None],
        "on": [True, False, True],
        "day": [date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 2)],
    }
)
SIGNATURE = Signature(
    features=tuple(Feature(name=name, kind="numeric") for name in FRAME.columns[1:]), task="binary", classes=(0, 1),
    positive=1, threshold=0.5,
)  # fmt: skip


def prepared(**fields: Any) -> Prepared:
    test = BehaviourTest(name="t", **fields)
    (found,) = prepare([test], FRAME, SIGNATURE, id_column="key", shown="b.yml", golden=None, seed=1)
    return found


@pytest.mark.parametrize(
    ("where", "keys"),
    [
        ({"size": 2}, ["b"]), ({"count": 2.0}, ["b"]), ({"colour": 3}, ["b"]), ({"colour": None}, ["c"]),
        ({"on": True}, ["a", "c"]), ({"day": "2026-01-02"}, ["b", "c"]), ({"colour": "pink"}, []),
    ],
)  # fmt: skip
def test_rows_are_found_by_value(where: dict[str, Any], keys: list[str]) -> None:
    found = prepared(kind="invariance", column="size", add=1, where=where)
    assert sorted(found.changed["key"]) == keys


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "invariance", "column": "size", "add": 1, "where": {"size": "red"}},
        {"kind": "invariance", "column": "size", "set": "abc"},
        {"kind": "invariance", "column": "count", "set": 2.5},
        {"kind": "invariance", "column": "day", "set": "yesterday"},
        {"kind": "invariance", "column": "on", "set": "perhaps"},
        {"kind": "minimum", "rows": ({"size": "big", "answer": 1},)},
    ],
)
def test_a_value_that_its_column_cannot_hold_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"b\.yml: the behaviour test 't' has .* as in that column"):
        prepared(**fields)


def test_made_up_rows_have_the_types_of_the_data() -> None:
    rows = ({"size": 1, "count": 2, "colour": "red", "on": False, "day": "2026-02-01", "answer": 1}, {"answer": 0})
    made = prepared(kind="minimum", rows=rows).changed
    assert made.drop("key").schema == FRAME.drop("key").schema
    assert made.drop("key").rows() == [(1.0, 2, "red", False, date(2026, 2, 1)), (None,) * 5]


def test_the_files_of_the_documentation_are_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "statistics.md").read_text("utf-8")
    blocks = [block.partition("```")[0] for block in page.split("```yaml\n")[1:]]
    behaviour, waived = (next(each for each in blocks if each.startswith(head)) for head in ("tests:", "waivers:"))
    (tmp_path / "b.yml").write_text(behaviour, "utf-8")
    (tmp_path / "w.yml").write_text(waived, "utf-8")
    kinds = [test.kind for test in read(tmp_path / "b.yml", "b.yml")]
    assert kinds == ["directional", "invariance", "minimum", "golden"]
    assert waivers.read(tmp_path / "w.yml", "w.yml")[0].slice == "carrier = HA"
