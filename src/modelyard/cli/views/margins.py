"""Margins that a test set can resolve, in words."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelyard.evaluation.suggest import Suggestion


def lines(suggestion: "Suggestion") -> Iterator[str]:
    """Tell what is worth writing as a margin."""
    gain = "" if suggestion.baseline is None else f", baseline {suggestion.baseline:.4g}"
    yield f"{suggestion.metric}: {suggestion.score:.4g} over {suggestion.folds} folds of the training rows{gain}"
    if suggestion.resolvable is None:
        yield "  resolvable  not known: two candidates that differ are needed"
    else:
        yield f"  resolvable  margins from about {suggestion.resolvable:.2g} on, with {suggestion.rows:,} test rows"
    if suggestion.worth is None:
        yield "  worth       not known: this record does not tell the baseline's score, so that no margin is named"
    elif not suggestion.worth:
        yield "  worth       nothing: the best candidate does not beat the baseline"
    else:
        yield f"  worth       a tenth of the gain is {suggestion.worth:.2g}"
    if suggestion.resolvable is not None and suggestion.worth and suggestion.resolvable > suggestion.worth:
        times = (suggestion.resolvable / suggestion.worth) ** 2
        yield f"  too small   a margin worth writing needs about {times:.1f} times the test rows"
    if suggestion.margin is not None:
        yield f"  write       {{metric: {suggestion.metric}, no_worse_than: champion, margin: {suggestion.margin:.2g}}}"
