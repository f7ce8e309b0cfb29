"""scikit-learn models, stored as a skops archive or, where the configuration allows it, as a joblib pickle."""

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from modelyard.models import store
from modelyard.models.adapters.child import ChildAdapter

if TYPE_CHECKING:
    from modelyard.models.scorer import Scorer


class SklearnAdapter(ChildAdapter):
    """A model with ``predict`` and perhaps ``predict_proba``."""

    name = "sklearn"
    stored: ClassVar = {".skops": store.SKOPS, **dict.fromkeys(sorted(store.PICKLES), store.JOBLIB)}

    def stored_as(self, model_dir: Path) -> str:
        """Return skops or joblib, by the files that are there."""
        return store.stored_format(model_dir)

    def runs_code(self, model_dir: Path) -> str:
        """Return that a pickle runs code; a skops archive is audited before anything is built."""
        if store.stored_format(model_dir) == "joblib":
            return f"is stored as a pickle ({store.JOBLIB}), which runs the code in it when it is loaded"
        return ""

    def check(self, scorer: "Scorer") -> None:
        """Refuse what stands beside an archive; audit it with our skops where the child's may know less."""
        super().check(scorer)
        if (
            not scorer.made_here
            and scorer.python != Path(sys.executable)
            and importlib.util.find_spec("skops") is not None
        ):
            store.audit(scorer.model_dir)
