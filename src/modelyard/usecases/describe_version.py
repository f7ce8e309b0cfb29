"""Describe a version from its manifest, its records and the journal; nothing of it is run or loaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from modelyard.core.errors import DataError
from modelyard.core.files import sha256_file
from modelyard.models.environment import Environment, parse_environment
from modelyard.records.chain import verify_carried
from modelyard.records.envelope import Envelope, Step
from modelyard.records.manifest import NO_EVIDENCE, FileEntry, Manifest
from modelyard.records.results import (
    CandidateRow,
    DataSet,
    DetectResult,
    EvaluateResult,
    GateResult,
    MetricRow,
    Part,
    Signature,
    TrainResult,
)
from modelyard.records.store import RunRecords
from modelyard.registry.journal import JournalEntry
from modelyard.registry.protocol import Registry, Version, VersionRemoved
from modelyard.registry.records import version_records

ENVIRONMENT = "environment.txt"
RUN = "run"
"""How the run at hand is named where versions are."""
Result = TypeVar("Result", bound=Part)


@dataclass(frozen=True)
class VersionFacts:
    """A version and what is known of it; of one that was removed, only its manifest and its history."""

    version: Version
    entries: tuple[JournalEntry, ...]
    """The moves of every alias, oldest first, and its own removal."""
    records: dict[Step, Envelope]
    environment: Environment | None
    removed: JournalEntry | None
    broken: tuple[str, ...]
    """What does not agree between manifest, records and journal."""

    @property
    def name(self) -> str:
        """Return its name, such as ``v7``."""
        return self.version.name

    @cached_property
    def about(self) -> tuple[JournalEntry, ...]:
        """Return the entries that speak of this version: its moves, and its removal."""
        return tuple(entry for entry in self.entries if entry.to == self.name)

    @cached_property
    def aliases(self) -> tuple[str, ...]:
        """Return the aliases that point at it now."""
        last = {entry.alias: entry.to for entry in self.entries if entry.alias is not None}
        return tuple(sorted(alias for alias, name in last.items() if name == self.name))

    @cached_property
    def detected(self) -> DetectResult | None:
        """Return what its run detected: the differences and the data."""
        return self._result("detect", DetectResult)

    @cached_property
    def trained(self) -> TrainResult | None:
        """Return how it was trained."""
        return self._result("train", TrainResult)

    @cached_property
    def evaluated(self) -> EvaluateResult | None:
        """Return how it was evaluated."""
        return self._result("evaluate", EvaluateResult)

    @property
    def winner(self) -> CandidateRow | None:
        """Return the candidate that won the search."""
        rows = self.trained.candidates if self.trained else ()
        return next((row for row in rows if row.winner), None)

    @property
    def parameters(self) -> dict[str, Any]:
        """Return what it was fitted with, by name; empty where its own code decides."""
        parameters: dict[str, Any] = {}
        if self.winner is not None:
            parameters |= {"candidate": self.winner.name, **self.winner.params}
        if self.trained is not None:
            parameters |= {"how": self.trained.how, "seed": self.trained.seed}
        return parameters

    @property
    def sets(self) -> dict[str, DataSet]:
        """Return its data sets by name."""
        return {each.name: each for each in self.detected.sets} if self.detected else {}

    @property
    def metrics(self) -> tuple[MetricRow, ...]:
        """Return its metrics with intervals."""
        return self.evaluated.metrics if self.evaluated else ()

    @property
    def gates(self) -> tuple[GateResult, ...]:
        """Return the gates that it was judged by."""
        return self.evaluated.gates if self.evaluated else ()

    @property
    def packages(self) -> dict[str, str]:
        """Return its packages by name."""
        return dict(self.environment.packages) if self.environment else {}

    @property
    def model_size(self) -> int:
        """Return the bytes of the model alone."""
        return sum(file.size for file in self.version.manifest.files if file.role == "model")

    def _result(self, step: Step, kind: type[Result]) -> Result | None:
        envelope = self.records.get(step)
        if envelope is None or envelope.record.result is None:
            return None
        outcome = envelope.record.outcome
        return outcome if isinstance(outcome, kind) else None


def describe(registry: Registry, reference: str) -> VersionFacts:
    """Gather what is known of a version; one that was removed is still known.

    Args:
        registry: where it is.
        reference: champion, v7, a digest, or champion@2026-05-03.

    Raises:
        ConfigError: there is no such version.
        DataError: a record that it carries was changed, or is not readable.
        PlatformError: the registry cannot be read.
    """
    journal = registry.history()
    try:
        version = registry.resolve(reference)
    except VersionRemoved as gone:
        version = next(each for each in registry.removed() if each.name == gone.entry.to)
        journal = (*journal, gone.entry)
        return VersionFacts(version, journal, {}, None, gone.entry, _against_journal(version, journal))
    records = version_records(registry, version)
    broken = [str(problem) for problem in verify_carried(version.manifest, records)]
    return VersionFacts(
        version,
        journal,
        records,
        _environment(registry, version),
        None,
        (*broken, *_against_journal(version, journal)),
    )


class RunAtHand(Version):
    """What a run folder holds, seen as a version that nobody published."""

    @property
    def name(self) -> str:
        """Return ``run``."""
        return RUN


def describe_run(run_dir: Path, model: str) -> VersionFacts:
    """Gather what is known of the run at hand, as of a version that it would become.

    Raises:
        DataError: there is no training record of it, or one that was changed.
    """
    store = RunRecords(run_dir)
    records = store.present()
    trained = store.read("train").record
    facts = trained.read(TrainResult)
    evaluated, found = records.get("evaluate"), run_dir / ENVIRONMENT
    files = tuple(
        FileEntry(path=path.relative_to(run_dir).as_posix(), digest=sha256_file(path), size=path.stat().st_size)
        for path in sorted((run_dir / "model").rglob("*"))
        if path.is_file()
    )
    manifest = Manifest.model_construct(
        model=model,
        number=0,
        created=trained.circumstances.started,
        model_digest=facts.model_digest or "",
        adapter=facts.adapter,
        signature=facts.signature or Signature(features=(), task="binary"),
        environment_digest=trained.environment_digest or "",
        fit_digest=trained.fit_digest,
        config_digest=trained.config_digest,
        data=dict(trained.data),
        tree=trained.tree,
        evidence=NO_EVIDENCE if evaluated is None else evaluated.digest,
        parent=None if evaluated is None else evaluated.record.champion_version,
        predict_command="",
        size=sum(file.size for file in files),
        files=files,
    )
    environment = parse_environment(found.read_text("utf-8")) if found.is_file() else None
    return VersionFacts(RunAtHand(manifest, ""), (), records, environment, None, ())


def _environment(registry: Registry, version: Version) -> Environment | None:
    if not any(file.path == ENVIRONMENT for file in version.manifest.files):
        return None
    try:
        return parse_environment(registry.read(version, ENVIRONMENT).decode("utf-8", "replace"))
    except DataError:
        return None  # a version from elsewhere may carry a list in another form


def _against_journal(version: Version, entries: Sequence[JournalEntry]) -> tuple[str, ...]:
    return tuple(
        f"journal entry {entry.seq}: it names {version.name} as {entry.to_digest}, its manifest is {version.digest}"
        for entry in entries
        if entry.to == version.name and entry.to_digest != version.digest
    )
