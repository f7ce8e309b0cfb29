"""How a verdict looks: a word and a shape, so that colour never carries it alone."""

from modelyard.core.verdict import Verdict

WORDS: dict[Verdict, str] = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "fail",
    Verdict.INCONCLUSIVE: "cannot tell",
    Verdict.ERROR: "error",
    Verdict.NOT_APPLICABLE: "not applicable",
}
SIGNS: dict[Verdict, str] = {
    Verdict.PASS: "✅",
    Verdict.FAIL: "❌",
    Verdict.INCONCLUSIVE: "🟡",
    Verdict.ERROR: "⛔",
    Verdict.NOT_APPLICABLE: "➖",
}
FEW = "⏳"
"""Of a slice with too few rows to be judged: another thing than rows enough that do not tell."""
CLASSES: dict[Verdict, str] = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "fail",
    Verdict.INCONCLUSIVE: "unsure",
    Verdict.ERROR: "error",
    Verdict.NOT_APPLICABLE: "na",
}
SEVERITY: dict[Verdict, int] = {
    Verdict.ERROR: 0,
    Verdict.FAIL: 1,
    Verdict.INCONCLUSIVE: 2,
    Verdict.PASS: 3,
    Verdict.NOT_APPLICABLE: 4,
}
"""Worst first, for sorting."""
