"""The checkout before our actions: there at all, deep enough, of the right commit, without a token in it."""

from collections.abc import Iterator

from modelyard.usecases.doctor.finding import CHECKS, Check, Finding
from modelyard.usecases.doctor.repository import Placed, Repository, jobs_with_ours
from modelyard.workflows.edit import Drop, Put
from modelyard.workflows.workflow import Job, Step, Workflow, is_literal, is_on

CHECKOUT = "actions/checkout"


def checkouts(job: Job) -> list[Step]:
    """Return the steps of a job that check this repository out."""
    return [
        step
        for step in job.steps
        if step.uses is not None and step.uses.repository == CHECKOUT and not step.input("repository")
    ]


def of_working_jobs(repository: Repository) -> Iterator[tuple[Workflow, Job, list[Placed]]]:
    """Yield the jobs in which one of our actions works on the user's files."""
    for workflow, job, placed in jobs_with_ours(repository):
        working = [each for each in placed if each.use.needs_checkout]
        if working:
            yield workflow, job, working


class NoCheckout(Check):
    """Nothing is checked out before an action that works on files."""

    name = "no-checkout"
    level = "broken"
    title = "no checkout before an action that works on the repository's files"
    why = "The workspace is empty, so there is no configuration to read."
    fix = "Put actions/checkout before it."

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each job."""
        for workflow, job, working in of_working_jobs(repository):
            first = working[0].step.path[-1]
            before = [step for step in job.steps if step.path[-1] < first]  # type: ignore[operator]  # indices of a list
            cloned = any("git clone" in step.run or "git checkout" in step.run for step in before)
            if not cloned and not any(step in before for step in checkouts(job)):
                yield self.at(workflow, working[0].step.path, f"{working[0].use.name} runs in an empty workspace")


class ShallowClone(Check):
    """A checkout without the base commit."""

    name = "shallow-clone"
    level = "broken"
    title = "a checkout on `pull_request` without `fetch-depth: 2`"
    why = "The rules that judge come from the base, which is the merge commit's first parent and is not fetched."
    fix = "Set fetch-depth: 2."
    mechanical = True

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each checkout that is too shallow."""
        for workflow, job, _ in of_working_jobs(repository):
            if not {"pull_request", "merge_group"} & repository.events(workflow):
                continue
            for step in checkouts(job):
                depth = step.input("fetch-depth", "1")
                path = (*step.path, "with", "fetch-depth")
                if not is_literal(depth) or "event_name" in str(job.data.get("if", "")):
                    if depth not in ("0", "2"):
                        yield self.at(workflow, path, f"fetch-depth is {depth}, and what starts the job varies",
                                      level="unknown")  # fmt: skip
                elif not depth.isdigit() or depth == "1":
                    edits = [Put(path, 2, "the first parent is the base, whose rules judge")]
                    yield self.at(workflow, path, f"fetch-depth is {depth}", edits=edits)


class HeadCheckout(Check):
    """The head of a pull request instead of its merge commit."""

    name = "head-checkout"
    level = "broken"
    title = "`ref:` of a pull request's head in the checkout"
    why = "What is judged is the merge commit, whose first parent is the base; a head has no such parent."
    fix = "Leave ref: out."
    mechanical = True

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each checkout of a head on ``pull_request``."""
        for workflow, job, _ in of_working_jobs(repository):
            for step in checkouts(job):
                if "pull_request" in repository.events(workflow) and is_head(step.input("ref")):
                    path = (*step.path, "with", "ref")
                    yield self.at(workflow, path, f"ref: {step.input('ref')}", edits=[Drop(path)])


class PersistedCredentials(Check):
    """The job's token left in ``.git/config`` where user code runs."""

    name = "persisted-credentials"
    level = "unsafe"
    title = "a checkout that keeps its token in a job that runs user code"
    why = "The token stands in the checkout's configuration, where anything that the job runs can read it."
    fix = "Set persist-credentials: false."
    mechanical = True

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each checkout."""
        for workflow, job, placed in jobs_with_ours(repository):
            if not any(each.use.runs_user_code for each in placed):
                continue
            for step in checkouts(job):
                path = (*step.path, "with", "persist-credentials")
                given = step.given.get("persist-credentials")
                if given is None or is_on(given):
                    edits = [Put(path, value=False, comment="nothing that runs here finds a token in the checkout")]
                    yield self.at(workflow, path, "the token stays in the checkout", edits=edits)
                elif is_on(given) is None:
                    yield self.at(workflow, path, "persist-credentials is an expression", level="unknown")


def is_head(ref: str) -> bool:
    """Return whether a reference is a pull request's own code."""
    return any(part in ref for part in ("head.sha", "head.ref", "head_ref", "head_sha", "head_branch", "refs/pull/"))


for _check in (NoCheckout(), ShallowClone(), HeadCheckout(), PersistedCredentials()):
    CHECKS.register(_check)
