"""The two models of an evaluation: each scores today's test rows in its own environment, or brings its predictions."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import modelyard.records.results as r
from modelyard.core.errors import DataError, ModelyardError
from modelyard.core.files import read_json
from modelyard.models import store
from modelyard.models.adapters import Golden, adapter_of
from modelyard.models.predictions import join, read_predictions
from modelyard.models.scorer import Scorer
from modelyard.registry.protocol import Version
from modelyard.steps.context import CheckedOut
from modelyard.steps.scoring import workbench

NO_TABLES: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Contender:
    """A model to judge: what it takes, and its predictions joined to the test rows."""

    signature: r.Signature
    joined: Any
    note: str = ""
    scored: Mapping[str, Path] = field(default_factory=dict)
    """Prediction files of the other tables that it was given."""
    seconds: float | None = None
    """What it took to score the test rows, where that is known."""


def challenger_of(
    context: CheckedOut,
    facts: r.TrainResult,
    test: Any,
    folder: Path,
    tables: Mapping[str, Any],
    extra: Mapping[str, Any] = NO_TABLES,
) -> Contender:
    """Return the challenger's predictions of the test rows; golden rows for its version are written beside them.

    Args:
        context: the run.
        facts: what training wrote.
        test: the test rows.
        folder: where predictions go.
        tables: other rows that it is to score, by name; nothing of them where it exists as predictions only.
        extra: more of them, that it may fail on.

    Raises:
        DataError: the model was changed since training, cannot be scored, or leaves rows without a prediction.
    """
    config = context.config
    scored: dict[str, Path] = {}
    seconds: float | None = None
    signature = facts.signature
    if signature is None:
        raise DataError(
            "the train record has no signature", code="record/no-signature", hint="Run `modelyard train` again."
        )
    adapter = adapter_of(facts.adapter, "the challenger")
    model_dir = context.run_dir / "model"
    if not adapter.rescorable and config.evaluate.challenger is not None:
        path = context.policy.own_file(config.evaluate.challenger, "evaluate.challenger")
        frame = read_predictions(path, "the challenger")
        frame.write_parquet(folder / "challenger.parquet")
    else:
        model_digest, _ = store.digest(model_dir)
        if model_digest != facts.model_digest:
            raise DataError(
                f"the model in {model_dir} was changed since it was trained: {model_digest} instead of "
                f"{facts.model_digest}",
                code="model/changed",
                hint="Run `modelyard train` again.",
            )
        if not adapter.rescorable:  # a command wrote them in training
            frame = read_predictions(next(model_dir.iterdir()), "the challenger")
            frame.write_parquet(folder / "challenger.parquet")
            return Contender(signature, joined(context, frame, test, signature, "the challenger"))
        scorer = Scorer.of_challenger(adapter, signature, model_dir, workbench(context))
        context.console.say(f"  the challenger scores {len(test):,} rows")
        given = {"challenger": test} | {name: rows for name, rows in tables.items() if len(rows)}
        scored, without_golden = _score(
            scorer,
            given,
            _named(extra, "challenger"),
            id_column=context.data.split().id,
            folder=folder,
            golden=_golden(context, model_digest, folder),
        )
        if without_golden:
            context.console.say(f"  no golden rows: {without_golden}")
        seconds = scorer.seconds.get("challenger")
        frame = read_predictions(scored.pop("challenger"), "the challenger")
    own = joined(context, frame, test, signature, "the challenger")
    scored |= {name: scored.pop(f"challenger-{name}") for name in extra if f"challenger-{name}" in scored}
    return Contender(signature, own, scored=scored, seconds=seconds)


def _golden(context: CheckedOut, model_digest: str, folder: Path) -> Golden:
    told = read_json(context.run_dir / "profile" / "profile.json")["columns"]
    quantiles = {
        name: [value for value in column.get("quantiles") or [] if value is not None] for name, column in told.items()
    }
    return Golden(model_digest, quantiles, folder / "golden", personal=context.config.data.columns.personal)


def reference_of(
    context: CheckedOut,
    role: str,
    version: Version,
    test: Any,
    folder: Path,
    signature: r.Signature,
    tables: Mapping[str, Any] = NO_TABLES,
) -> Contender:
    """Return a version's predictions of the same rows, with its own code and packages.

    Args:
        context: the run.
        role: champion, or best-promoted.
        version: which.
        test: the test rows.
        folder: where predictions go.
        signature: the challenger's.
        tables: other rows that it is to score, by name, and may fail on.

    Raises:
        DataError: it cannot score today's rows. That is never taken for a first run.
        PlatformError: its environment cannot be built.
    """
    try:
        return _reference(context, role, version, test, folder, signature, tables)
    except ModelyardError as error:
        if role == "champion" and cannot_score(error):
            error.hint = f"{error.hint} {_WAY_OUT}".strip()
        raise


def cannot_score(error: ModelyardError) -> bool:
    """Return whether an error says that a version cannot be scored any more, by itself or for want of its packages."""
    return isinstance(error, DataError) or error.code.startswith("environment/")


def _reference(
    context: CheckedOut,
    role: str,
    version: Version,
    test: Any,
    folder: Path,
    signature: r.Signature,
    tables: Mapping[str, Any],
) -> Contender:
    manifest, config = version.manifest, context.config
    who = f"the {role.replace('-', ' ')} {version.name}"
    note = "" if manifest.evidence != "none" else f"{version.name} was adopted without evidence"
    if not adapter_of(manifest.adapter, who).rescorable:
        named = config.evaluate.champion if role == "champion" else None
        if named is None:
            raise DataError(
                f"{who} exists as predictions only and cannot score today's rows",
                code="model/not-rescorable",
                hint="Name its predictions for today's test rows: evaluate.champion.",
            )
        frame = read_predictions(context.policy.own_file(named, "evaluate.champion"), who)
        return Contender(signature, joined(context, frame, test, signature, who), note)
    unknown = sorted(set(map(str, signature.classes)) - set(map(str, manifest.signature.classes)))
    if manifest.signature.task != signature.task or unknown:
        raise DataError(
            f"{who} knows other classes than today's rows have"
            + (f": not {', '.join(unknown[:5])}" if unknown else ""),
            code="model/other-classes",
            hint="Give the model that knows other ones a name of its own.",
        )
    if manifest.signature.positive != signature.positive:
        raise DataError(
            f"{who} predicts {manifest.signature.positive!r} as the positive class, this run {signature.positive!r}",
            code="model/other-classes",
            hint="Set model.positive back, or give the model that predicts another class a name of its own.",
        )
    with tempfile.TemporaryDirectory(dir=folder) as fetched:
        home = Path(fetched) / "version"
        context.versions.open().fetch(version, home)
        scorer = Scorer.of_version(manifest, home, workbench(context), who=who)
        context.console.say(f"  {who} scores the same rows")
        written, _ = _score(
            scorer, {role: test}, _named(tables, role), id_column=context.data.split().id, folder=folder
        )
    frame = read_predictions(written[role], who)
    own = joined(context, frame, test, manifest.signature, who)
    return Contender(
        manifest.signature,
        replace(own, predictions=_in_classes(own, manifest.signature, signature)),
        note,
        {name: written[f"{role}-{name}"] for name in tables if f"{role}-{name}" in written},
        scorer.seconds.get(role),
    )


def _score(
    scorer: Scorer, given: Mapping[str, Any], extra: Mapping[str, Any], **how: Any
) -> tuple[dict[str, Path], str]:
    """Score tables, and where the model fails on them with extra ones, without those."""
    try:
        return scorer.score({**given, **extra}, **how)
    except DataError:
        if not extra:
            raise
        return scorer.score(given, **how)


def _named(tables: Mapping[str, Any], role: str) -> dict[str, Any]:
    """Return tables under names of this model's own, since both write into one folder."""
    return {f"{role}-{name}": rows for name, rows in tables.items()}


_WAY_OUT = (
    "Where the champion cannot be scored any more: go back to an earlier version (modelyard rollback --to v…), or put "
    "another model in its place, with a reason for the history (modelyard adopt MODEL --replace --reason …)."
)


def _in_classes(own: Any, of: r.Signature, wanted: r.Signature) -> Any:
    """Return a reference's predictions in the challenger's codes; an unknown class is one code beyond."""
    predictions = own.predictions
    if of.task != "multiclass" or of.classes == wanted.classes:
        return predictions
    import numpy as np

    from modelyard.models.predictions import encode

    codes = encode(list(of.classes), wanted)
    codes = np.where(codes < 0, len(wanted.classes), codes)
    label = None if predictions.label is None else codes[predictions.label]
    probability = predictions.probability
    if probability is not None:
        order = [int(np.flatnonzero(codes == code)[0]) for code in range(len(wanted.classes))]
        probability = probability[:, order]
    return replace(predictions, classes=len(wanted.classes), label=label, probability=probability)


def joined(context: CheckedOut, frame: Any, test: Any, signature: r.Signature, who: str) -> Any:
    """Predictions in the order of some rows, checked."""
    name = context.data.split().id
    # The threshold that a model was made with is part of it, also where today's configuration has another.
    chosen = signature.threshold or 0.5
    return join(frame, test[name], id_column=name, signature=signature, threshold=chosen, who=who)
