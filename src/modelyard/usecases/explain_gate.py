"""Explain gates from the record of an evaluation alone, of the run folder or of a version."""

from dataclasses import dataclass
from pathlib import Path

from modelyard.core.errors import ConfigError, DataError, nearest
from modelyard.records.envelope import Envelope, read_record
from modelyard.records.results import EvaluateResult, GateResult
from modelyard.registry.protocol import Registry
from modelyard.registry.records import version_records
from modelyard.report import wording


@dataclass(frozen=True)
class Judged:
    """An evaluation, and the digest of its record: the evidence."""

    result: EvaluateResult
    evidence: str

    def gate(self, named: str) -> GateResult:
        """Return the gate that a person means: its id, its number, or its rule's first words where only one has them.

        Raises:
            ConfigError: none, or several.
        """
        for number, gate in enumerate(self.result.gates, 1):
            if named in (gate.id, str(number)):
                return gate
        alike = [gate for gate in self.result.gates if wording.rule(gate).startswith(named)]
        if len(alike) == 1:
            return alike[0]
        names = [gate.id for gate in self.result.gates]
        hint = f"{nearest(named, names)} Gates: {', '.join(names)}.".strip()
        if alike:
            raise ConfigError(f"{len(alike)} gates begin with {named[:60]!r}", code="command/ambiguous-gate", hint=hint)
        raise ConfigError(f"unknown gate {named[:60]!r}", code="command/unknown-gate", hint=hint)


def judged_in_run(record: Path) -> Judged:
    """Read the evaluation of a run folder, from its record.

    Raises:
        DataError: there is no evaluation, or it was changed.
    """
    return _judged(read_record(record) if record.is_file() else None)


def judged_in_version(registry: Registry, reference: str) -> Judged:
    """Read the evaluation that a version carries.

    Raises:
        ConfigError: no such version.
        DataError: it carries no evaluation, or a changed one.
        PlatformError: the registry cannot be read.
    """
    return _judged(version_records(registry, registry.resolve(reference)).get("evaluate"))


def _judged(envelope: Envelope | None) -> Judged:
    result = None if envelope is None else envelope.record.outcome
    if envelope is None or not isinstance(result, EvaluateResult):
        raise DataError(
            "no evaluation found",
            code="record/no-evaluation",
            hint="Run `modelyard run`, or name a version: --version v7.",
        )
    return Judged(result, envelope.digest)
