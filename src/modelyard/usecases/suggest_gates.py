"""Suggest margins that this test set can resolve, before any test row is judged."""

from typing import TYPE_CHECKING

from modelyard.core.errors import DataError
from modelyard.records.envelope import Envelope
from modelyard.records.results import TrainResult

if TYPE_CHECKING:
    from modelyard.evaluation.suggest import Suggestion


def suggest_gates(training: Envelope | None) -> "Suggestion":
    """Return a margin for the primary metric.

    Args:
        training: the record of a training, if there is one.

    Raises:
        DataError: nothing was cross-validated.
    """
    from modelyard.evaluation.suggest import suggest

    trained = None if training is None else training.record.outcome
    suggestion = suggest(trained) if isinstance(trained, TrainResult) else None
    if suggestion is None:
        raise DataError(
            "no cross-validated candidates to learn from",
            code="record/no-folds",
            hint="Run `modelyard train` with train.candidates; margins are estimated on its folds, never on test rows.",
        )
    return suggestion
