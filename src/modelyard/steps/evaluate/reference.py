"""What a version's predictions are compared with where it serves: a description of its own test rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modelyard.core.files import write_atomic
from modelyard.evaluation.rulebook import Rulebook
from modelyard.evaluation.session import Judgement, Session
from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.predictions import Predictions
from modelyard.records.results import Signature
from modelyard.steps.context import CheckedOut
from modelyard.steps.profile_key import key_of

if TYPE_CHECKING:
    from modelyard.monitoring.realised import Rule


def write(context: CheckedOut, session: Session, judged: Judgement, book: Rulebook) -> None:
    """Describe the test rows as the challenger saw and judged them: no raw values, categories under a key alone."""
    from modelyard.monitoring import estimated, kept
    from modelyard.monitoring.levels import Rows
    from modelyard.monitoring.realised import levels_of
    from modelyard.monitoring.reference import reference_of

    config, signature, predictions = context.config, session.signature, session.models["challenger"]
    columns, test_set = config.data.columns, session.test_set
    features = [each.name for each in signature.features if each.name in session.test.columns]
    unit, ordered = test_set.unit, test_set.in_time_order
    rules = _rules(context, judged, book, signature, features)
    told = kept.Kept(
        reference=reference_of(
            session.test.select(features),
            as_logged(predictions, signature),
            session.test[columns.target].to_list(),
            task=signature.task,
            unit=unit,
            time=None if columns.time is None else session.test[columns.time],
            key=key_of(context),
            personal=columns.personal,
            positive=signature.positive,
            threshold=signature.threshold,
        ),
        levels=levels_of(
            rules,
            Rows(test_set.y, predictions, unit, test_set.seed),
            ordered=ordered,
            baselines={row.metric: row.baseline for row in judged.metrics},
            slices={name: session.test[name].cast(str).to_numpy() for name in _by(rules) & {*session.test.columns}},
        ),
        labelled=estimated.reference_of(
            (rule.metric for rule in rules),
            test_set.y,
            predictions,
            unit=unit,
            seed=test_set.seed,
        ),
        unit=test_set.unit_name,
        ordered=ordered,
    )
    write_atomic(context.run_dir / kept.PATH, told.model_dump_json(exclude_defaults=True).encode())


def _rules(
    context: CheckedOut, judged: Judgement, book: Rulebook, signature: Signature, features: Sequence[str]
) -> "tuple[Rule, ...]":
    """Return by what the model may be watched later, a rule a metric: what is configured, and what was judged here."""
    from modelyard.monitoring.realised import Rule, rules_of

    settings = context.config.monitor
    asked = rules_of(() if settings is None else settings.performance, book.primary, signature)
    by = tuple(dict.fromkeys(column for gate in book.evaluate.gates for column in gate.columns if column in features))
    shown = [METRICS.get(row.metric) for row in judged.metrics if row.metric in METRICS]
    slices: dict[str, dict[str, None]] = {}
    for metric, columns in (*((rule.metric, rule.by) for rule in asked), *((metric, by) for metric in shown)):
        slices.setdefault(metric.name, {}).update(dict.fromkeys(columns))
    metrics = {metric.name: metric for metric in (*(rule.metric for rule in asked), *shown)}
    return tuple(Rule(metric, "no_worse_than", by=tuple(slices[name])) for name, metric in metrics.items())


def _by(rules: "Sequence[Rule]") -> set[str]:
    return {column for rule in rules for column in rule.by}


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
