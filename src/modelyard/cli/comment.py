"""``modelyard report --part comment``: the records rendered anew, as the one comment on the pull request.

It reads records and nothing else, so it runs in a job that checks nothing out: one of the run that evaluated, or, for
pull requests from forks, whose token may only read, one of a second workflow that starts when that run ends. A comment
that cannot be written never changes a verdict: the step stays green and says why.
"""

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from modelyard.cli import runner
from modelyard.core import files, terminal
from modelyard.core.errors import OK, ConfigError, ModelyardError, PlatformError
from modelyard.github.client import GitHub
from modelyard.github.comments import Marker, replace_older, upsert
from modelyard.github.credentials import client_for
from modelyard.github.event import Event, OtherRun, read_event
from modelyard.github.log import Annotation
from modelyard.github.workflow_run import (
    MOST_BYTES,
    MOST_MODELS,
    Artifact,
    fetch,
    kept_records,
    pull_request,
    yaml_files,
)
from modelyard.policy.planted import model_of
from modelyard.records.envelope import Envelope, Step
from modelyard.records.store import RunRecords
from modelyard.report.conclusion import headline
from modelyard.report.renderers.markdown import render_markdown, render_unjudged
from modelyard.steps.report.step import shown_records, shown_steps

BUDGET = 60_000
_SAID = {
    "created": "commented",
    "updated": "updated the comment",
    "unchanged": "the comment says this already",
    "newer": "did not comment: a newer head or run of this pull request speaks for it",
}


_FIRST_HAND = (
    "> As recorded by the job that ran this pull request's code, which could have written anything here: advice to the "
    "reviewer, on which nothing is promoted."
)
_NOTE = "> As reported by the pull request's own run, whose code could have written anything here.\n"


def run(given: Mapping[str, str]) -> int:
    """Render and post; returns the exit code, which no comment changes."""
    event = read_event(os.environ)
    if event is None:
        raise ConfigError(
            "there is no pull request to comment on locally",
            code="github/needs-actions",
            hint="Look at report.md and report.html.",
        )
    run_dir = files.inside(Path.cwd(), given.get("run-dir", "modelyard-run"), what="run-dir")
    if event.other is not None:
        return _for_another_run(event, event.other, run_dir)
    if event.number is None or event.head is None:
        return _ended(run_dir, f"nothing to comment on: this is {event.name}, not a pull request")
    by = _By(event.number, event.head, int(event.run_id), event.attempt)
    try:
        records = shown_records(RunRecords(run_dir))
    except ModelyardError as error:
        return _unjudged(event, by, f"the records cannot be shown: {error}", run_dir)
    if not records:
        why = "there are no records to comment on; the job that evaluates ended before it wrote any"
        return _unjudged(event, by, why, run_dir)
    return _comment(event, by, records, run_dir)


@dataclass(frozen=True)
class _By:
    """Whose verdict it is: of which pull request, head and run."""

    number: int
    head: str
    run: int
    attempt: int
    note: str = ""


def _for_another_run(event: Event, other: OtherRun, run_dir: Path) -> int:
    if other.event != "pull_request":
        return _ended(run_dir, f"nothing to comment on: the run {other.id} was started by {other.event[:60]!r}")
    client = _client(event)
    try:
        number = pull_request(client, other)
        if number is None:
            return _ended(run_dir, f"no open pull request has the head {other.head[:12]} that run {other.id} judged")
        kept = kept_records(client, other.id)
    except PlatformError as error:
        return _ended(run_dir, f"the comment was not written: {error}")
    by = _By(number, other.head, other.id, other.attempt, note=_NOTE)
    if not kept:
        why = f"the run {other.id} kept no records; its evaluation ended before it wrote any"
        return _unjudged(event, by, why, run_dir)
    kept = _of_known_models(event, client, kept, run_dir)
    left = MOST_BYTES
    for artifact in kept[:MOST_MODELS]:
        left -= artifact.size
        try:
            if left < 0:
                raise PlatformError("the run's records are too large to look at", code="github/artifact-too-large")
            _comment(event, by, _records_of(client, artifact), run_dir)
        except ModelyardError as error:
            _unjudged(event, by, f"the records of {artifact.model} cannot be shown: {error}", run_dir, artifact.model)
    if len(kept) > MOST_MODELS:
        _ended(run_dir, f"the run {other.id} kept records of {len(kept)} models; {MOST_MODELS} were looked at")
    return OK


def _of_known_models(event: Event, client: GitHub, kept: list[Artifact], run_dir: Path) -> list[Artifact]:
    """Return what was kept of models that a configuration on the default branch names: a fork names anything."""
    wanted = {artifact.model for artifact in kept}
    known: set[str] = set()
    try:
        for path, text in yaml_files(client, event.sha):
            with suppress(ConfigError, UnicodeDecodeError):
                known.add(model_of(text, path) or "")
            if wanted <= known:
                break
    except PlatformError as error:
        _ended(run_dir, f"the models of the default branch are not known: {error}")
        return kept
    others = len(wanted - known)
    if others:
        _ended(run_dir, f"{others} of {len(wanted)} models have no configuration on the default branch; not shown")
    return [artifact for artifact in kept if artifact.model in known]


def _records_of(client: GitHub, artifact: Artifact) -> Mapping[Step, Envelope]:
    known = RunRecords(Path())
    members = [path.as_posix() for step in shown_steps() for path in known.files(step)]
    with tempfile.TemporaryDirectory(prefix="modelyard-comment-") as scratch:
        records = shown_records(RunRecords(fetch(client, artifact, members, Path(scratch))))
    if {envelope.record.model for envelope in records.values()} != {artifact.model}:
        raise PlatformError("they are missing, or another model's", code="github/other-records")
    return records


def _comment(event: Event, by: _By, records: Mapping[Step, Envelope], run_dir: Path) -> int:
    model = next(iter(records.values())).record.model
    verdict = headline(records).verdict.value
    report = render_markdown(records, budget=BUDGET - 1000)
    text = (by.note + report if by.note else _with_note(report)) + _below(event, by)
    marker = Marker(model, by.head, by.run, by.attempt)
    try:
        posted = upsert(_client(event), by.number, marker, text, second_hand=bool(by.note))
    except PlatformError as error:
        return _ended(run_dir, f"the comment was not written: {error}", verdict)
    terminal.put(f"{_SAID[posted.action]}{f': {posted.url}' if posted.url else ''}")
    runner.outputs({"verdict": verdict, "exit-code": OK, "run-dir": run_dir})
    return OK


def _with_note(report: str) -> str:
    """Return a report with the note on its worth below the verdict and the sentence that explains it."""
    head = report.split("\n\n", 2)
    return "\n\n".join([*head[:2], _FIRST_HAND, *head[2:]])


def _client(event: Event) -> GitHub:
    return client_for(os.environ, repository=event.repository)


def _below(event: Event, by: _By) -> str:
    page = f"{event.server_url}/{event.repository}/actions/runs/{by.run}"
    return f"\n<sub>Commit {by.head[:12]} · [run {by.run}]({page}), attempt {by.attempt}</sub>\n"


def _unjudged(event: Event, by: _By, why: str, run_dir: Path, *models: str) -> int:
    """Say that a run left nothing to show, and take back what our comments say of an older head."""
    run_page = f"{event.server_url}/{event.repository}/actions/runs/{by.run}"
    try:
        replaced = replace_older(
            _client(event), by.number, Marker("", by.head, by.run, by.attempt),
            lambda model: render_unjudged(model, by.head, run_page), models=models,
        )  # fmt: skip
    except PlatformError as error:
        return _ended(run_dir, f"{why}; the comments on an older head stay: {error}")
    return _ended(
        run_dir, f"{why}; replaced what was said of an older head: {', '.join(replaced)}" if replaced else why
    )


def _ended(run_dir: Path, why: str, verdict: str = "error") -> int:
    terminal.put(why)
    runner.outputs({"verdict": verdict, "exit-code": OK, "run-dir": run_dir})
    runner.annotate([Annotation("notice", why, title="modelyard comment")])
    return OK
