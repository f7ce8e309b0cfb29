"""The candidates of a search: dotted names resolved by their family, grids expanded in a stable order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from modelyard.config.sections.train import Candidate
from modelyard.core.errors import ConfigError, Place, nearest
from modelyard.training.families import family_of
from modelyard.training.families.family import Family

if TYPE_CHECKING:
    from modelyard.core.vocabulary import Task

KeyPath = tuple[str | int, ...]
PlaceOf = Callable[[KeyPath], Place]
"""The place of a key of the configuration, as ``Loaded.place`` gives it."""


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
    prepared: bool = True
    """Columns are prepared for it."""

    def build(self) -> Any:
        """Return a new estimator, not fitted."""
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
    """Return every combination of the listed values, in the order in which they are written; equal ones once.

    Args:
        candidates: As configured.
        task: What the estimators must fit.
        seed: The random state of those that take one.
        class_weight: ``balanced`` or nothing.
        weighted: Rows carry weights, so every estimator must take them.
        probabilities_for: The metric that needs probabilities, if it does.
        place: Where a key stands.

    Raises:
        ConfigError: An unknown estimator or parameter, a value that it refuses, or weights that it cannot take.
    """
    if class_weight is not None and task == "regression":
        raise ConfigError(
            "class weights have no meaning in a regression task",
            code="config/class-weight-without-classes",
            hint="Remove the key.",
            place=place(("train", "class_weight")),
        )
    choices: dict[tuple[str, str], Choice] = {}
    for number, candidate in enumerate(candidates):
        key: KeyPath = ("train", "candidates", number)
        estimator_place = place((*key, "estimator"))
        family = family_of(candidate.estimator, place=estimator_place)
        estimator = family.resolve(candidate.estimator, task, estimator_place)
        _check_names(family, estimator, candidate, key, place)
        takes = set(family.parameters(estimator))
        for params in _grid(candidate, key, place):
            choice = _choice(estimator, candidate, params, takes, seed, class_weight)
            if (weighted or choice.weigh_classes) and not family.takes_weights(estimator):
                why = "row weights (data.columns.weight)" if weighted else "class weights (train.class_weight)"
                raise ConfigError(
                    f"{estimator.__name__} does not support {why}",
                    code="config/estimator-without-weights",
                    hint="Leave it out, or the weights.",
                    place=estimator_place,
                )
            family.check_values(choice.build(), place((*key, "params")))
            if probabilities_for and not hasattr(choice.build(), "predict_proba"):
                raise ConfigError(
                    f"{choice.name} has no predict_proba, which {probabilities_for} needs",
                    code="config/estimator-without-probabilities",
                    hint="Leave it out, or name a metric of labels as model.metric, such as accuracy.",
                    place=estimator_place,
                )
            choices.setdefault((choice.name, repr(sorted(choice.settings.items()))), choice)
    return list(choices.values())


def _grid(candidate: Candidate, key: KeyPath, place: PlaceOf) -> list[dict[str, Any]]:
    dimensions: dict[str, Sequence[Any]] = {
        name: value if isinstance(value, list) else [value] for name, value in candidate.params.items()
    }
    for name, values in dimensions.items():
        if not values:
            raise ConfigError(
                "an empty list leaves nothing to try",
                code="config/empty-grid",
                hint="Name at least one value.",
                place=place((*key, "params", name)),
            )
    return [dict(zip(dimensions, values, strict=True)) for values in product(*dimensions.values())]


def _choice(
    estimator: Any, candidate: Candidate, params: dict[str, Any], takes: set[str], seed: int, class_weight: str | None
) -> Choice:
    settings = dict(params)
    if "random_state" in takes:
        settings.setdefault("random_state", seed)
    if class_weight and "class_weight" in takes:
        settings.setdefault("class_weight", class_weight)
    prepared = candidate.preprocess == "auto"
    varied = " ".join(f"{name}={value}" for name, value in params.items())
    return Choice(
        name=f"{estimator.__name__} {varied}".rstrip() + ("" if prepared else ", not preprocessed"),
        estimator=candidate.estimator,
        params=params,
        settings=settings,
        weigh_classes=class_weight is not None and "class_weight" not in takes,
        prepared=prepared,
    )


def _check_names(family: Family, estimator: Any, candidate: Candidate, key: KeyPath, place: PlaceOf) -> None:
    known = family.parameters(estimator)
    for name in candidate.params:
        if name not in known:
            raise ConfigError(
                f"{estimator.__name__} has no parameter {name!r}. {nearest(name, known)}".rstrip(),
                code="config/unknown-parameter",
                hint=f"Parameters: {', '.join(known)}.",
                place=place((*key, "params", name)),
            )


def resolve(dotted: str, *, task: "Task | None" = None, place: Place | None = None) -> Any:
    """Return the estimator class of a dotted name.

    Raises:
        ConfigError: Not an estimator that can be a candidate, or not one for this task; the nearest is named.
    """
    return family_of(dotted, place=place).resolve(dotted, task, place)


def problem_with(dotted: str, task: "Task | None" = None) -> str | None:
    """Return what is wrong with an estimator's dotted name for a task, or None."""
    try:
        resolve(dotted, task=task)
    except ConfigError as error:
        return error.message
    return None
