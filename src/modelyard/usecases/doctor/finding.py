"""What a check is, and what it finds: a place, what stands there, why it matters, and the fix."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from modelyard.core.catalogue import Catalogue
from modelyard.core.documents import KeyPath
from modelyard.usecases.doctor.repository import Repository
from modelyard.workflows.edit import Edit
from modelyard.workflows.workflow import Workflow

Level = Literal["unreadable", "broken", "unsafe", "warning", "unknown", "advice"]
LEVELS: dict[Level, str] = {
    "unreadable": "A file cannot be read, so nothing can be said of it; exit code 2.",
    "broken": "It does not work, or will not when it is needed; exit code 1.",
    "unsafe": "Somebody can do what they should not be able to; exit code 1.",
    "warning": "It works, with a surprise later; exit code 1 with `--strict`.",
    "unknown": "Only a run can tell, such as where an expression stands; exit code 1 with `--strict`.",
    "advice": "It is fine as it is, and better otherwise; never changes the exit code.",
}
"""What each level means, from the worst."""


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        code: ``doctor/<what>``, that of its check.
        level: how bad it is.
        file: path relative to the repository's top.
        line: 1-based; None where it is about the file or the repository as a whole.
        found: what stands there.
        why: why it matters.
        fix: what to do.
        edits: the fix as edits of that file; empty where a person has to think.
    """

    code: str
    level: Level
    file: str
    line: int | None
    found: str
    why: str
    fix: str
    edits: tuple[Edit, ...] = ()

    @property
    def place(self) -> str:
        """``file:line``, with the parts that are known."""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "code": self.code, "level": self.level, "file": self.file, "line": self.line, "found": self.found,
            "why": self.why, "fix": self.fix, "mechanical": bool(self.edits),
        }  # fmt: skip


class Check(ABC):
    """One thing that is looked for. ``title``, ``why`` and ``fix`` are also the table in ``docs/doctor.md``."""

    name: ClassVar[str]
    """Its code without ``doctor/``."""
    level: ClassVar[Level]
    title: ClassVar[str]
    """What it looks for, for the table."""
    why: ClassVar[str]
    fix: ClassVar[str]
    mechanical: ClassVar[bool] = False
    """Whether ``--fix`` can do it, at least in the common form."""
    online: ClassVar[bool] = False
    """It asks GitHub."""

    @abstractmethod
    def find(self, repository: Repository) -> Iterator[Finding]:
        """Yield what is found."""

    def at(
        self,
        workflow: Workflow,
        path: KeyPath,
        found: str,
        *,
        edits: Sequence[Edit] = (),
        level: Level | None = None,
        fix: str = "",
    ) -> Finding:
        """Return a finding in a workflow, on the line of a key."""
        return self.say(workflow.file, workflow.line(path), found, edits=edits, level=level, fix=fix)

    def say(
        self,
        file: str,
        line: int | None,
        found: str,
        *,
        edits: Sequence[Edit] = (),
        level: Level | None = None,
        fix: str = "",
    ) -> Finding:
        """Return a finding anywhere."""
        return Finding(
            f"doctor/{self.name}", level or self.level, file, line, found, self.why, fix or self.fix, tuple(edits)
        )


CHECKS: Catalogue[Check] = Catalogue("check", "command/unknown-check")
"""Every check, in the order in which the families register them."""
