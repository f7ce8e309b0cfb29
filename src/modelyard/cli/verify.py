"""``modelyard verify``: are run folder and registry, or one version, still what they were when they were written?

A version needs the registry alone: with ``--model`` no configuration is read, so it can be checked from any folder.
"""

import os
from collections.abc import Mapping

from modelyard.cli import formats
from modelyard.cli.flags import Command
from modelyard.cli.session import open_context
from modelyard.core.errors import OK
from modelyard.registry.protocol import Registry
from modelyard.usecases.verify import Verified, standalone_registry, verify_all, verify_registry, verify_version


def run(_command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Walk the chain and name the first broken link."""
    model, repository, store = (given.get(name, "") for name in ("model", "repository", "store"))
    version = given.get("version", "")
    if model:
        named = {"repository": repository, "store_folder": store, "kind": given.get("registry", "")}
        with standalone_registry(model, **named, environ=os.environ) as registry:
            verified = _of_registry(registry, version)
    else:
        context = open_context(given, quiet=True)
        verified = (
            _of_registry(context.versions.open(), version)
            if version
            else verify_all(context.run_dir, context.versions.open())
        )
    lines = [
        f"verified {subject}: {len(report.checked)} files and records, nothing was changed"
        for subject, report in verified.reports.items()
    ]
    lines += [f"{subject}: nothing to verify" for subject in verified.absent]
    data = {"verdict": "pass", "exit-code": OK, "checked": verified.checked, "digests": verified.digests}
    formats.show_lines(given, lines, data)
    return OK


def _of_registry(registry: Registry, version: str) -> Verified:
    return verify_version(registry, version) if version else verify_registry(registry)
