"""What a version's predictions are compared with where it serves: a description of its own test rows."""

from typing import Any

from modelyard.core.files import write_atomic
from modelyard.data import splits
from modelyard.evaluation.session import Session
from modelyard.metrics.predictions import Predictions
from modelyard.records.results import Signature
from modelyard.steps.context import CheckedOut
from modelyard.steps.profile_key import key_of

REFERENCE = "profile/monitoring.json"
"""Where a version carries it."""


def write(context: CheckedOut, session: Session) -> None:
    """Describe the test rows as the challenger saw and judged them: no raw values, categories under a key alone."""
    from modelyard.monitoring.profile import reference_of

    config, signature = context.config, session.signature
    columns = config.data.columns
    features = [each.name for each in signature.features if each.name in session.test.columns]
    unit, _, _ = splits.unit_codes(session.test, columns)
    told = reference_of(
        session.test.select(features),
        as_logged(session.models["challenger"], signature),
        session.test[columns.target].to_list(),
        task=signature.task,
        unit=unit,
        key=key_of(context),
        personal=columns.personal,
        positive=signature.positive,
        threshold=signature.threshold,
    )
    write_atomic(context.run_dir / REFERENCE, told.model_dump_json(exclude_defaults=True).encode())


def as_logged(predictions: Predictions, signature: Signature) -> Any:
    """Return predictions as a log has them: a value, the probability of the positive class or of each, or a label."""
    import polars as pl

    if predictions.value is not None:
        return pl.DataFrame({"prediction": predictions.value})
    if predictions.probability is not None and signature.task == "binary":
        return pl.DataFrame({"probability": predictions.probability})
    if predictions.probability is not None:
        return pl.DataFrame(
            {f"probability_{label}": predictions.probability[:, at] for at, label in enumerate(signature.classes)}
        )
    labels = predictions.labels
    if signature.task == "binary":
        other = next((label for label in signature.classes if label != signature.positive), None)
        return pl.DataFrame({"prediction": [str(signature.positive if code else other) for code in labels.tolist()]})
    return pl.DataFrame({"prediction": [str(signature.classes[code]) for code in labels.tolist()]})
