"""Triggers: what never starts, what stops by itself, what is cancelled when it should not be."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from modelyard.core.errors import closest
from modelyard.usecases.doctor import ours
from modelyard.usecases.doctor.finding import CHECKS, Check, Finding
from modelyard.usecases.doctor.repository import Placed, Repository, files_at_default, jobs_with_ours
from modelyard.workflows.edit import Put
from modelyard.workflows.workflow import Workflow, is_literal, is_on

FROM_DEFAULT = ("schedule", "workflow_run", "issue_comment", "repository_dispatch", "workflow_dispatch")
"""Events that GitHub takes from the file on the default branch alone."""
_IDLE = timedelta(days=60)
_MINUTES = 60


class UnknownWorkflow(Check):
    """A second workflow that waits for one that is not there."""

    name = "unknown-workflow-name"
    level = "broken"
    title = "`workflow_run.workflows` names a workflow that the repository does not have"
    why = (
        "It is the other workflow's name: that has to be the same to the letter, and nothing says that it never starts."
    )
    fix = "Write the name of the workflow whose end it waits for."
    mechanical = True

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each name; a close one is put in its place by ``--fix``.

        A template may wait for several others, of which a repository has one.
        """
        names = [workflow.name for workflow in repository.workflows]
        there = {Path(workflow.file).name for workflow in repository.workflows}
        absent = {template.name for file, template in repository.templates.items() if file not in there}
        for workflow in repository.workflows:
            path = ("on", "workflow_run", "workflows")
            named = workflow.get(path)
            listed = named if isinstance(named, list) else []
            spare = absent if any(name in names for name in listed) else set()
            for at, name in enumerate(listed):
                if name in spare:
                    continue
                if isinstance(name, str) and is_literal(name) and name not in names and not repository.unreadable:
                    near = closest(name, names)
                    edits = [Put((*path, at), near)] if near else []
                    fix = f"Its name may be {near!r}." if near else f"There are: {', '.join(sorted(names))}."
                    yield self.at(workflow, (*path, at), f"no workflow is called {name!r}", edits=edits, fix=fix)


class UnknownCall(Check):
    """A call of a workflow that is not there."""

    name = "unknown-call"
    level = "broken"
    title = "a job that calls a workflow of this repository that is not there, or cannot be called"
    why = "GitHub refuses the whole file."
    fix = "Name the file as ./.github/workflows/<name>.yml, and give it on: workflow_call."

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each call; what a workflow of another repository does is not looked at, and said where it is ours."""
        flows = {workflow.file: workflow for workflow in repository.workflows}
        unreadable = {error.place.file for error in repository.unreadable if error.place is not None}
        for workflow, job in repository.jobs:
            path = (*job.path, "uses")
            if job.called and job.called not in unreadable:
                if job.called not in flows:
                    yield self.at(workflow, path, f"there is no {job.called}")
                elif "workflow_call" not in flows[job.called].triggers:
                    yield self.at(workflow, path, f"{job.called} has no on: workflow_call")
            elif job.uses is not None and ours.is_ours(job.uses):
                found = f"what {job.uses.folder} of another repository needs is not looked at"
                yield self.at(workflow, path, found, level="unknown", fix="Compare with its documentation.")


class PathsFilter(Check):
    """A filter that keeps a required check from ever starting."""

    name = "paths-filter"
    level = "warning"
    title = "`paths:` on the pull requests that modelyard judges"
    why = "Where the check is required, a pull request that touches no such path waits for it for ever."
    fix = "Remove the filter: what did not change is skipped inside, in seconds."

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each filter."""
        judging = dict.fromkeys(each.workflow.file for each in repository.ours if each.use.needs_checkout)
        for workflow in repository.workflows:
            if workflow.file not in judging:
                continue
            for key in ("paths", "paths-ignore"):
                path = ("on", "pull_request", key)
                if workflow.get(path) is not None:
                    yield self.at(workflow, path, f"{key} on pull_request")


class NotOnDefaultBranch(Check):
    """A trigger that GitHub reads from the default branch, in a file that is not there."""

    name = "not-on-default-branch"
    level = "warning"
    title = "a schedule, dispatch, comment or second workflow in a file that the default branch does not have"
    why = "GitHub takes these events from the default branch's file alone, so until it is merged it never starts."
    fix = "Merge it."

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each file."""
        there = files_at_default(repository)
        for workflow in repository.workflows if there is not None else ():
            waiting = [event for event in FROM_DEFAULT if event in workflow.triggers]
            if waiting and there is not None and workflow.file not in there:
                found = f"{repository.default_branch} does not have this file, which {', '.join(waiting)} starts"
                yield self.at(workflow, ("on", waiting[0]), found)


class IdleSchedule(Check):
    """A schedule in a repository that nobody has pushed to for long."""

    name = "idle-schedule"
    level = "warning"
    title = "a schedule, and no commit on the default branch for 60 days"
    why = "In a public repository GitHub switches schedules off after 60 days without activity."
    fix = "Look under Actions whether the workflow is still enabled; any commit keeps it so."

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each schedule."""
        if repository.last_commit is None or repository.now - repository.last_commit < _IDLE:
            return
        for workflow in repository.workflows:
            if "schedule" in workflow.triggers:
                days = (repository.now - repository.last_commit).days
                yield self.at(workflow, ("on", "schedule"), f"the last commit is {days} days old")


class NoTimeout(Check):
    """A job that may hang for six hours."""

    name = "no-timeout"
    level = "warning"
    title = "a job with an action of ours without `timeout-minutes`"
    why = "A job that hangs is ended after six hours, and paid for."
    fix = "Set timeout-minutes."
    mechanical = True

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each job."""
        for workflow, job, _ in jobs_with_ours(repository):
            if "timeout-minutes" not in job.data:
                edits = [Put((*job.path, "timeout-minutes"), _MINUTES, after="runs-on")]
                yield self.at(workflow, job.path, f"the job {job.name} has no timeout-minutes", edits=edits)


class CancelledPromotion(Check):
    """A promotion, rollback or decision that a newer run cancels."""

    name = "cancelled-promotion"
    level = "unsafe"
    title = "`cancel-in-progress` where the registry is written"
    why = "A newer run would end a promotion half-way, and the model that passed does not serve."
    fix = "Set cancel-in-progress: false; the next run waits."
    mechanical = True

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each setting, of the workflow or of the job."""
        seen = set()
        for workflow, job, placed in jobs_with_ours(repository):
            if not any(_writes(each, repository) for each in placed):
                continue
            for path in (("concurrency", "cancel-in-progress"), (*job.path, "concurrency", "cancel-in-progress")):
                given, at = workflow.get(path), (workflow.file, path)
                if given is None or is_on(given) is False or at in seen:
                    continue
                seen.add(at)
                unknown = is_on(given) is None
                edits = [] if unknown else [Put(path, value=False)]
                yield self.at(
                    workflow, path, f"cancel-in-progress is {'an expression' if unknown else 'true'}, and "
                    f"{placed[0].use.name} writes the registry", level="unknown" if unknown else None, edits=edits,
                )  # fmt: skip


class UnsafeEvent(Check):
    """Our actions on an event that they refuse."""

    name = "refused-event"
    level = "broken"
    title = "an action of ours on `pull_request_target`"
    why = "A pull request's code would run with a token that may write, so every step refuses the event."
    fix = "Use on: pull_request, with ml-comment for pull requests from forks."

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each workflow."""
        for file in dict.fromkeys(each.workflow.file for each in repository.ours):
            workflow = next(each for each in repository.workflows if each.file == file)
            if "pull_request_target" in workflow.triggers:
                yield self.at(workflow, ("on", "pull_request_target"), "pull_request_target")


def _writes(placed: Placed, repository: Repository) -> bool:
    events = frozenset(placed.workflow.triggers)
    return ours.permissions(placed.use, placed.step, events, repository.via).get("contents") == "write"


def filtered(workflow: Workflow) -> bool:
    """Return whether a workflow starts on some paths of a pull request alone."""
    return any(workflow.get(("on", "pull_request", key)) is not None for key in ("paths", "paths-ignore"))


for _check in (
    UnknownWorkflow(), UnknownCall(),
    PathsFilter(), NotOnDefaultBranch(), IdleSchedule(), NoTimeout(), CancelledPromotion(),
    UnsafeEvent(),
):  # fmt: skip
    CHECKS.register(_check)
