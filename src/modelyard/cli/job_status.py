"""``modelyard conclude``: the root action's last step, which ends as the first stage that did not end well."""

import os
from collections.abc import Mapping

from modelyard.cli import runner
from modelyard.cli.flags import Command
from modelyard.cli.step_table import STAGES
from modelyard.core import terminal
from modelyard.core.errors import INTERNAL, OK, ConfigError
from modelyard.core.verdict import Verdict, worst

WHEN = ("always", "on-change", "on-failure", "off", "true", "false")
"""When to comment on a pull request."""
_VERDICTS = tuple(verdict.value for verdict in Verdict)


def run(_command: Command, _given: Mapping[str, str], _positional: list[str]) -> int:
    """Read how each stage ended from MODELYARD_<STAGE>: outcome, exit code and verdict, with blanks between."""
    wanted = os.environ.get("MODELYARD_COMMENT_WANTED", "")
    if wanted not in ("", *WHEN):
        raise ConfigError(
            f"input 'comment' is {wanted[:40]!r}", code="command/bad-input", hint=f"Allowed: {', '.join(WHEN)}."
        )
    code, verdict = conclude({stage: os.environ.get(f"MODELYARD_{stage.upper()}", "") for stage in STAGES})
    runner.outputs({"verdict": verdict.value, "exit-code": code})
    terminal.put(f"verdict: {verdict.value} ({verdict.words}), exit code {code}")
    return code


def conclude(told: Mapping[str, str]) -> tuple[int, Verdict]:
    """Return the run's exit code and verdict.

    Args:
        told: stage to "outcome exit-code verdict", as far as each is known; a stage that did not run is "skipped".
    """
    code, verdicts = OK, []
    for stage, text in told.items():
        outcome, number, verdict = (*text.split(), "", "", "")[:3]
        if outcome in ("", "skipped"):
            continue
        if outcome == "success" and number == "0":
            known = verdict in _VERDICTS
        else:
            code = code or (int(number) if number.isdigit() and number != "0" else INTERNAL)
            known = verdict in _VERDICTS and number.isdigit()
        if outcome == "success" and not STAGES.get(stage, True):
            continue
        verdicts.append(Verdict(verdict) if known else Verdict.ERROR)
    verdict_of_run = worst(verdicts)
    return code or (INTERNAL if verdict_of_run is Verdict.ERROR else OK), verdict_of_run
