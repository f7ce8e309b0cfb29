"""What a way to train must be able to do: say whether it is meant, check before data is read, and make a model."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from modelyard.config.configuration import Config
from modelyard.config.sections.data import Columns
from modelyard.config.sections.model import Maximise
from modelyard.core.errors import ConfigError
from modelyard.core.vocabulary import TrainingWay
from modelyard.training.candidates import PlaceOf
from modelyard.training.job import Job, Made
from modelyard.training.signature import Features, find_features

if TYPE_CHECKING:
    import polars as pl


class Way(ABC):
    """One way from training rows to a stored model."""

    name: ClassVar[Literal[TrainingWay, "none"]]
    """What the train record holds."""
    trains: ClassVar[bool] = True
    """It fits a model; ready-made predictions are only taken over."""
    has_folds: ClassVar[bool] = False
    """It scores models on folds of the training rows, so that a threshold can be chosen on them."""

    @abstractmethod
    def is_configured(self, config: Config) -> bool:
        """Return whether the configuration asks for this way."""

    def check(self, config: Config, place: PlaceOf) -> None:
        """Refuse before any data is read what this way cannot do.

        Raises:
            ConfigError: A threshold is to be chosen, and there are no folds to choose it on.
        """
        if isinstance(config.model.threshold, Maximise) and not self.has_folds:
            raise ConfigError(
                "model.threshold can only be chosen on the training folds of train.candidates",
                code="train/threshold-without-folds",
                hint="Write a number, or train by candidates.",
                place=place(("model", "threshold")),
            )

    def features(self, frame: "pl.DataFrame", columns: Columns) -> Features:
        """Return the columns that the model is given.

        Raises:
            DataError: A column of a type that models cannot take, or no column left.
        """
        return find_features(frame, columns)

    @abstractmethod
    def run(self, job: Job, model_dir: Path, scratch: Path) -> Made:
        """Make the model.

        Args:
            job: Rows, signature, configuration and places.
            model_dir: An empty folder that the model goes into.
            scratch: An empty folder.

        Raises:
            ConfigError: What the user named cannot be used.
            DataError: Rows that cannot be learned from, or training that failed.
            PlatformError: The disk would not take it, or an environment could not be built.
        """
