"""Models that a process of their own loads: the job that it is handed, for scikit-learn, pyfunc and native formats."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.core.errors import DataError
from modelyard.models import child_process, store
from modelyard.models.adapters.adapter import Adapter, Described, Golden, Tables
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
        """Look at the model's bytes before the child does: one that runs no code is one file, and nothing beside it."""
        if not self.runs_code(scorer.model_dir):
            store.refuse_more_than_model(scorer.model_dir)

    def score(
        self, scorer: "Scorer", tables: Tables, *, id_column: str, folder: Path, golden: Golden | None = None
    ) -> str:
        """Score tables of rows; golden predictions are made by the same process, which loads the model once."""
        self.check(scorer)
        signature = scorer.signature
        job: dict[str, Any] = {
            **self.loading(scorer),
            "features": [feature.model_dump() for feature in signature.features],
            "task": signature.task,
            "classes": list(signature.classes),
            "positive": signature.positive,
            "outputs": list(signature.outputs),
            "id": id_column,
            "golden": None if golden is None else child_process.golden_job(golden),
            "tables": [{"rows": str(rows), "predictions": str(out)} for rows, out in tables.values()],
        }
        said = child_process.run(scorer.python, job, folder, scorer.who, "scored", scorer.log("score", folder))
        if golden is None:
            return ""
        why = str(json.loads(said)["without_golden"])
        if why:
            shutil.rmtree(golden.folder)
        return why

    def describe(self, scorer: "Scorer", folder: Path, python_path: Sequence[Path] = ()) -> Described:
        """Let the child load the model and ask it."""
        self.check(scorer)
        job = self.loading(scorer)
        more = map(str, python_path) if self.runs_code(scorer.model_dir) else ()
        job |= {"do": "describe", "python_path": [*job["python_path"], *more]}
        log = scorer.log("load", folder)
        found = json.loads(child_process.run(scorer.python, job, folder, scorer.who, "loaded", log))
        return Described(
            tuple(found["columns"]), found["inputs"], tuple(found["classes"] or ()), tuple(map(Path, found["modules"]))
        )

    def loading(self, scorer: "Scorer") -> dict[str, Any]:
        """Return the part of a job that loads the model.

        Code of the user's is on the import path of models alone that run code anyway: beside others, the libraries that
        read them would import what they find optional.
        """
        code = store.code_folders(scorer.model_dir) if self.runs_code(scorer.model_dir) else ()
        return {
            "model_dir": str(scorer.model_dir),
            "format": self.stored_as(scorer.model_dir),
            "trusted": sorted(TRUSTED),
            "audit": tree_nodes.__file__,
            "python_path": [str(path) for path in code],
        }

    def predict_made_up(self, scorer: "Scorer", golden: Golden, folder: Path) -> Path:
        """Let the child make the inputs, from the categories that the model itself holds, and predict them."""
        why = self.score(scorer, {}, id_column="", folder=folder, golden=golden)
        if why:
            raise DataError(f"{scorer.who} could not be tried on made-up rows: {why}", code="model/not-scored")
        return golden.folder / "predictions.parquet"
