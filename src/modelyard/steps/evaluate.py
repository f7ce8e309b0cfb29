"""evaluate: challenger and champion score today's test rows in processes of their own, and the gates judge them."""

import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import modelyard.records.results as r
from modelyard.config.load import Loaded
from modelyard.config.rules import rules as rules_of
from modelyard.data import splits
from modelyard.errors import DataError
from modelyard.files import replace_folder, sha256_file
from modelyard.metrics.catalogue import PRIMARY, Metric
from modelyard.records.canonical import digest
from modelyard.registry.base import Version
from modelyard.spec import TOKEN, Inputs, Outputs, StepSpec
from modelyard.steps import carry
from modelyard.steps import rows as test_rows
from modelyard.steps.base import Outcome, StepDefinition, passed
from modelyard.steps.base_rules import digest_of_rules
from modelyard.steps.context import Context
from modelyard.verdict import Verdict

if TYPE_CHECKING:
    from modelyard.steps.contenders import Contender

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
        "rules": rules_of(context.config),
        "predict": None if named.predict is None else named.predict.command,
        "code": context.code_digest,
        "packages": context.environment_digest,
        "predictions": {path: sha256_file(context.inside(path, "evaluate")) for path in files},
    }


def run(context: Context, _inputs: Inputs) -> Outcome:
    """Score, join, judge."""
    from modelyard.evaluation import judgement
    from modelyard.evaluation.truth import Truth, baseline_predictions
    from modelyard.steps.contenders import challenger_of, champion_of

    trained = passed(context.record("train")).record
    facts = trained.outcome
    assert isinstance(facts, r.TrainResult)  # noqa: S101 - a train record holds a train result
    _same_data(context, facts)
    test = test_rows.load(context).test
    with _workspace(context) as folder:
        challenger = challenger_of(context, facts, test, folder)
        champion = champion_of(context, test, folder, challenger.signature)
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
    rules = _rules(context.loaded, primary, truth, models)
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
        carried=carry.prepare(context),
        under_own_rules=_under_own_rules(context, primary, truth, models, test),
        **_whose_rules(context),
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


def _under_own_rules(
    context: Context, primary: Metric, truth: Any, models: Mapping[str, Any], test: Any
) -> Verdict | None:
    """The verdict under the rules that a proposal would set; None where it sets none, or would judge other rows."""
    from dataclasses import replace

    from modelyard.evaluation import judgement

    rules = context.rules
    if rules is None or rules.own is None or any(not each.rule.startswith("evaluate.") for each in rules.changes):
        return None
    own = rules.own
    judged_with = replace(truth, confidence=own.config.evaluate.confidence)
    found = _rules(own, primary, judged_with, models)
    columns = {column: test[column].to_list() for rule in found for column in rule.by if column in test.columns}
    if any(column not in columns for rule in found for column in rule.by):
        return Verdict.ERROR
    return judgement.judge_all(found, judged_with, models, columns)[1]


def _rules(loaded: Loaded, primary: Metric, truth: Any, models: Mapping[str, Any]) -> Any:
    from modelyard.evaluation import rules
    from modelyard.metrics import compute

    config = loaded.config
    if config.evaluate.gates:
        return rules.from_config(
            config.evaluate.gates,
            config.model.task,
            lambda at: loaded.line_of(("evaluate", "gates", at)),
            loaded.path.name,
        )
    gains = True
    if "champion" in models and "baseline" in models and models["champion"].has(primary.needs):
        champion = compute.value(primary.name, truth.y, models["champion"], truth.weight)
        baseline = compute.value(primary.name, truth.y, models["baseline"], truth.weight)
        if champion is not None and baseline is not None:
            gains = champion > baseline if primary.higher_is_better else champion < baseline
    return rules.defaults(primary, champion_gains=gains)


def _whose_rules(context: Context) -> dict[str, Any]:
    """Whose rules judged, and what this change would alter in them."""
    rules = context.rules
    if rules is None:
        return {}
    count = len(rules.changes)
    headline = f"This change would alter {count} of the rules that judge it; those of the base count." if count else ""
    if rules.proposal:
        headline = "Proposal: the base has no rules yet. These are this change's own, and nothing is promoted by them."
    return {
        "rules": rules.said,
        "rules_digest": digest_of_rules(rules),
        "rule_changes": tuple(r.RuleChange(rule=each.rule, old=each.old, new=each.new) for each in rules.changes),
        "headline": headline,
    }


def _unmatched(challenger: "Contender", champion: "Contender | None") -> dict[str, int]:
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
    if context.rules is not None and context.rules.commit:
        parts += ["--base", context.rules.commit]
    default = context.root / "modelyard-run"
    if context.run_dir != default:
        parts += ["--run-dir", str(context.run_dir.relative_to(context.root))]
    return shlex.join(parts)


EVALUATE = StepDefinition(SPEC, "evaluate", ("detect", "train"), reads, run, optional=("validate",))
