"""What an estimator family must be able to do, so that its estimators can be candidates of a search."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from modelyard.core.errors import Place
from modelyard.core.vocabulary import Adapter, Format
from modelyard.records.results import Feature

if TYPE_CHECKING:
    from modelyard.core.vocabulary import Task


class Family(ABC):
    """The estimators of one package."""

    name: ClassVar[str]
    """The package: the first part of the dotted names."""
    adapter: ClassVar[Adapter]
    """The kind of model that its fitted estimators are stored and scored as."""
    preprocessing: ClassVar[int]
    """Part of every fit digest: raised when the same columns would be prepared differently."""

    @abstractmethod
    def resolve(self, dotted: str, task: "Task | None", place: Place | None) -> Any:
        """Return the class of a dotted name; nothing outside the family's package is imported.

        Raises:
            ConfigError: Not an estimator of the family, or not one for this task; the nearest is named.
        """

    @abstractmethod
    def nearest(self, dotted: str, task: "Task | None" = None) -> str:
        """Return "Did you mean …?" for the estimator with the nearest spelling, or an empty string."""

    @abstractmethod
    def parameters(self, estimator: Any) -> tuple[str, ...]:
        """Return the names of the parameters that an estimator class takes."""

    @abstractmethod
    def takes_weights(self, estimator: Any) -> bool:
        """Return whether an estimator class can be fitted with row weights."""

    @abstractmethod
    def check_values(self, built: Any, place: Place) -> None:
        """Refuse parameter values that fitting would refuse, before hours of search.

        Raises:
            ConfigError: What the estimator itself says.
        """

    @abstractmethod
    def pipeline(self, built: Any, features: Sequence[Feature]) -> Any:
        """Return an unfitted model that prepares the columns and then fits an estimator on them.

        It has ``fit(frame, labels, model__sample_weight=…)``, ``predict``, and perhaps ``predict_proba``.
        """

    @abstractmethod
    def unprepared(self, built: Any) -> Any:
        """Return an unfitted model like ``pipeline``'s that fits an estimator on the columns as they are."""

    @abstractmethod
    def save(self, model: Any, folder: Path, stored_as: Format) -> None:
        """Write a fitted model into a folder, so that equal models are equal bytes.

        Raises:
            DataError: The format cannot hold it, or loading would refuse its types.
            PlatformError: The disk would not take it.
        """
