"""Check that a stored model still works by reproducing its golden predictions, or at least by loading it.

Nothing here reads Parquet in this process, so that a small environment without any data library can ask.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from modelyard.core.errors import DataError
from modelyard.core.files import read_json
from modelyard.models.adapters import Golden
from modelyard.models.child_process import compare
from modelyard.models.scorer import Scorer

INPUTS, PREDICTIONS = "inputs.parquet", "predictions.parquet"
TOLERANCE = 1e-9
"""Largest difference of a prediction on the platform of the version: threads may add up in another order."""
TOLERANCE_ELSEWHERE = 1e-6
"""The same on another platform, whose mathematical functions may round otherwise."""
_TRIED = (0.0, 1.0)


@dataclass(frozen=True)
class Reproduced:
    """How golden predictions came out.

    Attributes:
        rows: golden rows.
        exact: rows that are the same to the last bit.
        largest: largest difference, relative to the recorded prediction where that is above 1.
        tolerance: what was allowed.
        problem: why they are not the same predictions; empty where they are.
    """

    rows: int
    exact: int
    largest: float
    tolerance: float
    problem: str = ""

    @property
    def said(self) -> str:
        """In words."""
        if self.problem:
            return f"the golden predictions do not come out again: {self.problem}"
        if self.exact == self.rows:
            return f"all {self.rows} golden predictions came out again, the same to the last bit"
        return (
            f"all {self.rows} golden predictions came out again, {self.exact} of them the same to the last bit, the "
            f"largest difference {self.largest:.1e} (allowed: {self.tolerance:.0e})"
        )


def has_golden(home: Path) -> bool:
    """Whether a fetched version has golden rows with their predictions."""
    return all((home / "golden" / name).is_file() for name in (INPUTS, PREDICTIONS))


def reproduce(scorer: Scorer, home: Path, *, same_platform: bool, folder: Path) -> Reproduced:
    """Predict the golden rows of a fetched version again and compare.

    Raises:
        DataError: the model does not load, fails, or writes nothing.
    """
    golden = home / "golden"
    again = scorer.score_files({"golden": golden / INPUTS}, folder)["golden"]
    told = compare(scorer.python, golden / PREDICTIONS, again, folder)
    tolerance = TOLERANCE if same_platform else TOLERANCE_ELSEWHERE
    problem = str(told["problem"])
    if not problem and told["unlike"]:
        problem = f"{told['unlike']} of them are other labels, or no numbers any more"
    if not problem and told["largest"] > tolerance:
        problem = f"they differ by up to {told['largest']:.3g}, and {tolerance:.0e} is allowed"
    return Reproduced(int(told["rows"]), int(told["exact"]), float(told["largest"]), tolerance, problem)


def loads(scorer: Scorer, home: Path, seed: str, folder: Path) -> int:
    """Load a version without golden rows and let it predict made-up ones; returns how many.

    Raises:
        DataError: it does not load, fails on such rows, or predicts no finite numbers. A model that cannot take made-up
            rows is not shown to work, whatever it can do with real ones.
    """
    made_up = Golden(seed, _quantiles(home, scorer), folder / "made")
    predictions = scorer.predict_made_up(made_up, folder)
    told = compare(scorer.python, None, predictions, folder)
    if told["problem"]:
        raise DataError(
            f"{scorer.who} loads, and its predictions for made-up rows are none: {told['problem']}",
            code="model/not-finite",
        )
    return int(told["rows"])


def _quantiles(home: Path, scorer: Scorer) -> dict[str, list[float]]:
    """Return what numbers are drawn from: the version's own profile, else 0 and 1."""
    try:
        told = read_json(home / "profile" / "profile.json")["columns"]
    except (OSError, ValueError, KeyError, json.JSONDecodeError):
        told = {}
    found: dict[str, list[float]] = {}
    for feature in scorer.signature.features:
        column = told.get(feature.name) if isinstance(told, dict) else None
        known = column.get("quantiles") if isinstance(column, dict) else None
        found[feature.name] = [value for value in known or [] if value is not None] or list(_TRIED)
    return found
