"""Files: what cannot be read, what a half-edited template leaves behind, what git should not track, configurations."""

from collections.abc import Iterator

from modelyard.core.errors import ConfigError, ModelyardError
from modelyard.models.environment import read_requirements
from modelyard.registry.kinds import KINDS
from modelyard.usecases.doctor.finding import CHECKS, Check, Finding
from modelyard.usecases.doctor.repository import Configured, Repository
from modelyard.workflows.edit import Put
from modelyard.workflows.workflow import Step

_PLACEHOLDERS = ("$default-branch", "$protected-branches", "$cron-daily", "$cron-weekly")
_ABSENT = "config/missing-file"


class Unreadable(Check):
    """A workflow that is not YAML, not text, or too large."""

    name = "unreadable-workflow"
    level = "unreadable"
    title = "a workflow that cannot be read: not YAML, not UTF-8, larger than 500 KB, nothing that is a workflow"
    why = "GitHub does not run it, and nothing else can be said of it."
    fix = "Mend the line that is named."

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each mistake."""
        for error in repository.unreadable:
            file, line = _place(error, ".github/workflows")
            yield self.say(file, line, error.message, fix=error.hint)


class Shape(Check):
    """A workflow that GitHub will not take."""

    name = "odd-workflow"
    level = "broken"
    title = "a key twice, a step without its list, a job that is none: a file that was edited half-way"
    why = "GitHub refuses the whole file, and none of its jobs runs."
    fix = "Compare it with the template that it was copied from."

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each oddity."""
        for workflow in repository.workflows:
            for problem in workflow.problems:
                file, line = _place(problem, workflow.file)
                yield self.say(file, line, problem.message, fix=problem.hint)


class Placeholder(Check):
    """A template's placeholder that was never replaced."""

    name = "placeholder"
    level = "broken"
    title = "`$default-branch` and other placeholders of templates"
    why = "Only GitHub's own page of templates replaces it; here it is the name of a branch that nobody has."
    fix = "Write the name of the branch."
    mechanical = True

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each placeholder that is a whole value."""
        for workflow in repository.workflows:
            for path, text in workflow.texts():
                if text in _PLACEHOLDERS:
                    known = repository.default_branch if text == _PLACEHOLDERS[0] else ""
                    edits = [Put(path, known)] if known else []
                    yield self.at(workflow, path, f"{text} stands for a value", edits=edits)


class Configuration(Check):
    """What ``modelyard config check`` would say."""

    name = "configuration"
    level = "broken"
    title = "a configuration that `modelyard config check` refuses, or that a workflow names and is not there"
    why = "Every step reads it first and ends with exit code 2."
    fix = "Run `modelyard config check`."

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each problem of each configuration."""
        for configured in repository.configurations:
            for problem in configured.problems:
                if problem.code == _ABSENT and not any(repository.ours):
                    continue  # nothing here uses modelyard yet
                file, line = _place(problem, configured.file)
                yield self.say(file, line, f"{problem.message} [{problem.code}]", fix=problem.hint)


class LocalRegistry(Check):
    """A registry that is gone with the job."""

    name = "local-registry"
    level = "broken"
    title = "a registry of a kind that does not outlive the job, on hosted runners"
    why = "What is promoted there is gone when the job ends, so the step refuses it."
    fix = "Write registry: {kind: auto}, or durable: true where the folder outlives the job."

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each configuration that says so, where a hosted runner uses it."""
        hosted = [placed for placed in repository.ours if "self-hosted" not in placed.job.runners]
        for configured in repository.configurations:
            if configured.loaded is None or not any(_config_of(placed.step) == configured.file for placed in hosted):
                continue
            section = configured.loaded.config.registry
            if section.kind in KINDS and not (KINDS.get(section.kind).outlives_job or section.durable):
                line = configured.loaded.line_of(("registry", "kind"))
                yield self.say(configured.file, line, f"kind: {section.kind}")


class TrackedState(Check):
    """modelyard's own folders under version control."""

    name = "tracked-folder"
    level = "broken"
    title = "`.modelyard/` or a run folder that git tracks"
    why = "A committed run folder could be planted, so every step refuses it."
    fix = "Run `git rm -r --cached` on it and commit; both folders ignore themselves."

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each folder."""
        for name in repository.tracked:
            yield self.say(name, None, "git tracks files in it")


class UnpinnedRequirements(Check):
    """Requirements whose versions can change by themselves."""

    name = "unpinned-requirements"
    level = "warning"
    title = "`requirements` without versions"
    why = "Another day resolves other packages, and the model changes with no change in the repository."
    fix = "Pin each with ==, for example with `uv pip compile`."

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each line without a pin; a file that cannot be used is broken."""
        for configured in repository.configurations:
            named = None if configured.loaded is None else configured.loaded.config.requirements
            if not named or configured.loaded is None:
                continue
            path = configured.loaded.path.parent / named
            file = path.relative_to(repository.root).as_posix() if path.is_relative_to(repository.root) else named
            try:
                pins = read_requirements(path)
            except ConfigError as error:
                yield self.say(
                    file, error.place.line if error.place else None, error.message, level="broken", fix=error.hint
                )
                continue
            for pin in pins:
                if not any(each.operator in ("==", "===") for each in pin.requirement.specifier):
                    yield self.say(file, pin.line, f"{pin.requirement.name} is not pinned")


def _config_of(step: Step) -> str:
    return str(step.input("config")) or "modelyard.yml"


def _place(error: ModelyardError, file: str) -> tuple[str, int | None]:
    return (error.place.file or file, error.place.line) if error.place else (file, None)


def configured_of(repository: Repository, step: Step) -> Configured | None:
    """Return the configuration that a step of ours reads."""
    return next((each for each in repository.configurations if each.file == _config_of(step)), None)


for _check in (
    Unreadable(), Shape(), Placeholder(), Configuration(), LocalRegistry(), TrackedState(), UnpinnedRequirements(),
):  # fmt: skip
    CHECKS.register(_check)
