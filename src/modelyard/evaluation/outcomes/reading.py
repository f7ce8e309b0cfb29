"""A file of outcomes, read in the format that is named or that its suffix tells."""

from pathlib import Path

from modelyard.core.errors import ConfigError
from modelyard.core.vocabulary import OutcomeFormat
from modelyard.evaluation.outcomes.attempts import Attempt
from modelyard.evaluation.outcomes.formats import FORMATS
from modelyard.evaluation.outcomes.formats.format import Ask, Format


def read(path: Path, name: OutcomeFormat | None, ask: Ask, where: str) -> list[Attempt]:
    """Read a file.

    Args:
        path: the file.
        name: its format; None for what its suffix tells.
        ask: what of it.
        where: what messages call it.

    Raises:
        ConfigError: an unknown format, or none where one has to be named, or a selection that it does not have.
        DataError: as ``Format.read``.
    """
    found = _by_suffix(path, where) if name is None else FORMATS.get(name)
    for key in ("case", "outcome", "repeat", "cost"):
        if getattr(ask, key) and key not in found.takes:
            raise ConfigError(
                f"{where}: {key} means nothing in the format {found.name}",
                code="outcomes/unknown-selection",
                hint="Remove it: the format says itself what it is.",
            )
    for key in ask.only:
        if key not in found.selects:
            raise ConfigError(
                f"{where}: only {key} means nothing in the format {found.name}",
                code="outcomes/unknown-selection",
                hint=f"It may choose {' and '.join(found.selects)}." if found.selects else "Remove it.",
            )
    return found.read(path, ask, where)


def _by_suffix(path: Path, where: str) -> Format:
    for each in FORMATS:
        if path.name.lower().endswith(each.suffixes) and each.suffixes:
            return each
    raise ConfigError(
        f"{where}: the format of {path.name[:80]} is not told by its name",
        code="outcomes/unnamed-format",
        hint=f"Name it: format: {', '.join(FORMATS.names())}.",
    )
