"""Scoring as a process of its own: rows in as Parquet, predictions out as Parquet, whatever made the model.

Three adapters fill that contract: scikit-learn models (``score_child.py`` under the model's interpreter), a command of
the user's, and ready-made prediction files.
"""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from modelyard import processes
from modelyard.errors import DataError
from modelyard.models import score_child, store
from modelyard.models.trusted import TRUSTED
from modelyard.records.results import Signature

Adapter = Literal["sklearn", "command", "predictions"]
SCORE_TIMEOUT = 3600
"""Seconds that a scikit-learn model may take; commands name their own limit."""


@dataclass(frozen=True)
class Scorer:
    """A model and what it takes to score with it; ``who`` is what messages call it."""

    who: str
    adapter: Adapter
    signature: Signature
    model_dir: Path
    python: Path
    format: Literal["skops", "joblib"] = "skops"
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
                do="Bring the column back, or adopt a model that does without it; a champion that cannot be scored is "
                "never taken for a first run.",
            )
        rows = folder / f"{name}.rows.parquet"
        frame.select(id_column, *wanted).write_parquet(rows)
        pairs[name] = (rows, folder / f"{name}.parquet")
    run = _run_command if scorer.adapter == "command" else _run_child
    run(scorer, pairs, id_column, folder)
    return {name: predictions for name, (_, predictions) in pairs.items()}


def _run_child(scorer: Scorer, pairs: Mapping[str, tuple[Path, Path]], id_column: str, folder: Path) -> None:
    store.audit(scorer.model_dir)
    signature = scorer.signature
    job = {
        "model_dir": str(scorer.model_dir),
        "format": scorer.format,
        "trusted": sorted(TRUSTED),
        "features": [feature.model_dump() for feature in signature.features],
        "task": signature.task,
        "classes": list(signature.classes),
        "positive": signature.positive,
        "id": id_column,
        "python_path": list(scorer.python_path),
        "golden": None if scorer.golden is None else _golden(scorer.golden),
        "tables": [{"rows": str(rows), "predictions": str(out)} for rows, out in pairs.values()],
    }
    path = folder / "job.json"
    path.write_text(json.dumps(job), "utf-8")
    command = [str(scorer.python), "-I", "-B", "-X", "utf8", score_child.__file__, str(path)]
    try:
        done = subprocess.run(
            command, check=False, cwd=folder, env=processes.own_child_environment(), capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=SCORE_TIMEOUT,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise DataError(f"{scorer.who} took longer than {SCORE_TIMEOUT} s to score") from error
    finally:
        path.unlink(missing_ok=True)
    if done.returncode != 0:
        raise DataError(f"{scorer.who} could not be scored: {_last_words(done.stderr)}", do=_advice(done.stderr))


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
    import polars as pl

    uses_csv = "{rows_csv}" in scorer.command
    for name, (rows, predictions) in pairs.items():
        rows_csv, predictions_csv = folder / f"{name}.rows.csv", folder / f"{name}.predictions.csv"
        if uses_csv:
            pl.read_parquet(rows).write_csv(rows_csv)
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
                do="It must write {predictions} (Parquet) or {predictions_csv}: "
                f"the column {id_column!r} and probability, or prediction.",
            )
        if written == predictions_csv:
            from modelyard.models.predictions import read_predictions

            read_predictions(predictions_csv, scorer.who).write_parquet(predictions)
