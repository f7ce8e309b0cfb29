"""Hand-over: what one step or job promises to the next, and what the templates hand over."""

import re
from collections.abc import Iterator

from modelyard.usecases.doctor import ours
from modelyard.usecases.doctor.finding import CHECKS, Check, Finding
from modelyard.usecases.doctor.repository import Placed, Repository, jobs_with_ours
from modelyard.workflows.edit import Put
from modelyard.workflows.workflow import Job, Workflow, is_literal

_STEPS = re.compile(r"(?<![\w.])steps\.([\w-]+)\.(?:outputs\.([\w-]+))?")
_NEEDS = re.compile(r"(?<![\w.])needs\.([\w-]+)\.(?:outputs\.([\w-]+))?")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_APPROVAL_DAYS = 30
_DAYS = 90
HANDED = ".outputs.record-digest"
"""What an input holds that takes the digest of another job's record."""
_UPLOAD = "actions/upload-artifact"


def _expressions(workflow: Workflow, job: Job) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for path, text in workflow.texts(job.path):
        bare = path[-1] == "if" and "${{" not in text
        for found in [text] if bare else _EXPRESSION.findall(text):
            yield path, found


class UnknownReference(Check):
    """An output of a step or job that is not there."""

    name = "unknown-reference"
    level = "broken"
    title = "`steps.…` or `needs.…` of something that is not there: a missing `id:`, `needs:` or output"
    why = "GitHub takes it for an empty text, and the job that depends on it is skipped or refuses it."
    fix = "Give the step that id, name the job in needs:, or declare the output."
    mechanical = True

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each reference of a workflow with an action of ours, once."""
        for file in dict.fromkeys(each.workflow.file for each in repository.ours):
            workflow = next(each for each in repository.workflows if each.file == file)
            jobs = {job.name: job for job in workflow.jobs}
            for job in workflow.jobs:
                yield from self._steps(workflow, job, [each for each in repository.ours if each.job is job])
                yield from self._jobs(workflow, job, jobs)

    def _steps(self, workflow: Workflow, job: Job, placed: list[Placed]) -> Iterator[Finding]:
        known = {step.id: step for step in job.steps if step.id}
        seen = set()
        for path, text in _expressions(workflow, job):
            for name, output in _STEPS.findall(text):
                if (name, output) in seen or (job.reusable and not job.steps):
                    continue
                seen.add((name, output))
                if name not in known:
                    nameless = [each.step for each in placed if not each.step.id]
                    edits = [Put((*nameless[0].path, "id"), name, after="name")] if len(nameless) == 1 else []
                    yield self.at(workflow, path, f"no step of {job.name} has the id {name}", edits=edits)
                    continue
                use = ours.used(known[name])
                outputs = None if use is None else ours.outputs_of(use)
                if output and outputs is not None and output not in outputs:
                    yield self.at(workflow, path, f"the step {name} has no output {output}")

    def _jobs(self, workflow: Workflow, job: Job, jobs: dict[str, Job]) -> Iterator[Finding]:
        seen = set()
        for path, text in _expressions(workflow, job):
            for name, output in _NEEDS.findall(text):
                if (name, output) in seen:
                    continue
                seen.add((name, output))
                if name not in job.needs:
                    yield self.at(workflow, path, f"the job {job.name} does not name {name} in needs:")
                elif name not in jobs:
                    yield self.at(workflow, path, f"there is no job {name}")
                elif output and not jobs[name].reusable and output not in jobs[name].outputs:
                    yield self.at(workflow, path, f"the job {name} declares no output {output}")


class MissingHandOver(Check):
    """A digest that the templates hand over and this workflow does not."""

    name = "missing-hand-over"
    level = "broken"
    title = "a digest that an action takes from an earlier job and is not handed over, such as `evidence-digest`"
    why = "An artifact by itself is no evidence: its digest has to come by the runner's own way."
    fix = "Hand it over from the job that made it: ${{ needs.<job>.outputs.record-digest }}."
    mechanical = True

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each input that every template fills from ``needs`` for the same action and part."""
        wanted: dict[tuple[str, str], set[str]] = {}
        for placed in repository.of_templates:
            handed = {name for name, value in placed.step.given.items() if HANDED in str(value)}
            wanted[placed.use.key] = wanted.get(placed.use.key, handed) & handed
        for placed in repository.ours:
            for name in sorted(wanted.get(placed.use.key, set()) - set(placed.step.given)):
                yield self.at(
                    placed.workflow, placed.step.path, f"{placed.use.name} is not given {name}",
                    edits=_handing(placed, name),
                )  # fmt: skip


def _handing(placed: Placed, name: str) -> list[Put]:
    jobs = {job.name: job for job in placed.workflow.jobs}
    makers = [each for each in placed.job.needs
              if each in jobs and "record-digest" in jobs[each].outputs]  # fmt: skip
    path = (*placed.step.path, "with", name)
    return [Put(path, f"${{{{ needs.{makers[0]}.outputs.record-digest }}}}")] if len(makers) == 1 else []


class NoEnvironment(Check):
    """A move of the alias that nobody can be asked about."""

    name = "no-environment"
    level = "warning"
    title = "a job that moves the alias without the `environment` that its template has"
    why = "Only an environment can ask somebody before the job starts, and keep its secrets from other jobs."
    fix = "Set environment: production; reviewers are added in the repository's settings."
    mechanical = True

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each job whose action and part stand in an environment in every template."""
        with_one: dict[tuple[str, str], str] = {}
        without = set()
        for placed in repository.of_templates:
            named = placed.job.data.get("environment")
            if isinstance(named, str):
                with_one[placed.use.key] = named
            else:
                without.add(placed.use.key)
        for placed in repository.ours:
            named = with_one.get(placed.use.key)
            if named and placed.use.key not in without and "environment" not in placed.job.data:
                edits = [Put((*placed.job.path, "environment"), named, after="runs-on")]
                yield self.at(placed.workflow, placed.job.path, f"{placed.job.name} has no environment", edits=edits)


class ShortRetention(Check):
    """Artifacts that are gone before somebody approves."""

    name = "short-retention"
    level = "broken"
    title = "records or models kept for fewer than 30 days before an approval"
    why = "An environment waits up to 30 days for its reviewers; a promotion without its artifact cannot go on."
    fix = "Set retention-days: 90."
    mechanical = True

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each upload; where no job waits for an approval, it is a warning."""
        for file in dict.fromkeys(each.workflow.file for each in repository.ours):
            workflow = next(each for each in repository.workflows if each.file == file)
            waits = any("environment" in job.data for job in workflow.jobs)
            for job in workflow.jobs:
                for step in job.steps:
                    if step.uses is None or step.uses.repository != _UPLOAD or "modelyard" not in step.input("name"):
                        continue
                    path, days = (*step.path, "with", "retention-days"), step.input("retention-days")
                    if not is_literal(days):
                        yield self.at(workflow, path, "retention-days is an expression", level="unknown")
                    elif days.isdigit() and 0 < int(days) < _APPROVAL_DAYS:
                        yield self.at(
                            workflow, path, f"kept for {days} days", edits=[Put(path, _DAYS)],
                            level=None if waits else "warning",
                        )  # fmt: skip


class NoCommentForForks(Check):
    """Comments for pull requests of this repository alone."""

    name = "no-comment-for-forks"
    level = "warning"
    title = "comments on pull requests, and no second workflow for those from forks"
    why = "A fork's run holds a token that may only read, so its pull request gets no comment."
    fix = "Copy ml-comment.yml (modelyard init --workflows), with this workflow's name in it."

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each workflow that comments and that no second one follows."""
        followed: set[str] = set()
        for placed in repository.ours:
            if "workflow_run" in placed.workflow.triggers:
                followed |= set(placed.workflow.listed(("on", "workflow_run", "workflows")))
        for workflow, job, placed_here in jobs_with_ours(repository):
            if "pull_request" not in workflow.triggers or workflow.name in followed:
                continue
            for placed in placed_here:
                events = frozenset({"pull_request"})
                asked = ours.permissions(placed.use, placed.step, events, repository.via)
                if asked.get("pull-requests") == "write":
                    yield self.at(
                        workflow,
                        placed.step.path,
                        f"the job {job.name} comments, and no second workflow does for forks",
                    )


for _check in (UnknownReference(), MissingHandOver(), NoEnvironment(), ShortRetention(), NoCommentForForks()):
    CHECKS.register(_check)
