"""Pins: actions that somebody else can change under a workflow."""

import re
from collections.abc import Iterator

from modelyard.core.documents import KeyPath
from modelyard.usecases.doctor import ours
from modelyard.usecases.doctor.finding import CHECKS, Check, Finding, Level
from modelyard.usecases.doctor.repository import Repository
from modelyard.workflows.edit import Put
from modelyard.workflows.workflow import Uses

_VERSION = re.compile(r"v?(\d+)(?:\.\d+)*")
_GITHUB = ("actions", "github")


def known_pins(repository: Repository) -> dict[str, Uses]:
    """Return the pins of the installed templates, by repository and folder."""
    return {
        f"{step.uses.repository}/{step.uses.folder}": step.uses
        for workflow in repository.templates.values()
        for job in workflow.jobs
        for step in job.steps
        if step.uses is not None and step.uses.pinned
    }


def at_pin(path: KeyPath, uses: Uses) -> Put:
    """Return the edit that pins what is used at a path, with its version behind it."""
    folder = f"/{uses.folder}" if uses.folder else ""
    return Put(path, f"{uses.owner}/{uses.name}{folder}@{uses.ref}", uses.comment or None)


class UnpinnedAction(Check):
    """An action by a tag or a branch."""

    name = "unpinned-action"
    level = "unsafe"
    title = "an action of others by tag or branch: unsafe; by a version tag of GitHub's own: a warning"
    why = "Whoever can move the tag or branch changes what runs here, with this job's token."
    fix = "Name the commit, with the version in a comment behind it."
    mechanical = True

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each use; a known pin of the same major version is put in its place by ``--fix``."""
        pins = known_pins(repository)
        for workflow in repository.workflows:
            for path, uses in workflow.used:
                if uses.pinned or ours.is_ours(uses):
                    continue
                version = _VERSION.fullmatch(uses.ref)
                level: Level = "warning" if version and uses.owner.lower() in _GITHUB else "unsafe"
                pin = pins.get(f"{uses.repository}/{uses.folder}")
                same = pin is not None and version is not None and _major(pin.comment) == version[1]
                edits = [at_pin(path, pin)] if pin is not None and same else []
                fix = f"The templates use {pin.owner}/{pin.name}@{pin.ref} # {pin.comment}." if pin is not None else ""
                found = f"{uses.owner}/{uses.name}@{uses.ref} is {'a tag' if version else 'a branch or tag'}"
                yield self.at(workflow, path, found, level=level, edits=edits, fix=fix)


class OwnPin(Check):
    """Our own actions by a moving tag."""

    name = "own-pin"
    level = "advice"
    title = "an action of ours by tag (advice) or branch (a warning)"
    why = "A tag such as v1 moves with every release; a commit does not, and Dependabot keeps it up to date."
    fix = "Name the commit of a release, with its version in a comment."

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each reference of a workflow once."""
        seen = set()
        for workflow in repository.workflows:
            for path, uses in workflow.used:
                if uses.pinned or not ours.is_ours(uses) or (workflow.file, uses.ref) in seen:
                    continue
                seen.add((workflow.file, uses.ref))
                level: Level = "advice" if _VERSION.fullmatch(uses.ref) else "warning"
                yield self.at(workflow, path, f"{uses.owner}/{uses.name}@{uses.ref}", level=level)


class UnknownAction(Check):
    """An action of ours that this version does not have."""

    name = "unknown-action"
    level = "broken"
    title = "an action of ours that this version does not have"
    why = "The job ends before its first step: GitHub finds no such action."
    fix = "Use one of those in docs/actions.md."

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each use."""
        for workflow, job in repository.jobs:
            for step in job.steps:
                if step.uses is not None and ours.is_ours(step.uses) and ours.used(step) is None:
                    folder = step.uses.folder
                    yield self.at(workflow, (*step.path, "uses"), f"there is no action {folder}")


def _major(version: str) -> str:
    found = _VERSION.match(version)
    return found[1] if found else ""


for _check in (UnpinnedAction(), OwnPin(), UnknownAction()):
    CHECKS.register(_check)
