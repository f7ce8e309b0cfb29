"""Models that a process of their own loads: the job that it is handed, for scikit-learn, pyfunc and native formats."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.models import child_process, store
from modelyard.models.adapters.adapter import Adapter, Golden, Tables
from modelyard.models.child import tree_nodes
from modelyard.models.child.trusted import TRUSTED

if TYPE_CHECKING:
    from modelyard.models.scorer import Scorer


class ChildAdapter(Adapter):
    """A model that ``models/child/score.py`` loads under the interpreter of its version."""

    def stored_as(self, model_dir: Path) -> str:
        """Return the format by which the child knows how to load the model."""
        raise NotImplementedError

    def check(self, scorer: "Scorer") -> None:
        """Look at the model's bytes before the child does."""

    def score(
        self, scorer: "Scorer", tables: Tables, *, id_column: str, folder: Path, golden: Golden | None = None
    ) -> str:
        """Score tables of rows; golden predictions are made by the same process, which loads the model once."""
        self.check(scorer)
        signature = scorer.signature
        job: dict[str, Any] = {
            "model_dir": str(scorer.model_dir),
            "format": self.stored_as(scorer.model_dir),
            "trusted": sorted(TRUSTED),
            "audit": tree_nodes.__file__,
            "features": [feature.model_dump() for feature in signature.features],
            "task": signature.task,
            "classes": list(signature.classes),
            "positive": signature.positive,
            "id": id_column,
            "python_path": [str(path) for path in store.code_folders(scorer.model_dir)],
            "golden": None if golden is None else child_process.golden_job(golden),
            "tables": [{"rows": str(rows), "predictions": str(out)} for rows, out in tables.values()],
        }
        child_process.run(scorer.python, job, folder, scorer.who, "scored")
        return ""

    def predict_made_up(self, scorer: "Scorer", golden: Golden, folder: Path) -> Path:
        """Let the child make the inputs, from the categories that the model itself holds, and predict them."""
        self.score(scorer, {}, id_column="", folder=folder, golden=golden)
        return golden.folder / "predictions.parquet"
