"""The one way from stored bytes to predictions, for evaluation, proof and adoption alike.

Scoring is a process of its own: rows in as Parquet, predictions out as Parquet, in the environment that the model's
version records, whatever kind of model it is (``adapters/``).
"""

import importlib.util
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelyard.core.errors import DataError, such_columns
from modelyard.models import environment, store
from modelyard.models.adapters import Adapter, Golden, adapter_of
from modelyard.models.environment import Environment, Interpreter
from modelyard.records.manifest import Content
from modelyard.records.results import Signature

ENVIRONMENT = "environment.txt"
"""Where a version keeps the packages that its model can import."""
TRIED = 200
"""Rows that a new model is tried on."""
COMMAND_LOCK = "command-environment.txt"
"""Where a version keeps the requirements of its commands' own environment."""


@dataclass(frozen=True)
class Workbench:
    """What scoring uses of this machine and of today's configuration.

    Attributes:
        environments: Folder in which environments are built and reused.
        interpreter: Returns what runs the user's code here.
        allow_pickles: Whether a model may be loaded that runs code of its own.
        folder: Where today's commands run.
        lock: Today's ``train.environment``.
        command: Today's predict command.
        timeout: The longest that a predict command may take.
    """

    environments: Path
    interpreter: Callable[[], Interpreter]
    allow_pickles: bool
    folder: Path
    lock: Path | None = None
    command: str = ""
    timeout: str = "1h"
    logs: Path | None = None
    """Where the output of models and commands goes."""

    def python_for(self, wanted: Environment) -> Path:
        """Return the interpreter with a version's packages: one that is here, else one built for it.

        Raises:
            PlatformError: It cannot be built.
        """
        return environment.python_for(wanted, cache=self.environments, known=self._known())

    def _known(self) -> Iterator[Interpreter]:
        here = self.interpreter()
        yield here
        if here.python != Path(sys.executable):
            yield environment.this_interpreter()


@dataclass(frozen=True)
class Scorer:
    """A model and what it takes to score with it; ``who`` is what messages call it."""

    who: str
    adapter: Adapter
    signature: Signature
    model_dir: Path
    python: Path
    command: str = ""
    timeout: str = "1h"
    folder: Path = field(default_factory=Path)
    """Where the command runs."""
    path_first: Path | None = None
    """Folder of programs that the command finds first."""
    logs: Path | None = None
    seconds: dict[str, float] = field(default_factory=dict, compare=False)
    """What it took to score each table, reading and writing included, without loading the model; where it is told."""
    made_here: bool = False
    """It was just made by the packages that score it, which therefore could do before what is in it."""

    def log(self, name: str, scratch: Path) -> Path:
        """Return where the output of one job goes, which may hold values of rows."""
        who = re.sub(r"[^a-z0-9]+", "-", self.who.lower()).strip("-")
        return (self.logs or scratch) / f"{name}-{who}.log"

    @classmethod
    def of_challenger(cls, adapter: Adapter, signature: Signature, model_dir: Path, bench: Workbench) -> "Scorer":
        """Return the scorer of a model that was just made here, in today's environment.

        Args:
            adapter: Its kind.
            signature: What it takes and gives.
            model_dir: Its folder.
            bench: This machine and today's configuration.

        Raises:
            ConfigError: Its command's requirements cannot be used.
            PlatformError: Its command's environment cannot be built.
        """
        return cls(
            who="the challenger",
            adapter=adapter,
            signature=signature,
            model_dir=model_dir,
            python=bench.interpreter().python if adapter.needs_environment else Path(sys.executable),
            command=bench.command,
            timeout=bench.timeout,
            folder=bench.folder,
            path_first=_programs(bench.lock if adapter.brings_code else None, bench),
            logs=bench.logs,
            made_here=True,
        )

    @classmethod
    def of_version(cls, manifest: Content, home: Path, bench: Workbench, *, who: str) -> "Scorer":
        """Return the scorer of a version, in the environment and with the code that it was published with.

        Args:
            manifest: The version.
            home: Its files.
            bench: This machine and today's configuration; of that, nothing but what may be loaded and the time limit.
            who: What messages call it.

        Raises:
            DataError: An unknown kind, a model that runs code where that is not allowed, or no recorded packages.
            PlatformError: An environment cannot be built.
        """
        adapter, model_dir = adapter_of(manifest.adapter, who), home / "model"
        code = home / "code" if (home / "code").is_dir() else home
        runs_code = adapter.runs_code(model_dir)
        if runs_code and not bench.allow_pickles:
            raise DataError(
                f"{who} {runs_code}, and the configuration does not allow that",
                code="model/pickle-not-allowed",
                hint=store.ALLOW,
            )
        return cls(
            who=who,
            adapter=adapter,
            signature=manifest.signature,
            model_dir=model_dir,
            python=_interpreter(adapter, home, bench),
            command=manifest.predict_command,
            timeout=bench.timeout,
            folder=code,
            path_first=_programs(_own_lock(home, code, bench), bench) if adapter.brings_code else None,
            logs=bench.logs,
        )

    def score(
        self, tables: Mapping[str, Any], *, id_column: str, folder: Path, golden: Golden | None = None
    ) -> tuple[dict[str, Path], str]:
        """Score named tables of rows.

        Args:
            tables: Name to Polars frame with the id and every column of the signature.
            id_column: The column that names a row.
            folder: Where ``<name>.rows.parquet`` and ``<name>.parquet`` are written.
            golden: Made-up inputs to write beside their predictions, where they are wanted.

        Returns:
            The prediction file of each table, and why there are no golden predictions although they were wanted.

        Raises:
            DataError: A column is missing, or the model does not load, fails, takes too long, or writes nothing.
        """
        wanted = [feature.name for feature in self.signature.features]
        files = {}
        for name, frame in tables.items():
            missing = [column for column in wanted if column not in frame.columns]
            if missing:
                raise DataError(
                    f"{self.who} needs the column {missing[0]!r}, which today's data does not have"
                    + such_columns(missing),
                    code="model/missing-column",
                    hint="Bring the column back, or adopt a model without it; a champion that cannot be scored is "
                    "never taken for a first run.",
                )
            files[name] = folder / f"{name}.rows.parquet"
            frame.select(id_column, *wanted).write_parquet(files[name])
        pairs = _pairs(files, folder)
        without_golden = self.adapter.score(self, pairs, id_column=id_column, folder=folder, golden=golden)
        self._timed(pairs)
        for rows in files.values():
            rows.unlink()  # what it was given is no result, and the folder is kept
        return {name: predictions for name, (_, predictions) in pairs.items()}, without_golden

    def _timed(self, pairs: Mapping[str, tuple[Path, Path]]) -> None:
        for name, (_, predictions) in pairs.items():
            told = predictions.with_suffix(".seconds")
            if told.is_file():
                text = told.read_text("utf-8")
                told.unlink()
                if re.fullmatch(r"[0-9]+(\.[0-9]+)?(e-?[0-9]+)?", text):
                    self.seconds[name] = float(text)

    def try_on(self, rows: Any, *, id_column: str, folder: Path) -> None:
        """Score the first of some rows and check what comes out, so that a model that cannot be judged is told at once.

        Raises:
            DataError: As for ``score``, or the predictions are not the task's: other classes, or no numbers.
        """
        from modelyard.models.predictions import join, read_predictions

        some = rows.head(TRIED)
        files, _ = self.score({"tried": some}, id_column=id_column, folder=folder)
        frame, threshold = read_predictions(files["tried"], self.who), self.signature.threshold or 0.5
        join(
            frame, some[id_column], id_column=id_column, signature=self.signature, threshold=threshold, who=self.who
        )  # fmt: skip

    def score_files(self, files: Mapping[str, Path], folder: Path) -> dict[str, Path]:
        """Score rows that stand in Parquet files already, the id first; needs no Parquet reader of this process.

        Returns:
            The prediction file of each table.

        Raises:
            DataError: As for ``score``.
        """
        pairs = _pairs(files, folder)
        self.adapter.score(self, pairs, id_column="", folder=folder)
        self._timed(pairs)
        return {name: predictions for name, (_, predictions) in pairs.items()}

    def predict_made_up(self, golden: Golden, folder: Path) -> Path:
        """Let the model predict made-up inputs; returns the Parquet file of its predictions.

        Raises:
            DataError: As for ``score``.
        """
        return self.adapter.predict_made_up(self, golden, folder)


def _pairs(files: Mapping[str, Path], folder: Path) -> dict[str, tuple[Path, Path]]:
    return {name: (rows, folder / f"{name}.parquet") for name, rows in files.items()}


def recorded_environment(home: Path, who: str) -> Environment:
    """Return the packages that a version records.

    Raises:
        DataError: It records none, or in no form that can be read.
    """
    path = home / ENVIRONMENT
    if not path.is_file():
        raise DataError(f"{who} records no packages, so it cannot be loaded as it was", code="model/no-environment")
    return environment.parse_environment(path.read_text("utf-8"))


def _interpreter(adapter: Adapter, home: Path, bench: Workbench) -> Path:
    """Return what loads the model and reads Parquet; a command needs the second alone, and only without Polars here."""
    if not adapter.rescorable or (not adapter.needs_environment and importlib.util.find_spec("polars") is not None):
        return Path(sys.executable)
    return bench.python_for(recorded_environment(home, "the version"))


def _own_lock(home: Path, code: Path, bench: Workbench) -> Path | None:
    """Return the requirements of a version's commands; an older version has them among its code, if at all."""
    kept = [home / COMMAND_LOCK]
    if bench.lock is not None and bench.lock.is_relative_to(bench.folder):
        kept.append(code / bench.lock.relative_to(bench.folder))
    return next((path for path in kept if path.is_file()), None)


def _programs(lock: Path | None, bench: Workbench) -> Path | None:
    return None if lock is None else environment.python_for_lock(lock, cache=bench.environments).parent
