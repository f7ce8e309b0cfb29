"""decide: what follows from what monitoring saw, kept in the registry, and started where it is a retraining."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import modelyard.records.results as r
from modelyard.config.meaning import meaning
from modelyard.config.sections.monitor import Monitor
from modelyard.core.errors import ConfigError, DataError, ModelyardError, PlatformError
from modelyard.core.reasons import because
from modelyard.github.event import MAY_PROMOTE
from modelyard.monitoring.decision import decide
from modelyard.records.envelope import Envelope
from modelyard.records.results import Decided, DecideResult, Decision, Dispatch, MonitorResult
from modelyard.registry import decided
from modelyard.registry.journal import format_time
from modelyard.registry.protocol import DecisionOvertaken, Decisions
from modelyard.steps.context import Context
from modelyard.steps.decide import facts, start
from modelyard.steps.decide.present import DecidePresenter
from modelyard.steps.declaration import TOKEN, Inputs, Outputs, StepSpec
from modelyard.steps.definition import Outcome, StepDefinition
from modelyard.steps.watched import moment_of, settings_of

_TRIES = 3
STARTS = ("retrain", "roll-back")
"""Actions that a workflow carries out."""


class DecideInputs(Inputs):
    """Inputs of decide."""

    monitor_digest: str = ""
    """Digest of the monitoring record to decide on, monitor's output record-digest. Default: the one in the run
    folder; needed in Actions."""
    train_workflow: str = "ml-train-promote.yml"
    """File of the workflow that a retraining starts."""
    rollback_workflow: str = "ml-rollback.yml"
    """File of the workflow that a roll-back starts, where monitor.policy.roll-back allows one."""
    keep_only: bool = False
    """Keep the decision and start nothing; somebody starts the workflow by hand, with the decision's digest."""
    as_of: str = ""
    """Decide as if it were this moment, such as 2026-05-03T06:00:00Z; nothing is started. Default: now."""
    dry_run: bool = False
    """Say what follows; nothing is kept, started or written."""

    @property
    def keeps_record(self) -> bool:
        """Whether the record is kept; a dry run leaves none."""
        return not self.dry_run


class DecideOutputs(Outputs):
    """Outputs of decide."""

    action: str
    """nothing, watch, investigate, retrain, roll-back or not-enough-yet."""
    reason: str
    """Why, in words."""
    decision: str
    """Digest of the decision, by which a run that it starts names it."""
    started: str = ""
    """Address of the run that was started."""


SPEC = StepSpec(
    name="decide",
    summary="Decide what follows from monitoring: nothing, watch, investigate upstream, retrain, roll back.",
    example="modelyard decide",
    inputs=DecideInputs,
    outputs=DecideOutputs,
    permissions={"contents": "write", "issues": "write", "actions": "write"},
    environment="carry",
    secrets=(TOKEN,),
)


def reads(context: Context, inputs: DecideInputs) -> Mapping[str, Any]:
    """Return the monitoring record, the policy, the champion and the moment; the journal grows."""
    champion, monitor = context.versions.find_champion(), context.records.find("monitor")
    return {
        "monitor": None if monitor is None else monitor.digest,
        "policy": meaning(context.config).get("monitor"),
        "champion": None if champion is None else champion.name,
        "as-of": inputs.as_of,
    }


def run(context: Context, inputs: DecideInputs) -> Outcome:
    """Decide, keep the decision, and start what it asks for."""
    _refuse_elsewhere(context, inputs)
    settings, envelope = settings_of(context), _monitored(context, inputs)
    now = moment_of(context, inputs.as_of)
    result = _decided(context, inputs, settings, envelope, now)
    if result.action in STARTS and not inputs.dry_run:
        result = result.model_copy(update={"dispatch": _start(context, inputs, result)})
    return Outcome(result, result.verdict, champion_version=result.champion or None)


def _refuse_elsewhere(context: Context, inputs: DecideInputs) -> None:
    """Refuse to keep what a branch or a pull request says of what serves.

    Raises:
        ConfigError: the event is one that nothing is promoted on.
    """
    if context.trigger not in MAY_PROMOTE and not inputs.dry_run:
        name = context.event.name if context.event else context.trigger
        raise ConfigError(
            f"nothing is decided on {name}" + (" outside the default branch" if context.trigger == "elsewhere" else ""),
            code="decide/wrong-event",
            hint="Decide on a schedule or a dispatch of the default branch; elsewhere, ask with dry-run.",
        )


def _monitored(context: Context, inputs: DecideInputs) -> Envelope:
    """Return the monitoring record, where it is the one that is meant.

    Raises:
        ConfigError: in Actions, where its digest has to be handed over by a way that no artifact takes.
        DataError: it is another one, another model's or another run's, or it ended with an error.
    """
    if context.event is not None and not inputs.monitor_digest:
        raise ConfigError(
            "input 'monitor-digest' is missing",
            code="command/missing-input",
            hint="Hand over monitor's: with: {monitor-digest: ${{ needs.monitor.outputs.record-digest }}}.",
        )
    envelope = context.records.read("monitor")
    for what, found, wanted in (
        ("the monitoring record in the run folder is", envelope.digest, inputs.monitor_digest or envelope.digest),
        ("the monitoring record is about the model", envelope.record.model, context.config.model.name),
        (
            "the monitoring record was made by run",
            envelope.record.circumstances.run_id or "none",
            context.event.run_id if context.event else envelope.record.circumstances.run_id or "none",
        ),
    ):
        if found != wanted:
            raise DataError(
                f"{what} {found}, and {wanted} is needed", code="decide/other-record", hint="Monitor and decide again."
            )
    envelope.record.read(MonitorResult)
    return envelope


def _decided(
    context: Context, inputs: DecideInputs, settings: Monitor, envelope: Envelope, now: datetime
) -> DecideResult:
    """Decide on the journal as it is; where somebody else wrote to it meanwhile, decide again on what it is then."""
    registry, alias, last = context.versions.open(), context.versions.alias, _TRIES - 1
    for attempt in range(_TRIES):
        known = _looked_after(context, registry.decisions(), keep=not inputs.dry_run)
        before = decided.past(known.entries, alias)
        seen = facts.gather(context, settings, envelope, known, before, now=now, real=not inputs.as_of)
        result = decide(envelope.record.read(MonitorResult), settings.policy, seen)
        decision, is_new = _as_kept(context, result, known, now, may_start=_may_start(context, inputs))
        result = result.model_copy(update={"decision": decision})
        if inputs.dry_run or not is_new:
            return result
        asked = result.action in STARTS and _may_start(context, inputs)
        try:
            registry.decide(
                Decided(decision=decision, state="started" if asked else "made"),
                seen=known.head,
                actor=context.actor,
                command="modelyard decide",
            )
        except DecisionOvertaken:
            if attempt == last:
                raise
            continue
        return result
    raise AssertionError("the last attempt returns or raises")  # pragma: no cover - the loop's last turn ends it


def _looked_after(context: Context, known: Decisions, *, keep: bool) -> Decisions:
    """Return the decisions once those whose runs ended are marked so."""
    ended = list(start.endings(context, known)) if keep else []
    for each in ended:
        context.versions.open().decide(each, seen=None, actor=context.actor, command="modelyard decide")
    return context.versions.open().decisions() if ended else known


def _as_kept(
    context: Context, result: DecideResult, known: Decisions, now: datetime, *, may_start: bool
) -> tuple[Decision, bool]:
    """Return the decision as the registry keeps it, and whether it is new; one like the last is the last one."""
    decision = Decision(
        model=context.config.model.name,
        alias=context.versions.alias,
        action=result.action,
        reason=because(result.reason.code, **{name: _short(value) for name, value in result.reason.values.items()}),
        champion=result.champion,
        monitored=result.monitored,
        first_bad_window=result.first_bad_window[:100],
        time=format_time(now),
    )
    made = [entry.decided.decision for entry in known.entries if entry.decided is not None]
    last = max(made, key=lambda each: each.time, default=None)
    if last is None or _says(last) != _says(decision):
        return decision, True
    if result.action not in STARTS:
        return last, False
    # Asked again about the same record at a desk, it is the same decision, as long as nobody followed it.
    again = last.monitored == decision.monitored and not may_start and result.before[0].outcome == "none"
    return (last, False) if again else (decision, True)


def _says(decision: Decision) -> tuple[str, ...]:
    return (decision.action, decision.reason.code, decision.champion, decision.first_bad_window, decision.alias)


def _short(value: Any) -> Any:
    """Return a value of a reason as the journal takes it: names of columns may be of any length."""
    if isinstance(value, str):
        return value[:120]
    return tuple(each[:120] for each in value[:5]) if isinstance(value, tuple | list) else value


def _may_start(context: Context, inputs: DecideInputs) -> bool:
    return context.event is not None and not inputs.keep_only and not inputs.as_of


def _start(context: Context, inputs: DecideInputs, result: DecideResult) -> Dispatch:
    decision, registry = result.decision, context.versions.open()
    assert decision is not None  # noqa: S101 - every result of this step has one
    target = (
        start.Target(inputs.train_workflow)
        if result.action == "retrain"
        else start.Target(inputs.rollback_workflow, to=_before(context))
    )
    if not _may_start(context, inputs):
        return Dispatch(workflow=target.workflow, ref="", state="off")
    done = start.begin(context, decision, target)
    state = Decided(decision=decision, state="started", run=done.url)
    if done.state == "not-allowed":
        state = Decided(decision=decision, state="not-started")
    elif not done.url:
        return done
    try:
        registry.decide(state, seen=None, actor=context.actor, command="modelyard decide")
    except PlatformError as error:
        context.console.say(f"  what became of it was not kept: {error.message}")
    return done


def _before(context: Context) -> str:
    version = context.versions.open().previous(context.versions.alias)
    return "" if version is None else version.name


def _afterwards(result: DecideResult) -> ModelyardError | None:
    """Return the error that the command ends with once everything is kept and told: it could start nothing."""
    if result.dispatch is None or result.dispatch.reason is None:
        return None
    status = int(str(result.dispatch.reason.values["status"]))
    return PlatformError(
        f"the decision is {result.action}, and GitHub answers {status} to starting {result.dispatch.workflow}",
        code="decide/not-started",
        hint=_CURES.get(status, "The decision is kept; start the workflow by hand with its digest."),
    )


_CURES = {
    403: "Grant it in the job that decides:  permissions: {actions: write}. The decision is kept.",
    404: "There is no such workflow on the default branch: copy the template, or name yours with train-workflow. The "
    "decision is kept.",
    422: "The workflow takes no workflow_dispatch, or not the inputs decision and reason: bring it up to date with "
    "the template. The decision is kept.",
}

DECIDE = StepDefinition(
    SPEC,
    r.DECIDE,
    ("monitor",),
    reads,
    run,
    DecidePresenter(),
    reads_data=False,
    about_data=False,
    needs_checkout=False,
    afterwards=_afterwards,
)
