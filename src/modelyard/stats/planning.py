"""How many labelled test rows a series of decisions needs, before any is drawn (ease.ml/ci).

Renggli, Karlaš, Ding, Liu, Schawinski, Wu, Zhang: "Continuous Integration of Machine Learning Models with ease.ml/ci",
MLSys 2019. A condition is a conjunction of clauses such as ``n - o > 0.02 +/- 0.01``, where ``n`` is the new model's
accuracy, ``o`` the old one's, and ``d`` the share of rows on which they differ. The size is such that with the given
reliability every one of ``steps`` answers is right up to its tolerance: by Hoeffding's inequality for each variable,
the tolerance split over the variables of a clause and the error over variables, clauses and steps. Where a bound on
``d`` is known, Bennett's inequality needs far fewer rows for ``n - o``.
"""

import math
import re
from dataclasses import dataclass
from typing import Literal

from modelyard.core.errors import ConfigError

Adaptivity = Literal["none", "full"]
VARIABLES = ("n", "o", "d")
_FORM = "Write clauses such as `n > 0.8 +/- 0.05` or `n - 1.1*o > 0.01 +/- 0.01`, joined by `and`."
_CLAUSE = re.compile(r"(?P<left>[^<>]+)(?P<sign>[<>])\s*(?P<bound>-?\d*\.?\d+)\s*(?:\+/-|±)\s*(?P<tolerance>\d*\.?\d+)")
_TERM = re.compile(r"([+-]?)\s*(?:(\d*\.?\d+)\s*\*\s*)?([a-z]+)")


@dataclass(frozen=True)
class Clause:
    """``Σ coefficient · variable`` above or below a bound, decided up to a tolerance."""

    coefficients: tuple[tuple[str, float], ...]
    above: bool
    bound: float
    tolerance: float

    @property
    def is_difference(self) -> bool:
        """Return whether it is ``n - o`` or ``o - n``, as such."""
        return sorted(self.coefficients) in ([("n", 1.0), ("o", -1.0)], [("n", -1.0), ("o", 1.0)])


def parse(condition: str) -> tuple[Clause, ...]:
    """Read a condition.

    Raises:
        ConfigError: an invalid clause, which is named.
    """
    clauses = [_clause(text.strip()) for text in re.split(r"\s+and\s+|/\\", condition)]
    return tuple(clauses)


def _clause(text: str) -> Clause:
    found = _CLAUSE.fullmatch(text)
    if found is None:
        raise ConfigError(f"invalid condition {text[:80]!r}", code="command/bad-condition", hint=_FORM)
    terms: dict[str, float] = {}
    left = found["left"].strip()
    at = 0
    for term in _TERM.finditer(left):
        if left[at : term.start()].strip() or (terms and not term[1]):
            raise _not_a_sum(left)
        if term[3] not in VARIABLES:
            raise ConfigError(
                f"unknown variable {term[3][:20]!r}",
                code="command/bad-condition",
                hint=f"Known: n (new), o (old), d (differ). {_FORM}",
            )
        terms[term[3]] = terms.get(term[3], 0.0) + float(term[2] or 1) * (-1 if term[1] == "-" else 1)
        at = term.end()
    terms = {name: value for name, value in terms.items() if value}
    if left[at:].strip() or not terms:
        raise _not_a_sum(left)
    tolerance = float(found["tolerance"])
    if not 0 < tolerance < 1:
        raise ConfigError(
            f"the tolerance is {tolerance:g}", code="command/bad-condition", hint="It lies between 0 and 1."
        )
    return Clause(tuple(terms.items()), found["sign"] == ">", float(found["bound"]), tolerance)


def _not_a_sum(left: str) -> ConfigError:
    return ConfigError(f"{left[:60]!r} is not a sum of n, o and d", code="command/bad-condition", hint=_FORM)


def rows_needed(
    condition: str, *, reliability: float, steps: int, adaptivity: Adaptivity, disagreement: float | None = None
) -> int:
    """Return the rows that the whole series of decisions needs.

    Args:
        condition: clauses joined by ``and``.
        reliability: probability that every answer is right up to its tolerance, such as 0.99.
        steps: decisions on this test set.
        adaptivity: ``none`` where nobody learns an answer before all models are made; ``full`` where everybody does.
        disagreement: a bound on the share of rows on which two models differ, where one is known; used for n - o.

    Raises:
        ConfigError: an invalid condition or number.
    """
    if not 0 < reliability < 1:
        raise ConfigError(
            f"the reliability is {reliability:g}",
            code="command/bad-value",
            hint="It lies between 0 and 1, such as 0.99.",
        )
    if steps < 1:
        raise ConfigError(f"{steps} steps", code="command/bad-value", hint="At least one decision is made.")
    if disagreement is not None and not 0 < disagreement <= 1:
        raise ConfigError(
            f"the disagreement is {disagreement:g}",
            code="command/bad-value",
            hint="It is a share of the rows: above 0, at most 1.",
        )
    clauses = parse(condition)
    # ln of the error for one answer; 2 to the power of the steps is too large a number for a float at 1,024.
    answers = math.log(steps) if adaptivity == "none" else steps * math.log(2)
    each = math.log1p(-reliability) - answers - math.log(len(clauses))
    return max(_clause_size(clause, each, disagreement) for clause in clauses)


def _clause_size(clause: Clause, log_error: float, disagreement: float | None) -> int:
    if disagreement is not None and clause.is_difference:
        return math.ceil(_bennett(clause.tolerance, log_error, disagreement))
    count = len(clause.coefficients)
    split = sum(abs(coefficient) for _, coefficient in clause.coefficients)
    # With the tolerance split in proportion to the coefficients every variable needs the same number of rows.
    return math.ceil((math.log(count) - log_error) * split**2 / (2 * clause.tolerance**2))


def _bennett(tolerance: float, log_error: float, disagreement: float) -> float:
    """Return the rows of the paper's first pattern: variance at most the disagreement, error split in four."""
    ratio = tolerance / disagreement
    return (math.log(4) - log_error) / (disagreement * ((1 + ratio) * math.log1p(ratio) - ratio))
