"""``validate``: suites of expectations."""

from typing import Annotated

from pydantic import Field

from modelyard.core.sections import Name, Section, Text


class Validate(Section):
    """Expectation suites."""

    suites: Annotated[dict[Name, Text], Field(min_length=1)]
    """Great Expectations suite file per data set."""
