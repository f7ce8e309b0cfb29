"""evaluate: challenger and champion score today's test rows in processes of their own, and the gates judge them."""

import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import modelyard.records.results as r
from modelyard.config.rules import rules as rules_of
from modelyard.data import splits
from modelyard.errors import DataError
from modelyard.files import read_json, replace_folder, sha256_file
from modelyard.metrics.catalogue import PRIMARY, Metric
from modelyard.models import environment, store
from modelyard.models.predictions import encode, join, read_predictions
from modelyard.models.scoring import Golden, Scorer, score
from modelyard.records.canonical import digest
from modelyard.registry.base import Version
from modelyard.spec import Inputs, Outputs, StepSpec
from modelyard.steps import rows as test_rows
from modelyard.steps.base import Outcome, StepDefinition, passed
from modelyard.steps.context import Context

SPEC = StepSpec(
    name="evaluate",
    summary="Score challenger and champion on the same test rows and judge the gates.",
    example="modelyard evaluate --json",
    inputs=Inputs,
    outputs=Outputs,
)


def reads(context: Context, _inputs: Inputs) -> Mapping[str, Any]:
    """The test rows, both models, and the rules."""
    champion, named = context.champion, context.config.evaluate
    train = context.record("train").record
    files = [path for path in (named.challenger, named.champion) if path]
    return {
        "test": test_rows.digests(context)[1],
        "model": train.model_digest,
        "fit": train.fit_digest,
        "champion": None if champion is None else [champion.name, champion.manifest.model_digest],
        "rules": rules_of(context.config),
        "predict": None if named.predict is None else named.predict.command,
        "code": context.code_digest,
        "packages": context.environment_digest,
        "predictions": {path: sha256_file(context.inside(path, "evaluate")) for path in files},
    }


@dataclass(frozen=True)
class _Model:
    """A model to judge: what it takes, and its predictions joined to the test rows."""

    signature: r.Signature
    joined: Any
    note: str = ""


def run(context: Context, _inputs: Inputs) -> Outcome:
    """Score, join, judge."""
    from modelyard.evaluation import judgement
    from modelyard.evaluation.truth import Truth, baseline_predictions

    trained = passed(context.record("train")).record
    facts = trained.outcome
    assert isinstance(facts, r.TrainResult)  # noqa: S101 - a train record holds a train result
    _same_data(context, facts)
    test = test_rows.load(context).test
    with _workspace(context) as folder:
        challenger = _challenger(context, facts, test, folder)
        champion = _champion(context, test, folder, challenger.signature)
        if (folder / "golden").is_dir():
            replace_folder(folder / "golden", context.run_dir / "golden")
        else:
            shutil.rmtree(context.run_dir / "golden", ignore_errors=True)
        replace_folder(folder, context.run_dir / "predictions")
    matched = challenger.joined.matched.copy()
    if champion is not None:
        matched &= champion.joined.matched
    test = test.filter(matched)
    unit, unit_name, in_time_order = splits.unit_codes(test, context.config.data.columns)
    signature = challenger.signature
    truth = Truth(
        y=_truth(test, context, signature),
        unit=unit,
        unit_name=unit_name,
        in_time_order=in_time_order,
        weight=_weight(test, context),
        seed=_seed(facts, context.champion),
        confidence=context.config.evaluate.confidence,
    )
    models = {"challenger": challenger.joined.predictions.take(matched)}
    if champion is not None:
        models["champion"] = champion.joined.predictions.take(matched)
    primary = _primary(context)
    if facts.baseline:
        models["baseline"] = baseline_predictions(facts.baseline, signature, len(test), primary.name)
    units = "" if unit is None else f" in {truth.units:,} {unit_name}s"
    context.console.say(f"  judging {len(test):,} test rows{units}")
    rules = _rules(context, primary, truth, models)
    columns = {column: test[column].to_list() for rule in rules for column in rule.by}
    judged, verdict = judgement.judge_all(rules, truth, models, columns)
    result = r.EvaluateResult(
        test_rows=len(test),
        test_units=truth.units,
        unit=unit_name,
        unmatched=_unmatched(challenger, champion),
        champion=None if context.champion is None else context.champion.name,
        champion_note=champion.note if champion is not None else "",
        baseline=_baseline_text(facts, signature),
        metrics=judgement.overview(rules, primary, context.config.model.task, truth, models),
        gates=judged,
        reproduce=_command(context),
    )
    return Outcome(
        result,
        verdict,
        fit_digest=trained.fit_digest,
        model_digest=trained.model_digest,
        champion_version=result.champion,
    )


@contextmanager
def _workspace(context: Context) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=context.run_dir, prefix=".scoring."))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _same_data(context: Context, facts: r.TrainResult) -> None:
    train, test = test_rows.digests(context)
    if facts.train_digest != train or (facts.test_digest is not None and facts.test_digest != test):
        raise DataError(
            "the data changed between train and evaluate", do="Run `modelyard run`, so that both see the same rows."
        )


def _challenger(context: Context, facts: r.TrainResult, test: Any, folder: Path) -> _Model:
    config = context.config
    signature = facts.signature
    if signature is None:
        raise DataError("the train record has no signature", do="Run `modelyard train` again.")
    if facts.adapter == "predictions":
        path = context.inside(config.evaluate.challenger or "", "evaluate.challenger")
        frame = read_predictions(path, "the challenger")
        frame.write_parquet(folder / "challenger.parquet")
    else:
        model_dir = context.run_dir / "model"
        found, _ = store.digest(model_dir)
        if found != facts.model_digest:
            raise DataError(
                f"the model in {model_dir} was changed since it was trained: {found} instead of {facts.model_digest}",
                do="Run `modelyard train` again.",
            )
        import sys

        scorer = Scorer(
            who="the challenger",
            adapter=facts.adapter,
            signature=signature,
            model_dir=model_dir,
            python=Path(sys.executable),
            format=store.stored_format(model_dir),
            python_path=_python_path(model_dir),
            command=config.evaluate.predict.command if config.evaluate.predict else "",
            timeout=config.evaluate.predict.timeout if config.evaluate.predict else "1h",
            folder=context.command_folder,
            path_first=context.command_path,
            golden=_golden(context, found, folder) if facts.adapter == "sklearn" else None,
        )
        context.console.say(f"  the challenger scores {len(test):,} rows")
        written = score(scorer, {"challenger": test}, id_column=test_rows.id_column(config), folder=folder)
        frame = read_predictions(written["challenger"], "the challenger")
    return _Model(signature, _joined(context, frame, test, signature, "the challenger"))


def _golden(context: Context, model_digest: str, folder: Path) -> Golden:
    told = read_json(context.run_dir / "profile" / "profile.json")["columns"]
    quantiles = {
        name: [value for value in column.get("quantiles") or [] if value is not None] for name, column in told.items()
    }
    return Golden(model_digest, quantiles, folder / "golden")


def _champion(context: Context, test: Any, folder: Path, signature: r.Signature) -> _Model | None:
    version = context.champion
    if version is None:
        return None
    manifest, config = version.manifest, context.config
    note = "" if manifest.evidence != "none" else f"{version.name} was adopted without evidence"
    if manifest.adapter == "predictions":
        named = config.evaluate.champion
        if named is None:
            raise DataError(
                f"the champion {version.name} exists as predictions only and cannot score today's rows",
                do="Name its predictions for today's test rows: evaluate.champion.",
            )
        frame = read_predictions(context.inside(named, "evaluate.champion"), "the champion")
        return _Model(signature, _joined(context, frame, test, signature, "the champion"), note)
    if manifest.signature.task != signature.task or not set(map(str, signature.classes)) <= set(
        map(str, manifest.signature.classes)
    ):
        raise DataError(
            f"the champion {version.name} knows other classes than today's test rows have",
            do="Adopt a model that knows them, or give this one a name of its own.",
        )
    with tempfile.TemporaryDirectory(dir=folder) as fetched:
        home = Path(fetched) / "version"
        context.registry.fetch(version, home)
        recorded = environment.parse_environment((home / "environment.txt").read_text("utf-8"))
        python = environment.python_for(recorded, cache=context.state / "envs", current=context.environment)
        scorer = Scorer(
            who=f"the champion {version.name}",
            adapter=manifest.adapter,
            signature=manifest.signature,
            model_dir=home / "model",
            python=python,
            format=store.stored_format(home / "model"),
            python_path=_python_path(home / "model"),
            command=manifest.predict_command,
            timeout=config.evaluate.predict.timeout if config.evaluate.predict else "1h",
            folder=home / "code" if (home / "code").is_dir() else home,
            path_first=context.command_path,
        )
        context.console.say(f"  the champion {version.name} scores the same rows")
        written = score(scorer, {"champion": test}, id_column=test_rows.id_column(config), folder=folder)
    frame = read_predictions(written["champion"], "the champion")
    return _Model(manifest.signature, _joined(context, frame, test, signature, "the champion"), note)


def _joined(context: Context, frame: Any, test: Any, signature: r.Signature, who: str) -> Any:
    name = test_rows.id_column(context.config)
    return join(
        frame, test[name], id_column=name, signature=signature, threshold=context.config.model.threshold, who=who
    )


def _python_path(model_dir: Path) -> tuple[str, ...]:
    return tuple(str(path) for path in store.code_folders(model_dir))


def _truth(test: Any, context: Context, signature: r.Signature) -> Any:
    import numpy as np

    target = test[context.config.data.columns.target]
    if signature.task == "regression":
        return target.cast(float).to_numpy()
    codes = encode(target.to_list(), signature)
    unknown = int((codes < 0).sum())
    if unknown:
        raise DataError(
            f"{unknown:,} test rows have a class that no training row had",
            do="A model cannot be judged on classes it never saw; split so that training rows have every class.",
        )
    return codes.astype(np.int64)


def _weight(test: Any, context: Context) -> Any:
    import numpy as np

    name = context.config.data.columns.weight
    if name is None:
        return None
    weight = test[name].cast(float).to_numpy()
    if not np.isfinite(weight).all() or (weight < 0).any() or weight.sum() <= 0:
        raise DataError(f"data.columns.weight: {name!r} has missing, infinite or negative weights, or only zeros")
    return weight


def _seed(facts: r.TrainResult, champion: Version | None) -> int:
    parts = [facts.test_digest, facts.model_digest, None if champion is None else champion.manifest.model_digest]
    return int(digest(parts).removeprefix("sha256:")[:12], 16)


def _primary(context: Context) -> Metric:
    from modelyard.evaluation.rules import metric_for

    config = context.config
    return metric_for(config.model.metric or PRIMARY[config.model.task], config.model.task)


def _rules(context: Context, primary: Metric, truth: Any, models: Mapping[str, Any]) -> Any:
    from modelyard.evaluation import rules
    from modelyard.metrics import compute

    config = context.config
    if config.evaluate.gates:
        lines = context.loaded
        return rules.from_config(
            config.evaluate.gates,
            config.model.task,
            lambda at: lines.line_of(("evaluate", "gates", at)),
            context.loaded.path.name,
        )
    gains = True
    if "champion" in models and "baseline" in models and models["champion"].has(primary.needs):
        champion = compute.value(primary.name, truth.y, models["champion"], truth.weight)
        baseline = compute.value(primary.name, truth.y, models["baseline"], truth.weight)
        if champion is not None and baseline is not None:
            gains = champion > baseline if primary.higher_is_better else champion < baseline
    return rules.defaults(primary, champion_gains=gains)


def _unmatched(challenger: _Model, champion: _Model | None) -> dict[str, int]:
    counts = {"challenger": int((~challenger.joined.matched).sum())}
    if champion is not None:
        counts["champion"] = int((~champion.joined.matched).sum())
    return {who: count for who, count in counts.items() if count}


def _baseline_text(facts: r.TrainResult, signature: r.Signature) -> str:
    if not facts.baseline:
        return ""
    if signature.task == "regression":
        return "mean and median of the training rows"
    return "class shares and majority class of the training rows"


def _command(context: Context) -> str:
    config = context.loaded.path.relative_to(context.root)
    parts = ["modelyard", "evaluate"]
    if str(config) != "modelyard.yml":
        parts += ["--config", str(config)]
    default = context.root / "modelyard-run"
    if context.run_dir != default:
        parts += ["--run-dir", str(context.run_dir.relative_to(context.root))]
    return shlex.join(parts)


EVALUATE = StepDefinition(SPEC, "evaluate", ("detect", "train"), reads, run, optional=("validate",))
