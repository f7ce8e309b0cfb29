"""validate, presented: expectations by how they ended."""

from modelyard.github.log import Annotation, Level
from modelyard.records.envelope import Envelope
from modelyard.records.results import ValidateResult
from modelyard.report import expectations
from modelyard.steps.presenter import Places, Plain


class ValidatePresenter(Plain[ValidateResult]):
    """Counts of expectations, and each that did not pass."""

    def facts(self, result: ValidateResult) -> str:
        """Return how many expectations ended how."""
        states = [expectation.state for suite in result.suites for expectation in suite.expectations]
        return ", ".join(
            f"{states.count(state)} {state}" for state in ("passed", "failed", "errored", "vacuous") if state in states
        )

    def lines(self, envelope: Envelope, result: ValidateResult) -> list[str]:
        """Return the expectations that did not pass."""
        del envelope
        return [
            f"  {item.state}: {suite.set} · {item.type} {expectations.subject(item)}: "
            f"{expectations.observed(item) or expectations.notes(item)} (expected {expectations.expected(item)})"
            for suite in result.suites
            for item in suite.expectations
            if item.state != "passed"
        ]

    def annotations(self, envelope: Envelope, result: ValidateResult, places: Places, level: Level) -> list[Annotation]:
        """Return one for each expectation that did not pass, at its line in the suite."""
        del envelope
        found = []
        for suite in result.suites:
            file = places.suites.get(suite.set, "")
            for item in suite.expectations:
                if item.state != "passed":
                    words = (expectations.expected(item), expectations.observed(item), expectations.notes(item))
                    text = "; ".join(filter(None, (f"{item.type} on {expectations.subject(item)}", *words)))
                    line = item.line if file else None
                    found.append(Annotation(level, text, title=f"{suite.set}: {item.state}", file=file, line=line))
        return found
