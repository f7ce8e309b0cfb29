"""What only GitHub knows: rules of branches, required checks, settings, schedules that were switched off."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modelyard.github.client import GitHub, GitHubError
from modelyard.registry.github.state import BRANCH
from modelyard.usecases.doctor.finding import CHECKS, Check, Finding
from modelyard.usecases.doctor.repository import Repository
from modelyard.usecases.doctor.triggers import filtered

_READ = "contents: read"
_SETTINGS = ".github"
_TAG = "modelyard/churn/v1"
"""What a version's tag looks like."""
_HARMLESS = ("deletion", "non_fast_forward", "required_linear_history")
"""Rules that a branch which only grows keeps by itself."""


class _Online(Check):
    """A check that asks GitHub; what it may not ask is said, and not guessed."""

    online = True

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield what is found; nothing offline."""
        if repository.github is None:
            return
        try:
            yield from self.ask(repository, repository.github)
        except GitHubError as error:
            yield self.say(
                _SETTINGS, None, f"GitHub does not tell: {error.message}", level="unknown", fix=error.hint or self.fix
            )

    def ask(self, repository: Repository, github: GitHub) -> Iterator[Finding]:
        """Yield what GitHub's answers mean."""
        raise NotImplementedError


def _rules(github: GitHub, branch: str) -> list[Mapping[str, Any]]:
    return list(github.pages(f"rules/branches/{branch}", needs=_READ))


class RulesBlockRegistry(_Online):
    """Rules that keep the registry's branch from being written."""

    name = "rules-block-registry"
    level = "broken"
    title = f"a ruleset or branch protection that covers `{BRANCH}`"
    why = "The registry's branch gets one commit a change, by the job's own token; such a rule refuses it."
    fix = f"Exclude {BRANCH} from the rule, or give a GitHub App a bypass; see docs/registries.md."

    def ask(self, _repository: Repository, github: GitHub) -> Iterator[Finding]:
        """Yield each rule, and a classic protection."""
        for rule in _rules(github, BRANCH):
            if rule.get("type") not in _HARMLESS:
                ruleset = f" of ruleset {rule['ruleset_id']}" if "ruleset_id" in rule else ""
                yield self.say(_SETTINGS, None, f"the rule {rule.get('type')}{ruleset} covers {BRANCH}")
        branch = github.find(f"branches/{BRANCH}", needs=_READ)
        protection = (branch or {}).get("protection") or {}
        if protection.get("enabled"):
            yield self.say(_SETTINGS, None, f"a branch protection covers {BRANCH}")


class RulesBlockVersions(_Online):
    """Rules that keep the tags of versions from being made."""

    name = "rules-block-versions"
    level = "broken"
    title = "a ruleset for tags that covers `modelyard/**`"
    why = "Each version is a release with a tag of its own, made by the job's own token; such a rule refuses it."
    fix = "Exclude refs/tags/modelyard/**/* from the rule, or give a GitHub App a bypass; see docs/registries.md."

    def ask(self, _repository: Repository, github: GitHub) -> Iterator[Finding]:
        """Yield each rule that keeps a tag from being made."""
        for listed in github.pages("rulesets", needs=_READ, params={"targets": "tag", "per_page": 100}):
            if listed.get("target") != "tag" or listed.get("enforcement") != "active":
                continue
            ruleset = github.get(f"rulesets/{int(listed['id'])}", needs=_READ)
            names = (ruleset.get("conditions") or {}).get("ref_name") or {}
            if not _matches(names.get("include")) or _matches(names.get("exclude")):
                continue
            for rule in ruleset.get("rules") or ():
                if rule.get("type") not in (*_HARMLESS, "update"):
                    found = f"the rule {rule.get('type')} of ruleset {listed['id']} covers tags such as {_TAG}"
                    yield self.say(_SETTINGS, None, found)


def _matches(patterns: Iterable[object] | None) -> bool:
    """Return whether a version's tag matches one of GitHub's patterns, where only ``**`` goes over slashes."""
    meant = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    for pattern in map(str, patterns or ()):
        parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
        wanted = "".join(meant.get(part, re.escape(part)) for part in parts)
        if pattern == "~ALL" or re.fullmatch(wanted, f"refs/tags/{_TAG}"):
            return True
    return False


class RequiredCheckWithPaths(_Online):
    """A required check that some pull requests never start."""

    name = "required-check-with-paths"
    level = "broken"
    title = "a required check whose workflow has a `paths:` filter"
    why = "A pull request that touches no such path waits for the check for ever."
    fix = "Remove the filter: what did not change is skipped inside, in seconds."

    def ask(self, repository: Repository, github: GitHub) -> Iterator[Finding]:
        """Yield each job whose check is required."""
        required: set[str] = set()
        for rule in _rules(github, repository.default_branch):
            if rule.get("type") == "required_status_checks":
                told = (rule.get("parameters") or {}).get("required_status_checks") or []
                required |= {str(each.get("context")) for each in told}
        branch = github.find(f"branches/{repository.default_branch}", needs=_READ) or {}
        checks = ((branch.get("protection") or {}).get("required_status_checks") or {}).get("contexts") or []
        required |= set(map(str, checks))
        for workflow, job in repository.jobs:
            name = str(job.data.get("name", job.name))
            if name in required and filtered(workflow):
                yield self.at(
                    workflow, ("on", "pull_request"), f"the check {name!r} is required, and starts on some paths"
                )


class ScheduleDisabled(_Online):
    """A workflow that GitHub or somebody switched off."""

    name = "workflow-disabled"
    level = "broken"
    title = "a workflow that is switched off, by hand or after 60 days without activity"
    why = "Nothing starts it, and nothing says so."
    fix = "Enable it under Actions."

    def ask(self, repository: Repository, github: GitHub) -> Iterator[Finding]:
        """Yield each workflow that is disabled."""
        here = {workflow.file: workflow for workflow in repository.workflows}
        for told in github.pages("actions/workflows", needs="actions: read", key="workflows"):
            workflow, state = here.get(str(told.get("path"))), str(told.get("state"))
            if workflow is not None and state.startswith("disabled"):
                yield self.at(workflow, ("on",), f"its state is {state}")


class EnvironmentOpen(_Online):
    """An environment that asks nobody."""

    name = "environment-asks-nobody"
    level = "advice"
    title = "an environment without reviewers"
    why = "GitHub makes an environment when a job first names it; until reviewers are added, nobody is asked."
    fix = "Add required reviewers under Settings, Environments, where promotions should be approved."

    def ask(self, repository: Repository, github: GitHub) -> Iterator[Finding]:
        """Yield each environment that jobs with our actions name."""
        seen = set()
        for placed in repository.ours:
            named = placed.job.data.get("environment")
            name = named.get("name") if isinstance(named, dict) else named
            if not isinstance(name, str) or "${{" in name or name in seen:
                continue
            seen.add(name)
            told = github.find(f"environments/{name}", needs="actions: read") or {}
            if not any(rule.get("type") == "required_reviewers" for rule in told.get("protection_rules") or ()):
                yield self.at(
                    placed.workflow, (*placed.job.path, "environment"), f"the environment {name} has no reviewers"
                )


class PullRequestsForbidden(_Online):
    """``via: pull-request`` where Actions may open none."""

    name = "pull-requests-forbidden"
    level = "broken"
    title = "`registry.via: pull-request` where Actions may not open pull requests"
    why = "The promotion publishes the version and then cannot propose it."
    fix = "Allow it under Settings, Actions, General: Allow GitHub Actions to create and approve pull requests."

    def ask(self, repository: Repository, github: GitHub) -> Iterator[Finding]:
        """Yield the setting."""
        if repository.via == "direct":
            return
        told = github.get("actions/permissions/workflow", needs="administration: read")
        if not told.get("can_approve_pull_request_reviews"):
            yield self.say(_SETTINGS, None, "GitHub Actions may not open pull requests")


for _check in (
    RulesBlockRegistry(), RulesBlockVersions(), RequiredCheckWithPaths(), ScheduleDisabled(), EnvironmentOpen(),
    PullRequestsForbidden(),
):  # fmt: skip
    CHECKS.register(_check)
