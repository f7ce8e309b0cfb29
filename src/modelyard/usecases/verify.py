"""Verify that a run folder and a registry, or one version, still are what they were when they were written."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from modelyard.config.sections import registry as config
from modelyard.core.errors import ConfigError, DataError
from modelyard.models import store
from modelyard.records.chain import Report, verify_run_folder
from modelyard.registry import verify
from modelyard.registry.choose import open_registry
from modelyard.registry.protocol import Registry


@dataclass(frozen=True)
class Verified:
    """What was verified: each subject with its report, where there was anything to verify."""

    reports: Mapping[str, Report]
    absent: tuple[str, ...] = ()

    @property
    def digests(self) -> dict[str, str]:
        """Return the digest of every file, record and version that was checked."""
        return {name: digest for report in self.reports.values() for name, digest in report.digests.items()}

    @property
    def checked(self) -> list[str]:
        """Return what was checked, in order."""
        return [name for report in self.reports.values() for name in report.checked]


def verify_version(registry: Registry, reference: str) -> Verified:
    """Verify one version: manifest, files, records and evidence.

    Raises:
        ConfigError: no such version.
        DataError: it was changed.
        PlatformError: the registry cannot be read.
    """
    return _intact({f"{registry.model} {reference}": verify.verify_version(registry, reference)})


def verify_registry(registry: Registry) -> Verified:
    """Verify the journal link by link, and every version.

    Raises:
        DataError: something was changed, or there is nothing to verify.
    """
    return _intact({f"the registry of {registry.model}": verify.verify_registry(registry)})


def verify_all(run_dir: Path, registry: Registry) -> Verified:
    """Verify the run folder and the whole registry; one of them may have nothing to verify.

    Raises:
        DataError: something was changed, or there is nothing to verify in both.
    """
    run = verify_run_folder(run_dir, store.digest)
    return _intact({run_dir.name: run, f"the registry of {registry.model}": verify.verify_registry(registry)})


def _intact(reports: Mapping[str, Report]) -> Verified:
    present = {subject: report for subject, report in reports.items() if report.checked} or reports
    for subject, report in present.items():
        if not report.intact:
            first, *others = report.broken or ("nothing was there to check",)
            more = "".join(f"\n  also: {other}" for other in others[:10])
            raise DataError(
                f"{subject} is not as it was recorded: {first}{more}",
                code="record/changed",
                hint="Restore it from a copy, or run the step again; what was changed is never evidence.",
            )
    return Verified(present, tuple(subject for subject in reports if subject not in present))


@contextmanager
def standalone_registry(
    model: str, *, repository: str, store_folder: str, kind: str, environ: Mapping[str, str]
) -> Iterator[Registry]:
    """Open a registry without a configuration.

    Args:
        model: name of the model.
        repository: ``owner/name`` on GitHub, or an empty string.
        store_folder: the ``.modelyard`` folder of a local registry, or an empty string.
        kind: kind of registry, or an empty string: github where a repository is given, else local.
        environ: environment variables.

    Raises:
        ConfigError: not the name of a model, or no registry in this place.
    """
    if not re.fullmatch(r"[a-z0-9-]{1,40}", model):
        raise ConfigError(
            f"invalid model name {model[:80]!r}", code="config/bad-name", hint="Names match [a-z0-9-]{1,40}."
        )
    folder = Path(store_folder or ".modelyard")
    kind = kind or ("github" if repository else "local")
    if kind == "local" and not folder.is_dir():
        raise ConfigError(
            f"there is no local registry in {folder}",
            code="registry/not-found",
            hint="Name its folder: --store path/to/.modelyard; or a repository on GitHub: --repository owner/name.",
        )
    named = {**environ, **({"GITHUB_REPOSITORY": repository} if repository else {})}
    with TemporaryDirectory(prefix="modelyard-") as scratch:
        state = folder if kind == "local" else Path(scratch)
        yield open_registry(config.Registry(durable=True), model, state, environ=named, override=kind)
