"""Predictions joined to test rows: a few rows without one are counted, more are an error."""

import gzip
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from modelyard.core.errors import DataError
from modelyard.models.predictions import join, read_predictions
from modelyard.records.results import Signature

SIGNATURE = Signature(features=(), task="binary", classes=("no", "yes"), positive="yes", threshold=0.5)
IDS = pl.Series("key", [f"k{at}" for at in range(400)])


def given(rows: int) -> pl.DataFrame:
    return pl.DataFrame({"key": IDS.head(rows).reverse(), "probability": [0.25] * rows})


@pytest.mark.parametrize(("rows", "lost"), [(400, 0), (399, 1), (396, 4)])
def test_up_to_one_row_in_a_hundred_may_have_no_prediction(rows: int, lost: int) -> None:
    found = join(given(rows), IDS, id_column="key", signature=SIGNATURE, threshold=0.5, who="the challenger")
    assert int((~found.matched).sum()) == lost
    assert found.matched[:rows].all()


def test_one_more_is_an_error_that_counts_them() -> None:
    with pytest.raises(DataError, match=r"the challenger: 5 of 400 test rows have no prediction \(allowed: 1 %\)"):
        join(given(395), IDS, id_column="key", signature=SIGNATURE, threshold=0.5, who="the challenger")


@pytest.mark.parametrize(
    ("ids", "written", "joins"),
    [
        ([1, 2, 3], [1.0, 2.0, 3.0], True),
        ([1, 2, 3], [1.0, 2.5, 3.0], False),
        ([2**60, 2**60 + 1, 2**60 + 2], [float(2**60), float(2**61), float(2**62)], False),
        (["007", "008", "009"], [7, 8, 9], True),
        (["7", "07", "9"], [7, 8, 9], False),
        ([7, 8, 9], ["007", "8", "09"], True),
        ([2**70, 2**70 + 1, 2**70 + 2], [str(2**70 + at) for at in range(3)], True),
    ],
)
def test_ids_join_where_they_are_the_same_and_never_where_they_were_rounded(
    ids: list[Any], written: list[Any], joins: bool
) -> None:
    frame = pl.DataFrame({"key": written, "probability": [0.1, 0.2, 0.3]})
    truth = pl.Series("key", ids, dtype=pl.Int128 if ids[0] == 2**70 else None)
    if joins:
        found = join(frame, truth, id_column="key", signature=SIGNATURE, threshold=0.5, who="the challenger")
        assert found.predictions.probability is not None
        assert found.predictions.probability.tolist() == [0.1, 0.2, 0.3]
    else:
        with pytest.raises(DataError):
            join(frame, truth, id_column="key", signature=SIGNATURE, threshold=0.5, who="the challenger")


@pytest.mark.parametrize("name", ["p.csv", "p.csv.gz", "p.tsv", "p.jsonl", "p.parquet", "p.arrow"])
def test_predictions_are_read_from_what_data_sets_are_read_from(tmp_path: Path, name: str) -> None:
    frame, path = pl.DataFrame({"key": ["a", "b"], "prediction": [True, False]}), tmp_path / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(frame.write_csv().encode()))
    else:
        write: dict[str, Any] = {"csv": frame.write_csv, "jsonl": frame.write_ndjson, "parquet": frame.write_parquet}
        kind = name.rsplit(".", 1)[1]
        if kind == "tsv":
            frame.write_csv(path, separator="\t")
        else:
            write.get(kind, frame.write_ipc)(path)
    found = read_predictions(path, "the challenger")
    signature = Signature(features=(), task="binary", classes=(False, True), positive=True, threshold=0.5)
    joined = join(found, pl.Series("key", ["b", "a"]), id_column="key", signature=signature, threshold=0.5, who="it")
    assert joined.predictions.label is not None
    assert joined.predictions.label.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("17,0.25\n18,0.5\n", "it has no header: 2 of the 2 names in line 1 are numbers"),
        ("key;probability\na;0,25\n", "the separator is a semicolon"),
        ("", "holds nothing"),
    ],
)
def test_a_prediction_file_of_another_layout_is_called_what_it_is(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "p.csv").write_text(content, "utf-8")
    with pytest.raises(DataError, match=said) as caught:
        read_predictions(tmp_path / "p.csv", "the challenger")
    assert "0.25" not in str(caught.value)
