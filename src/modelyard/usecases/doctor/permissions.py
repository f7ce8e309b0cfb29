"""Permissions: what an action needs and a job does not grant, and what it grants without need."""

from collections.abc import Iterator, Mapping

from modelyard.usecases.doctor import ours
from modelyard.usecases.doctor.finding import CHECKS, Check, Finding
from modelyard.usecases.doctor.repository import Repository, jobs_with_ours
from modelyard.workflows.edit import Drop, Edit, Put
from modelyard.workflows.workflow import Job, Step, Workflow

_OTHERS: Mapping[str, Mapping[str, str]] = {
    "actions/checkout": {"contents": "read"},
    "actions/upload-artifact": {},
    "actions/download-artifact": {},
    "actions/setup-python": {},
    "actions/setup-node": {},
    "actions/cache": {},
    "actions/attest": {"id-token": "write", "attestations": "write"},
}
"""What actions of GitHub's own need, by their documentation."""


def needed(job: Job, workflow: Workflow, repository: Repository) -> dict[str, str]:
    """Return what the steps of a job need, as far as they are known."""
    found: dict[str, str] = {}
    for step in job.steps:
        for scope, level in (_of_step(step, workflow, repository) or {}).items():
            found[scope] = "write" if "write" in (level, found.get(scope)) else level
    return found


def _of_step(step: Step, workflow: Workflow, repository: Repository) -> Mapping[str, str] | None:
    """Return what a step needs; None where it may need anything."""
    use = ours.used(step)
    if use is not None:
        return ours.permissions(use, step, repository.events(workflow), repository.via)
    if step.uses is None or step.uses.folder:
        return None
    return _OTHERS.get(step.uses.repository)


def all_known(job: Job, workflow: Workflow, repository: Repository) -> bool:
    """Return whether every step of a job is one whose needs are known."""
    return all(_of_step(step, workflow, repository) is not None for step in job.steps)


def grant(job: Job, scopes: Mapping[str, str]) -> list[Put]:
    """Return the edits that grant scopes in a job, with all that it has by now."""
    has = dict(job.grants.scopes or {})
    own = "permissions" in job.data
    wanted = {**({} if own else has), **scopes}
    after = "uses" if job.reusable else "runs-on"
    return [Put((*job.path, "permissions", scope), level, after=after) for scope, level in wanted.items()]


def alone_for_now(job: Job, wanted: Mapping[str, str]) -> bool:
    """Return whether a job's one scope stands where others are missing."""
    has = job.grants.scopes or {}
    return len(has) == 1 and not set(has) & set(wanted) and bool(wanted)


class MissingPermission(Check):
    """A scope that an action needs and its job does not grant."""

    name = "missing-permission"
    level = "broken"
    title = "a permission that an action needs and its job does not grant"
    why = "GitHub answers 403, after the work before it was done."
    fix = "Grant it in the job."
    mechanical = True

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each job and scope."""
        for workflow, job, placed in jobs_with_ours(repository):
            for scope, level in needed(job, workflow, repository).items():
                covered = job.grants.covers(scope, level)
                path = job.grants.path if job.grants.path[:1] == ("jobs",) else job.path
                said = f"the job {job.name} uses {placed[0].use.name} and does not grant {scope}: {level}"
                if covered is False:
                    edits = grant(job, {scope: level})
                    yield self.at(workflow, path, said, edits=edits, fix=f"Add {scope}: {level} to its permissions.")
                elif covered is None and level == "write" and job.grants.scopes is not None:
                    yield self.at(workflow, path, f"{scope} is an expression; {level} is needed", level="unknown")


class CallerPermission(Check):
    """A called workflow that asks for more than its caller grants."""

    name = "caller-permission"
    level = "broken"
    title = "a workflow of this repository that is called, and asks for more than its caller grants"
    why = "A called workflow gets at most what its caller has; GitHub refuses to start the run."
    fix = "Grant it in the calling job."
    mechanical = True

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each scope of each calling job once."""
        flows = {workflow.file: workflow for workflow in repository.workflows}
        for workflow, job in repository.jobs:
            callee = flows.get(job.called)
            asked = callee.asked() if callee is not None and callee is not workflow else {}
            for scope, level in asked.items():
                if job.grants.covers(scope, level) is False:
                    found = f"{job.called} asks for {scope}: {level}, which {job.name} does not grant"
                    yield self.at(workflow, job.path, found, edits=grant(job, {scope: level}))


class NotStated(Check):
    """A job that leaves its permissions to the repository's settings."""

    name = "permissions-not-stated"
    level = "warning"
    title = "a job with an action of ours that states no permissions"
    why = "The repository's settings decide: everything may be written in older repositories, nothing in newer ones."
    fix = "State what the job needs."
    mechanical = True

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each job."""
        for workflow, job, _ in jobs_with_ours(repository):
            if job.grants.scopes is None and not job.grants.every:
                wanted = needed(job, workflow, repository)
                edits = grant(job, wanted) if all_known(job, workflow, repository) else []
                listed = ", ".join(f"{scope}: {level}" for scope, level in wanted.items())
                yield self.at(
                    workflow, job.path, f"the job {job.name} states no permissions", edits=edits,
                    fix=f"permissions: {{{listed}}}, and what its other steps need.",
                )  # fmt: skip


class EverythingGranted(Check):
    """``write-all``."""

    name = "write-all"
    level = "unsafe"
    title = "`permissions: write-all`"
    why = "Every step, and every action that it uses, may change everything in the repository."
    fix = "Name the scopes that the job needs."

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each place once."""
        seen = set()
        for workflow, job in repository.jobs:
            at = (workflow.file, job.grants.path)
            if job.grants.every == "write" and at not in seen:
                seen.add(at)
                yield self.at(workflow, job.grants.path, "write-all")


class GrantedInVain(Check):
    """A scope that may be written and no step needs."""

    name = "unneeded-permission"
    level = "warning"
    title = "a scope that a job may write and none of its steps writes"
    why = "A token can do what it is allowed, whatever it is meant for."
    fix = "Remove it."
    mechanical = True

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each scope of a job whose steps are all known."""
        for workflow, job, _ in jobs_with_ours(repository):
            if not all_known(job, workflow, repository):
                continue
            wanted = needed(job, workflow, repository)
            for scope in job.grants.writes if not job.grants.every else ():
                if wanted.get(scope) != "write":
                    path = (*job.grants.path, scope)
                    edits: list[Edit] = []
                    if path[:1] == ("jobs",):
                        alone = len(job.grants.scopes or {}) == 1
                        edits = [Put(path, wanted.get(scope, "none"))] if scope in wanted or alone else [Drop(path)]
                    if alone_for_now(job, wanted):
                        edits = []  # once what is missing is granted, it can be removed
                    yield self.at(workflow, path, f"{scope}: write, which no step of {job.name} needs", edits=edits)


class WriteBesideUserCode(Check):
    """A token that may write in a job that runs the user's code."""

    name = "write-beside-user-code"
    level = "unsafe"
    title = "a job that runs user code with a token that may write"
    why = "Whatever runs in a job can take its token: training code, a package of it, an old model."
    fix = (
        "Train and evaluate in a job with contents: read; promote and comment in one of their own, as the templates do."
    )

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each job; for the root action, the convenience form, it is a warning."""
        for workflow, job, placed in jobs_with_ours(repository):
            running = [each.use for each in placed if each.use.runs_user_code]
            if running and job.grants.writes:
                found = (
                    f"{', '.join(job.grants.writes)} may be written in {job.name}, where {running[0].name} runs code"
                )
                whole = all(use.whole for use in running) and not job.grants.every
                yield self.at(workflow, job.grants.path, found, level="warning" if whole else None)


for _check in (
    MissingPermission(),
    CallerPermission(),
    NotStated(),
    EverythingGranted(),
    GrantedInVain(),
    WriteBesideUserCode(),
):
    CHECKS.register(_check)
