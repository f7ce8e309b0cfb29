"""Which stages an event runs, in which order, and what can be skipped; pure but for the loop that runs them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from modelyard.core.verdict import Verdict
from modelyard.github.event import MAY_PROMOTE, Trigger
from modelyard.records.envelope import Envelope, Step


@dataclass(frozen=True)
class Decision:
    """Whether a stage runs, and why; ``why`` completes the sentence "train: ran, because …"."""

    step: Step
    action: Literal["run", "keep", "skip"]
    why: str


def stages(trigger: Trigger, *, promote: bool, validates: bool) -> tuple[Step, ...]:
    """The stages of an event, in order.

    Promotion is always asked for, and happens at a desk and on the default branch only: a pull request's verdict is
    advice to its reviewer. Validation needs a suite. A ``workflow_run`` only comments, on what another run found.
    """
    if trigger == "workflow-run":
        return ()
    middle: tuple[Step, ...] = ("validate", "train", "evaluate") if validates else ("train", "evaluate")
    return ("detect", *middle, "report", *(("promote",) if promote and trigger in MAY_PROMOTE else ()))


def decide(
    step: Step, *, known: Envelope | None, inputs_digest: str, intact: bool, halted_by: str = "", unchanged: str = ""
) -> Decision:
    """What to do with one stage.

    Args:
        step: the stage.
        known: its last record in this run folder, where there is an intact one.
        inputs_digest: digest of everything that decides its result now.
        intact: the files that its record speaks of are still what they were.
        halted_by: the earlier stage that did not pass, or an empty string.
        unchanged: the champion that detect found nothing changed from, or an empty string.
    """
    if unchanged and step != "detect":
        return Decision(step, "skip", f"nothing changed since {unchanged}, which was made from exactly this")
    if halted_by and step != "report":
        return Decision(step, "skip", f"{halted_by} did not pass")
    if step in ("detect", "promote"):
        return Decision(step, "run", "always compares" if step == "detect" else "asked for")
    if known is None:
        return Decision(step, "run", "no record of it in this run folder")
    if known.record.verdict is Verdict.ERROR:
        return Decision(step, "run", "it ended with an error last time")
    if known.record.inputs_digest != inputs_digest:
        return Decision(step, "run", "what it reads changed")
    if not intact:
        return Decision(step, "run", "files that it wrote are gone or changed")
    return Decision(step, "keep", "nothing that it reads changed")


def walk(
    order: tuple[Step, ...],
    consider: Callable[[Step, str], Decision],
    act: Callable[[Decision], Verdict | None],
) -> Iterator[tuple[Decision, Verdict | None]]:
    """Go through the stages; after anything but pass, later ones are skipped, except report."""
    halted_by = ""
    for step in order:
        decision = consider(step, halted_by)
        verdict = act(decision)
        if not halted_by and verdict not in (Verdict.PASS, None):
            halted_by = step
        yield decision, verdict
