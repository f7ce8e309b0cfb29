"""Templates: copies that are older than the installed ones."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from modelyard.usecases.doctor import ours
from modelyard.usecases.doctor.finding import CHECKS, Check, Finding
from modelyard.usecases.doctor.handover import HANDED
from modelyard.usecases.doctor.pins import at_pin, known_pins
from modelyard.usecases.doctor.repository import Repository
from modelyard.workflows.workflow import Job, Workflow


class OlderTemplate(Check):
    """A copy of a template that lacks what the installed one has."""

    name = "older-template"
    level = "warning"
    title = "a copy of a template that is older than this version: other pins, inputs, outputs or jobs that it lacks"
    why = "The suite hands over by these names; what an older copy lacks, newer steps do without, or refuse."
    fix = "Compare with the installed template: modelyard init --workflows --force writes it anew."
    mechanical = True

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield what a copy lacks; a copy is a file of a template's name that still uses our actions."""
        pins = known_pins(repository)
        for workflow in repository.workflows:
            template = repository.templates.get(PurePosixPath(workflow.file).name)
            if template is None or not any(ours.is_ours(uses) for _, uses in workflow.used):
                continue
            jobs = {job.name: job for job in workflow.jobs}
            lacking = [job.name for job in template.jobs if job.name not in jobs]
            if lacking:
                yield self.at(workflow, ("jobs",), f"the template also has {_listed('the job', lacking)}")
            for job in template.jobs:
                if job.name in jobs:
                    yield from self._job(workflow, jobs[job.name], job)
            path = ("on", "workflow_dispatch", "inputs")
            lacking = [name for name in template.mapping(path) if name not in workflow.mapping(path)]
            if lacking:
                yield self.at(workflow, path, f"the template can also be started with {_listed('the input', lacking)}")
            for job in workflow.jobs:
                for step in job.steps:
                    pin = None if step.uses is None else pins.get(f"{step.uses.repository}/{step.uses.folder}")
                    if step.uses is not None and step.uses.pinned and pin is not None and step.uses.ref != pin.ref:
                        found = f"{pin.owner}/{pin.name} is {step.uses.comment or 'another commit'}, not {pin.comment}"
                        yield self.at(workflow, (*step.path, "uses"), found, edits=[at_pin((*step.path, "uses"), pin)])

    def _job(self, workflow: Workflow, job: Job, wanted: Job) -> Iterator[Finding]:
        lacking = [name for name in wanted.outputs if name not in job.outputs]
        if lacking:
            yield self.at(workflow, job.path, f"the template's {job.name} also has {_listed('the output', lacking)}")
        for step in wanted.steps:
            use = ours.used(step)
            here = [each for each in job.steps if (mine := ours.used(each)) and use and mine.key == use.key]
            given = {name for each in here for name in each.given}
            lacking = [name for name, value in step.given.items() if name not in given and HANDED not in str(value)]
            if use is not None and here and lacking:
                found = f"the template also gives {use.name} {_listed('the input', lacking)}"
                yield self.at(workflow, here[0].path, found)


def _listed(what: str, names: Sequence[str]) -> str:
    return f"{what}{'s' if len(names) > 1 else ''} {', '.join(names)}"


CHECKS.register(OlderTemplate())
