"""Models that only their own predict command can score: any framework, any language."""

import importlib.util
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from modelyard.core import processes
from modelyard.core.errors import DataError
from modelyard.models import child_process
from modelyard.models.adapters.adapter import Adapter, Golden, Tables

if TYPE_CHECKING:
    from modelyard.models.scorer import Scorer

WHAT = "evaluate.predict.command"


class CommandAdapter(Adapter):
    """A model folder and the command that scores with it, in the environment of its own that its version names."""

    name = "command"
    needs_environment = False
    takes_every_column = True
    brings_code = True
    stored: ClassVar = {"": "model"}

    def score(
        self, scorer: "Scorer", tables: Tables, *, id_column: str, folder: Path, golden: Golden | None = None
    ) -> str:
        """Run the command once a table; a command that cannot take made-up rows has no golden ones."""
        for name, (rows, predictions) in tables.items():
            _run(scorer, name, rows, predictions, id_column, folder)
        return "" if golden is None else _golden(scorer, golden, id_column)

    def predict_made_up(self, scorer: "Scorer", golden: Golden, folder: Path) -> Path:
        """Let an interpreter with Polars make the inputs, and the command predict them."""
        features = [feature.model_dump() for feature in scorer.signature.features]
        job = {"do": "make", "features": features, "golden": child_process.golden_job(golden)}
        child_process.run(scorer.python, job, folder, scorer.who, "tried", scorer.log("score", folder))
        predictions = folder / "made.parquet"
        self.score(scorer, {"made": (golden.folder / "inputs.parquet", predictions)}, id_column="", folder=folder)
        return predictions


def _run(scorer: "Scorer", name: str, rows: Path, predictions: Path, id_column: str, folder: Path) -> None:
    rows_csv, predictions_csv = folder / f"{name}.rows.csv", folder / f"{name}.predictions.csv"
    if "{rows_csv}" in scorer.command:
        _convert(scorer, rows, rows_csv, folder)
    values = {
        "model_dir": scorer.model_dir,
        "rows": rows,
        "predictions": predictions,
        "rows_csv": rows_csv,
        "predictions_csv": predictions_csv,
    }
    processes.run_command(
        scorer.command,
        {placeholder: str(path) for placeholder, path in values.items()},
        cwd=scorer.folder,
        timeout=scorer.timeout,
        environment_path=scorer.path_first,
        log=scorer.log(f"predict-{name}", folder),
        what=f"{scorer.who}: {WHAT}",
    )
    written = predictions_csv if "{predictions_csv}" in scorer.command else predictions
    if not written.is_file() or written.stat().st_size == 0:
        raise DataError(
            f"{scorer.who}: {WHAT} ended well but wrote no predictions",
            code="model/no-predictions",
            hint="It must write {predictions} (Parquet) or {predictions_csv}: "
            f"the column {id_column or 'of ids'!r} and probability, or prediction.",
        )
    if written == predictions_csv:
        _convert(scorer, predictions_csv, predictions, folder)


def _golden(scorer: "Scorer", golden: Golden, id_column: str) -> str:
    """Score made-up rows with the command and keep them if it can; returns why not."""
    from modelyard.models.child.score import golden_rows
    from modelyard.models.predictions import join, read_predictions

    signature = scorer.signature
    features = [feature.model_dump() for feature in signature.features]
    made = golden_rows(features, dict(golden.quantiles), {}, seed=golden.seed, rows=golden.rows, named=id_column)
    with tempfile.TemporaryDirectory(dir=golden.folder.parent) as temporary:
        rows, predictions = Path(temporary, "golden.rows.parquet"), Path(temporary, "golden.parquet")
        made.select(id_column, *(feature.name for feature in signature.features)).write_parquet(rows)
        try:
            _run(scorer, "golden", rows, predictions, id_column, Path(temporary))
            frame = read_predictions(predictions, scorer.who)
            threshold = signature.threshold or 0.5
            join(frame, made[id_column], id_column=id_column, signature=signature, threshold=threshold, who=scorer.who)
        except DataError as error:
            return f"the predict command does not take made-up ones ({error.message})"
    golden.folder.mkdir()
    made.write_parquet(golden.folder / "inputs.parquet")
    frame.select(id_column, *(name for name in frame.columns if name != id_column)).write_parquet(
        golden.folder / "predictions.parquet"
    )
    return ""


def _convert(scorer: "Scorer", source: Path, target: Path, folder: Path) -> None:
    """Write a table in the other format, with this process's Polars or, where it has none, with the model's."""
    if importlib.util.find_spec("polars") is None:
        job = {"do": "csv", "source": str(source), "target": str(target)}
        child_process.run(scorer.python, job, folder, scorer.who, "read", scorer.log("score", folder))
    elif source.suffix == ".csv":
        from modelyard.models.predictions import read_predictions

        read_predictions(source, scorer.who).write_parquet(target)
    else:
        import polars as pl

        pl.read_parquet(source).write_csv(target)
