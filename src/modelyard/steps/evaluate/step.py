"""evaluate: challenger and champion score today's test rows in processes of their own, and the gates judge them."""

import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import modelyard.records.results as r
from modelyard.core.canonical import digest
from modelyard.core.errors import DataError
from modelyard.core.files import sha256_file
from modelyard.core.verdict import worst
from modelyard.models.adapters import adapter_of
from modelyard.policy.digest import rules as rules_of
from modelyard.policy.in_force import digest_of_rules
from modelyard.registry.protocol import Version
from modelyard.steps import bundle
from modelyard.steps import rows as test_rows
from modelyard.steps.context import CheckedOut, Context
from modelyard.steps.declaration import TOKEN, Inputs, JudgedInputs, Outputs, StepSpec
from modelyard.steps.definition import Outcome, Stage, StepDefinition
from modelyard.steps.evaluate.present import EvaluatePresenter
from modelyard.steps.execution import passed
from modelyard.steps.profile_key import PROFILE_KEY

if TYPE_CHECKING:
    from modelyard.steps.evaluate.contenders import Contender

SPEC = StepSpec(
    name="evaluate",
    summary="Score challenger and champion on the same test rows and judge the gates.",
    example="modelyard evaluate --json",
    inputs=JudgedInputs,
    outputs=Outputs,
    secrets=(TOKEN, PROFILE_KEY),
)


def reads(context: CheckedOut, _inputs: Inputs) -> Mapping[str, Any]:
    """Return the test rows, both models, and the rules."""
    champion, best = context.versions.find_champion(), context.versions.find_best()
    named = context.config.evaluate
    train = context.records.read("train").record
    files = [path for path in (named.challenger, named.champion) if path]
    return {
        "test": test_rows.digests(context)[1],
        "model": train.model_digest,
        "fit": train.fit_digest,
        "champion": None if champion is None else [champion.name, champion.manifest.model_digest],
        "best": None if best is None else [best.name, best.manifest.model_digest],
        "rules": rules_of(context.config),
        "rule-files": digest_of_rules(context.policy.rules),
        "waived-on": looked_today(context),
        "predict": None if named.predict is None else named.predict.command,
        "code": context.workspace.digest_code(),
        "packages": context.workspace.digest_environment(),
        **_base(context),
        "predictions": {path: sha256_file(context.policy.own_file(path, "evaluate")) for path in files},
    }


def _base(context: CheckedOut) -> dict[str, str]:
    """Return the base, whose test rows count too."""
    rules = context.policy.rules
    return {"base": rules.commit} if rules.commit and not rules.proposal else {}


def looked_today(context: Context) -> str:
    """Return the day, where waivers may expire."""
    return datetime.now(UTC).date().isoformat() if context.config.evaluate.waivers else ""


def run(context: CheckedOut, _inputs: Inputs) -> Outcome:
    """Score, join, judge."""
    from modelyard.steps.evaluate import base_rows, reference, reuse, rules
    from modelyard.steps.evaluate.scoring import scored

    trained = passed(context.records.read("train")).record
    facts = trained.outcome
    assert isinstance(facts, r.TrainResult)  # noqa: S101 - a train record holds a train result
    _same_rules(context)
    _same_data(context, facts)
    references, seed = _references(context), _seed(facts, context.versions.find_champion())
    session, contenders = scored(context, facts, references, seed)
    units = "" if session.test_set.unit is None else f" in {session.test_set.units:,} {session.test_set.unit_name}s"
    context.console.say(f"  judging {len(session.test):,} test rows{units}")
    book = rules.in_force(context)
    judged = session.judge(book)
    reference.write(context, session, judged, book)
    before = base_rows.judge(context, facts, references, book, judged, seed)
    under_own, beyond = rules.under_own_rules(context, session)
    evaluation = reuse.evaluation_of(context, session.test, trained.model_digest)
    champion, best = context.versions.find_champion(), context.versions.find_best()
    result = session.result(
        judged,
        book,
        context.data.split().id,
        unmatched=_unmatched(contenders),
        champion=None if champion is None else champion.name,
        champion_adopted=champion is not None and champion.manifest.evidence == "none",
        best=None if best is None else best.name,
        baseline="" if not facts.baseline else "averages" if session.signature.task == "regression" else "classes",
        evaluation=evaluation,
        reuse=reuse.counted(context, evaluation),
        reproduce=_command(context),
        carried=bundle.prepare(context),
        under_own_rules=under_own,
        own_rules_beyond=beyond,
        base_rows=before,
        **rules.origin(context),
    )
    return Outcome(
        result,
        judged.verdict if before is None or before.verdict is None else worst([judged.verdict, before.verdict]),
        fit_digest=trained.fit_digest,
        model_digest=trained.model_digest,
        champion_version=result.champion,
    )


def _references(context: Context) -> dict[str, Version]:
    """Return champion and best promoted model, where that is another one that can score rows."""
    champion, best = context.versions.find_champion(), context.versions.find_best()
    if champion is None or best is None:
        return {}
    other = best.manifest.model_digest != champion.manifest.model_digest
    rescorable = adapter_of(best.manifest.adapter, best.name).rescorable
    return {"champion": champion} | ({"best-promoted": best} if other and rescorable else {})


def _same_rules(context: Context) -> None:
    """Refuse, in a job, to judge by rules other than those that the records before were made under."""
    if context.event is None:
        return  # locally, gates are changed and judged again
    for name in ("detect", "train"):
        record = context.records.read(name).record
        if record.config_digest != context.loaded.digest:
            raise DataError(
                f"{name} was run under another configuration than this evaluation",
                code="evaluate/rules-changed",
                hint="Run all stages on one commit; nothing may change the configuration or the rules between them.",
            )


def _same_data(context: Context, facts: r.TrainResult) -> None:
    train, test = test_rows.digests(context)
    if facts.train_digest != train or (facts.test_digest is not None and facts.test_digest != test):
        raise DataError(
            "the data changed between train and evaluate",
            code="evaluate/data-changed",
            hint="Run `modelyard run`, so that both see the same rows.",
        )


def _seed(facts: r.TrainResult, champion: Version | None) -> int:
    parts = [facts.test_digest, facts.model_digest, None if champion is None else champion.manifest.model_digest]
    return int(digest(parts).removeprefix("sha256:")[:12], 16)


def _unmatched(contenders: "Mapping[str, Contender]") -> dict[str, int]:
    counts = {who: int((~each.joined.matched).sum()) for who, each in contenders.items()}
    return {who: count for who, count in counts.items() if count}


def _command(context: Context) -> str:
    config = context.loaded.path.relative_to(context.root)
    parts = ["modelyard", "evaluate"]
    if str(config) != "modelyard.yml":
        parts += ["--config", str(config)]
    if context.policy.rules.commit and not context.policy.rules.proposal:
        parts += ["--base", context.policy.rules.commit]
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
