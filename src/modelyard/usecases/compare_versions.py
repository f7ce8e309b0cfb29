"""Compare two versions by what they carry: metrics, gates, data, parameters, packages, features, size."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from modelyard.core.documents import as_written
from modelyard.records.results import Estimate, GateResult, Signature
from modelyard.registry.protocol import Registry
from modelyard.report import numbers, wording
from modelyard.usecases.describe_version import RUN, VersionFacts, describe, describe_run

Changes = dict[str, tuple[Any, Any]]
"""Name to the values before and after, of what differs; None where it is not there."""


@dataclass(frozen=True)
class Comparison:
    """Two versions of one model."""

    old: VersionFacts
    new: VersionFacts

    @property
    def both(self) -> tuple[VersionFacts, VersionFacts]:
        """Return the older and the newer one, as they were named."""
        return self.old, self.new

    @cached_property
    def same_test_rows(self) -> bool:
        """Return whether both were judged on the same test rows."""
        judged = [each.evaluated.evaluation if each.evaluated else None for each in self.both]
        digests = [each.test_set.digest if each else None for each in judged]
        trained = [each.trained.test_digest if each.trained else None for each in self.both]
        return any(old is not None and old == new for old, new in (digests, trained))

    @cached_property
    def paired(self) -> dict[str, GateResult]:
        """Return, by metric, the gates of the new version that measured new minus old on the same rows."""
        return {gate.metric: gate for gate in self.new.gates if self._compares(gate)}

    @property
    def differences(self) -> dict[str, Estimate]:
        """Return, by metric, new minus old on the rows that judged the new one, where the old one was its champion."""
        judged = self.new.evaluated
        if judged is None or judged.champion != self.old.name:
            return {}
        return {row.metric: row.difference for row in judged.metrics if row.difference is not None}

    def _compares(self, gate: GateResult) -> bool:
        judged = self.new.evaluated
        against = {"champion": judged.champion, "best-promoted": judged.best} if judged else {}
        return (
            gate.estimate.value is not None
            and wording.is_difference(gate)
            and not wording.is_contrast(gate)
            and against.get(gate.reference) == self.old.name
        )

    @cached_property
    def data(self) -> Changes:
        """Return the data sets that differ, and their partitions where both runs saw them."""
        changes: Changes = {}
        for name, digests in changed(*(each.version.manifest.data for each in self.both)).items():
            changes[name] = digests
            sets = [each.sets.get(name) for each in self.both]
            if sets[0] is None or sets[1] is None:
                continue
            parts = [{part.path: part for part in each.partitions} for each in sets if each is not None]
            for path, (before, after) in changed(*parts).items():
                changes[f"{name}: {path}"] = (_part(before), _part(after))
        return changes

    @property
    def parameters(self) -> Changes:
        """Return the parameters that differ."""
        return changed(self.old.parameters, self.new.parameters)

    @property
    def packages(self) -> Changes:
        """Return what differs between the environments: Python, platform, packages."""
        return changed(_environment(self.old), _environment(self.new))

    @property
    def provenance(self) -> Changes:
        """Return what differs in size, kind, digests and split."""
        return changed(_provenance(self.old), _provenance(self.new))

    @property
    def features(self) -> Changes:
        """Return the features that differ in kind or type, or that only one version has."""
        typed = all(each.type for facts in (self.old, self.new) for each in _signature(facts).features)
        return changed(_features(self.old, typed=typed), _features(self.new, typed=typed))


def compare(registry: Registry, old: str, new: str, run_dir: Path) -> Comparison:
    """Compare two versions.

    Args:
        registry: where they are.
        old: a version, or ``run``.
        new: another one.
        run_dir: the run folder, which ``run`` means.

    Raises:
        ConfigError: one of them does not exist; the nearest is named.
        DataError: a record that one carries was changed.
        PlatformError: the registry cannot be read.
    """
    one, other = (
        describe_run(run_dir, registry.model) if name == RUN else describe(registry, name) for name in (old, new)
    )
    return Comparison(one, other)


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Changes:
    """Return what differs between two mappings, in the order of the old one."""
    names = dict.fromkeys((*old, *new))
    pairs = {name: (old.get(name), new.get(name)) for name in names}
    # Told apart as written, since 1 == True and 0 == False.
    return {name: (was, now) for name, (was, now) in pairs.items() if was != now or as_written(was) != as_written(now)}


def _part(part: Any) -> str | None:
    return None if part is None else f"{numbers.size(part.size)}, {part.digest[:19]}…"


def _environment(facts: VersionFacts) -> dict[str, str]:
    if facts.environment is None:
        return {}
    return {"python": facts.environment.python, "platform": facts.environment.platform, **facts.packages}


def _provenance(facts: VersionFacts) -> dict[str, Any]:
    manifest = facts.version.manifest
    detected, trained, evaluated = facts.detected, facts.trained, facts.evaluated
    return {
        "model size": numbers.size(facts.model_size),
        "size": numbers.size(manifest.size),
        "kind": manifest.adapter,
        "predict command": manifest.predict_command or None,
        "threshold": manifest.signature.threshold,
        "model digest": manifest.model_digest,
        "fit digest": manifest.fit_digest,
        "configuration digest": manifest.config_digest,
        "code digest": detected.code_digest if detected else None,
        "rules digest": evaluated.rules_digest if evaluated else None,
        "environment digest": manifest.environment_digest,
        "tree": manifest.tree or None,
        "training rows": trained.train_rows if trained else None,
        "split": trained.split or None if trained else None,
    }


def _signature(facts: VersionFacts) -> Signature:
    return facts.version.manifest.signature


def _features(facts: VersionFacts, *, typed: bool) -> dict[str, str]:
    return {each.name: each.described if typed else each.kind for each in _signature(facts).features}
