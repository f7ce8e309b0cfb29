"""Which stages an event runs, in which order, and what can be skipped; pure but for the loop that runs them."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from modelyard.config.configuration import Config
from modelyard.core.verdict import Verdict
from modelyard.github.event import MAY_PROMOTE, Trigger
from modelyard.records.envelope import Envelope, Step
from modelyard.steps.definition import Stage, StepDefinition


@dataclass(frozen=True)
class Decision:
    """Whether a stage runs, and why; ``why`` completes the sentence "train: ran, because …"."""

    step: Step
    action: Literal["run", "keep", "skip"]
    why: str


def stages(
    steps: Iterable[StepDefinition], trigger: Trigger, *, asked: Collection[str], sections: Collection[str]
) -> tuple[StepDefinition, ...]:
    """Return the stages of an event, in order.

    Promotion is always asked for, and happens locally and on the default branch only: a pull request's verdict is
    advice to its reviewer. A ``workflow_run`` only comments, on what another run found.

    Args:
        steps: the steps that may take part, in order.
        trigger: what started the run.
        asked: inputs that ask for a stage and are true.
        sections: the sections of the configuration that are there.
    """
    if trigger == "workflow-run":
        return ()

    def called_for(stage: Stage) -> bool:
        if stage.asked_by and (stage.asked_by not in asked or trigger not in MAY_PROMOTE):
            return False
        return not stage.section or stage.section in sections

    return tuple(step for step in steps if step.stage is not None and called_for(step.stage))


def sections_of(config: Config) -> frozenset[str]:
    """Return the sections that a configuration has, as they are written."""
    fields = type(config).model_fields
    return frozenset(info.alias or name for name, info in fields.items() if getattr(config, name) is not None)


def decide(
    step: StepDefinition,
    *,
    known: Envelope | None,
    inputs_digest: str,
    intact: bool,
    halted_by: str = "",
    unchanged: str = "",
    same_tree: bool = False,
    time_passes: str = "",
) -> Decision:
    """Decide what to do with one stage.

    Args:
        step: the stage.
        known: its last record in this run folder, where there is an intact one.
        inputs_digest: digest of everything that decides its result now.
        intact: the files that its record speaks of are still what they were.
        halted_by: the earlier stage that did not pass, or an empty string.
        unchanged: the champion that nothing changed from, or an empty string.
        same_tree: the workspace holds the very files that this champion was made from.
        time_passes: why its result may be another by now, with nothing changed; or an empty string.
    """
    name, stage = step.name, step.stage or Stage()
    anew = stage.runs_anew or time_passes
    if unchanged and not stage.starts and not time_passes:
        since = ", which was made from exactly this" if same_tree else " of what it depends on; other files differ"
        return Decision(name, "skip", f"nothing changed since {unchanged}{since}")
    if halted_by and not stage.whatever_came_before:
        return Decision(name, "skip", f"{halted_by} did not pass")
    if anew:
        return Decision(name, "run", anew)
    if known is None:
        return Decision(name, "run", "no record of it in this run folder")
    if known.record.verdict is Verdict.ERROR:
        return Decision(name, "run", "it ended with an error last time")
    if known.record.inputs_digest != inputs_digest:
        return Decision(name, "run", "what it reads changed")
    if not intact:
        return Decision(name, "run", "files that it wrote are gone or changed")
    return Decision(name, "keep", "nothing that it reads changed")


def walk(
    order: Iterable[StepDefinition],
    consider: Callable[[StepDefinition, str], Decision],
    act: Callable[[StepDefinition, Decision], Verdict | None],
) -> Iterator[tuple[Decision, Verdict | None]]:
    """Go through the stages; after anything but pass, later ones are skipped, except those that run regardless."""
    halted_by = ""
    for step in order:
        decision = consider(step, halted_by)
        verdict = act(step, decision)
        if not halted_by and verdict not in (Verdict.PASS, None):
            halted_by = step.name
        yield decision, verdict
