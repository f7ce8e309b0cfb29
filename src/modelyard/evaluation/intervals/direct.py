"""Strategies with intervals in closed form: proportions, areas under the ROC curve, means and their roots."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from modelyard.evaluation.intervals import nearly_perfect
from modelyard.evaluation.intervals.strategy import STRATEGIES, Combination, share_variance
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.metric import Family, MeanLoss, Metric, Proportion
from modelyard.metrics.predictions import Floats, Predictions
from modelyard.stats import auc, estimate
from modelyard.stats.interval import Interval, refuse


class Proportions:
    """Wilson and Clopper–Pearson for one model, Tango for paired differences."""

    name = Family.PROPORTION

    def level(self, metric: Metric, test_set: TestSet, model: Predictions, bounds: Sequence[float]) -> Interval:
        """Return the share with its limits."""
        assert isinstance(metric, Proportion)  # noqa: S101 - the family says so
        right, considered = metric.events(test_set.y, model)
        return estimate.level_proportion(
            right, considered, unit=test_set.unit, weight=test_set.weight, lags=test_set.lags,
            confidence=test_set.confidence,
        )  # fmt: skip

    def contrast(self, metric: Metric, test_set: TestSet, combination: Combination) -> Interval:
        """Return the paired contrast."""
        assert isinstance(metric, Proportion)  # noqa: S101 - the family says so
        parts = [metric.events(test_set.y, model) for model in combination.models]
        return estimate.contrast_proportion(
            np.array([right for right, _ in parts]),
            parts[0][1],
            combination.shares,
            combination.constant,
            unit=test_set.unit,
            weight=test_set.weight,
            lags=test_set.lags,
            identical=combination.identical,
            confidence=test_set.confidence,
        )

    def row_variance(self, shifted: float, estimate: float, variance: float, test_set: TestSet) -> float:
        """Return p(1 − p)."""
        return max(shifted * (1 - shifted), 1e-9)


class Areas(nearly_perfect.Rankings):
    """Newcombe and DeLong; with weights a bootstrap, as for other rankings."""

    name = Family.AUC

    def level(self, metric: Metric, test_set: TestSet, model: Predictions, bounds: Sequence[float]) -> Interval:
        """Return the area with its limits."""
        if test_set.weight is not None:
            return super().level(metric, test_set, model, bounds)
        return estimate.level_auc(
            test_set.codes, model.probabilities, unit=test_set.unit, lags=test_set.lags, confidence=test_set.confidence,
            placed=test_set.placed(model),
        )  # fmt: skip

    def contrast(self, metric: Metric, test_set: TestSet, combination: Combination) -> Interval:
        """Return the paired contrast."""
        if test_set.weight is not None:
            return super().contrast(metric, test_set, combination)
        return estimate.contrast_auc(
            test_set.codes,
            [model.probabilities for model in combination.models],
            combination.shares,
            combination.constant,
            placed=[test_set.placed(model) for model in combination.models],
            unit=test_set.unit,
            margin=combination.margin,
            lags=test_set.lags,
            identical=combination.identical,
            confidence=test_set.confidence,
        )

    def row_variance(self, shifted: float, estimate: float, variance: float, test_set: TestSet) -> float:
        """Return Hanley and McNeil's."""
        positives = int((test_set.y == 1).sum())
        return auc.variance(shifted, positives, len(test_set.y) - positives) * len(test_set.y)


@dataclass(frozen=True)
class Means:
    """Student's t, BCa and studentised bootstrap of losses per row."""

    name: str = Family.MEAN

    def level(self, metric: Metric, test_set: TestSet, model: Predictions, bounds: Sequence[float]) -> Interval:
        """Return the mean with its limits; of a nearly perfect model no lower than errors not seen allow."""
        assert isinstance(metric, MeanLoss)  # noqa: S101 - the family says so
        found = estimate.level_mean(
            metric.losses(test_set.y, model),
            unit=test_set.unit,
            weight=test_set.weight,
            lags=test_set.lags,
            seed=test_set.seed,
            bounds=bounds,
            confidence=test_set.confidence,
        )
        return nearly_perfect.with_unseen(found, metric.unseen(test_set.y, model), test_set)

    def contrast(self, metric: Metric, test_set: TestSet, combination: Combination) -> Interval:
        """Return the paired contrast."""
        return self._of_losses(_losses(metric, test_set, combination), test_set, combination)

    def _of_losses(self, values: Floats, test_set: TestSet, combination: Combination) -> Interval:
        return estimate.contrast_mean(
            values,
            combination.shares,
            combination.constant,
            unit=test_set.unit,
            weight=test_set.weight,
            lags=test_set.lags,
            identical=combination.identical,
            seed=test_set.seed,
            bounds=(combination.bound,),
            confidence=test_set.confidence,
        )

    def row_variance(self, shifted: float, estimate: float, variance: float, test_set: TestSet) -> float:
        """Return the variance that was seen."""
        return share_variance(shifted, estimate, variance)


@dataclass(frozen=True)
class RootMeans(Means):
    """The root of a mean, through the mean's limits; contrasts to first order about today's estimates."""

    name: str = Family.ROOT_MEAN

    def level(self, metric: Metric, test_set: TestSet, model: Predictions, bounds: Sequence[float]) -> Interval:
        """Return the root of the mean with its limits."""
        mean = super().level(metric, test_set, model, [bound**2 for bound in bounds])
        return replace(mean, estimate=_root(mean.estimate), low=_root(mean.low), high=_root(mean.high))

    def contrast(self, metric: Metric, test_set: TestSet, combination: Combination) -> Interval:
        """Return the paired contrast: RMSE is near MSE / (2·RMSE) + RMSE / 2."""
        values = _losses(metric, test_set, combination)
        weight = np.ones(values.shape[1]) if test_set.weight is None else test_set.weight
        roots = np.sqrt((values * weight).sum(axis=1) / weight.sum())
        if not (roots > 0).all():
            return refuse("faultless-model", n=test_set.units, n_rows=len(test_set.y))
        shift = float(combination.shares @ roots / 2) if (values != values[0]).any() else 0.0
        linear = replace(combination, weights=combination.shares / (2 * roots), constant=combination.constant + shift)
        return self._of_losses(values, test_set, linear)


def _losses(metric: Metric, test_set: TestSet, combination: Combination) -> Floats:
    assert isinstance(metric, MeanLoss)  # noqa: S101 - the family says so
    return np.array([metric.losses(test_set.y, model) for model in combination.models])


def _root(value: float | None) -> float | None:
    return None if value is None else float(np.sqrt(max(value, 0.0)))


for _strategy in (Proportions(), Areas(), Means(), RootMeans()):
    STRATEGIES.register(_strategy)
