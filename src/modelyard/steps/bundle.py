"""What a version carries beside its model and records: environment, golden rows, profile, and a predict command's code.

Evaluation puts it into the run folder and writes its digests into the record, so that promotion, perhaps in a job that
checked nothing out, publishes exactly that.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from modelyard.core.errors import ModelyardError
from modelyard.core.files import replace_folder, sha256_file, write_atomic
from modelyard.models import environment, pinned
from modelyard.models.scorer import COMMAND_LOCK, ENVIRONMENT
from modelyard.records.envelope import Envelope
from modelyard.records.results import EvaluateResult
from modelyard.registry.bundle import collect
from modelyard.steps.context import Context
from modelyard.steps.outside_code import outside_folders
from modelyard.vcs import tree

FOLDERS = ("golden", "profile", "code")
LOCK = "requirements.lock"
"""The hashed file that the packages were installed from; locally there is one where the user pins packages."""


def prepare(context: Context) -> dict[str, str]:
    """Write the environment and the predict command's code into the run folder.

    Returns:
        Path in the version to digest, of everything that is carried.
    """
    here = context.find_interpreter()
    write_atomic(context.run_dir / ENVIRONMENT, environment.environment_text(here.environment).encode())
    _keep(here.lock or Path(sys.prefix) / pinned.LOCK, context.run_dir / LOCK)
    _keep(command_lock(context), context.run_dir / COMMAND_LOCK)
    shutil.rmtree(context.run_dir / "code", ignore_errors=True)
    if context.config.evaluate.predict is not None:
        folder = Path(tempfile.mkdtemp(dir=context.run_dir, prefix=".code."))
        try:
            for name, source in command_files(context).items():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
            replace_folder(folder / "code" if (folder / "code").is_dir() else folder, context.run_dir / "code")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return digests(carried(context.run_dir))


def carried(run_dir: Path) -> dict[str, Path]:
    """Path in the version to file, of what a run folder holds.

    Raises:
        DataError: a link among them, or no environment.
    """
    folders = {name: run_dir / name for name in FOLDERS if (run_dir / name).is_dir()}
    locks = {name: run_dir / name for name in (LOCK, COMMAND_LOCK) if (run_dir / name).is_file()}
    return collect({**folders, **locks, ENVIRONMENT: run_dir / ENVIRONMENT})


def command_lock(context: Context) -> Path | None:
    """Return the requirements of the commands' own environment, which their model is scored in later."""
    named = context.config.train.environment if context.config.train else None
    return None if named is None else context.policy.own_file(named, "train.environment")


def _keep(source: Path | None, target: Path) -> None:
    """Copy a file; where there is none, what an earlier run left goes."""
    if source is not None and source.is_file():
        write_atomic(target, source.read_bytes())
    else:
        target.unlink(missing_ok=True)


def digests(files: dict[str, Path]) -> dict[str, str]:
    """Path in the version to the sha256 of the file."""
    return {name: sha256_file(path) for name, path in files.items()}


def command_files(context: Context) -> dict[str, Path]:
    """Return the files beside a predict command, so that its version can be scored with its own code.

    Raises:
        ConfigError: the command names a file that no version can carry.
    """
    predict, base = context.config.evaluate.predict, context.policy.base
    if predict is None:
        return {}
    found = {f"code/{path.relative_to(base).as_posix()}": path for path in tree.source_files(base)}
    for place, folder in outside_folders(predict.command, base, context.root).items():
        files = tree.source_files(folder, exclude=[base])
        found |= {f"code/{place}/{path.relative_to(folder).as_posix()}": path for path in files}
    return found


def intact(run_dir: Path, evaluation: Envelope) -> bool:
    """Return whether a run folder still holds what an evaluation says that a version carries."""
    try:
        return digests(carried(run_dir)) == evaluation.record.read(EvaluateResult).carried
    except ModelyardError:
        return False
