"""scikit-learn's estimators as candidates, with the preprocessing that each kind of them can take."""

import importlib
import inspect
import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.core.errors import ConfigError, Place
from modelyard.core.vocabulary import Format
from modelyard.models import store
from modelyard.records.results import Feature
from modelyard.training import preprocessing
from modelyard.training.families.family import Family

if TYPE_CHECKING:
    from modelyard.core.vocabulary import Task

_KINDS = {"binary": "classifier", "multiclass": "classifier", "regression": "regressor"}


class SklearnFamily(Family):
    """Every classifier and regressor of scikit-learn that is not made of other estimators."""

    name = "sklearn"
    adapter = "sklearn"
    preprocessing = preprocessing.VERSION

    def resolve(self, dotted: str, task: "Task | None", place: Place | None) -> Any:
        """Return the class of a dotted name."""
        estimator = _find(dotted)
        if estimator is None:
            raise ConfigError(
                f"unknown estimator {dotted!r}. {self.nearest(dotted, task)}".rstrip(),
                code="config/unknown-estimator",
                hint="Candidates are scikit-learn's own; train anything else with train.entrypoint or train.command.",
                place=place,
            )
        if task is not None and _KINDS[task] not in _kinds(estimator):
            raise ConfigError(
                f"{dotted} is not a {_KINDS[task]}, which a {task} task needs. {self.nearest(dotted, task)}".rstrip(),
                code="config/estimator-of-another-task",
                place=place,
            )
        if _needs_estimators(estimator):
            raise ConfigError(
                f"{dotted} is made of other estimators, which candidates cannot name",
                code="config/composed-estimator",
                hint="Build it in a function and name that as train.entrypoint.",
                place=place,
            )
        return estimator

    def nearest(self, dotted: str, task: "Task | None" = None) -> str:
        """Return the nearest spelling, by class name where only the module is wrong. Slow: for mistakes alone."""
        from sklearn.utils import all_estimators

        by_class = {
            name: f"{estimator.__module__.split('._', 1)[0]}.{name}"
            for kind in ([_KINDS[task]] if task else ["classifier", "regressor"])
            for name, estimator in all_estimators(kind)
        }
        package, _, name = dotted.rpartition(".")
        if name in by_class:
            return f"Did you mean {by_class[name]!r}?"
        cutoff = 0.6 if package.startswith("sklearn") or not package else 0.9
        close = get_close_matches(name, by_class, n=1, cutoff=cutoff)
        return f"Did you mean {by_class[close[0]]!r}?" if close else ""

    def parameters(self, estimator: Any) -> tuple[str, ...]:
        """Return the names of the parameters that an estimator class takes."""
        return tuple(inspect.signature(estimator).parameters)

    def takes_weights(self, estimator: Any) -> bool:
        """Return whether an estimator class can be fitted with row weights."""
        return "sample_weight" in inspect.signature(estimator.fit).parameters

    def check_values(self, built: Any, place: Place) -> None:
        """Refuse what scikit-learn itself would refuse when fitting."""
        from sklearn.utils._param_validation import InvalidParameterError

        try:
            built._validate_params()  # noqa: SLF001 - there is no public way to check parameters before fitting
        except InvalidParameterError as error:
            raise ConfigError(str(error).splitlines()[0], code="config/parameter-value", place=place) from error

    def pipeline(self, built: Any, features: Sequence[Feature]) -> Any:
        """Return a scikit-learn Pipeline of preprocessing and the estimator."""
        return preprocessing.pipeline(built, features)

    def unprepared(self, built: Any) -> Any:
        """Return a scikit-learn Pipeline of the estimator alone."""
        from sklearn.pipeline import Pipeline

        return Pipeline([("model", built)])

    def save(self, model: Any, folder: Path, stored_as: Format) -> None:
        """Write a fitted model as a canonical skops archive, or as a pickle."""
        store.save_sklearn(model, folder, format=stored_as)


def _find(dotted: str) -> Any:
    if not re.fullmatch(r"sklearn(\.[a-z]\w*)+\.[A-Z]\w*", dotted):
        return None
    module, _, name = dotted.rpartition(".")
    try:
        estimator = getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None
    return estimator if inspect.isclass(estimator) and _kinds(estimator) else None


def _kinds(estimator: Any) -> set[str]:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    if not issubclass(estimator, BaseEstimator) or inspect.isabstract(estimator):
        return set()
    mixins = {"classifier": ClassifierMixin, "regressor": RegressorMixin}
    return {kind for kind, mixin in mixins.items() if issubclass(estimator, mixin)}


def _needs_estimators(estimator: Any) -> bool:
    parameters = inspect.signature(estimator).parameters.values()
    return any(
        parameter.default is parameter.empty and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD,)
        for parameter in parameters
    )
