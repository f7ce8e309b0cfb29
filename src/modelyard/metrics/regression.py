"""Metrics of regressions."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelyard.core.vocabulary import PredictionKind, Task
from modelyard.metrics.metric import REGRESSION, Family, MeanLoss, Metric

if TYPE_CHECKING:
    from modelyard.metrics.predictions import Floats, Ints, Predictions, Statistic

QUANTILES = (5, 10, 25, 50, 75, 90, 95)
"""Percents for which there is a pinball loss, and a baseline: the quantile of the training rows."""


@dataclass(frozen=True, kw_only=True)
class _Loss(MeanLoss):
    tasks: frozenset[Task] = REGRESSION
    needs: PredictionKind = "value"


class AbsoluteError(_Loss):
    """Mean absolute error."""

    def losses(self, y: "Ints | Floats", predictions: "Predictions") -> "Floats":
        """Return the absolute error of each row."""
        error: Floats = abs(predictions.values - y)
        return error


class SquaredError(_Loss):
    """Mean squared error."""

    def losses(self, y: "Ints | Floats", predictions: "Predictions") -> "Floats":
        """Return the squared error of each row."""
        error: Floats = (predictions.values - y) ** 2
        return error


class RootMeanSquaredError(SquaredError):
    """Square root of the mean squared error."""

    family: ClassVar[Family] = Family.ROOT_MEAN

    def statistic(self, y: "Ints | Floats", predictions: "Predictions") -> "Statistic":
        """Return the root of the mean."""
        from modelyard.metrics.statistics import root_mean

        return root_mean(self.losses(y, predictions))


@dataclass(frozen=True, kw_only=True)
class Pinball(_Loss):
    """Mean pinball loss of one quantile."""

    quantile: float

    def losses(self, y: "Ints | Floats", predictions: "Predictions") -> "Floats":
        """Return the pinball loss of each row."""
        import numpy as np

        error = predictions.values - y
        return np.maximum(-self.quantile * error, (1 - self.quantile) * error)


@dataclass(frozen=True, kw_only=True)
class MedianAbsoluteError(Metric):
    """Median of the absolute errors."""

    tasks: frozenset[Task] = REGRESSION
    needs: PredictionKind = "value"
    higher_is_better: bool = False
    perfect: float | None = 0.0
    lowest: float | None = 0.0

    def statistic(self, y: "Ints | Floats", predictions: "Predictions") -> "Statistic":
        """Return the weighted median."""
        from modelyard.metrics.statistics import median

        return median(abs(y.astype("float64") - predictions.values))


@dataclass(frozen=True, kw_only=True)
class R2(Metric):
    """Coefficient of determination."""

    tasks: frozenset[Task] = REGRESSION
    needs: PredictionKind = "value"
    higher_is_better: bool = True
    perfect: float | None = 1.0
    highest: float | None = 1.0

    def statistic(self, y: "Ints | Floats", predictions: "Predictions") -> "Statistic":
        """Return the weighted R²."""
        from modelyard.metrics.statistics import r2

        return r2(y.astype("float64"), predictions.values)


METRICS: tuple[Metric, ...] = (
    AbsoluteError(name="mean_absolute_error", baseline="median", also_called=("mae",)),
    SquaredError(name="mean_squared_error", also_called=("mse",)),
    RootMeanSquaredError(name="root_mean_squared_error", also_called=("rmse",)),
    MedianAbsoluteError(name="median_absolute_error", baseline="median"),
    R2(name="r2"),
    *(
        Pinball(name=f"mean_pinball_loss_{percent:02d}", baseline=f"quantile_{percent:02d}", quantile=percent / 100)
        for percent in QUANTILES
    ),
)
