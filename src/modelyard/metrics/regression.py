"""Metrics of regressions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelyard.core.reasons import Reason, because
from modelyard.core.vocabulary import PredictionKind, Task
from modelyard.metrics.metric import REGRESSION, Family, MeanLoss, Metric, Proportion

if TYPE_CHECKING:
    from modelyard.metrics.predictions import Bools, Floats, Ints, Predictions, Statistic

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


class PercentageError(_Loss):
    """Mean absolute error as a share of the true value, which must not be 0."""

    def undefined(self, y: "Ints | Floats", predictions: "Predictions", classes: Sequence[str] = ()) -> Reason | None:
        """Return that true values are 0, of which nothing is a share."""
        zeros = int((y == 0).sum())
        return because("actuals-zero", rows=zeros, metric=self.name) if zeros else None

    def losses(self, y: "Ints | Floats", predictions: "Predictions") -> "Floats":
        """Return the error of each row as a share of its true value."""
        import numpy as np

        return np.asarray(np.abs(predictions.values - y) / np.abs(y), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class SymmetricPercentageError(_Loss):
    """Mean of 2·|error| / (|true| + |predicted|), where 0 for 0 is no error; between 0 and 2."""

    highest: float | None = 2.0

    def losses(self, y: "Ints | Floats", predictions: "Predictions") -> "Floats":
        """Return the error of each row as a share of the mean of both sizes."""
        import numpy as np

        error, size = 2 * np.abs(predictions.values - y), np.abs(y) + np.abs(predictions.values)
        return np.asarray(np.divide(error, size, out=np.zeros(len(error)), where=size > 0), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Tweedie(_Loss):
    """Mean Tweedie deviance: of 0 squared errors, of 1 Poisson's, of 2 Gamma's, between them of claims with many 0."""

    power: float

    def undefined(self, y: "Ints | Floats", predictions: "Predictions", classes: Sequence[str] = ()) -> Reason | None:
        """Return which true values or predictions have no deviance of this power."""
        if self.power == 0:
            return None
        low = int((predictions.values <= 0).sum())
        if low:
            return because("predictions-not-positive", rows=low, metric=self.name)
        if self.power >= 2 and (y <= 0).any():
            return because("actuals-not-positive", rows=int((y <= 0).sum()), metric=self.name)
        if 1 <= self.power < 2 and (y < 0).any():
            return because("actuals-negative", rows=int((y < 0).sum()), metric=self.name)
        return None

    def losses(self, y: "Ints | Floats", predictions: "Predictions") -> "Floats":
        """Return the deviance of each row."""
        import numpy as np
        from scipy.special import xlogy

        mean, power = predictions.values, self.power
        if power == 0:
            found = (y - mean) ** 2
        elif power == 1:
            found = 2 * (xlogy(y, y / mean) - y + mean)
        elif power == 2:
            found = 2 * (np.log(mean / y) + y / mean - 1)
        else:
            own = np.maximum(y, 0.0) ** (2 - power) / ((1 - power) * (2 - power))
            found = 2 * (own - y * mean ** (1 - power) / (1 - power) + mean ** (2 - power) / (2 - power))
        return np.asarray(found, dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class QuantileCoverage(Proportion):
    """Share of the rows whose true value is at or below the prediction; of a model of a quantile, that quantile."""

    tasks: frozenset[Task] = REGRESSION
    needs: PredictionKind = "value"

    of_all_rows: ClassVar[bool] = True

    def considered(self, y: "Ints") -> "Bools":
        """Return every row."""
        import numpy as np

        return np.ones(len(y), dtype=np.bool_)

    def events(self, y: "Ints | Floats", predictions: "Predictions") -> "tuple[Bools, Bools]":
        """Return which true values are at or below the prediction, and every row."""
        below: Bools = y <= predictions.values
        return below, self.considered(below.astype("int64"))


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
    PercentageError(name="mean_absolute_percentage_error", baseline="relative_median", also_called=("mape",)),
    SymmetricPercentageError(
        name="symmetric_mean_absolute_percentage_error", baseline="median", also_called=("smape",)
    ),
    Tweedie(name="mean_poisson_deviance", power=1),
    Tweedie(name="mean_gamma_deviance", power=2),
    *(
        Pinball(name=f"mean_pinball_loss_{percent:02d}", baseline=f"quantile_{percent:02d}", quantile=percent / 100)
        for percent in QUANTILES
    ),
    *(
        QuantileCoverage(
            name=f"quantile_coverage_{percent:02d}",
            baseline=f"quantile_{percent:02d}",
            aim=percent / 100,
            perfect=percent / 100,
        )
        for percent in QUANTILES
    ),
)
