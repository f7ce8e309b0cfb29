"""Scoring as a process of its own: rows in as Parquet, predictions out as Parquet, whatever made the model.

Four adapters fill that contract: scikit-learn models and MLflow's pyfunc models (``score_child.py`` under the model's
interpreter), a command of the user's, and ready-made prediction files.
"""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelyard.core import processes
from modelyard.core.errors import DataError
from modelyard.core.vocabulary import Adapter, Format
from modelyard.models import score_child, store, tree_nodes
from modelyard.models.trusted import TRUSTED
from modelyard.records.results import Signature

SCORE_TIMEOUT = 3600
"""Seconds that a scikit-learn or pyfunc model may take; commands name their own limit."""


@dataclass(frozen=True)
class Scorer:
    """A model and what it takes to score with it; ``who`` is what messages call it."""

    who: str
    adapter: Adapter
    signature: Signature
    model_dir: Path
    python: Path
    format: Format = "skops"
    python_path: tuple[str, ...] = ()
    command: str = ""
    timeout: str = "1h"
    folder: Path = field(default_factory=Path)
    path_first: Path | None = None
    golden: "Golden | None" = None


@dataclass(frozen=True)
class Golden:
    """What made-up inputs are drawn from: the model's digest as seed, and each number's quantiles."""

    seed: str
    quantiles: Mapping[str, list[float]]
    folder: Path
    rows: int = 32


def score(scorer: Scorer, tables: Mapping[str, Any], *, id_column: str, folder: Path) -> dict[str, Path]:
    """Score named tables of rows; returns the prediction file of each.

    Args:
        scorer: the model.
        tables: name to Polars frame with the id and every column of the signature.
        id_column: the column that names a row.
        folder: where ``<name>.rows.parquet`` and ``<name>.parquet`` are written.

    Raises:
        DataError: the model does not load, fails, takes too long, or writes nothing.
    """
    wanted = [feature.name for feature in scorer.signature.features]
    pairs = {}
    for name, frame in tables.items():
        missing = [column for column in wanted if column not in frame.columns]
        if missing:
            raise DataError(
                f"{scorer.who} needs the column {missing[0]!r}, which today's data does not have"
                + (f" ({len(missing)} such columns)" if len(missing) > 1 else ""),
                hint="Bring the column back, or adopt a model without it; a champion that cannot be scored is "
                "never taken for a first run.",
            )
        pairs[name] = folder / f"{name}.rows.parquet"
        frame.select(id_column, *wanted).write_parquet(pairs[name])
    return score_files(scorer, pairs, id_column=id_column, folder=folder)


def score_files(scorer: Scorer, tables: Mapping[str, Path], *, id_column: str, folder: Path) -> dict[str, Path]:
    """The same for rows that stand in Parquet files already; needs no Parquet reader of this process.

    Args:
        scorer: the model.
        tables: name to Parquet file.
        id_column: the column that names a row; empty for the first that is no feature.
        folder: where ``<name>.parquet`` is written.

    Raises:
        DataError: as for ``score``.
    """
    pairs = {name: (rows, folder / f"{name}.parquet") for name, rows in tables.items()}
    run = _run_command if scorer.adapter == "command" else _run_child
    run(scorer, pairs, id_column, folder)
    return {name: predictions for name, (_, predictions) in pairs.items()}


def compare(python: Path, recorded: Path | None, found: Path, folder: Path) -> dict[str, Any]:
    """How two prediction files differ; see ``score_child.compare``. Without a recorded one: are these predictions.

    Args:
        python: an interpreter with Polars.
        recorded: what came out before.
        found: what came out now.
        folder: where the job's file is written.

    Raises:
        DataError: a file is not readable.
    """
    job = {"do": "compare", "recorded": None if recorded is None else str(recorded), "found": str(found)}
    told: dict[str, Any] = json.loads(_child(python, job, folder, "the predictions", "compared"))
    return told


def made_up(scorer: Scorer, wanted: Golden, folder: Path) -> Path:
    """Write made-up inputs of a signature, by an interpreter with Polars; returns the Parquet file."""
    features = [feature.model_dump() for feature in scorer.signature.features]
    _child(scorer.python, {"do": "make", "features": features, "golden": _golden(wanted)}, folder, scorer.who, "tried")
    return wanted.folder / "inputs.parquet"


def _run_child(scorer: Scorer, pairs: Mapping[str, tuple[Path, Path]], id_column: str, folder: Path) -> None:
    # The child looks before it loads, with its own skops. Where that is another than ours, ours looks first: an older
    # one may know less of what an archive can do.
    another = scorer.python != Path(sys.executable)
    if another and scorer.adapter == "sklearn" and importlib.util.find_spec("skops") is not None:
        store.audit(scorer.model_dir)
    signature = scorer.signature
    job = {
        "model_dir": str(scorer.model_dir),
        "format": "pyfunc" if scorer.adapter == "pyfunc" else scorer.format,
        "trusted": sorted(TRUSTED),
        "audit": tree_nodes.__file__,
        "features": [feature.model_dump() for feature in signature.features],
        "task": signature.task,
        "classes": list(signature.classes),
        "positive": signature.positive,
        "id": id_column,
        "python_path": list(scorer.python_path),
        "golden": None if scorer.golden is None else _golden(scorer.golden),
        "tables": [{"rows": str(rows), "predictions": str(out)} for rows, out in pairs.values()],
    }
    _child(scorer.python, job, folder, scorer.who, "scored")


def _child(python: Path, job: Mapping[str, Any], folder: Path, who: str, done_to: str) -> str:
    """Run one job of the child; returns the last line that it printed."""
    path = folder / "job.json"
    path.write_text(json.dumps(job), "utf-8")
    command = [str(python), "-I", "-B", "-X", "utf8", score_child.__file__, str(path)]
    try:
        done = subprocess.run(
            command, check=False, cwd=folder, env=processes.own_child_environment(), capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=SCORE_TIMEOUT,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise DataError(f"{who} took longer than {SCORE_TIMEOUT} s to be {done_to}") from error
    finally:
        path.unlink(missing_ok=True)
    if done.returncode != 0:
        raise DataError(f"{who} could not be {done_to}: {_last_words(done.stderr)}", hint=_advice(done.stderr))
    return (done.stdout.strip().splitlines() or ["{}"])[-1]


def _golden(wanted: Golden) -> dict[str, Any]:
    wanted.folder.mkdir(parents=True, exist_ok=True)
    return {
        "seed": wanted.seed,
        "rows": wanted.rows,
        "quantiles": dict(wanted.quantiles),
        "inputs": str(wanted.folder / "inputs.parquet"),
        "predictions": str(wanted.folder / "predictions.parquet"),
    }


def _last_words(stderr: str) -> str:
    last = (stderr.strip().splitlines() or ["no message"])[-1]
    try:
        said = json.loads(last)
        return f"{said['kind']}: {said['message']}"
    except (ValueError, KeyError, TypeError):
        return last[:500]


def _advice(stderr: str) -> str:
    if "UntrustedTypes" in stderr:
        return "The model holds types that are not on the reviewed list; set model.format: joblib to allow pickles."
    return "The model must load and score in the packages its version records; see environment.txt beside it."


def _run_command(scorer: Scorer, pairs: Mapping[str, tuple[Path, Path]], id_column: str, folder: Path) -> None:
    uses_csv = "{rows_csv}" in scorer.command
    for name, (rows, predictions) in pairs.items():
        rows_csv, predictions_csv = folder / f"{name}.rows.csv", folder / f"{name}.predictions.csv"
        if uses_csv:
            _converted(scorer, rows, rows_csv, folder)
        processes.run_command(
            scorer.command,
            {
                "model_dir": str(scorer.model_dir),
                "rows": str(rows),
                "predictions": str(predictions),
                "rows_csv": str(rows_csv),
                "predictions_csv": str(predictions_csv),
            },
            cwd=scorer.folder,
            timeout=scorer.timeout,
            environment_path=scorer.path_first,
            log=folder / f"{name}.log",
            what=f"{scorer.who}: evaluate.predict.command",
        )
        written = predictions_csv if "{predictions_csv}" in scorer.command else predictions
        if not written.is_file() or written.stat().st_size == 0:
            raise DataError(
                f"{scorer.who}: evaluate.predict.command ended well but wrote no predictions",
                hint="It must write {predictions} (Parquet) or {predictions_csv}: "
                f"the column {id_column or 'of ids'!r} and probability, or prediction.",
            )
        if written == predictions_csv:
            _converted(scorer, predictions_csv, predictions, folder)


def _converted(scorer: Scorer, source: Path, target: Path, folder: Path) -> None:
    """Write a table in the other format, with this process's Polars or, where it has none, with the model's."""
    if importlib.util.find_spec("polars") is None:
        _child(scorer.python, {"do": "csv", "source": str(source), "target": str(target)}, folder, scorer.who, "read")
    elif source.suffix == ".csv":
        from modelyard.models.predictions import read_predictions

        read_predictions(source, scorer.who).write_parquet(target)
    else:
        import polars as pl

        pl.read_parquet(source).write_csv(target)
