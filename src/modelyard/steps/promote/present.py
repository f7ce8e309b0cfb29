"""promote, presented: where the alias points, or what it waits for."""

from typing import Any

from modelyard.records.envelope import Envelope
from modelyard.records.results import PromoteResult
from modelyard.steps.presenter import Plain


class PromotePresenter(Plain[PromoteResult]):
    """The move of an alias."""

    def facts(self, result: PromoteResult) -> str:
        """Return what was, would be or will be moved."""
        was = f" (was {result.previous})" if result.previous else ""
        if result.dry_run:
            target = result.version or "the next version"
            return f"a dry run: {result.alias} would move to {target}{was}; nothing was changed"
        if result.pull_request is not None:
            return f"{result.version} is published; {result.alias} moves to it when {result.pull_request.url} is merged"
        if result.already:
            return f"{result.alias} points at {result.version} already, by journal entry {result.journal}{was}"
        again = result.rolled_back
        same = f"; the same model as {again.version}, rolled back on {again.at[:10]}" if again else ""
        return f"{result.alias} now points at {result.version}{was}{same}"

    def outputs(self, envelope: Envelope, result: PromoteResult) -> dict[str, Any]:
        """Return the version, and the pull request that waits."""
        del envelope
        waits = {} if result.pull_request is None else {"pull-request": result.pull_request.url}
        return {"version": result.version, **waits}
