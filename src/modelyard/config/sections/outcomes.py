"""``evaluate.outcomes``: files of what a harness found of each case, which are judged without a model or data."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from modelyard.config.sections.gate import Gate
from modelyard.core.sections import Section, Text, worded, wrong
from modelyard.core.vocabulary import Direction, OutcomeFormat

OUTCOMES = "outcomes"
"""The task of such a configuration."""


class OutcomesModel(Section):
    """What is being judged."""

    name: Annotated[str, worded(r"^[a-z0-9-]{1,40}$", "lower-case letters, digits and hyphens, at most 40")]
    """Its name: lower-case letters, digits and hyphens, at most 40."""
    task: Literal["outcomes"]
    """outcomes: a harness says of each case whether it passed, or a score."""


class OutcomesFile(Section):
    """One file, and which part of it."""

    file: Text
    """The file, relative to this one."""
    only: dict[Text, Text] = Field(default_factory=dict)
    """Which results of several: provider and prompt (promptfoo), scorer (inspect), metric (deepeval)."""


class Outcomes(Section):
    """Where the outcomes are, and how they are read."""

    challenger: OutcomesFile | Text
    """The challenger's outcomes: a file, or {file: …, only: {provider: …}}."""
    champion: OutcomesFile | Text | None = None
    """The champion's outcomes of the same cases, such as the file that was kept when it was promoted."""
    format: OutcomeFormat | None = None
    """How the files are written. Default: junit for .xml, table for .jsonl, .csv and .parquet."""
    case: Text | None = None
    """What names a case: a column of a table; description, vars.<name> or metadata.<name> of promptfoo; name or
    metadata.<name> of deepeval."""
    outcome: Text | None = None
    """Column of a table that says pass or fail, or holds a score."""
    repeat: Text | None = None
    """Column of a table that tells several attempts at one case apart."""
    cost: Text | None = None
    """Column of a table with what an attempt cost; other formats bring their own."""
    direction: Direction = "higher"
    """Whether a higher or a lower score is better."""
    unit: Text | None = None
    """A column, property or metadata whose values are independent, such as the conversation. Default: the case."""

    @model_validator(mode="after")
    def _tables_name_their_columns(self) -> Self:
        if self.format == "table" and (self.case is None or self.outcome is None):
            raise wrong(
                "a table needs its columns named: case and outcome",
                code="config/outcome-columns",
                at=("format",),
                hint="Example: case: id, outcome: passed.",
            )
        return self

    @property
    def sides(self) -> dict[str, OutcomesFile]:
        """The files by role."""
        given = {"challenger": self.challenger, "champion": self.champion}
        return {
            role: OutcomesFile(file=each) if isinstance(each, str) else each
            for role, each in given.items()
            if each is not None
        }


class OutcomesEvaluate(Section):
    """How outcomes are judged."""

    outcomes: Outcomes
    """The files."""
    gates: Annotated[tuple[Gate, ...], Field(min_length=1)]
    """The rules, on pass_rate, mean_score and mean_cost."""
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    """Level of the two-sided intervals that are printed and that decide."""


class OutcomesConfig(Section):
    """A configuration of ``task: outcomes``, for ``modelyard judge``."""

    model: OutcomesModel
    """What is being judged."""
    evaluate: OutcomesEvaluate
    """How it is judged."""
