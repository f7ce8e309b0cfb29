"""Uses of our own actions in workflows, and what each needs, by what the steps declare."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from modelyard.steps.catalogue import STEPS, stages
from modelyard.steps.declaration import ActionSpec
from modelyard.steps.definition import StepDefinition
from modelyard.usecases.actions import action_specs
from modelyard.workflows.workflow import Step, Uses

_NAME = "modelyard"
_ACTIONS = "actions/"
ON_DEFAULT = frozenset({"push", "schedule", "workflow_dispatch", "repository_dispatch"})
"""Events on which a run may promote."""


@dataclass(frozen=True)
class Use:
    """One use of one of our actions; ``spec`` is None for the root action."""

    spec: ActionSpec | None
    part: str

    @property
    def step(self) -> StepDefinition | None:
        """The step that it runs; None for the root action, which runs several, and for an action that is no step."""
        return STEPS.get(self.spec.name) if self.spec is not None and self.spec.name in STEPS else None

    @property
    def name(self) -> str:
        """What messages call it."""
        return _NAME if self.spec is None else f"{_NAME}/{self.spec.name}"

    @property
    def key(self) -> tuple[str, str]:
        """What makes two uses the same: action and part."""
        return ("" if self.spec is None else self.spec.name, self.part)

    @property
    def runs_user_code(self) -> bool:
        """Whether code of the user, or a model, runs in its job."""
        return self.spec is None or self.spec.runs_user_code(self.part)

    @property
    def needs_checkout(self) -> bool:
        """Whether it works on the user's files."""
        return self.spec is None or (
            self.spec.environment == "ml" and self.step is not None and self.step.needs_checkout
        )

    @property
    def reads_data(self) -> bool:
        """Whether it reads the configuration's data sets."""
        return self.spec is None or (self.step is not None and self.step.reads_data and self.needs_checkout)

    @property
    def whole(self) -> bool:
        """Whether it is the root action, the convenience form."""
        return self.spec is None


def used(step: Step) -> Use | None:
    """Return which of our actions a step uses; None for others, and for one that this version does not have."""
    uses = step.uses
    if uses is None or uses.name.lower() != _NAME:
        return None
    if not uses.folder:
        return Use(None, "")
    name = uses.folder.removeprefix(_ACTIONS)
    spec = None if name == uses.folder else next((each for each in action_specs() if each.name == name), None)
    return None if spec is None else Use(spec, step.input("part"))


def is_ours(uses: Uses) -> bool:
    """Return whether an action or workflow is one of this project, known to this version or not."""
    return uses.name.lower() == _NAME


def permissions(use: Use, step: Step, events: frozenset[str], via: str) -> Mapping[str, str]:
    """Return what the job of a use has to grant, over all events that start its workflow.

    An input that is an expression may ask for anything, and is taken to ask for nothing.
    """
    needed: dict[str, str] = {}
    for event in sorted(events) or [""]:
        for spec, part in _asked(use, step, event):
            for scope, level in spec.permissions_needed(part, event, via).items():
                needed[scope] = level if needed.get(scope) != "write" else "write"
    return needed


def _asked(use: Use, step: Step, event: str) -> Iterator[tuple[ActionSpec, str]]:
    if use.spec is not None:
        yield use.spec, use.part
        return
    for each in stages():
        stage = each.stage
        if stage is None:
            continue
        if not stage.asked_by or (event in ON_DEFAULT and step.input(stage.asked_by) == "true"):
            yield each.spec, ""
        after = stage.follow_up if event == "pull_request" else None
        if after is not None and step.input(after.name) not in ("false", "off"):
            yield each.spec, after.inputs.get("part", "")


def outputs_of(use: Use) -> frozenset[str] | None:
    """Return the outputs of one of our actions; None for the root action, whose outputs the generator knows."""
    if use.spec is None:
        return None
    return frozenset(info.alias or name for name, info in use.spec.outputs.model_fields.items())
