"""What a step is: its declaration, its records, what it reads and builds on, its place in a run, and its presenter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelyard.core.errors import ModelyardError
from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope, Step
from modelyard.records.results import Part, RecordKind, in_order
from modelyard.steps.declaration import Inputs, StepSpec
from modelyard.steps.presenter import Presenter


@dataclass(frozen=True)
class Outcome:
    """What a step found, and the parts of its record that only it knows."""

    result: Part
    verdict: Verdict
    fit_digest: str | None = None
    model_digest: str | None = None
    champion_version: str | None = None
    apart_from: frozenset[Step] = frozenset()
    """Records in the run folder, of optional steps, that this result has nothing to do with."""


@dataclass(frozen=True)
class FollowUp:
    """A second call of a step at the end of the root action, with inputs of its own."""

    name: str
    condition: str
    """When it is called, as an expression of GitHub Actions over the root action's inputs."""
    inputs: Mapping[str, str]


@dataclass(frozen=True)
class Stage:
    """How a step takes part in a run of all stages; their order is that of the records."""

    starts: bool = False
    """It comes first, says whether anything changed, and which stages the event calls for."""
    section: str = ""
    """The section of the configuration without which there is nothing to do."""
    asked_by: str = ""
    """The input that asks for it, on the default branch and locally alone."""
    runs_anew: str = ""
    """Why it runs each time; otherwise it is kept where nothing that it reads changed."""
    whatever_came_before: bool = False
    """It runs also after a stage that did not pass, and its own success is no verdict on the model."""
    evidence: Mapping[str, Step] = field(default_factory=dict)
    """Inputs that take the digest of another stage's record."""
    follow_up: FollowUp | None = None


@dataclass(frozen=True)
class StepDefinition:
    """A step as every list of steps is derived from it."""

    spec: StepSpec
    record: RecordKind
    builds_on: tuple[Step, ...]
    reads: Callable[[Any, Any], Mapping[str, Any]]
    """Everything that decides the result, as digestible data; equal means nothing to do."""
    run: Callable[[Any, Any], Outcome]
    present: Presenter
    optional: tuple[Step, ...] = ()
    """Steps that are built on where their record exists."""
    sums_up: bool = False
    """It builds on whatever other records of the run there are before it."""
    stage: Stage | None = None
    """None where a run of all stages has no part in it."""
    reads_data: bool = True
    """It looks at data and packages itself; one that does not goes by what detect recorded of them."""
    about_data: bool = True
    """Its record names this run's data; an old version is not about it."""
    needs_checkout: bool = True
    part_of: str = ""
    """The command that this is a part of; empty where it is a command and an action of its own."""
    part: Callable[[Any], "StepDefinition | None"] = lambda _inputs: None
    """The part that the inputs ask for instead of the whole."""
    time_passes: Callable[[Any], str] = lambda _context: ""
    """Why its result may be another at another time with nothing changed; empty where time decides nothing."""
    afterwards: Callable[[Any], ModelyardError | None] = lambda _result: None
    """An error that the command ends with, once the record of a result is kept, shown and told."""
    intact: Callable[[Path, Envelope], bool] = lambda _run_dir, _envelope: True
    """Whether the files that a record speaks of are still in the run folder."""

    @property
    def name(self) -> Step:
        """The step's name, that of its records."""
        return self.record.name

    def optional_steps(self) -> tuple[Step, ...]:
        """Return the steps that are built on where their record exists."""
        if not self.sums_up:
            return self.optional
        return tuple(kind.name for kind in in_order() if kind.of_run and kind.order < self.record.order)

    def inputs_of(self, given: Mapping[str, str]) -> Inputs:
        """Return the step's inputs out of flags, of which some may be another step's."""
        kind = self.spec.inputs
        known = {info.alias or name for name, info in kind.model_fields.items()}
        return kind.from_strings({name: value for name, value in given.items() if name in known})
