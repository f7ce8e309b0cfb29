"""A configuration of ``task: outcomes``, from its text."""

from collections.abc import Mapping
from dataclasses import dataclass

from modelyard.config.sections.outcomes import OutcomesConfig
from modelyard.core import documents, explain
from modelyard.core.canonical import digest
from modelyard.core.documents import KeyPath, dotted, line_of
from modelyard.core.errors import Place


@dataclass(frozen=True)
class LoadedOutcomes:
    """A configuration of outcomes, and where each key stands.

    Attributes:
        config: the checked configuration.
        file: as messages name it.
        lines: key path to 1-based line.
        digest: of the configuration's meaning.
    """

    config: OutcomesConfig
    file: str
    lines: Mapping[KeyPath, int]
    digest: str

    def line_of_gate(self, at: int) -> int:
        """Return the line of a gate."""
        return line_of(self.lines, ("evaluate", "gates", at))

    def place(self, path: KeyPath) -> Place:
        """Return the place of a key, for an error about it."""
        return Place(self.file, line_of(self.lines, path), dotted(path) or None)


def parse(text: str, file: str) -> LoadedOutcomes:
    """Read a configuration of outcomes.

    Args:
        text: the file's text.
        file: the name that messages give it.

    Raises:
        ConfigError: every mistake, with its line.
    """
    tree = documents.read(text, file)
    config = explain.checked(tree, OutcomesConfig, hint="docs/outcomes.md has an example.")
    return LoadedOutcomes(config, file, tree.lines, digest(config.model_dump(mode="json")))
