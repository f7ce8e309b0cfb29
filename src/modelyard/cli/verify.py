"""``modelyard verify``: is the run folder, or a version in the registry, still what it was when it was written?

A version needs the registry alone: with ``--model`` no configuration is read, so it can be checked from any folder.
"""

import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from modelyard.cli.flags import Command
from modelyard.cli.session import open_context
from modelyard.config import models as config
from modelyard.core.errors import OK, ConfigError, DataError
from modelyard.models import store
from modelyard.records.chain import verify_run_folder
from modelyard.registry.base import Registry
from modelyard.registry.choose import open_registry
from modelyard.registry.verify import verify_version


def run(_command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Walk the chain and name the first broken link.

    Raises:
        DataError: something is broken, or there is nothing to verify.
    """
    version = given.get("version", "")
    if version and given.get("model"):
        with tempfile.TemporaryDirectory(prefix="modelyard-") as scratch:
            report = verify_version(_registry(given, Path(scratch)), version)
        what = f"{given['model']} {version}"
    elif version:
        context = open_context(given, quiet=True)
        report = verify_version(context.registry, version)
        what = f"{context.config.model.name} {version}"
    else:
        context = open_context(given, quiet=True)
        report = verify_run_folder(context.run_dir, store.digest)
        what = context.run_dir.name
    if not report.intact:
        first, *others = report.broken or ("nothing was there to check",)
        more = "".join(f"\n  also: {other}" for other in others[:10])
        raise DataError(
            f"{what} is not as it was recorded: {first}{more}",
            hint="Restore it from a copy, or run the step again; what was changed is never evidence.",
        )
    if given.get("json") == "true":
        print(
            json.dumps({"verdict": "pass", "exit-code": OK, "checked": report.checked, "digests": dict(report.digests)})
        )
    else:
        print(f"verified {what}: {len(report.checked)} files and records, nothing was changed")
    return OK


def _registry(given: Mapping[str, str], scratch: Path) -> Registry:
    """A registry without a configuration: of a repository on GitHub, or in the ``.modelyard`` folder that is named.

    Raises:
        ConfigError: the model's name is none, or it is not said where the registry is.
    """
    model, repository, store_dir = (given.get(name, "") for name in ("model", "repository", "store"))
    if not re.fullmatch(r"[a-z0-9-]{1,40}", model):
        raise ConfigError(f"{model[:80]!r} is no name of a model", hint="Names match [a-z0-9-]{1,40}.")
    folder = Path(store_dir or ".modelyard")
    kind = given.get("registry") or ("github" if repository else "local")
    if kind == "local" and not folder.is_dir():
        raise ConfigError(
            f"there is no local registry in {folder}",
            hint="Name its folder: --store path/to/.modelyard; or a repository on GitHub: --repository owner/name.",
        )
    environ = {**os.environ, **({"GITHUB_REPOSITORY": repository} if repository else {})}
    state = folder if kind == "local" else scratch
    return open_registry(config.Registry(durable=True), model, state, environ=environ, override=kind)
