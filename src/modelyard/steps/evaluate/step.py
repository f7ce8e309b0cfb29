"""evaluate: challenger and champion score today's test rows in processes of their own, and the gates judge them."""

import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import modelyard.records.results as r
from modelyard.config.sections.evaluate import Checks
from modelyard.core.canonical import digest
from modelyard.core.errors import DataError
from modelyard.core.files import replace_folder, sha256_file
from modelyard.data import splits
from modelyard.metrics.metric import Metric
from modelyard.models.adapters import adapter_of
from modelyard.policy.digest import rules as rules_of
from modelyard.registry.protocol import Version
from modelyard.steps import bundle
from modelyard.steps import rows as test_rows
from modelyard.steps.context import Context
from modelyard.steps.declaration import TOKEN, Inputs, Outputs, StepSpec
from modelyard.steps.definition import Outcome, Stage, StepDefinition
from modelyard.steps.evaluate import rulebook
from modelyard.steps.evaluate.present import EvaluatePresenter
from modelyard.steps.execution import passed

if TYPE_CHECKING:
    from modelyard.evaluation.test_set import TestSet
    from modelyard.steps.evaluate.contenders import Contender

SPEC = StepSpec(
    name="evaluate",
    summary="Score challenger and champion on the same test rows and judge the gates.",
    example="modelyard evaluate --json",
    inputs=Inputs,
    outputs=Outputs,
    secrets=(TOKEN,),
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
        "best": None if context.best is None else [context.best.name, context.best.manifest.model_digest],
        "rules": rules_of(context.config),
        "rule-files": rulebook.digest_in_force(context),
        "waived-on": looked_today(context),
        "predict": None if named.predict is None else named.predict.command,
        "code": context.code_digest,
        "packages": context.environment_digest,
        "predictions": {path: sha256_file(context.inside(path, "evaluate")) for path in files},
    }


def looked_today(context: Context) -> str:
    """The day, where waivers may expire."""
    return datetime.now(UTC).date().isoformat() if context.config.evaluate.waivers else ""


def run(context: Context, _inputs: Inputs) -> Outcome:
    """Score, join, judge."""
    from modelyard.evaluation.gates import judgement
    from modelyard.evaluation.test_set import TestSet, baseline_predictions
    from modelyard.steps.evaluate import looked_at
    from modelyard.steps.evaluate.contenders import challenger_of, reference_of

    trained = passed(context.record("train")).record
    facts = trained.outcome
    assert isinstance(facts, r.TrainResult)  # noqa: S101 - a train record holds a train result
    _same_data(context, facts)
    rows, seed = test_rows.load(context), _seed(facts, context.champion)
    test = rows.test
    asked = looked_at.asked(context, rows, facts, seed)
    with _workspace(context) as folder:
        challenger = challenger_of(context, facts, test, folder, asked.tables)
        references = {
            role: reference_of(context, role, version, test, folder, challenger.signature)
            for role, version in _references(context).items()
        }
        behaved = looked_at.behaved(context, asked, challenger, test)
        learned_from = looked_at.train_sample(context, asked, challenger)
        if (folder / "golden").is_dir():
            replace_folder(folder / "golden", context.run_dir / "golden")
        else:
            shutil.rmtree(context.run_dir / "golden", ignore_errors=True)
        replace_folder(folder, context.run_dir / "predictions")
    matched = challenger.joined.matched.copy()
    for reference in references.values():
        matched &= reference.joined.matched
    test = test.filter(matched)
    unit, unit_name, in_time_order = splits.unit_codes(test, context.config.data.columns)
    signature = challenger.signature
    truth = TestSet(
        y=_truth(test, context, signature),
        unit=unit,
        unit_name=unit_name,
        in_time_order=in_time_order,
        weight=_weight(test, context),
        seed=seed,
        confidence=context.config.evaluate.confidence,
    )
    digests = {"challenger": trained.model_digest or ""}
    digests |= {role: version.manifest.model_digest for role, version in _references(context).items()}
    models = {
        role: replace(each.joined.predictions.take(matched), model=digests[role])
        for role, each in {"challenger": challenger, **references}.items()
    }
    if "champion" in models:
        models.setdefault("best-promoted", models["champion"])
    primary = rulebook.primary_of(context)
    if facts.baseline:
        models |= baseline_predictions(facts.baseline, signature, len(test))
    units = "" if unit is None else f" in {truth.units:,} {unit_name}s"
    context.console.say(f"  judging {len(test):,} test rows{units}")
    with rulebook.own_metrics(context, signature) as own:
        rules = rulebook.rules_of(context.loaded, primary, truth, models, own)
        columns = rulebook.groups_of(rules, test)
        judged = judgement.judge_all(rules, truth, models, columns)
        metrics = judgement.overview(rules, primary, context.config.model.task, truth, models)
    judged, waivers, expired = looked_at.waived(context, judged)
    beside = _beside(context, primary, truth, models, columns, test)

    def asked_of(modes: Checks) -> tuple[r.CheckResult, ...]:
        known = beside["calibration"]
        return (*_checks(modes, context, primary, truth, models, learned_from, signature, metrics, known), *behaved)

    checks = (*asked_of(context.config.evaluate.checks), *expired)
    under_own, not_judged = rulebook.under_own_rules(context, primary, truth, models, test, signature, asked_of)
    evaluation = _evaluation(context, test, trained.model_digest)
    champion = references.get("champion")
    result = r.EvaluateResult(
        test_rows=len(test),
        test_units=truth.units,
        unit=unit_name,
        confidence=truth.confidence,
        unmatched=_unmatched({"challenger": challenger, **references}),
        champion=None if context.champion is None else context.champion.name,
        champion_note=champion.note if champion is not None else "",
        best=None if context.best is None else context.best.name,
        over_best=_over_best(primary, truth, models),
        baseline=_baseline_text(facts, signature),
        metrics=metrics,
        gates=judged,
        checks=checks,
        waivers=waivers,
        label_period=_period(test, context),
        evaluation=evaluation,
        wear=looked_at.looked(context, evaluation),
        equal_chance=judgement.equal_chance(judged),
        reproduce=_command(context),
        carried=bundle.prepare(context),
        under_own_rules=under_own,
        own_rules_beyond=not_judged,
        **beside,
        **rulebook.said_of_rules(context),
    )
    return Outcome(
        result,
        judgement.verdict_of(judged, checks),
        fit_digest=trained.fit_digest,
        model_digest=trained.model_digest,
        champion_version=result.champion,
    )


def _references(context: Context) -> dict[str, Version]:
    """Champion and best promoted model, where that is another one that can score rows."""
    champion, best = context.champion, context.best
    if champion is None or best is None:
        return {}
    other = best.manifest.model_digest != champion.manifest.model_digest
    rescorable = adapter_of(best.manifest.adapter, best.name).rescorable
    return {"champion": champion} | ({"best-promoted": best} if other and rescorable else {})


def _over_best(primary: Metric, truth: "TestSet", models: Mapping[str, Any]) -> r.Estimate | None:
    """Challenger minus the best promoted model on the primary metric, turned so that more is better."""
    from modelyard.evaluation.gates import judge as gates
    from modelyard.evaluation.intervals import measure
    from modelyard.evaluation.intervals.strategy import Combination

    best = models.get("best-promoted")
    if best is None or not best.has(primary.needs) or not models["challenger"].has(primary.needs):
        return None
    sign = 1.0 if primary.higher_is_better else -1.0
    found = measure.contrast(primary, truth, Combination([models["challenger"], best], [sign, -sign]))
    return gates.estimate_of(found, truth)


def _beside(
    context: Context,
    primary: Metric,
    truth: "TestSet",
    models: Mapping[str, Any],
    columns: Mapping[str, Any],
    test: Any,
) -> dict[str, Any]:
    """Calibration, changed predictions, discovered slices and curves."""
    from modelyard.evaluation import discover
    from modelyard.evaluation.checks import beside
    from modelyard.steps.evaluate import looked_at

    asked = context.config.evaluate.checks
    discovered: tuple[r.DiscoveredSlice, ...] = ()
    if asked.discovered_slices == "report":
        discovered = discover.discover(primary, truth, models, looked_at.may_be_named(context, test))
    return {
        "discovered": discovered,
        "calibration": beside.calibrations(truth, models) if asked.calibration != "off" else (),
        "changed_predictions": beside.changed(asked, truth, models, columns)[0],
        "curves": beside.curves(truth, models),
    }


def _checks(
    modes: Checks,
    context: Context,
    primary: Metric,
    truth: "TestSet",
    models: Mapping[str, Any],
    learned_from: tuple[Any, Any] | None,
    signature: r.Signature,
    metrics: tuple[r.MetricRow, ...],
    calibrations: tuple[r.Calibration, ...],
) -> tuple[r.CheckResult, ...]:
    """Calibration, changed predictions and the gap to training rows as checks."""
    from modelyard.evaluation.checks import beside

    rows, predictions = learned_from or (None, None)
    known = None if rows is None else _truth(rows, context, signature)
    on_test = next((row.challenger.value for row in metrics if row.metric == primary.name), None)
    if modes.calibration != "off" and not calibrations:
        calibrations = beside.calibrations(truth, models)
    found = [
        beside.calibration_check(modes, calibrations),
        beside.changed(modes, truth, models, {})[1],
        beside.gap(modes, primary, on_test, known, predictions),
    ]
    return tuple(check for check in found if check is not None)


def _evaluation(context: Context, test: Any, model_digest: str | None) -> r.Evaluation:
    """What the ledger of the test set is told of this run."""
    from modelyard.evaluation import test_set_reuse

    name = test_rows.id_column(context.config)
    return r.Evaluation(
        test_set=test_set_reuse.held_out(
            test[name].to_list(),
            test_rows.digests(context)[1],
            salt=context.config.model.name,
            named=context.config.data.columns.id is not None,
        ),
        model=model_digest or sha256_file(context.inside(context.config.evaluate.challenger or "", "evaluate")),
        rules=rulebook.digest_in_force(context),
    )


def _period(test: Any, context: Context) -> str:
    from modelyard.evaluation.checks import beside

    name = context.config.data.columns.time
    return "" if name is None else beside.label_period([test[name].min(), test[name].max()])


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
            "the data changed between train and evaluate", hint="Run `modelyard run`, so that both see the same rows."
        )


def _truth(test: Any, context: Context, signature: r.Signature) -> Any:
    import numpy as np

    from modelyard.models.predictions import encode

    target = test[context.config.data.columns.target]
    if signature.task == "regression":
        return target.cast(float).to_numpy()
    codes = encode(target.to_list(), signature)
    unknown = int((codes < 0).sum())
    if unknown:
        raise DataError(
            f"{unknown:,} test rows have a class that no training row had",
            hint="A model cannot be judged on classes it never saw; split so that training rows have every class.",
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


def _unmatched(contenders: "Mapping[str, Contender]") -> dict[str, int]:
    counts = {who: int((~each.joined.matched).sum()) for who, each in contenders.items()}
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
    if context.rules is not None and context.rules.commit:
        parts += ["--base", context.rules.commit]
    default = context.root / "modelyard-run"
    if context.run_dir != default:
        parts += ["--run-dir", str(context.run_dir.relative_to(context.root))]
    return shlex.join(parts)


EVALUATE = StepDefinition(
    SPEC,
    r.EVALUATE,
    ("detect", "train"),
    reads,
    run,
    EvaluatePresenter(),
    optional=("validate",),
    stage=Stage(),
    intact=bundle.intact,
)
