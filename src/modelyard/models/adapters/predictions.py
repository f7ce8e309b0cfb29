"""Ready-made prediction files: there is no model, so nothing can score other rows."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from modelyard.core.errors import DataError
from modelyard.models.adapters.adapter import Adapter, Golden, Tables

if TYPE_CHECKING:
    from modelyard.models.scorer import Scorer


class PredictionsAdapter(Adapter):
    """Predictions without a model."""

    name = "predictions"
    rescorable = False
    needs_environment = False
    stored: ClassVar = {".parquet": "predictions.parquet", ".csv": "predictions.csv"}

    def score(
        self, scorer: "Scorer", tables: Tables, *, id_column: str, folder: Path, golden: Golden | None = None
    ) -> str:
        """Refuse: there is nothing that could score them."""
        del tables, id_column, folder, golden
        raise DataError(f"{scorer.who} exists as predictions only and cannot score rows", code="model/not-rescorable")

    def predict_made_up(self, scorer: "Scorer", golden: Golden, folder: Path) -> Path:
        """Refuse: there is nothing that could predict them."""
        self.score(scorer, {}, id_column="", folder=folder)
        return golden.folder
