"""What a kind of model must be able to do, so that evaluation, proof and adoption treat all kinds alike."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from modelyard.core.vocabulary import Adapter as AdapterName

if TYPE_CHECKING:
    from modelyard.models.scorer import Scorer

Tables = Mapping[str, tuple[Path, Path]]
"""Table name to its Parquet file of rows, and the Parquet file that its predictions go into."""


@dataclass(frozen=True)
class Golden:
    """What made-up inputs are drawn from: the model's digest as seed, and each number's quantiles."""

    seed: str
    quantiles: Mapping[str, list[float]]
    folder: Path
    """Where ``inputs.parquet`` and ``predictions.parquet`` are written."""
    rows: int = 32
    personal: tuple[str, ...] = ()
    """Columns of which nothing that the model holds is taken."""


@dataclass(frozen=True)
class Described:
    """What a model says of itself: nothing where it says nothing.

    Attributes:
        columns: its columns by name, in its order.
        inputs: how many columns it takes.
        classes: its classes in its order.
        modules: files and folders of modules that it imported from the folders it was given.
    """

    columns: tuple[str, ...] = ()
    inputs: int = 0
    classes: tuple[bool | int | str, ...] = ()
    modules: tuple[Path, ...] = ()


class Adapter(ABC):
    """One kind of model, as it is stored, checked and scored."""

    name: ClassVar[AdapterName]
    """What records and manifests hold."""
    rescorable: ClassVar[bool] = True
    """It can score rows that it has not seen; ready-made predictions cannot."""
    needs_environment: ClassVar[bool] = True
    """It is loaded by an interpreter with the packages that its version records."""
    takes_every_column: ClassVar[bool] = False
    """It is handed the rows as they stand, roles such as times and groups included."""
    brings_code: ClassVar[bool] = False
    """A version holds the files beside its predict command, under ``code/``."""
    stored: ClassVar[Mapping[str, str]] = {}
    """Suffix of a model file that can be adopted to its name in a version; ``""`` stands for a folder."""

    def place(self, path: Path) -> str | None:
        """Return the name in a version of a model that someone wrote; empty for a folder, None for another kind."""
        return self.stored.get(path.suffix.lower()) if path.is_file() else None

    def runs_code(self, model_dir: Path) -> str:
        """Return why loading the model runs code that came with it, as the end of a sentence; empty if it does not."""
        del model_dir
        return ""

    def more_packages(self, packages: Mapping[str, str]) -> dict[str, str]:
        """Return what scoring needs beside a model's own packages, as name to version."""
        del packages
        return {}

    def describe(self, scorer: "Scorer", folder: Path, python_path: Sequence[Path] = ()) -> Described:
        """Return what the model says of itself, where it can be loaded for that.

        Args:
            scorer: The model.
            folder: Scratch.
            python_path: Folders that it may import modules from.

        Raises:
            DataError: It does not load.
        """
        del scorer, folder, python_path
        return Described()

    @abstractmethod
    def score(
        self, scorer: "Scorer", tables: Tables, *, id_column: str, folder: Path, golden: Golden | None = None
    ) -> str:
        """Score tables of rows.

        Args:
            scorer: The model.
            tables: What to read and to write.
            id_column: The column that names a row; empty for the first that is not a feature.
            folder: Scratch.
            golden: Made-up inputs to write beside their predictions, where they are wanted.

        Returns:
            Why there are no golden predictions although they were wanted; empty where there are.

        Raises:
            DataError: The model does not load, fails, takes too long, or writes nothing.
        """

    @abstractmethod
    def predict_made_up(self, scorer: "Scorer", golden: Golden, folder: Path) -> Path:
        """Let the model predict made-up inputs; returns the Parquet file of its predictions.

        Raises:
            DataError: As for ``score``.
        """
