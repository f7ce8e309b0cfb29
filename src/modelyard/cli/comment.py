"""``modelyard report --part comment``: the records rendered anew, as the one comment on the pull request.

It reads records and nothing else, so it runs in a job that checks nothing out: one of the run that evaluated, or, for
pull requests from forks, whose token may only read, one of a second workflow that starts when that run ends. A comment
that cannot be written never changes a verdict: the step stays green and says why.
"""

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from modelyard.cli import runner
from modelyard.core import files, terminal
from modelyard.core.errors import OK, ConfigError, ModelyardError, PlatformError
from modelyard.core.verdict import Verdict, worst
from modelyard.github.client import GitHub
from modelyard.github.comments import ALL, Marker, Push, Texts, memory, remembered, replace_older, upsert
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
from modelyard.report import escape
from modelyard.report.compose import About
from modelyard.report.conclusion import headline
from modelyard.report.renderers.markdown import render_markdown, render_merged, render_unjudged
from modelyard.steps.report.step import shown_records, shown_steps

BUDGETS = (59_000, 20_000, 6_000, 2_000)
"""Bytes of a comment: GitHub takes 65,536 characters; where it takes one not, the next is tried."""
_SAID = {
    "created": "commented",
    "updated": "updated the comment",
    "unchanged": "the comment says this already",
    "newer": "did not comment: a newer head or run of this pull request speaks for it",
    "withheld": "did not comment: the input comment asks for none on such a verdict",
}
_FIRST_HAND = (
    "As recorded by the job that ran this pull request's code, which could have written anything here: advice to the "
    "reviewer, on which nothing is promoted."
)
_SECOND_HAND = (
    "As reported by the pull request's own run, whose code could have written anything here and in its report."
)
_WHEN: Mapping[str, Callable[[Verdict], bool]] = {
    "always": lambda _: True,
    "true": lambda _: True,
    "on-change": lambda verdict: verdict is not Verdict.NOT_APPLICABLE,
    "on-failure": lambda verdict: verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE),
}
"""The input ``comment``: on which verdicts a comment is created."""


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
    asked = _Asked(given.get("comment") or "always", merged=given.get("merged") == "true",
                   report=given.get("report-url", ""), models=_names(given.get("models", "")))  # fmt: skip
    if asked.mode in ("off", "false"):
        return _ended(run_dir, "no comment is asked for")
    if event.other is not None:
        return _for_another_run(event, event.other, run_dir, asked)
    if event.number is None or event.head is None:
        return _ended(run_dir, f"nothing to comment on: this is {event.name}, not a pull request")
    by = _By(event.number, event.head, int(event.run_id), event.attempt)
    if asked.merged:
        return _merged(event, by, _folders(run_dir), asked, run_dir)
    try:
        records = shown_records(RunRecords(run_dir))
    except ModelyardError as error:
        return _unjudged(event, by, f"the records cannot be shown: {error}", run_dir)
    if not records:
        why = "there are no records to comment on; the job that evaluates ended before it wrote any"
        return _unjudged(event, by, why, run_dir)
    return _comment(event, by, records, run_dir, asked)


@dataclass(frozen=True)
class _Asked:
    """What the inputs ask for: when to comment, one comment on all models or one each, and where the report is."""

    mode: str
    merged: bool = False
    report: str = ""
    models: tuple[str, ...] = ()

    def page_of(self, model: str) -> str:
        """Return the address that is given for a model: the only one, or the one behind ``model=``."""
        named = dict(each.split("=", 1) for each in self.report.split() if "=" in each.partition("/")[0])
        return named.get(model, "" if named else self.report.strip())


@dataclass(frozen=True)
class _By:
    """Whose verdict it is: of which pull request, head and run."""

    number: int
    head: str
    run: int
    attempt: int
    second_hand: bool = False


Known = Mapping[str, tuple[Mapping[Step, Envelope], str]]
"""Model to its records and the address of its page; no records where it left none that can be read."""


def _names(text: str) -> tuple[str, ...]:
    """Return names from a JSON list, or from text with commas or blanks between them."""
    return tuple(dict.fromkeys(re.findall(r"[a-z0-9-]{1,40}", text)))


def _folders(run_dir: Path) -> dict[str, Mapping[Step, Envelope]]:
    """Return the records of every model in a folder of run folders; one whose records cannot be read has none."""
    found: dict[str, Mapping[Step, Envelope]] = {}
    for folder in sorted([run_dir, *run_dir.glob("*")] if run_dir.is_dir() else []):
        if not (folder / "records").is_dir():
            continue
        try:
            records = shown_records(RunRecords(folder))
        except ModelyardError:
            named = _names(folder.name.removeprefix("modelyard-records-"))
            found.setdefault(named[0] if named else "unknown", {})
            continue
        if records:
            found[next(iter(records.values())).record.model] = records
    return found


def _for_another_run(event: Event, other: OtherRun, run_dir: Path, asked: _Asked) -> int:
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
    by = _By(number, other.head, other.id, other.attempt, second_hand=True)
    if not kept:
        why = f"the run {other.id} kept no records; its evaluation ended before it wrote any"
        return _unjudged(event, by, why, run_dir)
    kept = _of_known_models(event, client, kept, run_dir)
    left, found = MOST_BYTES, dict[str, tuple[Mapping[Step, Envelope], str]]()
    for artifact in kept[:MOST_MODELS]:
        left -= artifact.size
        page = "" if artifact.page is None else f"{_run_page(event, by)}/artifacts/{artifact.page}"
        try:
            if left < 0:
                raise PlatformError("the run's records are too large to look at", code="github/artifact-too-large")
            records = _records_of(client, artifact)
            found[artifact.model] = records, page
            if not asked.merged:
                _comment(event, by, records, run_dir, asked, page)
        except ModelyardError as error:
            found[artifact.model] = {}, ""
            why = f"the records of {artifact.model} cannot be shown: {error}"
            _ended(run_dir, why) if asked.merged else _unjudged(event, by, why, run_dir, artifact.model)
    if len(kept) > MOST_MODELS:
        _ended(run_dir, f"the run {other.id} kept records of {len(kept)} models; {MOST_MODELS} were looked at")
    if asked.merged and found:
        return _post_merged(event, by, found, asked, run_dir)
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


def _merged(event: Event, by: _By, records: Mapping[str, Mapping[Step, Envelope]], asked: _Asked, run_dir: Path) -> int:
    found = {model: (each, _page(event, by, asked.page_of(model), run_dir)) for model, each in records.items()}
    found |= {model: ({}, "") for model in asked.models if model not in found}
    if not any(each for each, _ in found.values()):
        why = "there are no records to comment on; the jobs that evaluate ended before they wrote any"
        return _unjudged(event, by, why, run_dir)
    return _post_merged(event, by, found, asked, run_dir)


def _post_merged(event: Event, by: _By, found: Known, asked: _Asked, run_dir: Path) -> int:
    """Write one comment on all models, worst first."""
    verdict = worst(_verdict(records) for records, _ in found.values())

    def texts(before: str) -> Iterator[str]:
        pushes = remembered(before, by.head)
        shown = {model: (records, _about(event, by, page, ())) for model, (records, page) in found.items()}
        for budget in BUDGETS:
            body = render_merged(shown, _about(event, by, "", pushes), verdict, budget=budget)
            yield f"{memory(pushes, verdict, by.head)}\n{body}"

    return _post(event, by, ALL, verdict, texts, asked, run_dir)


def _comment(
    event: Event, by: _By, records: Mapping[Step, Envelope], run_dir: Path, asked: _Asked, page: str = ""
) -> int:
    model, verdict = next(iter(records.values())).record.model, _verdict(records)
    where = page or _page(event, by, asked.page_of(model), run_dir)

    def texts(before: str) -> Iterator[str]:
        pushes = remembered(before, by.head)
        about = _about(event, by, where, pushes)
        for budget in BUDGETS:
            yield f"{memory(pushes, verdict, by.head)}\n{render_markdown(records, budget=budget, about=about)}"

    return _post(event, by, model, verdict, texts, asked, run_dir)


def _verdict(records: Mapping[Step, Envelope]) -> Verdict:
    return headline(records).verdict if records else Verdict.ERROR


def _about(event: Event, by: _By, page: str, pushes: Sequence[Push]) -> About:
    return About(
        report=page,
        run=_run_page(event, by),
        run_id=str(by.run),
        commit=by.head,
        commit_page=f"{event.server_url}/{event.repository}/commit/{by.head}",
        note=_SECOND_HAND if by.second_hand else _FIRST_HAND,
        pushes=tuple((push.verdict, push.commit) for push in pushes),
    )


def _run_page(event: Event, by: _By) -> str:
    return f"{event.server_url}/{event.repository}/actions/runs/{by.run}"


def _page(event: Event, by: _By, url: str, run_dir: Path) -> str:
    """Return the address of the report that the workflow gives, where it is one of this repository's own.

    The job that uploaded it ran the pull request's code, which could have told any address.
    """
    owner = event.repository.partition("/")[0].lower()
    own = (f"{event.server_url}/{event.repository}/", f"https://{owner}.github.io/")
    if not url or (escape.address(url) and ".." not in url and url.startswith(own)):
        return url
    del by
    _ended(run_dir, f"report-url is no page of this repository, and is left out: {escape.clean(url, longest=80)!r}")
    return ""


def _post(event: Event, by: _By, model: str, verdict: Verdict, texts: Texts, asked: _Asked, run_dir: Path) -> int:
    marker = Marker(model, by.head, by.run, by.attempt)
    create = _WHEN[asked.mode](verdict)
    try:
        posted = upsert(_client(event), by.number, marker, texts, second_hand=by.second_hand, create=create)
    except PlatformError as error:
        return _ended(run_dir, f"the comment was not written: {error}", verdict.value)
    terminal.put(f"{_SAID[posted.action]}{f': {posted.url}' if posted.url else ''}")
    runner.outputs({"verdict": verdict.value, "exit-code": OK, "run-dir": run_dir})
    return OK


def _client(event: Event) -> GitHub:
    return client_for(os.environ, repository=event.repository)


def _unjudged(event: Event, by: _By, why: str, run_dir: Path, *models: str) -> int:
    """Say that a run left nothing to show, and take back what our comments say of an older head."""

    def text(model: str, before: str) -> str:
        pushes = remembered(before, by.head)
        about = _about(event, by, "", pushes)
        return f"{memory(pushes, Verdict.ERROR, by.head)}\n{render_unjudged(model, about)}"

    marker = Marker("", by.head, by.run, by.attempt)
    try:
        replaced = replace_older(_client(event), by.number, marker, text, models=models)
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
