"""``modelyard verify``: is the run folder, or a version in the registry, still what it was when it was written?"""

import json
from collections.abc import Mapping

from modelyard.cli.flags import Command
from modelyard.cli.open import open_context
from modelyard.errors import OK, DataError
from modelyard.models import store
from modelyard.records.chain import verify_run_folder
from modelyard.registry.verify import verify_version


def run(_command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Walk the chain and name the first broken link.

    Raises:
        DataError: something is broken, or there is nothing to verify.
    """
    context = open_context(given, quiet=True)
    version = given.get("version", "")
    if version:
        report = verify_version(context.registry, version)
        what = f"{context.config.model.name} {version}"
    else:
        report = verify_run_folder(context.run_dir, store.digest)
        what = context.run_dir.name
    if not report.intact:
        first, *others = report.broken or ("nothing was there to check",)
        more = "".join(f"\n  also: {other}" for other in others[:10])
        raise DataError(
            f"{what} is not as it was recorded: {first}{more}",
            do="Restore it from a copy, or run the step again; what was changed is never evidence.",
        )
    if given.get("json") == "true":
        print(
            json.dumps({"verdict": "pass", "exit-code": OK, "checked": report.checked, "digests": dict(report.digests)})
        )
    else:
        print(f"verified {what}: {len(report.checked)} files and records, nothing was changed")
    return OK
