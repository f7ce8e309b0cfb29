"""What training is given and gives back: rows, the places it may use, and one job with everything that a way needs."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from modelyard.config.configuration import Config
from modelyard.config.sections.train import Train
from modelyard.core.canonical import digest
from modelyard.core.errors import Place
from modelyard.core.files import inside
from modelyard.core.vocabulary import Adapter, FoldsFollow
from modelyard.metrics.metric import Metric
from modelyard.records.results import CandidateRow, Scalar, Signature
from modelyard.training.cache import FitCache, copy_folder
from modelyard.training.candidates import KeyPath
from modelyard.training.search import Progress
from modelyard.training.signature import Target

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from modelyard.data.copying import FileCopy


@dataclass(frozen=True)
class TrainingRows:
    """The rows to train on and what is known of them.

    Attributes:
        frame: training rows, every one with a target.
        digest: of their contents.
        test: the test rows, which only a command that names {test} is given.
        test_digest: of the test rows' contents.
        split: in words how the two were told apart.
        dropped_missing_target: rows left out for want of a target.
        suffix: the format of the source, in which a command is given its rows.
        row_number: column that numbers the rows where the configuration names no id; no model or command sees it.
    """

    frame: "pl.DataFrame"
    digest: str
    test: "pl.DataFrame | None" = None
    test_digest: str | None = None
    split: str = ""
    dropped_missing_target: int = 0
    suffix: Literal[".csv", ".parquet"] = ".parquet"
    row_number: str = ""
    files: "Callable[[], Sequence[FileCopy]]" = tuple
    """Returns the files of the data sets as a script finds them that is told no path."""

    def seen(self) -> "TrainingRows":
        """Return the same rows without their number."""
        if not self.row_number:
            return self
        test = None if self.test is None else self.test.drop(self.row_number)
        return replace(self, frame=self.frame.drop(self.row_number), test=test, row_number="")

    @property
    def known(self) -> "pl.DataFrame":
        """The rows that tell what the target is: those to train on, or the test rows where nothing is trained."""
        return self.frame if len(self.frame) or self.test is None else self.test


@dataclass(frozen=True)
class Workplace:
    """Where training happens.

    Attributes:
        base: folder of the configuration, which paths in it are relative to and commands run in.
        root: the workspace, which no path may leave.
        state: ``.modelyard``: caches and logs.
        out: the model folder; written whole in the end, untouched until then.
        environments: where environments of commands are built and reused.
        place: where a key of the configuration stands.
        progress: told after each fit: done, to do, what.
        say: told in a line what a person should know.
        code: returns the files and folders of the workspace that a command depends on.
        python: what runs the user's code and finds the user's packages.
    """

    base: Path
    root: Path
    state: Path
    out: Path
    environments: Path
    place: Callable[[KeyPath], Place] = lambda key: Place("modelyard.yml", None, ".".join(map(str, key)))
    progress: Progress = lambda _done, _total, _what: None
    say: Callable[[str], None] = lambda _: None
    code: Callable[[], Sequence[Path]] = tuple
    python: Path = Path(sys.executable)

    @property
    def log(self) -> Path:
        """Where the output of the user's code goes."""
        return self.state / "logs" / "train.log"

    def inside(self, path: str, what: str) -> Path:
        """Return a path of the configuration, which may not leave the workspace."""
        return inside(self.root, self.base / path, what=what)


@dataclass(frozen=True)
class Made:
    """What one way of training found out about its model.

    Attributes:
        fit_digest: of everything that decided the fit.
        adapter: the kind of model that it made.
        fits: fits that were made.
        from_cache: fits that had been made before.
        candidates: the table of results.
        folds: folds that candidates were scored on.
        follow: what the folds keep together.
        own_metrics: metrics that the user's command wrote.
        threshold: the chosen threshold, where one was to be chosen.
        signature: what the model takes and gives, where that was learned from the model.
    """

    fit_digest: str
    adapter: Adapter
    fits: int = 0
    from_cache: int = 0
    candidates: tuple[CandidateRow, ...] = ()
    folds: int = 0
    follow: Literal[FoldsFollow, ""] = ""
    own_metrics: Mapping[str, Scalar] = field(default_factory=dict)
    threshold: float | None = None
    signature: Signature | None = None


@dataclass(frozen=True)
class Job:
    """Everything that a way of training works with."""

    config: Config
    rows: TrainingRows
    at: Workplace
    inputs: Mapping[str, str]
    metric: Metric
    target: Target
    signature: Signature
    weight: "NDArray[Any] | None"
    cache: FitCache

    @property
    def train(self) -> Train:
        """The section of the configuration; only ways that train ask for it."""
        assert self.config.train is not None  # noqa: S101 - a way that trains was chosen by what stands there
        return self.config.train

    def fit_digest(self, what: str, **parts: Any) -> str:
        """Return the digest of what decides a fit: the inputs, the rows, the columns' meaning, and ``parts``."""
        return digest(
            {
                "what": what,
                "inputs": dict(self.inputs),
                "rows": self.rows.digest,
                "columns": self.config.data.columns.model_dump(mode="json", exclude={"personal"}),
                "signature": self.signature.model_dump(mode="json"),
                "format": self.config.model.format,
                "seed": self.train.seed,
                "metric": self.metric.name,
                **parts,
            }
        )

    def from_cache(self, fit_digest: str, model_dir: Path) -> Mapping[str, Any] | None:
        """Copy a model that was fitted before; returns what was kept beside it, or None where there is none."""
        known = self.cache.model(fit_digest)
        if known is None:
            return None
        copy_folder(known[0], model_dir)
        return known[1]
