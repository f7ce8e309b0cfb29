"""What a step declares itself with: its inputs, its outputs, and the permissions it needs in a workflow.

The command line, the actions and the documentation are all derived from these declarations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from modelyard.core.errors import ConfigError, nearest


def _kebab(name: str) -> str:
    return name.replace("_", "-")


_DECLARED = ConfigDict(extra="forbid", frozen=True, alias_generator=_kebab, populate_by_name=True, defer_build=True)


class ActionInputs(BaseModel):
    """Inputs of an action; a field is an input: kebab-case name, description, default, type."""

    model_config = _DECLARED

    @property
    def keeps_record(self) -> bool:
        """Whether the step's record is kept; a trial run leaves none."""
        return True

    @classmethod
    def from_strings(cls, given: Mapping[str, str]) -> Self:
        """Make inputs from text, as flags and environment variables give them; an empty string is not given.

        Raises:
            ConfigError: an unknown input, or a value that its type does not take; booleans are true or false only.
        """
        fields = {_kebab(name): info for name, info in cls.model_fields.items()}
        values: dict[str, Any] = {}
        for name, text in given.items():
            if name not in fields:
                raise ConfigError(
                    f"unknown input {name!r}",
                    code="command/unknown-input",
                    hint=nearest(name, fields) or f"Known: {', '.join(fields)}.",
                )
            if text == "":
                continue
            if fields[name].annotation is bool:
                if text not in ("true", "false"):
                    raise ConfigError(
                        f"input {name!r} is {text[:40]!r}", code="command/bad-input", hint="Allowed: true or false."
                    )
                values[name] = text == "true"
            else:
                values[name] = text
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            raise ConfigError(
                f"input {name!r}: {first['msg']}", code="command/bad-input", hint="See --help for what is allowed."
            ) from error


class Inputs(ActionInputs):
    """Inputs that every step has."""

    config: str = "modelyard.yml"
    """Path of the configuration."""
    run_dir: str = "modelyard-run"
    """Run folder, where records and reports are written; relative to the workspace."""
    registry: str = ""
    """Registry to use instead of the configuration's: local, github or mlflow."""
    requirements: str = ""
    """Requirements file of your own pins, instead of the configuration's: names, versions, markers, hashes."""
    base: str = Field(default="", json_schema_extra={"desk": True})
    """Git reference whose rules judge a local run; in Actions a pull request is always judged by its base."""


class JudgedInputs(Inputs):
    """Inputs of a step after detect, which goes by the same rules."""

    rules_digest: str = ""
    """Digest of the rules that detect went by, its output rules-digest; other rules end with exit code 2."""


class ActionOutputs(BaseModel):
    """Outputs of an action."""

    model_config = _DECLARED


class Outputs(ActionOutputs):
    """Outputs that every step has."""

    verdict: str
    """pass, fail, inconclusive or error."""
    exit_code: int
    """The step's exit code."""
    run_dir: str
    """The run folder."""
    record_digest: str
    """Digest of the step's record."""
    report_path: str = ""
    """The Markdown report, where one was written."""


@dataclass(frozen=True)
class ActionSpec:
    """One action as the outside sees it."""

    name: str
    summary: str
    example: str
    inputs: type[ActionInputs]
    outputs: type[ActionOutputs]
    permissions: Mapping[str, str] = field(default_factory=lambda: {"contents": "read"})
    """What the job must grant; the reason for each grant is its value's comment in the templates."""
    permissions_of_part: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """All that it takes instead, where the input ``part`` has this value."""
    permissions_on_event: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What it takes besides, in a workflow that this event starts."""
    permissions_via: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What it takes besides, where ``registry.via`` has this value."""
    parts_with_user_code: tuple[str, ...] = ()
    """Parts that run the user's code, or an old model, though the step itself only carries bytes."""
    environment: Literal["carry", "ml"] = "ml"
    """The lock that its action installs: the small one carries records and models as bytes, and loads neither."""
    secrets: tuple["Secret", ...] = ()
    """Secret inputs of its action; they reach the step by its environment alone, never by a flag."""

    def permissions_needed(self, part: str = "", event: str = "", via: str = "") -> Mapping[str, str]:
        """Return what a job grants for one use of the step.

        Args:
            part: value of its input ``part``.
            event: name of the event that starts the workflow.
            via: value of ``registry.via``.
        """
        if part in self.permissions_of_part:
            return self.permissions_of_part[part]
        return {**self.permissions, **self.permissions_on_event.get(event, {}), **self.permissions_via.get(via, {})}

    def runs_user_code(self, part: str = "") -> bool:
        """Return whether code of the user, or a model, runs in its job."""
        return self.environment == "ml" or part in self.parts_with_user_code


@dataclass(frozen=True)
class StepSpec(ActionSpec):
    """One step as the outside sees it."""

    inputs: type[Inputs]
    outputs: type[Outputs]


@dataclass(frozen=True)
class Secret:
    """A secret input of an action, without ``MODELYARD_`` and in kebab case."""

    name: str
    description: str
    default: str = ""


TOKEN = Secret("token", "GitHub token, for the registry and for comments.", "${{ github.token }}")
"""The job's own token; what it may do is what the job's permissions say."""
