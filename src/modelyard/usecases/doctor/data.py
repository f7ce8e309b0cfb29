"""Data: sets that git holds as pointers alone, and the step that fetches them."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from modelyard.config.configuration import Config
from modelyard.usecases.doctor.checkout import checkouts, of_working_jobs
from modelyard.usecases.doctor.files import configured_of
from modelyard.usecases.doctor.finding import CHECKS, Check, Finding
from modelyard.usecases.doctor.repository import Repository
from modelyard.workflows.edit import Put
from modelyard.workflows.workflow import Job, is_on

_LFS = b"version https://git-lfs.github.com/spec/v1"
_DVC_PULL = re.compile(r"\bdvc\s+(pull|fetch|get|import|repro)\b|\bdvc/action|cml")
_LFS_PULL = re.compile(r"\bgit\s+lfs\s+(pull|fetch|checkout)\b")
_REMOTE = re.compile(r"^[a-z][a-z0-9+.-]*://")
_MOST = 500


def pointers(root: Path, base: Path, config: Config) -> dict[str, str]:
    """Return how the data sets are kept outside git, by set: ``dvc`` or ``lfs``; those that git holds are not there.

    Args:
        root: the repository's top.
        base: the configuration's folder.
        config: the configuration.
    """
    found = {}
    for name, source in config.data.sets.items():
        if not _REMOTE.match(source):
            kept = _kept(root, base, source)
            if kept:
                found[name] = kept
    return found


def _kept(root: Path, base: Path, source: str) -> str:
    """Return how the files of a set are kept: by DVC's pointer beside or above them, by one of LFS in their place."""
    fixed = Path(source.split("*")[0].split("?")[0].split("[")[0])
    for above in (fixed, *fixed.parents):
        if above.name and (base / f"{above}.dvc").is_file():
            return "dvc"
    folder = base / (fixed if str(source).endswith("/") or fixed.suffix == "" else fixed.parent)
    if not folder.resolve().is_relative_to(root.resolve()):
        return ""
    if any(folder.glob("*.dvc")) if folder.is_dir() else False:
        return "dvc"
    if "*" not in source:
        files = [base / source]
    else:
        try:
            files = sorted(base.glob(source))[:_MOST]
        except (ValueError, NotImplementedError, OSError):
            return ""
    return "lfs" if any(map(_is_lfs, files)) or _by_attributes(root, base, source) else ""


def _is_lfs(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(_LFS)) == _LFS
    except OSError:
        return False


def _by_attributes(root: Path, base: Path, source: str) -> bool:
    """Return whether ``.gitattributes`` gives files of this suffix to LFS."""
    suffix = Path(source).suffix
    for folder in {root, base}:
        try:
            text = (folder / ".gitattributes").read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        for line in text.splitlines():
            pattern, *rest = line.split() or [""]
            if "filter=lfs" in rest and suffix and (pattern.endswith(suffix) or Path(source).match(pattern)):
                return True
    return False


class DataStepMissing(Check):
    """Data that nothing fetches."""

    name = "data-step-missing"
    level = "broken"
    title = "data sets kept with DVC or Git LFS, and no step that fetches them"
    why = "The checkout holds pointers, not rows; the step that reads them ends with exit code 3."
    fix = "Fetch them before: dvc pull in a step, or lfs: true in the checkout."
    mechanical = True

    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield each job that works on such data without it."""
        for workflow, job, placed in of_working_jobs(repository):
            working = [each for each in placed if each.use.reads_data]
            if not working:
                continue
            configured = configured_of(repository, working[0].step)
            if configured is None or configured.loaded is None:
                continue
            kept = pointers(repository.root, configured.loaded.path.parent, configured.loaded.config)
            for name, how in kept.items():
                if FETCHED[how](job):
                    continue
                edits = [
                    Put((*step.path, "with", "lfs"), value=True, comment="the data are kept in Git LFS")
                    for step in checkouts(job)[:1]
                    if how == "lfs"
                ]
                fix = "" if how == "lfs" else "Put a step before it:  - run: dvc pull"
                found = f"the set {name} is kept with {how}, and no step of {job.name} fetches it"
                yield self.at(workflow, working[0].step.path, found, edits=edits, fix=fix)


def _runs(pattern: re.Pattern[str], job: Job) -> bool:
    return any(pattern.search(step.run) or pattern.search(str(step.data.get("uses", ""))) for step in job.steps)


def _by_lfs(job: Job) -> bool:
    return any(is_on(step.given.get("lfs", False)) is not False for step in checkouts(job)) or _runs(_LFS_PULL, job)


FETCHED: Mapping[str, partial[bool]] = {"dvc": partial(_runs, _DVC_PULL), "lfs": partial(_by_lfs)}

CHECKS.register(DataStepMissing())
