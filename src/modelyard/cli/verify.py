"""``modelyard verify``: is the run folder, or a version in the registry, still what it was when it was written?

A version needs the registry alone: with ``--model`` no configuration is read, so it can be checked from any folder.
"""

import os
from collections.abc import Mapping

from modelyard.cli import formats
from modelyard.cli.flags import Command
from modelyard.cli.session import open_context
from modelyard.core.errors import OK
from modelyard.records.chain import Report
from modelyard.usecases.verify import require_intact, standalone_registry, verify_run, verify_version


def run(_command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Walk the chain and name the first broken link."""
    report, subject = _verified(given)
    require_intact(report, subject)
    formats.show_lines(
        given,
        [f"verified {subject}: {len(report.checked)} files and records, nothing was changed"],
        {"verdict": "pass", "exit-code": OK, "checked": report.checked, "digests": dict(report.digests)},
    )
    return OK


def _verified(given: Mapping[str, str]) -> tuple[Report, str]:
    version, model, repository, store = (given.get(name, "") for name in ("version", "model", "repository", "store"))
    if version and model:
        kind = given.get("registry", "")
        with standalone_registry(
            model, repository=repository, store_folder=store, kind=kind, environ=os.environ
        ) as registry:
            return verify_version(registry, version), f"{model} {version}"
    context = open_context(given, quiet=True)
    if version:
        return verify_version(context.registry, version), f"{context.config.model.name} {version}"
    return verify_run(context.run_dir), context.run_dir.name
