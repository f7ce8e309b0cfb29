"""The picture in docs/columns.md: what it says of its eight rows is what splits and units make of them."""

import re
from pathlib import Path

import polars as pl

from modelyard.config.sections.data import Columns, Split
from modelyard.data.splits import split
from modelyard.data.units import unit_codes

PAGE = (Path(__file__).parents[2] / "docs" / "columns.md").read_text("utf-8")
ROWS = re.findall(r"^  (v\d) +(\w+) +(\d{4}-\d\d-\d\d) +([01])", PAGE, re.MULTILINE)
FRAME = pl.DataFrame(ROWS, schema=["visit", "patient", "day", "late"], orient="row").with_columns(
    pl.col("day").str.to_date(), pl.col("late").cast(pl.Int64)
)


def test_visits_of_a_patient_stay_together_and_count_as_one() -> None:
    columns = Columns(target="late", id="visit", group="patient")
    parts = split(FRAME, Split(of="all", by="random", test=0.4), columns)
    assert not set(parts.train["patient"]) & set(parts.test["patient"])
    codes, name, _ = unit_codes(FRAME, columns)
    assert codes is not None
    assert (name, len(set(codes.tolist())), len(FRAME)) == ("patient", 4, 8)


def test_the_newest_days_are_the_test() -> None:
    parts = split(FRAME, Split(of="all", by="time", test=0.25), Columns(target="late", id="visit", time="day"))
    assert parts.test["visit"].to_list() == ["v7", "v8"]
