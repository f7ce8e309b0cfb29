"""What templates run against: a GitHub with state, whose every call has to be as published."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub import Hub, hub

READ, WRITE, COMMENT = "ghs_read", "ghs_write", "ghs_comment"


@pytest.fixture
def github(tmp_path: Path) -> Iterator[Hub]:
    """An empty GitHub; modules whose jobs may do other things have one of their own."""
    with hub(tmp_path / "github") as running:
        # A job's token may do what its job's permissions say; act has one token, so the widest of the workflow's jobs.
        running.tokens[WRITE] = {"contents"}
        running.tokens[COMMENT] = {"pull-requests"}
        yield running
        assert running.violations == []
