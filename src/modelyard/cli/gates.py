"""``modelyard gates suggest``: margins that this test set can resolve, before anybody has seen it judge."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from modelyard.cli.flags import Command
from modelyard.cli.session import open_context
from modelyard.core.errors import OK, ConfigError, DataError, nearest
from modelyard.records.results import TrainResult

if TYPE_CHECKING:
    from modelyard.evaluation.suggest import Suggestion

ACTIONS = ("suggest",)


def run(command: Command, given: Mapping[str, str], positional: list[str]) -> int:
    """Print them; nothing is written.

    Raises:
        ConfigError: another action.
        DataError: there is no training to learn from.
    """
    from modelyard.evaluation.suggest import suggest

    if positional[0] not in ACTIONS:
        hint = nearest(positional[0], ACTIONS)
        raise ConfigError(f"modelyard gates has no action {positional[0][:40]!r}. {hint}".strip(),
                          hint=f"Example: {command.example}")  # fmt: skip
    context = open_context(given, quiet=True)
    envelope = context.record_or_none("train")
    trained = None if envelope is None else envelope.record.outcome
    found = suggest(trained) if isinstance(trained, TrainResult) else None
    if found is None:
        raise DataError(
            "there are no cross-validated candidates to learn from",
            hint="Run `modelyard train` with train.candidates; margins are estimated on its folds, never on test rows.",
        )
    if given.get("json") == "true":
        print(json.dumps(asdict(found)))
    else:
        print("\n".join(told(found)))
    return OK


def told(found: "Suggestion") -> Iterator[str]:
    """The suggestion in words."""
    gain = "" if found.baseline is None else f", baseline {found.baseline:.4g}"
    yield f"{found.metric}: {found.score:.4g} over {found.folds} folds of the training rows{gain}"
    if found.resolvable is None:
        yield "  resolvable  not known: two candidates that differ are needed"
    else:
        yield f"  resolvable  margins from about {found.resolvable:.2g} on, with {found.rows:,} test rows"
    if found.worth is None:
        yield "  worth       not known: this record does not tell the baseline's score, so that no margin is named"
    elif not found.worth:
        yield "  worth       nothing: the best candidate does not beat the baseline"
    else:
        yield f"  worth       a tenth of the gain is {found.worth:.2g}"
    if found.resolvable is not None and found.worth and found.resolvable > found.worth:
        times = (found.resolvable / found.worth) ** 2
        yield f"  too small   a margin worth writing needs about {times:.1f} times the test rows"
    if found.margin is not None:
        yield f"  write       {{metric: {found.metric}, no_worse_than: champion, margin: {found.margin:.2g}}}"
