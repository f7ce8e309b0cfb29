"""train, presented: the candidates and the one that won."""

from typing import Any

from modelyard.records.envelope import Envelope
from modelyard.records.results import TrainResult
from modelyard.steps.presenter import Plain


class TrainPresenter(Plain[TrainResult]):
    """How many fits there were, and how each candidate did."""

    def facts(self, result: TrainResult) -> str:
        """Return the fits and the winner, or the way that was taken."""
        if result.how == "candidates":
            winner = next((row for row in result.candidates if row.winner), None)
            name = f", best: {winner.name}" if winner else ""
            return f"{result.fits} fits, {result.fits_from_cache} from the cache{name}"
        cached = "from the cache" if result.fits == 0 else "trained"
        return f"{result.how}, {cached}, {result.train_rows:,} rows"

    def lines(self, envelope: Envelope, result: TrainResult) -> list[str]:
        """Return the candidates with their scores."""
        del envelope
        return [
            f"  {'*' if row.winner else ' '} {'error' if row.score is None else f'{row.score:.4f}':>9}  {row.name}"
            f"{'  (cached)' if row.cached else ''}{f'  {row.problem}' if row.problem else ''}"
            for row in result.candidates
        ]

    def outputs(self, envelope: Envelope, result: TrainResult) -> dict[str, Any]:
        """Return the digest of the model."""
        del result
        return {"model-digest": envelope.record.model_digest or ""}
