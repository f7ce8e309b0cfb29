"""Trust: other people's code or text where a token or a secret is."""

import re
from collections.abc import Iterator

from modelyard.usecases.doctor.checkout import checkouts, is_head
from modelyard.usecases.doctor.finding import CHECKS, Check, Finding, Level
from modelyard.usecases.doctor.repository import Repository, jobs_with_ours
from modelyard.workflows.workflow import is_on

PRIVILEGED = ("pull_request_target", "issue_comment", "workflow_run", "discussion_comment")
"""Events of other people on which the token may write and secrets are there."""
_PULLS = ("pull_request", "pull_request_target")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_HARMLESS = re.compile(
    r"github\.event\.(?:[\w.]+\.)?(?:number|action|merged|draft|default_branch|before|after|size|(?:\w+_)?(?:id|sha|at))"
    r"(?![\w.])"
)
_FETCHED = re.compile(r"gh pr checkout|refs/pull/|pull/.{0,40}/(?:head|merge)")
_SECRET = re.compile(r"(?<![\w.])secrets(?:\.([A-Za-z_][\w-]*)|\[\s*'([^']+)')")
_OWN = "GITHUB_TOKEN"


def secrets_in(text: str) -> set[str]:
    """Return the names of the secrets that a text's expressions use, the job's own token among them."""
    found: set[str] = set()
    for expression in _EXPRESSION.findall(text):
        found |= {first or second for first, second in _SECRET.findall(expression)}
        if re.search(r"\bgithub\.token\b", expression):
            found.add(_OWN)
    return found


class PrivilegedCheckout(Check):
    """A pull request's code with a token that may write."""

    name = "privileged-checkout"
    level = "unsafe"
    title = "a checkout of a pull request's head on `pull_request_target`, `issue_comment` or `workflow_run`"
    why = "Anybody's code runs with the repository's secrets and a token that may write."
    fix = "Check nothing out there: the run of pull_request keeps its records, and ml-comment takes those."

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each step that fetches it."""
        for workflow, job in repository.jobs:
            events = [event for event in PRIVILEGED if event in workflow.triggers]
            if not events:
                continue
            for step in job.steps:
                fetches = bool(_FETCHED.search(step.run))
                fetches |= step in checkouts(job) and is_head(step.input("ref"))
                fetches |= is_on(step.given.get("allow-unsafe-pr-checkout")) is True
                if fetches:
                    yield self.at(workflow, step.path, f"the head is checked out on {', '.join(events)}")


class ExpressionInScript(Check):
    """Other people's text pasted into a script."""

    name = "expression-in-script"
    level = "unsafe"
    title = "`${{ github.event.… }}` and other text of others inside `run:`"
    why = "A title, branch name or comment is pasted before the shell reads the script, and can end a quote and run."
    fix = 'Hand it over in env: and write "$NAME" in the script.'

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each script once, with its first expression of that kind."""
        for workflow, job in repository.jobs:
            for step in job.steps:
                key, script = ("run", step.run) if step.run else ("with", step.input("script"))
                found = [each.strip() for each in _EXPRESSION.findall(script) if _is_foreign(each)]
                if found:
                    inputs = all(each.startswith(("inputs.", "github.event.inputs.")) for each in found)
                    level: Level | None = "warning" if inputs else None
                    yield self.at(workflow, (*step.path, key), f"${{{{ {found[0]} }}}} in a script", level=level)


class SecretsBesideUserCode(Check):
    """A secret in a job that runs the user's code."""

    name = "secrets-beside-user-code"
    level = "unsafe"
    title = "a secret in the environment of a job that runs user code (of one other step: a warning)"
    why = "Whatever runs in a job can read every secret of that job; training code and its packages can send it on."
    fix = "Give it to the one step that needs it, best in a job before that hands the data over."

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each place; secret inputs that our actions declare are handed on by them, out of that code's reach."""
        for workflow, job, placed in jobs_with_ours(repository):
            running = [each for each in placed if each.use.runs_user_code]
            if not running:
                continue
            for path in (("env",), (*job.path, "env")):
                for at, text in workflow.texts(path):
                    for name in sorted(secrets_in(text)):
                        yield self.at(workflow, at, f"{name} is in the environment of every step of {job.name}")
            mine = [each.step.path for each in running]
            for step in job.steps:
                for at, text in workflow.texts(step.path):
                    declared = step.path in mine and at[len(step.path)] == "with"
                    level: Level = "unsafe" if step.path in mine else "warning"
                    for name in sorted(secrets_in(text) if not declared else ()):
                        yield self.at(workflow, at, f"{name} is in a step of {job.name}, which runs code", level=level)


class SecretsOnForks(Check):
    """A secret that a fork's pull request does not get."""

    name = "secrets-on-forks"
    level = "warning"
    title = "a secret on `pull_request`"
    why = "Pull requests from forks, and Dependabot's, get an empty text instead, so the step fails there."
    fix = "Expect it to be empty, for example with if: ${{ env.KEY != '' }}; a maintainer can push the branch here."

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each secret of a workflow that uses an action of ours, once."""
        files = {each.workflow.file for each in repository.ours}
        for workflow in repository.workflows:
            if "pull_request" not in workflow.triggers or workflow.file not in files:
                continue
            seen: set[str] = set()
            for path, text in workflow.texts():
                new = secrets_in(text) - seen - {_OWN}
                seen |= new
                for name in sorted(new):
                    yield self.at(workflow, path, f"the secret {name}")


class SelfHosted(Check):
    """Other people's code on a machine of the owner's."""

    name = "self-hosted-pull-request"
    level = "warning"
    title = "pull requests on self-hosted runners: unsafe in a public repository"
    why = "Anybody can open a pull request there, and its code stays on the machine after the job."
    fix = "Run pull requests on hosted runners, or ask for approval of every contributor's first run."

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each job; with GitHub to ask, a private repository's are fine."""
        public = repository.public
        for workflow, job in repository.jobs:
            if "self-hosted" in job.runners and any(event in workflow.triggers for event in _PULLS):
                if public is False:
                    continue
                found = f"the job {job.name} runs pull requests on a self-hosted runner"
                yield self.at(
                    workflow, (*job.path, "runs-on"), found if public else f"{found}, if this is a public repository",
                    level="unsafe" if public else None,
                )  # fmt: skip


def _is_foreign(expression: str) -> bool:
    """Return whether an expression holds text that somebody else chose."""
    text = _HARMLESS.sub("", expression)
    return bool(re.search(r"(?<![\w.])(?:github\.event\b|github\.head_ref\b|inputs\.)", text))


for _check in (
    PrivilegedCheckout(), ExpressionInScript(), SecretsBesideUserCode(), SecretsOnForks(), SelfHosted(),
):  # fmt: skip
    CHECKS.register(_check)
