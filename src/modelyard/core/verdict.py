"""The four verdicts, how they combine, and the words and exit codes they turn into."""

from collections.abc import Iterable
from enum import StrEnum

from modelyard.core.errors import NOT_PASSED, OK


class Verdict(StrEnum):
    """What a gate, a step or a run concludes. ``NOT_APPLICABLE`` is listed and never counted."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    INCONCLUSIVE = "inconclusive"
    FAIL = "fail"
    ERROR = "error"
    NOT_APPLICABLE = "not-applicable"

    @property
    def words(self) -> str:
        """The headline word of a run with this verdict."""
        return _WORDS[self]

    @property
    def exit_code(self) -> int:
        """0 for pass, 1 for fail and inconclusive; an error's code comes with the error, and is 3 where none did."""
        return {Verdict.PASS: OK, Verdict.ERROR: 3}.get(self, NOT_PASSED)


_WORDS = {
    Verdict.PASS: "promote",
    Verdict.FAIL: "hold",
    Verdict.INCONCLUSIVE: "cannot tell yet",
    Verdict.ERROR: "could not judge",
    Verdict.NOT_APPLICABLE: "not applicable",
}
_SEVERITY = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.ERROR)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the most severe of the counted verdicts; nothing to count is an error, never a pass."""
    counted = [verdict for verdict in verdicts if verdict is not Verdict.NOT_APPLICABLE]
    return max(counted, key=_SEVERITY.index) if counted else Verdict.ERROR
