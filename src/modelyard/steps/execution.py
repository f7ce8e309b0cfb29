"""How a step runs: its result is sealed in a record with what it was made from, also when it ends with an error."""

import time
from typing import Any

from modelyard import __version__
from modelyard.core import platforms
from modelyard.core.canonical import digest
from modelyard.core.errors import ConfigError, DataError, ModelyardError
from modelyard.core.verdict import Verdict
from modelyard.policy.in_force import digest_of_rules
from modelyard.records.envelope import Envelope, Record, Step, plain_record
from modelyard.records.results import DETECT, Problem
from modelyard.steps.context import CheckedOut, Context
from modelyard.steps.declaration import Inputs, JudgedInputs
from modelyard.steps.definition import Outcome as Outcome
from modelyard.steps.definition import StepDefinition as StepDefinition


def inputs_digest(step: StepDefinition, context: Context, inputs: Inputs) -> str:
    """Digest of everything that decides the step's result, the tool's version included."""
    return digest({"step": step.name, "tool": __version__, "reads": dict(step.reads(context, inputs))})


def execute(step: StepDefinition, context: Context, inputs: Inputs) -> Envelope:
    """Run a step and write its record; see ``perform``."""
    return context.records.write(perform(step, context, inputs))


def perform(step: StepDefinition, context: Context, inputs: Inputs, *, keep: bool = True) -> Record:
    """Run a step; an error is recorded, unless nothing of it is to be kept, and raised again.

    Raises:
        ModelyardError: what the step raised. The record then holds the message, and later steps do not build on it.
    """
    started, clock = context.now(), time.monotonic()
    try:
        _refuse_other_rules(context, inputs)
        outcome = step.run(context, inputs)
    except ModelyardError as error:
        if keep:
            _write_problem(step, context, inputs, error, started, clock)
        raise
    return Record(
        step=step.name,
        model=context.config.model.name,
        verdict=outcome.verdict,
        tool_version=__version__,
        inputs_digest=inputs_digest(step, context, inputs),
        environment_digest=context.workspace.digest_environment()
        if isinstance(context, CheckedOut) and step.reads_data
        else None,
        config_digest=context.loaded.digest,
        data=_data(step, context),
        fit_digest=outcome.fit_digest,
        model_digest=outcome.model_digest,
        tree=context.read_tree(),
        champion_version=outcome.champion_version,
        builds_on=_links(step, context, outcome.apart_from),
        result=outcome.result.model_dump(mode="json"),
        circumstances=context.describe(started, time.monotonic() - clock, platforms.peak_memory_mib()),
    )


def _refuse_other_rules(context: Context, inputs: Inputs) -> None:
    """Refuse rules other than those that detect went by, before any code of the change ran.

    Raises:
        ConfigError: they are others.
    """
    handed = inputs.rules_digest if isinstance(inputs, JudgedInputs) else ""
    if handed and handed != (now := digest_of_rules(context.policy.rules)):
        raise ConfigError(
            f"detect went by the rules {handed[:80]}, and this step found {now}",
            code="config/rules-changed",
            hint="Something in this job changed them after detect. Look at what the training code does.",
        )


def rebind(step: StepDefinition, context: Context, known: Envelope) -> Envelope:
    """Return the record of a step whose inputs did not change, on today's tree, configuration and records before it.

    Where those are the same too, the record stays as it is, byte for byte.
    """
    now = {
        "builds_on": _links(step, context),
        "tree": context.read_tree(),
        "config_digest": context.loaded.digest,
        "data": _data(step, context),
    }
    if all(getattr(known.record, name) == value for name, value in now.items()):
        return known
    record = known.record.model_copy(update=now)
    return context.records.write(Record.model_validate(plain_record(record)))


def _data(step: StepDefinition, context: Context) -> dict[str, str]:
    if not step.about_data:
        return {}
    if step.reads_data:
        return context.digest_data()
    # After an error of detect, a report still is about the data of the records that it sums up.
    names = (DETECT.name, *(step.optional_steps() if step.sums_up else ()))
    known = [envelope for name in names if (envelope := context.records.find(name)) is not None]
    return next((envelope.record.data for envelope in known if envelope.record.data), {})


def _links(step: StepDefinition, context: Context, apart: frozenset[Step] = frozenset()) -> tuple[Any, ...]:
    needed = [context.records.read(name).link for name in step.builds_on]
    known = [context.records.find(name) for name in step.optional_steps() if name not in apart]
    return (*needed, *(envelope.link for envelope in known if envelope is not None))


def _write_problem(
    step: StepDefinition, context: Context, inputs: Inputs, error: ModelyardError, started: Any, clock: float
) -> None:
    message = f"{error.place}: {error.message}" if error.place else error.message
    problem = Problem(message=message, hint=error.hint, exit_code=error.exit_code)
    before = [context.records.find(name) for name in (*step.builds_on, *step.optional_steps())]
    try:
        record = Record(
            step=step.name,
            model=context.config.model.name,
            verdict=Verdict.ERROR,
            tool_version=__version__,
            inputs_digest=digest(
                {"step": step.name, "failed": problem.message, "with": inputs.model_dump(mode="json")}
            ),
            config_digest=context.loaded.digest,
            builds_on=tuple(known.link for known in before if known is not None),
            problem=problem,
            circumstances=context.describe(started, time.monotonic() - clock, platforms.peak_memory_mib()),
        )
        context.records.write(record)
    except ModelyardError:
        context.console.say("The record of this error could not be written either.")


def passed(envelope: Envelope) -> Envelope:
    """Return the same record, where its verdict lets a later step build on it.

    Raises:
        DataError: the step did not pass.
    """
    if envelope.record.verdict is not Verdict.PASS:
        raise DataError(
            f"{envelope.record.step} ended with {envelope.record.verdict}, so nothing can be built on it",
            code="record/not-passed",
            hint=f"Fix what `modelyard {envelope.record.step}` reports and run it again.",
        )
    return envelope
