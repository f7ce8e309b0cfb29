"""Score a sample of each window again, with the version that is said to have served it."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from modelyard.core.errors import ModelyardError
from modelyard.core.reasons import Reason, because
from modelyard.models.adapters import adapter_of
from modelyard.models.scorer import Scorer
from modelyard.records.results import Fault
from modelyard.steps.context import CheckedOut
from modelyard.steps.scoring import workbench


@dataclass
class Rescorer:
    """Scores with versions, each fetched once; what it fetched is gone when it is closed."""

    context: CheckedOut
    rows: int
    _home: tempfile.TemporaryDirectory[str] | None = None
    _scorers: dict[str, Scorer | Reason] = field(default_factory=dict)

    def __enter__(self) -> Self:
        """Open the folder for versions and rows."""
        self._home = tempfile.TemporaryDirectory(dir=self.context.run_dir, prefix=".rescore.")
        return self

    def __exit__(self, *_: object) -> None:
        """Remove it."""
        if self._home is not None:
            self._home.cleanup()

    def __call__(self, version: str, frame: Any, seed: int) -> Fault | Reason | None:
        """Return the fault of a window whose predictions are another's, or why that cannot be told.

        Args:
            version: that is said to have served it.
            frame: its rows of the log.
            seed: decides which rows are scored again.
        """
        from modelyard.monitoring.rescored import rescore

        if self.rows == 0 or self._home is None:
            return None
        if version not in self._scorers:
            self._scorers[version] = self._scorer(version, Path(self._home.name) / version)
        scorer = self._scorers[version]
        if isinstance(scorer, Reason):
            return scorer
        try:
            with tempfile.TemporaryDirectory(dir=self._home.name) as folder:
                fault, sample = rescore(frame, scorer, seed=seed, folder=Path(folder), rows=self.rows)
        except ModelyardError as error:
            return because("not-rescored", version=version, code=error.code)
        if sample.missing:
            return because("features-not-logged", columns=sample.missing[:5])
        return fault

    def _scorer(self, name: str, home: Path) -> Scorer | Reason:
        registry = self.context.versions.open()
        version = registry.resolve(name)
        if not adapter_of(version.manifest.adapter, name).rescorable:
            return because("predictions-only", version=name)
        try:
            registry.fetch(version, home)
            return Scorer.of_version(
                version.manifest, home, workbench(self.context, without_pins=True), who=f"the version {name}"
            )
        except ModelyardError as error:
            return because("not-rescored", version=name, code=error.code)
