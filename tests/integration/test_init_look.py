"""`modelyard init` on real files: what Polars reads is guessed from, and the proposal loads and checks clean."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from modelyard.config.checks import check
from modelyard.config.load import Loaded, load
from modelyard.config.scaffold import look, propose
from modelyard.core.errors import DataError
from modelyard.data.outline import outline
from modelyard.data.sources import files

ROWS = 60


def init(folder: Path) -> Loaded:
    path = folder / "modelyard.yml"
    path.write_text(propose(folder, look(folder, outline)), "utf-8")
    loaded = load(path, root=folder)
    assert check(loaded, root=folder, estimator_problem=lambda _: None) == []
    return loaded


def flights(month: int) -> pl.DataFrame:
    start = datetime(2013, month, 1, tzinfo=UTC)
    return pl.DataFrame(
        {
            "flight_id": [f"{month}-{row}" for row in range(ROWS)],
            "time_hour": [start + timedelta(hours=row // 2) for row in range(ROWS)],
            "carrier": ["AA", "UA", "B6"] * (ROWS // 3),
            "late": [row % 4 == 0 for row in range(ROWS)],
        }
    )


def test_parquet_partitions(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for month in (1, 2, 3):
        flights(month).write_parquet(tmp_path / "data" / f"flights-2013-{month:02}.parquet")
    config = init(tmp_path).config
    assert config.data.sets == {"all": "data/*.parquet"}
    assert (config.data.columns.target, config.data.columns.id, config.data.columns.time) == (
        "late", "flight_id", "time_hour",
    )  # fmt: skip
    assert len(files.resolve(tmp_path, tmp_path, "all", config.data.sets["all"])) == 3


def test_folders_that_are_columns_are_one_set(tmp_path: Path) -> None:
    for month in (1, 2, 3):
        folder = tmp_path / "data" / "year=2013" / f"month={month}"
        folder.mkdir(parents=True)
        flights(month).write_parquet(folder / "part-0.parquet")
    config = init(tmp_path).config
    assert config.data.sets == {"all": "data/year=*/month=*/*.parquet"}
    assert len(files.resolve(tmp_path, tmp_path, "all", config.data.sets["all"])) == 3


@pytest.mark.parametrize("suffix", ["csv.gz", "tsv", "jsonl", "feather"])
def test_every_kind_of_file_is_found(suffix: str, tmp_path: Path) -> None:
    frame, path = flights(1), tmp_path / f"flights.{suffix}"
    if suffix == "feather":
        frame.write_ipc(path)
    elif suffix == "jsonl":
        frame.write_ndjson(path)
    else:
        frame.to_pandas().to_csv(path, index=False, sep="\t" if suffix == "tsv" else ",")
    config = init(tmp_path).config
    assert config.data.sets == {"all": f"flights.{suffix}"}
    assert config.data.columns.target == "late"


def test_csv_with_dates_and_a_number_to_predict(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "day": [f"2024-01-{1 + row % 28:02}" for row in range(ROWS)],
            "visitors": list(range(ROWS)),
            "sales": [row * 1.5 for row in range(ROWS)],
        }
    )
    frame.write_csv(tmp_path / "shop.csv")
    config = init(tmp_path).config
    assert config.model.task == "regression"
    assert (config.data.columns.target, config.data.columns.time) == ("sales", "day")


def test_a_file_in_latin_1_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("name,y\ncafé,1\n".encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"):
        init(tmp_path)


def test_proposing_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    flights(1).write_parquet(tmp_path / "a.parquet")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    propose(tmp_path, look(tmp_path, outline))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
