"""No training here: prediction files that were made elsewhere are taken over and judged."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.config.configuration import Config
from modelyard.config.sections.data import Columns
from modelyard.core.canonical import digest
from modelyard.core.errors import DataError
from modelyard.core.files import disk_errors
from modelyard.models import store
from modelyard.training.job import Job, Made
from modelyard.training.signature import Features
from modelyard.training.way import Way

if TYPE_CHECKING:
    import polars as pl


class PredictionsWay(Way):
    """``evaluate.challenger``: a file of predictions instead of a model."""

    name = "none"
    trains = False

    def is_configured(self, config: Config) -> bool:
        """Return whether there is no train section."""
        return config.train is None

    def features(self, frame: "pl.DataFrame", columns: Columns) -> Features:
        """Return no features: there is no model that could take any."""
        del frame, columns
        return Features((), {})

    def run(self, job: Job, model_dir: Path, scratch: Path) -> Made:
        """Copy the prediction file."""
        del scratch
        named = job.config.evaluate.challenger or ""
        path = job.at.inside(named, "evaluate.challenger")
        if not path.is_file():
            raise DataError(
                f"evaluate.challenger: there is no prediction file {named}",
                code="train/no-prediction-file",
                hint="Make it before this step, or correct the path.",
            )
        with disk_errors(model_dir):
            shutil.copyfile(path, model_dir / f"predictions{path.suffix}")
        return Made(digest({"predictions": store.digest(model_dir)[0]}), "predictions")
