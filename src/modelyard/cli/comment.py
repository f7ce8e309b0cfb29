"""``modelyard report --part comment``: the records rendered anew, as the one comment on the pull request.

It reads records and nothing else, so it runs in a job that checks nothing out. A comment that cannot be written never
changes a verdict: the step stays green and says why.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from modelyard import files
from modelyard.cli import runner
from modelyard.errors import OK, ConfigError, PlatformError
from modelyard.github.client import GitHub
from modelyard.github.comments import Marker, Posted, upsert
from modelyard.github.event import Event, read_event
from modelyard.github.log import Annotation
from modelyard.report.conclusion import headline
from modelyard.report.markdown import render_markdown
from modelyard.steps.report import shown_records

BUDGET = 60_000
_SAID = {
    "created": "commented",
    "updated": "updated the comment",
    "unchanged": "the comment says this already",
    "newer": "did not comment: a newer head or run of this pull request speaks for it",
}


def run(given: Mapping[str, str]) -> int:
    """Render and post; returns the exit code, which no comment changes."""
    event = read_event(os.environ)
    if event is None:
        raise ConfigError("there is no pull request to comment on at a desk", do="Look at report.md and report.html.")
    run_dir = files.inside(Path.cwd(), given.get("run-dir", "modelyard-run"), what="run-dir")
    records = shown_records(run_dir)
    if event.number is None or event.head is None:
        return _ended(run_dir, f"nothing to comment on: this is {event.name}, not a pull request")
    if not records:
        return _ended(run_dir, "there are no records to comment on; the job that evaluates ended before it wrote any")
    model = next(iter(records.values())).record.model
    verdict = headline(records).verdict.value
    text = render_markdown(records, budget=BUDGET - 1000) + _below(event, model)
    try:
        posted = _post(event, model, text)
    except PlatformError as error:
        return _ended(run_dir, f"the comment was not written: {error}", verdict)
    print(f"{_SAID[posted.action]}{f': {posted.url}' if posted.url else ''}")
    runner.outputs({"verdict": verdict, "exit-code": OK, "run-dir": run_dir})
    return OK


def _post(event: Event, model: str, text: str) -> Posted:
    client = GitHub(event.api_url, event.repository, os.environ.get("MODELYARD_TOKEN", ""))
    assert event.number is not None  # noqa: S101 - looked at by the caller
    marker = Marker(model, event.head or "", int(event.run_id), event.attempt)
    return upsert(client, event.number, marker, text)


def _below(event: Event, model: str) -> str:
    return (
        f"\n<sub>Commit {(event.head or '')[:12]} · [run {event.run_id}]({event.run_url}), attempt {event.attempt} · "
        f"the full report with charts is in its artifact `modelyard-records-{model}`</sub>\n"
    )


def _ended(run_dir: Path, why: str, verdict: str = "error") -> int:
    print(why)
    runner.outputs({"verdict": verdict, "exit-code": OK, "run-dir": run_dir})
    runner.annotate([Annotation("notice", why, title="modelyard comment")])
    return OK
