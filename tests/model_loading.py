"""Load a stored scikit-learn model as scoring does: our audit, then the child's own, in this process."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from modelyard.core.errors import DataError
from modelyard.models import store
from modelyard.models.adapters import ADAPTERS
from modelyard.models.child import score, tree_nodes
from modelyard.models.child.trusted import TRUSTED


def load(folder: Path, *, allow_joblib: bool = False, trusted: Iterable[str] = ()) -> Any:
    """Return the model of a folder, or raise what scoring raises."""
    runs_code = ADAPTERS.get("sklearn").runs_code(folder)
    if runs_code and not allow_joblib:
        raise DataError(runs_code)
    store.audit(folder, trusted=trusted)
    return score.load(folder, store.stored_format(folder), sorted(TRUSTED | set(trusted)), tree_nodes.__file__)
