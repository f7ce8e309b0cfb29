"""Plan a test set: the labelled rows that a series of decisions, or one gate, needs before any is drawn."""

from modelyard.core.errors import ConfigError
from modelyard.stats.planning import rows_needed

__all__ = ["rows_needed", "rows_to_pass"]


def rows_to_pass(margin: float, disagreement: float) -> int:
    """Return the rows on which a model exactly as good passes a ``no_worse_than`` gate four times in five.

    Raises:
        ConfigError: a margin or a disagreement that no gate can have.
    """
    from modelyard.stats.power import rows_to_pass as rows

    try:
        return rows(margin, disagreement)
    except ValueError as error:
        raise ConfigError(
            f"--margin {margin:g} --disagreement {disagreement:g}: {error}", code="command/bad-value"
        ) from error
