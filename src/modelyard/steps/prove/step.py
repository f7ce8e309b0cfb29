"""prove: does the version that an alias is to go back to still work? Fetched, checked, loaded, predicted again.

It runs in a job that may only read. What it shows stands in a record, and that record alone lets the alias move.
"""

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import modelyard.records.results as r
from modelyard.core.errors import ConfigError, DataError, ModelyardError, PlatformError
from modelyard.core.verdict import Verdict
from modelyard.github.event import MAY_PROMOTE
from modelyard.models import environment, golden
from modelyard.models.adapters import adapter_of
from modelyard.models.scorer import Scorer, recorded_environment
from modelyard.records.results import ProofLevel, ProveResult
from modelyard.registry.protocol import Version
from modelyard.steps.context import Context
from modelyard.steps.declaration import TOKEN, Inputs, Outputs, StepSpec
from modelyard.steps.definition import Outcome, StepDefinition
from modelyard.steps.prove.present import ProvePresenter
from modelyard.steps.scoring import workbench

_DATE = re.compile(r"\d{4}-\d\d-\d\d.*")
_MOVE_ANYWAY = (
    "The alias was not moved. Where serving cannot wait for that: proof: none (--proof none) moves it without a proof, "
    "and the history says so."
)


class RollbackInputs(Inputs):
    """Inputs of rollback."""

    to: str = ""
    """Where to go back to: v3, sha256:…, a date such as 2026-05-03, or champion@2026-05-03. Default: the version
    before."""
    reason: str = ""
    """Why; it must be given, and stands in the history."""
    part: Literal["both", "prove", "move"] = "both"
    """prove: show that the old version still works, in a job that may only read. move: move the alias on that proof, in
    a job that may write and loads no model. both: one after the other, locally only."""
    proof: ProofLevel = "golden"
    """What the move is to rest on. golden: golden predictions came out again. loading: for a version without golden
    rows, it loads and predicts. none: nothing but intact files; for the night when the old environment cannot be built.
    The history says which."""
    proof_digest: str = ""
    """For move: digest of the proof's record, from the job that made it. Default locally: the run folder's."""


class RollbackOutputs(Outputs):
    """Outputs of rollback."""

    version: str
    """The version that the alias points at now; for prove, the one that was looked at."""


SPEC = StepSpec(
    name="rollback",
    summary="Prove that an old version still works, then move the alias back to it, with a reason.",
    example='modelyard rollback --to v3 --reason "errors since the morning"',
    inputs=RollbackInputs,
    outputs=RollbackOutputs,
    permissions={"contents": "write", "issues": "write"},
    permissions_of_part={"prove": {"contents": "read"}},
    parts_with_user_code=("prove",),
    environment="carry",
    secrets=(TOKEN,),
)


def target_of(context: Context, to: str) -> Version:
    """Return the version that is meant.

    Raises:
        ConfigError: nothing to go back from or to, the same version, or a second "the one before" after a rollback,
            which would lead forward again.
    """
    alias, now = context.config.registry.alias, context.versions.find_champion()
    if now is None:
        raise ConfigError(
            f"there is no {alias} to roll back",
            code="rollback/no-champion",
            hint="Nothing was ever promoted under this name.",
        )
    if to in ("", "previous"):
        target = context.versions.open().previous(alias)
        if target is None:
            raise ConfigError(
                f"{alias} points at {now.name}, and no version served before it",
                code="rollback/no-version-before",
                hint="Name one: --to v1 (see `modelyard history`).",
            )
        last = context.versions.open().history(alias, newest=1)
        if last and last[0].kind == "rolled-back":
            raise ConfigError(
                f"the last move of {alias} was a rollback already, from {target.name} to {now.name}, so the version "
                f"before is the one that was left: {target.name}",
                code="rollback/already-rolled-back",
                hint=f"Name the version that you mean: --to v… (see `modelyard history`), or --to {target.name} to go "
                "forward again.",
            )
    else:
        target = resolve(context, to)
    if target.name == now.name:
        raise ConfigError(
            f"{alias} already points at {now.name}",
            code="rollback/already-there",
            hint="Name another version (see `modelyard history`).",
        )
    return target


def resolve(context: Context, to: str) -> Version:
    """Return the version of a name, a digest, or a date at which it served."""
    alias = context.versions.alias
    return context.versions.open().resolve(f"{alias}@{to}" if _DATE.fullmatch(to) else to)


def refuse_slips(context: Context, inputs: RollbackInputs) -> None:
    """Refuse what needs no look at the registry.

    Raises:
        ConfigError: no reason, an event that may not move anything, or both parts in one job of GitHub Actions.
    """
    if not inputs.reason.strip():
        raise ConfigError("a rollback needs a reason", code="rollback/no-reason", hint=f"Example: {SPEC.example}")
    if context.trigger not in MAY_PROMOTE:
        raise ConfigError(
            f"nothing is rolled back on {context.event.name if context.event else context.trigger}"
            + (" outside the default branch" if context.trigger == "elsewhere" else ""),
            code="rollback/event",
            hint="Run it by hand (workflow_dispatch) on the default branch.",
        )
    if context.event is not None and inputs.part == "both":
        raise ConfigError(
            "in GitHub Actions proof and move are two jobs: the one loads the old model, the other may write",
            code="rollback/two-jobs",
            hint="Set part: prove in the first and part: move in the second; the template ml-rollback does.",
        )


def reads(context: Context, inputs: Inputs) -> Mapping[str, Any]:
    """Return the alias now, and what is asked."""
    champion = context.versions.find_champion()
    return {"champion": None if champion is None else champion.name, "asked": inputs.model_dump(mode="json")}


def run(context: Context, inputs: RollbackInputs) -> Outcome:
    """Fetch, load, predict, compare."""
    refuse_slips(context, inputs)
    target = target_of(context, inputs.to)
    champion = context.versions.find_champion()
    assert champion is not None  # noqa: S101 - target_of looked
    context.records.remove("rollback")  # an earlier one's, on an earlier proof; the journal keeps it
    said: dict[str, Any] = {
        "version": target.name,
        "version_digest": target.digest,
        "model_digest": target.manifest.model_digest,
        "alias": context.config.registry.alias,
        "seen": champion.name,
        "asked": inputs.proof,
    }
    with tempfile.TemporaryDirectory(dir=context.run_dir, prefix=".prove.") as temporary:
        home = Path(temporary) / "version"
        context.console.say(f"  {target.name} is fetched, and every file compared with its digest")
        context.versions.open().fetch(target, home)
        if inputs.proof == "none":
            text = "not proved, as asked: its files are what was published, and nothing was loaded"
            shown, verdict = ProveResult(**said, shown="none", said=text), Verdict.NOT_APPLICABLE
        else:
            shown, verdict = _shown(context, target, home, inputs.proof, said)
    return Outcome(
        shown, verdict, model_digest=target.manifest.model_digest, champion_version=champion.name
    )  # fmt: skip


def _shown(
    context: Context, target: Version, home: Path, asked: ProofLevel, said: Mapping[str, Any]
) -> tuple[ProveResult, Verdict]:
    if not adapter_of(target.manifest.adapter, target.name).rescorable:
        text = f"{target.name} is a file of predictions: there is no model that could be loaded"
        return ProveResult(**said, shown="none", said=text), Verdict.INCONCLUSIVE
    try:
        recorded = recorded_environment(home, target.name)
    except DataError as error:
        raise DataError(error.message, code=error.code, hint=_advice(error)) from error
    here = recorded.platform == environment.platform_name()
    with tempfile.TemporaryDirectory(dir=home.parent) as folder:
        scorer = _scorer(context, target, home)
        where = f"Python {recorded.python_minor}, {len(recorded.packages)} packages, recorded on {recorded.platform}"
        try:
            if golden.has_golden(home):
                context.console.say(f"  {target.name} predicts its golden rows again")
                found = golden.reproduce(scorer, home, same_platform=here, folder=Path(folder))
                proved = ProveResult(
                    **said, shown="none" if found.problem else "golden", reproduced=not found.problem, said=found.said,
                    rows=found.rows, exact=found.exact, largest=found.largest, tolerance=found.tolerance,
                    environment=where,
                )  # fmt: skip
                return proved, Verdict.FAIL if found.problem else Verdict.PASS
            context.console.say(f"  {target.name} has no golden rows; it predicts made-up ones")
            rows = golden.loads(scorer, home, target.manifest.model_digest, Path(folder))
        except DataError as error:
            raise DataError(
                f"{target.name} does not work any more: {error.message}",
                code="rollback/model-does-not-work",
                hint=_advice(error),
            ) from error
    text = (
        f"{target.name} has no golden rows: it loads in its recorded packages and predicts {rows} made-up rows; "
        "whether as it did before, nobody can say"
    )
    verdict = Verdict.PASS if asked == "loading" else Verdict.INCONCLUSIVE
    return ProveResult(**said, shown="loading", said=text, rows=rows, environment=where), verdict


def _scorer(context: Context, target: Version, home: Path) -> Scorer:
    try:
        return Scorer.of_version(target.manifest, home, workbench(context, without_pins=True), who=target.name)
    except (PlatformError, ConfigError) as error:
        raise PlatformError(
            f"the environment of {target.name} cannot be built: {error.message}",
            code="environment/not-built",
            hint=f"{error.hint}\n  {_MOVE_ANYWAY}",
        ) from error


def _advice(error: ModelyardError) -> str:
    return f"{error.hint}\n  {_MOVE_ANYWAY}" if error.hint else _MOVE_ANYWAY


PROVE = StepDefinition(
    SPEC,
    r.PROVE,
    (),
    reads,
    run,
    ProvePresenter(),
    reads_data=False,
    about_data=False,
    needs_checkout=False,
    part_of=SPEC.name,
)
