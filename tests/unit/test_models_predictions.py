"""Predictions joined to test rows: a few rows without one are counted, more are an error."""

import polars as pl
import pytest

from modelyard.core.errors import DataError
from modelyard.models.predictions import join
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
