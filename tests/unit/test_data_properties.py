"""What holds of any data: partitions read like one file, and split and folds together leak neither rows nor groups."""

import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.config.sections.data import Columns, Split
from modelyard.core.errors import DataError
from modelyard.data.folds import folds
from modelyard.data.reading import read, schema
from modelyard.data.splits import split

TEXT = st.text(st.sampled_from('ab,"\n\t;é'), max_size=4).map(lambda text: f"t{text}")
DAYS = st.integers(0, 4000).map(lambda day: date(2013, 1, 1) + timedelta(day))
CELLS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "whole": (pl.Int64, st.integers(-(2**40), 2**40)),
    "decimal": (pl.Float64, st.floats(-1e9, 1e9, allow_nan=False).map(lambda value: round(value, 3) + 0.5)),
    "text": (pl.String, TEXT),
    "flag": (pl.Boolean, st.booleans()),
    "day": (pl.Date, DAYS),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[pl.DataFrame, list[int]]:
    """A table with a value in every column of every partition, and the rows at which it is cut into partitions."""
    sizes = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    rows = sum(sizes)
    starts = [0, *np.cumsum(sizes)[:-1].tolist()]
    columns = {}
    for name, (dtype, cells) in CELLS.items():
        values = draw(st.lists(cells | st.none(), min_size=rows, max_size=rows))
        for start in starts:
            values[start] = draw(cells)
        columns[name] = pl.Series(name, values, dtype=dtype)
    return pl.DataFrame(columns), sizes


def written(frame: pl.DataFrame, sizes: list[int], folder: Path, suffix: str) -> list[Path]:
    """The partitions as files, in order."""
    paths, start = [], 0
    for number, size in enumerate(sizes):
        path = folder / f"{number}{suffix}"
        part = frame.slice(start, size)
        if suffix == ".parquet":
            part.write_parquet(path)
        else:
            part.write_csv(path)
        paths.append(path)
        start += size
    return paths


@settings(max_examples=40, deadline=None)
@given(tables(), st.sampled_from([".csv", ".parquet"]), st.permutations(list(CELLS)))
def test_partitions_read_like_the_table_that_they_were_cut_from(
    table: tuple[pl.DataFrame, list[int]], suffix: str, order: list[str]
) -> None:
    frame, sizes = table
    with tempfile.TemporaryDirectory() as folder:
        paths = written(frame, sizes, Path(folder), suffix)
        assert read(paths).equals(frame)
        assert read(paths, order[:3]).equals(frame.select(order[:3]))
        assert schema(paths) == dict(frame.schema)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 15), st.sampled_from("ab"), st.integers(0, 400)), min_size=8, max_size=80),
    st.sampled_from(["hash", "time"]),
    st.floats(0.1, 0.6),
    st.integers(0, 3),
)
def test_no_test_row_and_no_group_of_one_reaches_a_fold(
    rows: list[tuple[int, str, int]], by: Any, share: float, seed: int
) -> None:
    frame = pl.DataFrame(
        {
            "row": range(len(rows)),
            "g": [group for group, _, _ in rows],
            "y": [label for _, label, _ in rows],
            "when": [datetime(2013, 1, 1) + timedelta(day) for _, _, day in rows],
        }
    )
    declared = Columns(target="y", id="row", **({"group": "g"} if by == "hash" else {"time": "when"}))
    try:
        parts = split(frame, Split(of="all", by=by, test=share, seed=seed), declared)
        made, _ = folds(parts.train, declared, 2, seed, target_classes=True)
    except DataError:
        return
    assert sorted([*parts.train["row"], *parts.test["row"]]) == list(range(len(rows)))
    test_groups = set(parts.test["g"])
    for train, valid in made:
        fitted, scored = parts.train[train], parts.train[valid]
        assert not set(fitted["row"]) & set(scored["row"])
        if by == "hash":
            assert not set(fitted["g"]) & (set(scored["g"]) | test_groups)
        else:
            assert fitted["when"].max() < scored["when"].min() < parts.test["when"].min()  # type: ignore[operator]  # times
