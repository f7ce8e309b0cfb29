"""Run every check, and mend what can be mended without thinking."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path

from modelyard.core import files
from modelyard.core.errors import OK, ConfigError, Place
from modelyard.usecases.doctor.catalogue import CHECKS
from modelyard.usecases.doctor.finding import LEVELS, Finding
from modelyard.usecases.doctor.repository import Repository
from modelyard.workflows.edit import applied
from modelyard.workflows.workflow import read

_ORDER = {level: at for at, level in enumerate(LEVELS)}
UNREADABLE = 2
FOUND = 1
_PASSES = 5
_BOM = "\ufeff"


def examine(repository: Repository) -> list[Finding]:
    """Return everything that is found, by file and line; an edit that cannot be made is left out of its finding."""
    texts = {workflow.file: workflow.text for workflow in repository.workflows}
    found = [finding for check in CHECKS for finding in check.find(repository)]
    kept = [
        finding
        if not finding.edits or applied(texts.get(finding.file, ""), finding.edits) is not None
        else replace(finding, edits=())
        for finding in found
    ]
    return sorted(kept, key=lambda each: (each.file, each.line or 0, _ORDER[each.level], each.code))


def exit_code(findings: Sequence[Finding], *, strict: bool) -> int:
    """Return 2 where a file cannot be read, 1 where something is broken or unsafe, with ``strict`` also for less."""
    levels = {finding.level for finding in findings}
    if "unreadable" in levels:
        return UNREADABLE
    counted = {"broken", "unsafe"} | ({"warning", "unknown"} if strict else set())
    return FOUND if levels & counted else OK


@dataclass(frozen=True)
class Change:
    """One file with its findings mended: what it says now and then."""

    file: str
    before: str
    after: str
    mended: tuple[Finding, ...]

    @property
    def diff(self) -> str:
        """Return the change as a unified diff."""
        lines = unified_diff(
            self.before.splitlines(keepends=True), self.after.splitlines(keepends=True), f"a/{self.file}",
            f"b/{self.file}",
        )  # fmt: skip
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def mend(repository: Repository) -> tuple[Repository, list[Change]]:
    """Make every mechanical fix, in memory; what one of them makes possible is made too.

    Returns:
        The repository as it is then, and its changed files.
    """
    before = {workflow.file: workflow for workflow in repository.workflows}
    mended: dict[str, list[Finding]] = {}
    for _ in range(_PASSES):
        texts, done = {workflow.file: workflow.text for workflow in repository.workflows}, 0
        for finding in examine(repository):
            changed = applied(texts[finding.file], finding.edits) if finding.edits else None
            if changed is not None and changed != texts[finding.file]:
                texts[finding.file], done = changed, done + 1
                mended.setdefault(finding.file, []).append(finding)
        if not done:
            break
        repository = replace(repository, workflows=tuple(read(text, file) for file, text in texts.items()))
    made = [
        Change(after.file, before[after.file].text, after.text, tuple(mended[after.file]))
        for after in repository.workflows
        if after.file in mended
    ]
    return repository, made


def write(root: Path, made: Sequence[Change]) -> None:
    """Write changed files, each as a whole; nothing is written where one of them is another than it was.

    Raises:
        ConfigError: a file changed since it was looked at, or is a link.
        PlatformError: the disk would not take it.
    """
    with_mark = {}
    for change in made:
        path = root / change.file
        raw = path.read_bytes()
        mark = _BOM.encode() if raw.startswith(_BOM.encode()) else b""
        if raw.removeprefix(mark) != change.before.encode() or files.first_link(root, Path(change.file)) is not None:
            raise ConfigError(
                "the file changed while it was looked at, or is a link; nothing was written",
                code="workflow/changed-meanwhile",
                hint="Run it again.",
                place=Place(change.file),
            )
        with_mark[path] = mark
    for change in made:
        path = root / change.file
        files.write_atomic(path, with_mark[path] + change.after.encode())
