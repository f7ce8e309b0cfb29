"""What an entrypoint is given: the training rows, as pandas."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class TrainingData:
    """The training rows, the first argument of ``fit(data, parameters, seed)``; everything has n rows in one order.

    Attributes:
        features: pandas DataFrame of the columns the model may use, in the order in which it is scored: numbers and
            booleans as float64 (missing is NaN), categories as text (missing is NaN).
        target: pandas Series in the labels of the data, or the values for regression.
        weight: row weights as float64, or None where no column names them.
        unit: number of the independent unit of each row (its day, its store), or None where it is the row.
        group: value of the group column, or None where there is none.
    """

    features: "pd.DataFrame"
    target: "pd.Series"
    weight: "pd.Series | None" = None
    unit: "pd.Series | None" = None
    group: "pd.Series | None" = None
