"""Columns that are called or placed oddly: without a name, called row, or in the names of folders."""

from pathlib import Path

import polars as pl
import pytest

from modelyard.config.load import load
from tests import desk
from tests.desk import inside as modelyard
from tests.desk import record

CONFIG = desk.QUICK


def repository(folder: Path, rows: pl.DataFrame, columns: str = "id: key}") -> Path:
    desk.repository(folder, CONFIG.replace("id: key}", columns).replace("by: hash", "by: random"))
    rows.write_csv(folder / "data" / "part-1.csv")
    return folder


def test_a_column_without_a_name_is_refused_and_can_be_dropped(tmp_path: Path) -> None:
    indexed = desk.rows().with_row_index("").cast({"": pl.Int64})
    refused = modelyard(repository(tmp_path / "one", indexed), "run")
    assert refused.code == 3, refused.err
    assert "data.sets.all: column 1 has no name, as the index that to_csv writes [data/nameless-column]" in refused.err
    folder = repository(tmp_path / "two", indexed, 'id: key, drop: [""]}')
    done = modelyard(folder, "run")
    assert done.code == 0, done.err
    assert [each["name"] for each in record(folder, "train")["result"]["signature"]["features"]] == ["size", "colour"]


@pytest.mark.parametrize("index", ["", "Unnamed: 0"])
def test_init_leaves_an_index_out(tmp_path: Path, index: str) -> None:
    desk.rows().with_row_index(index).write_csv(tmp_path / "data.csv")
    assert modelyard(tmp_path, "init").code == 0
    assert load(tmp_path / "modelyard.yml", root=tmp_path).config.data.columns.drop == (index,)


def test_a_column_called_row_is_a_column(tmp_path: Path) -> None:
    rows = desk.rows().with_columns(row=pl.int_range(desk.ROWS) % 7, row_number=pl.int_range(desk.ROWS) % 5)
    folder = repository(tmp_path / "tiny", rows, "drop: [key]}")
    done = modelyard(folder, "run", "--promote")
    assert done.code == 0, done.err
    names = [each["name"] for each in record(folder, "train")["result"]["signature"]["features"]]
    assert names == ["size", "colour", "row", "row_number"]
    changed = desk.rows(count=500, seed=2).with_columns(row=pl.int_range(500) % 7, row_number=pl.int_range(500) % 5)
    changed.write_csv(folder / "data" / "part-1.csv")
    again = modelyard(folder, "run")
    assert again.code in (0, 1), again.err


def test_folders_of_one_year_per_set_are_a_column_that_is_told(tmp_path: Path) -> None:
    folder = repository(tmp_path / "tiny", desk.rows())
    for year, seed in ((2023, 1), (2024, 2)):
        (folder / "data" / f"year={year}").mkdir()
        rows = desk.rows(seed=seed, first=1000 * seed)
        rows.write_csv(folder / "data" / f"year={year}" / "part.csv")
    config = (folder / "modelyard.yml").read_text("utf-8")
    start, end = config.index("  sets:"), config.index("  columns:")
    sets = "  sets: {train: data/year=2023/*.csv, test: data/year=2024/*.csv}\n"
    (folder / "modelyard.yml").write_text(config[:start] + sets + config[end:], "utf-8")
    done = modelyard(folder, "run")
    assert done.code == 0, done.err
    assert "year is a column from the names of folders (year=…); it has one value in the training rows" in done.err
    found = {each["name"]: each for each in record(folder, "detect")["result"]["columns"]}
    assert (found["year"]["kind"], found["year"]["why"]) == ("number", "folder")
