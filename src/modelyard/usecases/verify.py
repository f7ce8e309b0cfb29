"""Verify that a run folder, or a version in a registry, still is what it was when it was written."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from modelyard.config.sections import registry as config
from modelyard.core.errors import ConfigError, DataError
from modelyard.models import store
from modelyard.records.chain import Report, verify_run_folder
from modelyard.registry.choose import open_registry
from modelyard.registry.protocol import Registry
from modelyard.registry.verify import verify_version

__all__ = ["require_intact", "standalone_registry", "verify_run", "verify_version"]


def verify_run(run_dir: Path) -> Report:
    """Check the records of a run folder link by link, its model's bytes and its report."""
    return verify_run_folder(run_dir, store.digest)


def require_intact(report: Report, subject: str) -> None:
    """Refuse what was changed.

    Raises:
        DataError: something is broken, or there is nothing to verify; the first broken link is named.
    """
    if report.intact:
        return
    first, *others = report.broken or ("nothing was there to check",)
    more = "".join(f"\n  also: {other}" for other in others[:10])
    raise DataError(
        f"{subject} is not as it was recorded: {first}{more}",
        code="record/changed",
        hint="Restore it from a copy, or run the step again; what was changed is never evidence.",
    )


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
