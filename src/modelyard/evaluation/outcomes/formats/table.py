"""A table: one row an attempt, in any file that data sets are read from."""

from pathlib import Path
from typing import Any, ClassVar

from modelyard.core.errors import ConfigError, DataError
from modelyard.core.vocabulary import DATA_SUFFIXES, OutcomeFormat
from modelyard.data.reading import read, require_columns
from modelyard.evaluation.outcomes.attempts import Attempt, number_of, outcome_of
from modelyard.evaluation.outcomes.formats.format import Ask, Format


class Table(Format):
    """Columns by name: the case, its outcome, and what else is asked for."""

    name: ClassVar[OutcomeFormat] = "table"
    takes: ClassVar[tuple[str, ...]] = ("case", "outcome", "repeat", "cost")
    suffixes: ClassVar[tuple[str, ...]] = DATA_SUFFIXES

    def read(self, path: Path, ask: Ask, where: str) -> list[Attempt]:
        """Read a file."""
        if not path.is_file():
            raise DataError(
                f"{where}: no such file", code="outcomes/no-file", hint="Run the harness first, and name what it wrote."
            )
        try:
            frame = read((path,))
        except DataError as error:
            message = error.message.removeprefix(f"{path.as_posix()}: ")
            raise DataError(f"{where}: {message}", code="outcomes/unreadable", hint=error.hint) from error
        return of_frame(frame, ask, where)


def of_frame(frame: Any, ask: Ask, where: str) -> list[Attempt]:
    """Return the attempts of a Polars frame.

    Raises:
        ConfigError: it is not said which columns hold case and outcome.
        DataError: no such column, a row without a case, or a value that is no outcome.
    """
    if not ask.case or not ask.outcome:
        raise ConfigError(
            f"{where}: a table needs its columns named: case and outcome",
            code="config/outcome-columns",
            hint=f"Its columns: {', '.join(frame.columns)}. Example: case: id, outcome: passed.",
        )
    named = {"case": ask.case, "outcome": ask.outcome, "repeat": ask.repeat, "cost": ask.cost}
    needed = {column: key for key, column in named.items() if column} | dict.fromkeys(ask.tags, "tags")
    require_columns(frame.columns, needed, where)
    nameless = int(frame[ask.case].null_count())
    if nameless:
        raise DataError(
            f"{where}: {nameless:,} rows have no {ask.case!r}, which names the case",
            code="outcomes/no-case",
            hint="Give every row its case.",
        )
    found = []
    for row in frame.iter_rows(named=True):
        passed, score = outcome_of(row[ask.outcome], f"{where}, column {ask.outcome!r}")
        found.append(
            Attempt(
                str(row[ask.case]),
                str(row[ask.repeat]) if ask.repeat else "",
                passed,
                score,
                number_of(row[ask.cost], f"{where}, column {ask.cost!r}") if ask.cost else None,
                {name: str(row[name]) for name in ask.tags if row[name] is not None},
            )
        )
    return found
