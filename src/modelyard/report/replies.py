"""The sentences of replies to commands in comments, as GitHub Markdown."""

from collections.abc import Mapping

from modelyard.core.reasons import Reason, Value
from modelyard.report import escape

REPLIES: Mapping[str, str] = {
    "begun": "Starting. Where this still stands here in some minutes, look under Actions whether it did.",
    "interrupted": "The job that answered was ended half-way and is not repeated: look under Actions whether it was "
    "started, then ask again in a new comment.",
    "started": "Started {workflow}: {url}. It proves or judges what it promotes, and waits for its environment's "
    "reviewers.",
    "evaluating": "Runs once more for {head}: {url}",
    "why": "As reported by {url}, whose code could have written anything here:",
    "several-commands": "There are several commands in one comment; nothing was done. Write one a comment.",
    "unknown-command": "There is no such command; nothing was done.",
    "bad-argument": "The command takes another argument, or none; nothing was done.",
    "pull-closed": "This pull request is closed; nothing was done.",
    "no-run": "There is no run of {workflow} for this head yet; push, or run it by hand.",
    "head-moved": "The head is {head}, and it may have been pushed after you wrote; nothing was done. Look at it, then "
    "ask again.",
    "runs-already": "It runs already: {url}",
    "waits-for-approval": "The run waits for somebody to approve it: {url}",
    "no-verdict": "There is no verdict for {head} yet.",
    "no-records": "The run kept no evaluation that can be read: {url}",
    "unknown-gate": "There is no gate or metric {gate}. There are:",
    "refused": "GitHub answers {status}; nothing was done. The log of this job says more: {url}",
    "lost": "GitHub did not say whether it was done. Look under Actions before you ask again. The log: {url}",
}
"""Code → sentence. Values are shown as code, addresses as they are."""
_LISTED = ("several-commands", "unknown-command", "bad-argument")


def said(kind: str, **values: Value) -> Reason:
    """Return what came of a command, as a code of ``REPLIES`` with what its sentence names."""
    return Reason(kind, values)


def reply(reason: Reason, allowed: Mapping[str, str], *, quoted: str = "") -> str:
    """Return a reply.

    Args:
        reason: what came of the command.
        allowed: every command with what it does, listed where somebody made a mistake.
        quoted: text of a run, shown as text and nothing else.
    """
    values = {name: _shown(name, str(value)) for name, value in reason.values.items()}
    lines = [REPLIES[reason.code].format_map(values)]
    if quoted:
        lines += ["", escape.fenced(quoted, longest=20_000)]
    if reason.code in _LISTED:
        rows = [f"| {escape.code(usage, in_table=True)} | {escape.plain(does)} |" for usage, does in allowed.items()]
        lines += ["", "| command | what it does |", "|---|---|", *rows]
    return "\n".join(lines) + "\n"


def _shown(name: str, value: str) -> str:
    """Return a value as it stands in a sentence; an address only where it is one of a run."""
    if name == "url" and value.startswith("https://") and not set(value) & set(" <>()[]`\"'\\"):
        return value
    return "see Actions" if name == "url" else escape.code(value)
