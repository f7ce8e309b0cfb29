"""What a report shows beyond the judgement: importance of columns, how far they moved, what models cost.

None of it gates, and nothing of it ends an evaluation: what cannot be found out is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import modelyard.records.results as r
from modelyard.core.errors import ModelyardError
from modelyard.core.files import read_json
from modelyard.data.profile import profile
from modelyard.evaluation.diagnostics import importance
from modelyard.evaluation.diagnostics.moved import moved
from modelyard.evaluation.gates.misuse import metric_for
from modelyard.evaluation.session import targets
from modelyard.metrics.catalogue import PRIMARY
from modelyard.models.adapters import adapter_of
from modelyard.models.predictions import read_predictions
from modelyard.records.results.diagnostics import Footprint, Permuted
from modelyard.registry.protocol import Version
from modelyard.registry.records import version_records
from modelyard.steps.context import CheckedOut
from modelyard.steps.evaluate.contenders import Contender, joined
from modelyard.steps.profile_key import key_of

TABLE = "permuted"


@dataclass(frozen=True)
class Shuffled:
    """Rows with one column after the other shuffled, to be scored by every model that can do so cheaply."""

    rows: Any
    columns: tuple[str, ...]
    table: Any
    left_out: int

    @property
    def tables(self) -> Mapping[str, Any]:
        """What a model is to score, by name."""
        return {TABLE: self.table} if len(self.rows) and self.columns else {}


def shuffled(
    context: CheckedOut, test: Any, facts: r.TrainResult, champion: Version | None, seed: int
) -> Shuffled | None:
    """Return the rows to score for importance; None where it is not wanted, or the model is asked by a command."""
    if context.config.evaluate.checks.importance == "off" or facts.signature is None or not cheap(facts.adapter):
        return None
    rows = importance.sampled(test, seed)
    own = [[feature.name for feature in facts.signature.features]]
    if champion is not None and cheap(champion.manifest.adapter):
        own.append([feature.name for feature in champion.manifest.signature.features])
    columns = [name for name in importance.chosen(own) if name in rows.columns]
    if not len(rows) or not columns:
        return None
    table = importance.permuted(rows, columns, context.data.split().id, seed)
    return Shuffled(rows, tuple(columns), table, len({name for each in own for name in each}) - len(columns))


def cheap(adapter: str) -> bool:
    """Tell whether a model of this kind is loaded and scores once more at once; a command would be started again."""
    kind = adapter_of(adapter, "the model")
    return kind.rescorable and kind.needs_environment


def permuted(context: CheckedOut, made: Shuffled | None, contenders: Mapping[str, Contender]) -> Permuted | None:
    """Return the importance of each column to each model; None where a model has not scored, or cannot be read."""
    if made is None:
        return None
    scored = {}
    for role in ("challenger", "champion"):
        contender = contenders.get(role)
        path = None if contender is None else contender.scored.get(TABLE)
        if contender is None or path is None or not path.is_file():
            continue
        try:
            found = joined(context, read_predictions(path, role), made.table, contender.signature, role)
        except ModelyardError:
            continue  # what it makes of shuffled rows is no reason to end an evaluation
        finally:
            path.unlink()  # shuffled rows are no rows, and the folder is kept
        if contender.signature.classes == contenders["challenger"].signature.classes and found.matched.all():
            names = [feature.name for feature in contender.signature.features]
            scored[role] = (found.predictions, names)
    model = context.config.model
    metric = metric_for(model.metric or PRIMARY[model.task], model.task)
    truth = targets(made.rows, context.config.data.columns, contenders["challenger"].signature)
    return importance.importance(metric, truth, made.columns, scored, made.left_out)


def drift(context: CheckedOut, test: Any, facts: r.TrainResult, champion: Version | None) -> tuple[Any, ...]:
    """Return how far the model's columns moved: from training to test rows, and since the champion was trained."""
    path = context.run_dir / "profile" / "profile.json"
    if facts.signature is None or not path.is_file():
        return ()
    names = [feature.name for feature in facts.signature.features if feature.name in test.columns]
    today = profile(test.select(names), context.config.data.columns.personal, key_of(context))
    return moved(names, read_json(path)["columns"], today["columns"], _carried(context, champion))


def _carried(context: CheckedOut, champion: Version | None) -> Mapping[str, Any]:
    """Return the columns of the profile that the champion carries."""
    import json

    name = "profile/profile.json"
    if champion is None or not any(file.path == name for file in champion.manifest.files):
        return {}
    try:
        found = json.loads(context.versions.open().read(champion, name))["columns"]
    except (ModelyardError, ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def footprints(
    context: CheckedOut, facts: r.TrainResult, champion: Version | None, contenders: Mapping[str, Contender]
) -> tuple[Footprint, ...]:
    """Return size, training time and scoring time of both models."""
    trained = context.records.read("train").record
    seconds = None if facts.how == "none" else trained.circumstances.seconds
    rows = len(contenders["challenger"].joined.matched)
    found = [
        Footprint(
            model="challenger", size=facts.model_size or None, training_seconds=seconds,
            scoring_seconds=contenders["challenger"].seconds, rows=rows,
        )
    ]  # fmt: skip
    if champion is not None and "champion" in contenders:
        size = sum(file.size for file in champion.manifest.files if file.role == "model")
        found.append(
            Footprint(
                model="champion", size=size or None, training_seconds=_trained_in(context, champion),
                scoring_seconds=contenders["champion"].seconds, rows=rows,
            )
        )  # fmt: skip
    return tuple(found)


def _trained_in(context: CheckedOut, champion: Version) -> float | None:
    try:
        then = version_records(context.versions.open(), champion).get("train")
    except ModelyardError:
        return None
    return None if then is None else then.record.circumstances.seconds
