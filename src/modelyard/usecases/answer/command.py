"""What a command is: its name, the argument that it takes, and what it does."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from modelyard.core.catalogue import Catalogue
from modelyard.core.reasons import Reason
from modelyard.github.client import GitHub
from modelyard.records.results import GateResult
from modelyard.usecases.answer.spec import AnswerInputs
from modelyard.usecases.explain_gate import Judged

PULLS = "pull-requests: write"
Story = Callable[[GateResult, Judged], Iterator[str]]
"""Tells a gate's verdict, line by line."""


@dataclass(frozen=True)
class Answer:
    """What came of a command: a code with its values, and lines of text that are somebody else's."""

    reason: Reason
    done: bool = False
    quoted: str = ""


@dataclass
class Desk:
    """What a command works with.

    Attributes:
        client: the repository.
        inputs: names of the workflows.
        number: of the pull request.
        branch: the default branch, whose workflows are started.
        author: login of who asked.
        asked: when, as GitHub writes moments.
        url: address of the comment.
        story: how a gate's verdict is told.
    """

    client: GitHub
    inputs: AnswerInputs
    number: int
    branch: str
    author: str
    asked: str
    url: str
    story: Story = field(repr=False)

    @cached_property
    def pull(self) -> Mapping[str, Any]:
        """The pull request as GitHub has it now, asked for once."""
        found: Mapping[str, Any] = self.client.get(f"pulls/{self.number}", needs=PULLS)
        return found

    @property
    def reason(self) -> str:
        """Why something is started, for the history: who asked for it, and where."""
        return f"asked for by {self.author}: {self.url}"


class PullCommand(ABC):
    """One command."""

    name: ClassVar[str]
    usage: ClassVar[str]
    """How it is written, after ``/modelyard``."""
    does: ClassVar[str]
    """What it does, for the list."""
    argument: ClassVar[re.Pattern[str] | None] = None
    """What its one argument must match; None where it takes none."""
    acts: ClassVar[bool] = True
    """It starts something, which must not happen twice."""

    @abstractmethod
    def answer(self, desk: Desk, argument: str) -> Answer:
        """Do it.

        Raises:
            GitHubError: GitHub would not do it, or its answer was lost.
        """


COMMANDS: Catalogue[PullCommand] = Catalogue("command", "command/unknown")
"""The commands, in the order in which they are listed."""
