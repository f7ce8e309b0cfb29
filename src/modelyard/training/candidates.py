"""The candidates of a search: dotted names resolved to scikit-learn estimators, grids expanded in a stable order."""

import importlib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import product
from typing import TYPE_CHECKING, Any

from modelyard.config.sections.train import Candidate
from modelyard.core.errors import ConfigError, Place, nearest

if TYPE_CHECKING:
    from modelyard.core.vocabulary import Task

KeyPath = tuple[str | int, ...]
PlaceOf = Callable[[KeyPath], Place]
"""The place of a key of the configuration, as ``Loaded.place`` gives it."""

_KINDS = {"binary": "classifier", "multiclass": "classifier", "regression": "regressor"}


@dataclass(frozen=True)
class Choice:
    """One candidate with fixed parameters. ``params`` are those written in the configuration, in its order."""

    name: str
    estimator: str
    params: Mapping[str, Any]
    settings: Mapping[str, Any]
    """All parameters that are set: the written ones, the seed, and class weights."""
    weigh_classes: bool
    """Classes are balanced through row weights, since the estimator takes no class weights."""

    def build(self) -> Any:
        """A new estimator, not fitted."""
        return resolve(self.estimator)(**self.settings)


def expand(
    candidates: Sequence[Candidate],
    *,
    task: "Task",
    seed: int,
    class_weight: str | None,
    weighted: bool,
    probabilities_for: str = "",
    place: PlaceOf,
) -> list[Choice]:
    """Every combination of the listed values, in the order in which they are written; equal ones appear once.

    Args:
        candidates: as configured.
        task: what the estimators must fit.
        seed: the random state of those that take one.
        class_weight: ``balanced`` or nothing.
        weighted: rows carry weights, so every estimator must take them.
        probabilities_for: the metric that needs probabilities, if it does.
        place: where a key stands.

    Raises:
        ConfigError: an unknown estimator or parameter, a value that it refuses, or weights that it cannot take.
    """
    if class_weight is not None and task == "regression":
        raise ConfigError("class weights mean nothing in a regression task", hint="Remove the key.",
                          place=place(("train", "class_weight")))  # fmt: skip
    choices: dict[tuple[str, str], Choice] = {}
    for at, candidate in enumerate(candidates):
        here: KeyPath = ("train", "candidates", at)
        estimator = resolve(candidate.estimator, task=task, place=place((*here, "estimator")))
        _check_names(estimator, candidate, here, place)
        takes = set(inspect.signature(estimator).parameters)
        dimensions: dict[str, Sequence[Any]] = {
            name: value if isinstance(value, list) else [value] for name, value in candidate.params.items()
        }
        for name, values in dimensions.items():
            if not values:
                raise ConfigError("an empty list leaves nothing to try", hint="Name at least one value.",
                                  place=place((*here, "params", name)))  # fmt: skip
        for values in product(*dimensions.values()):
            params = dict(zip(dimensions, values, strict=True))
            choice = _choice(estimator, candidate.estimator, params, takes, seed, class_weight)
            if (weighted or choice.weigh_classes) and not _takes_weights(estimator):
                why = "row weights (data.columns.weight)" if weighted else "class weights (train.class_weight)"
                raise ConfigError(f"{estimator.__name__} takes no {why}", hint="Leave it out, or the weights.",
                                  place=place((*here, "estimator")))  # fmt: skip
            _check_values(choice, place((*here, "params")))
            if probabilities_for and not hasattr(choice.build(), "predict_proba"):
                raise ConfigError(f"{choice.name} gives no probabilities, which {probabilities_for} needs",
                                  hint="Leave it out, or name a metric of labels as model.metric, such as accuracy.",
                                  place=place((*here, "estimator")))  # fmt: skip
            choices.setdefault((choice.name, repr(sorted(choice.settings.items()))), choice)
    return list(choices.values())


def _choice(
    estimator: Any, dotted: str, params: dict[str, Any], takes: set[str], seed: int, class_weight: str | None
) -> Choice:
    settings = dict(params)
    if "random_state" in takes:
        settings.setdefault("random_state", seed)
    if class_weight and "class_weight" in takes:
        settings.setdefault("class_weight", class_weight)
    varied = " ".join(f"{name}={value}" for name, value in params.items())
    return Choice(
        name=f"{estimator.__name__} {varied}".rstrip(),
        estimator=dotted,
        params=params,
        settings=settings,
        weigh_classes=class_weight is not None and "class_weight" not in takes,
    )


def _takes_weights(estimator: Any) -> bool:
    return "sample_weight" in inspect.signature(estimator.fit).parameters


def _check_names(estimator: Any, candidate: Candidate, here: KeyPath, place: PlaceOf) -> None:
    takes = list(inspect.signature(estimator).parameters)
    for name in candidate.params:
        if name not in takes:
            raise ConfigError(
                f"{estimator.__name__} has no parameter {name!r}. {nearest(name, takes)}".rstrip(),
                hint=f"It takes {', '.join(takes)}.",
                place=place((*here, "params", name)),
            )


def _check_values(choice: Choice, place: Place) -> None:
    """What scikit-learn itself would refuse when fitting, named before hours of search."""
    from sklearn.utils._param_validation import InvalidParameterError

    built = choice.build()
    try:
        built._validate_params()  # noqa: SLF001 - there is no public way to check parameters before fitting
    except InvalidParameterError as error:
        raise ConfigError(str(error).splitlines()[0], place=place) from error


def resolve(dotted: str, *, task: "Task | None" = None, place: Place | None = None) -> Any:
    """The scikit-learn estimator class of a dotted name; nothing outside scikit-learn is imported.

    Raises:
        ConfigError: not a scikit-learn estimator, or not one for this task; the nearest is named.
    """
    found = _find(dotted)
    if found is None:
        raise ConfigError(
            f"{dotted!r} is no scikit-learn estimator. {_nearest(dotted, task)}".rstrip(),
            hint="Candidates are scikit-learn's own; train anything else with train.entrypoint or train.command.",
            place=place,
        )
    if task is not None and _KINDS[task] not in _kinds(found):
        raise ConfigError(
            f"{dotted} is no {_KINDS[task]}, which a {task} task needs. {_nearest(dotted, task)}".rstrip(), place=place
        )
    if _needs_estimators(found):
        raise ConfigError(
            f"{dotted} is made of other estimators, which candidates cannot name",
            hint="Build it in a function and name that as train.entrypoint.",
            place=place,
        )
    return found


def _find(dotted: str) -> Any:
    if not re.fullmatch(r"sklearn(\.[a-z]\w*)+\.[A-Z]\w*", dotted):
        return None
    module, _, name = dotted.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None
    return found if inspect.isclass(found) and _kinds(found) else None


def _kinds(estimator: Any) -> set[str]:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    if not issubclass(estimator, BaseEstimator) or inspect.isabstract(estimator):
        return set()
    mixins = {"classifier": ClassifierMixin, "regressor": RegressorMixin}
    return {kind for kind, mixin in mixins.items() if issubclass(estimator, mixin)}


def problem_with(dotted: str, task: "Task | None" = None) -> str | None:
    """What is wrong with an estimator's dotted name for a task, or None."""
    try:
        resolve(dotted, task=task)
    except ConfigError as error:
        return error.message
    return None


def _needs_estimators(estimator: Any) -> bool:
    parameters = inspect.signature(estimator).parameters.values()
    return any(
        parameter.default is parameter.empty and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD,)
        for parameter in parameters
    )


def _nearest(dotted: str, task: "Task | None") -> str:
    """The nearest spelling, by the class name where only the module is wrong. Slow: for mistakes alone."""
    from sklearn.utils import all_estimators

    by_class = {
        name: f"{estimator.__module__.split('._', 1)[0]}.{name}"
        for kind in ([_KINDS[task]] if task else ["classifier", "regressor"])
        for name, estimator in all_estimators(kind)
    }
    package, _, name = dotted.rpartition(".")
    if name in by_class:
        return f"Did you mean {by_class[name]!r}?"
    close = get_close_matches(name, by_class, n=1, cutoff=0.6 if package.startswith("sklearn") or not package else 0.9)
    return f"Did you mean {by_class[close[0]]!r}?" if close else ""
