"""decide: what is kept in the registry, what it starts on GitHub, and what the run that it started makes of it."""

import re
import zipfile
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from modelyard.cli.session import open_context
from modelyard.core.errors import ConfigError, DataError, ModelyardError, PlatformError
from modelyard.core.verdict import Verdict
from modelyard.github.client import GitHubError
from modelyard.github.event import Event
from modelyard.records.envelope import write_record
from modelyard.records.results import DecideResult, EvaluateResult, MonitorResult
from modelyard.registry import decided
from modelyard.registry.decided import DecisionRefused
from modelyard.registry.local.registry import LocalRegistry
from modelyard.report.renderers.html import render_html
from modelyard.steps.context import Context
from modelyard.steps.decide import facts
from modelyard.steps.decide import step as decide
from modelyard.steps.decide.present import as_markdown
from modelyard.steps.decide.step import DECIDE, DecideInputs
from modelyard.steps.execution import execute
from modelyard.steps.monitor.step import _data_changed
from modelyard.steps.once import Once
from tests import desk
from tests.decisions import drift, fault, monitored, realised, window, written
from tests.hub import Hub, hub
from tests.registry_samples import JUDGED, MODEL, NOON, Clock, promote, published, record
from tests.registry_samples import registry as local

CONFIG = f"{JUDGED}registry: {{kind: local, durable: true}}\nmonitor: {{log: {{source: predictions}}}}\n"
GIVEN = """\
model: {name: tiny, task: binary, positive: "yes", metric: roc_auc}
data:
  sets: {train: data/*.csv, test: test.csv}
  columns: {target: answer, id: key}
evaluate:
  challenger: predictions.csv
  champion: predictions.csv
  gates: [{metric: roc_auc, at_least: 0.6}, {metric: roc_auc, no_worse_than: champion, margin: 0.05}]
monitor: {log: {source: predictions}}
"""
"""Its model is made elsewhere, and judged by what it predicted."""
TOKEN = "ghs_decide"
WORKFLOWS = {"ml-train-promote.yml": {"decision", "reason"}, "ml-rollback.yml": {"to", "reason", "proof"}}
QUIET = monitored(window(0), window(1), window(2))
MISSED = monitored(*(window(week, realised=(realised(Verdict.FAIL),)) for week in range(3)))
FAULTY = monitored(window(0), window(1), window(2, faults=(fault("dep_delay", share=0.5),)))
DRIFTING = monitored(*(window(week, drift=(drift(),)) for week in range(3)))


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def where(tmp_path: Path, clock: Clock) -> LocalRegistry:
    """v1 to v3, promoted one after the other in May."""
    found, seen = local(tmp_path, clock), None
    for version in published(found, tmp_path, "one", "two", "three"):
        promote(found, version, seen=seen)
        seen = version.name
    clock.now += timedelta(days=40)
    return found


@pytest.fixture
def context(tmp_path: Path, where: LocalRegistry, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Context:
    """At a desk."""
    return opened(tmp_path, clock, monkeypatch)


def opened(folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, config: str = CONFIG) -> Context:
    (folder / "modelyard.yml").write_text(config, "utf-8")
    for name in ("train.csv", "test.csv", "predictions.csv"):
        (folder / name).write_text("late\n", "utf-8")
    monkeypatch.chdir(folder)
    for name in ("GITHUB_ACTIONS", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    made = open_context({}, quiet=True)
    made.now = clock
    made.open_run_folder()
    return made


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Hub]:
    with hub(tmp_path / "github") as running:
        running.tokens[TOKEN] = {"contents", "issues", "actions"}
        running.workflows |= WORKFLOWS
        made = tmp_path / "repo"
        made.mkdir()
        (made / "README").write_text("code\n", "utf-8")
        desk.git(made, "init", "-q", "-b", "main")
        desk.git(made, "add", "-A")
        desk.git(made, "commit", "-qm", "code")
        running.push(made)
        yield running
        assert running.violations == []


def hosted(context: Context, server: Hub, run: str = "41") -> Context:
    """The same in a job of GitHub Actions."""
    event = Event(
        name="schedule", trigger="default-branch", repository=server.name, ref="refs/heads/main", sha="1" * 40,
        actor="octocat", run_id=run, attempt=1, api_url=server.url, server_url=server.url,
    )  # fmt: skip
    environ = {**context.environ, "GITHUB_API_URL": server.url, "GITHUB_REPOSITORY": server.name,
               "MODELYARD_TOKEN": TOKEN, "GITHUB_ACTOR": "octocat"}  # fmt: skip
    return replace(context, event=event, environ=environ)


def made(context: Context, seen: MonitorResult, **inputs: Any) -> DecideResult:
    """The decision of another process on what was seen."""
    clock = context.now
    context = replace(context, versions=replace(context.versions, _once=Once()))
    context.now = clock
    run = "" if context.event is None else context.event.run_id
    record = written(context.run_dir, seen, run=run)
    asked: dict[str, Any] = {"monitor-digest": record.digest, **inputs}
    found = execute(DECIDE, context, DecideInputs.model_validate(asked))
    assert as_markdown(found)
    assert render_html({"decide": found})
    result = found.record.read(DecideResult)
    assert isinstance(result, DecideResult)
    return result


def states(where: LocalRegistry) -> list[tuple[str, str]]:
    found = reversed(where.decisions().entries)
    return [(each.decided.decision.action, each.decided.state) for each in found if each.decided]


def test_a_decision_is_kept_once_until_it_changes(context: Context, where: LocalRegistry, clock: Clock) -> None:
    first = made(context, QUIET)
    assert (first.action, first.champion, first.age_days) == ("nothing", "v3", 40.0)
    clock.now += timedelta(days=7)
    again = made(context, QUIET)
    assert again.decision == first.decision
    assert [each.action for each in again.before] == ["nothing"]
    clock.now += timedelta(days=7)
    assert made(context, FAULTY).action == "investigate"
    clock.now += timedelta(days=7)
    quiet = made(context, QUIET)
    assert [each.action for each in quiet.before] == ["investigate", "nothing"]
    assert states(where) == [("nothing", "made"), ("investigate", "made"), ("nothing", "made")]
    assert where.decisions().entries[0].actor == context.actor


def test_at_a_desk_a_retraining_is_kept_and_somebody_starts_it(context: Context, where: LocalRegistry) -> None:
    found = made(context, MISSED)
    assert (found.action, found.dispatch and found.dispatch.state) == ("retrain", "off")
    assert found.decision is not None
    assert f"modelyard run --promote --decision {found.decision.digest}" in "\n".join(
        DECIDE.present.lines(context.records.read("decide"), found)
    )
    assert states(where) == [("retrain", "made")]


def test_asked_again_about_the_same_record_it_is_the_same_decision(
    context: Context, where: LocalRegistry, clock: Clock
) -> None:
    first = made(context, MISSED)
    clock.now += timedelta(minutes=1)
    assert made(context, MISSED).decision == first.decision
    newer = MISSED.model_copy(update={"open_rows": 7})
    assert made(context, newer).decision != first.decision
    assert states(where) == [("retrain", "made")] * 2


def test_a_branch_or_a_pull_request_decides_nothing(context: Context, where: LocalRegistry, server: Hub) -> None:
    found = hosted(context, server)
    assert found.event is not None
    for trigger in ("elsewhere", "pull-request"):
        found.event = replace(found.event, trigger=trigger)
        with pytest.raises(ConfigError, match="nothing is decided on"):
            made(found, MISSED)
    assert states(where) == []


def test_a_dry_run_keeps_nothing(context: Context, where: LocalRegistry) -> None:
    written(context.run_dir, MISSED)
    found = decide.run(context, DecideInputs(dry_run=True)).result
    assert isinstance(found, DecideResult)
    assert found.action == "retrain"
    assert states(where) == []


def test_what_a_promotion_followed_is_told_with_the_version(
    context: Context, where: LocalRegistry, clock: Clock
) -> None:
    found = made(context, MISSED)
    assert found.decision is not None
    command = decided.command_of("modelyard promote", found.decision.digest)
    (four,) = published(where, context.root, "four")
    clock.now += timedelta(hours=5)
    promote(where, four, seen="v3", command=command)
    clock.now += timedelta(days=30)
    later = made(context, monitored(window(3, version="v4"), champion="v4"))
    assert [(each.outcome, each.version) for each in later.before] == [("promoted", "v4")]


def test_a_retraining_is_started_with_its_digest_and_the_next_one_waits_for_it(
    context: Context, where: LocalRegistry, server: Hub, clock: Clock
) -> None:
    context = hosted(context, server)
    context.now = clock
    found = made(context, MISSED)
    assert found.decision is not None
    assert found.dispatch is not None
    (run,) = server.runs.values()
    assert (run["workflow"], run["ref"], found.dispatch.url) == ("ml-train-promote.yml", "main", run["html_url"])
    assert run["inputs"]["decision"] == found.decision.digest
    assert run["inputs"]["reason"].startswith("roc_auc is missed for certain in 3 of the last 3 windows")
    assert states(where) == [("retrain", "started"), ("retrain", "started")]
    clock.now += timedelta(days=1)
    waiting = made(context, MISSED)
    assert (waiting.action, waiting.reason.code) == ("watch", "held-back")
    assert [each.outcome for each in waiting.before] == ["open"]
    assert len(server.runs) == 1


@pytest.mark.parametrize(
    ("conclusion", "kept", "outcome"),
    [("success", None, "held"), ("failure", Verdict.FAIL, "held"), ("failure", Verdict.INCONCLUSIVE, "held"),
     ("failure", Verdict.ERROR, "failed"), ("failure", None, "failed"), ("cancelled", None, "failed"),
     ("gone", None, "failed")],
)  # fmt: skip
def test_what_became_of_a_run_is_found_out_once(
    context: Context,
    where: LocalRegistry,
    server: Hub,
    clock: Clock,
    conclusion: str,
    kept: Verdict | None,
    outcome: str,
) -> None:
    context = hosted(context, server)
    context.now = clock
    made(context, MISSED)
    ((number, run),) = server.runs.items()
    run |= {"status": "completed", "conclusion": conclusion}
    if conclusion == "gone":
        del server.runs[number]
    if kept is not None:
        server.artifacts[9] = {"run": number, "name": f"modelyard-records-{MODEL}", "data": archive(context.root, kept)}
    clock.now += timedelta(days=1)
    later = made(context, MISSED)
    assert [each.outcome for each in later.before] == [outcome]
    assert states(where)[2] == ("retrain", outcome)
    calls = len(server.calls)
    made(context, MISSED)
    assert len(server.calls) == calls, "it is not asked for again"


def archive(folder: Path, verdict: Verdict) -> bytes:
    """What a run keeps of its evaluation."""
    result = EvaluateResult(test_rows=1, test_units=1, unit="row")
    write_record(folder / "evaluate.json", record("evaluate", result, [], verdict=verdict))
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        made.write(folder / "evaluate.json", "records/evaluate.json")
    return packed.getvalue()


@pytest.mark.parametrize(("missing", "status"), [("actions", 403), ("workflow", 404), ("inputs", 422)])
def test_without_the_permission_the_decision_is_kept_and_the_words_say_what_is_missing(
    context: Context, where: LocalRegistry, server: Hub, missing: str, status: int
) -> None:
    if missing == "actions":
        server.tokens[TOKEN] = {"contents", "issues"}
    elif missing == "workflow":
        server.workflows.clear()
    else:
        server.workflows["ml-train-promote.yml"] = set()
    found = made(hosted(context, server), MISSED)
    error = DECIDE.afterwards(found)
    assert isinstance(error, PlatformError)
    assert (error.code, error.exit_code) == ("decide/not-started", 4)
    assert f"GitHub answers {status}" in error.message
    assert "The decision is kept" in error.hint.replace("\n", " ")
    assert states(where) == [("retrain", "started"), ("retrain", "not-started")]
    assert server.runs == {}


def test_a_fault_of_github_leaves_the_decision_as_one_that_may_have_started(
    context: Context, where: LocalRegistry, server: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows whether the run began, so no second one is started."""
    monkeypatch.setattr("modelyard.github.client.time.sleep", lambda _: None)
    server.fail("actions/create-workflow-dispatch", "reset", after=True)
    context = hosted(context, server)
    context.now = clock
    with pytest.raises(GitHubError):
        made(context, MISSED)
    assert states(where) == [("retrain", "started")]
    assert made(context, MISSED).action == "watch"
    assert len(server.runs) == 1


def test_two_that_monitor_at_once_start_one_run(
    context: Context, where: LocalRegistry, server: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = hosted(context, server)
    context.now = clock
    gather = facts.gather
    other: list[Any] = []

    def meanwhile(*arguments: Any, **named: Any) -> Any:
        found = gather(*arguments, **named)
        if not other:
            other.append(None)
            other.append(made(hosted(context, server, "42"), MISSED))
            written(context.run_dir, MISSED, run="41")
        return found

    monkeypatch.setattr(facts, "gather", meanwhile)
    mine = made(context, MISSED)
    assert [each.action for each in (other[1], mine)] == ["retrain", "watch"]
    assert len(server.runs) == 1


def test_a_roll_back_is_started_with_the_version_before(
    tmp_path: Path, where: LocalRegistry, clock: Clock, server: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = CONFIG.replace("predictions}}", "predictions}, policy: {roll-back: true}}")
    context = hosted(opened(tmp_path, clock, monkeypatch, config), server)
    context.now = clock
    seen = monitored(window(0, version="v2"), *MISSED.windows[1:])
    found = made(context, seen)
    assert (found.action, found.decision is not None) == ("roll-back", True)
    (run,) = server.runs.values()
    assert (run["workflow"], run["inputs"]["to"]) == ("ml-rollback.yml", "v2")
    assert run["inputs"]["reason"].endswith(f"(decision {found.decision and found.decision.digest})")
    clock.now += timedelta(hours=3)
    assert made(context, seen).action != "roll-back", "one goes on"
    two = where.resolve("v2")
    promote(where, two, seen="v3", kind="rolled-back", reason=run["inputs"]["reason"])
    clock.now += timedelta(days=8)
    later = made(context, monitored(window(3, version="v2"), champion="v2"))
    assert (later.before[-1].outcome, later.before[-1].version) == ("promoted", "v2")


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"monitor-digest": ""}, ConfigError, "monitor-digest"),
        ({"monitor-digest": f"sha256:{'0' * 64}"}, DataError, "the monitoring record in the run folder is"),
        ({"as-of": "yesterday"}, ConfigError, "as-of"),
    ],
)
def test_a_record_that_is_not_the_one_that_is_meant_is_refused(
    context: Context, server: Hub, where: LocalRegistry, change: dict[str, str], kind: type[ModelyardError], says: str
) -> None:
    with pytest.raises(kind, match=says):
        made(hosted(context, server), MISSED, **change)
    assert states(where) == []


def test_a_record_of_another_run_or_model_is_refused(context: Context, server: Hub) -> None:
    for run, model in (("40", MODEL), ("41", "another")):
        digest = written(context.run_dir, MISSED, run=run, model=model).digest
        with pytest.raises(DataError):
            decide.run(hosted(context, server), DecideInputs(monitor_digest=digest))


def test_another_moment_starts_nothing_and_counts_days_from_there(
    context: Context, where: LocalRegistry, server: Hub
) -> None:
    found = made(hosted(context, server), MISSED, **{"as-of": "2013-09-15T12:00:00Z"})
    assert (found.action, found.dispatch and found.dispatch.state) == ("retrain", "off")
    assert found.decision is not None
    assert found.decision.time == "2013-09-15T12:00:00+00:00"
    assert server.runs == {}
    shown = as_markdown(context.records.read("decide"))
    assert f"- started by hand: `modelyard run --promote --decision {found.decision.digest}`\n" in shown, "to be copied"
    assert "Decisions before" not in shown
    again = made(hosted(context, server), MISSED, **{"as-of": "2013-09-15T12:00:00Z"})
    assert again.decision == found.decision
    assert [each.digest for each in again.before] == [found.decision.digest]
    assert "Decisions before" not in as_markdown(context.records.read("decide")), "it is none of those before itself"


def test_a_loss_whose_limits_over_all_looks_lie_elsewhere_is_told_by_these(
    context: Context, where: LocalRegistry
) -> None:
    deep = realised(Verdict.FAIL, value=0.5)
    made(context, monitored(*(window(week, realised=(deep,)) for week in range(3))))
    assert "| 0.0400 to 0.1500 over all looks | retrain |" in as_markdown(context.records.read("decide"))


def test_names_that_are_long_or_hostile_are_kept_short_and_shown_as_text(
    context: Context, where: LocalRegistry
) -> None:
    name = "<script>alert(1)</script> @octocat \u202e" + "x" * 5000
    found = made(context, monitored(window(0, faults=(fault(name),))))
    assert found.decision is not None
    assert len(str(found.decision.reason.values["column"])) == 120
    shown = as_markdown(context.records.read("decide"))
    assert "<script>" not in re.sub(r"`[^`\n]*`", "", shown), "outside of code"
    assert "\u202e" not in shown


# the run that follows


def accept(where: LocalRegistry, named: str, **changed: Any) -> Any:
    known: dict[str, Any] = {"action": "retrain", "alias": "champion", "champion": "v3", "now": where._now()}
    return decided.accepted(where, named, **{**known, **changed})


def test_a_decision_is_accepted_once_for_what_it_says(context: Context, where: LocalRegistry, clock: Clock) -> None:
    found = made(context, MISSED).decision
    assert found is not None
    assert accept(where, found.digest) == found
    refusals: list[tuple[str, dict[str, Any], str]] = [
        ("", {}, "is no digest"),
        ("sha256:abc; rm -rf", {}, "is no digest"),
        (f"sha256:{'0' * 64}", {}, "no decision of"),
        (found.digest, {"action": "roll-back"}, "says retrain"),
        (found.digest, {"alias": "other"}, "is about the alias champion"),
        (found.digest, {"champion": "v2"}, "was made on the champion v3, and it is now v2"),
        (found.digest, {"champion": None}, "it is now none"),
        (found.digest, {"now": clock.now + timedelta(days=4)}, "more than 3 days ago"),
    ]
    for named, changed, says in refusals:
        with pytest.raises(DecisionRefused, match=says):
            accept(where, named, **changed)
    assert accept(where, found.digest, now=None) == found
    (four,) = published(where, context.root, "four")
    promote(where, four, seen="v3", command=decided.command_of("modelyard promote", found.digest))
    with pytest.raises(DecisionRefused, match="was used before: champion moved to v4"):
        accept(where, found.digest, champion="v4")


def test_a_decision_to_watch_starts_nothing(context: Context, where: LocalRegistry) -> None:
    found = made(context, DRIFTING).decision
    assert found is not None
    with pytest.raises(DecisionRefused, match="says watch"):
        accept(where, found.digest)


def test_without_a_section_there_is_nothing_to_decide(
    tmp_path: Path, where: LocalRegistry, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = opened(tmp_path, clock, monkeypatch, CONFIG.partition("monitor:")[0])
    written(context.run_dir, MISSED)
    with pytest.raises(ConfigError, match="has no section monitor"):
        decide.run(context, DecideInputs())


def changed(repo: Path) -> bool | None:
    """What the job that monitors says of the training data."""
    with chdir(repo):
        context = open_context({}, quiet=True)
        return _data_changed(context, context.versions.open().resolve("champion"))


def test_a_run_that_follows_a_decision_says_so_and_its_promotion_uses_it_up(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    (repo / "data").mkdir(parents=True)
    (repo / "modelyard.yml").write_text(GIVEN, "utf-8")
    (repo / ".gitignore").write_text("data/\n*.csv\n", "utf-8")
    desk.rows().write_csv(repo / "data" / "part-1.csv")
    test = desk.rows(300, seed=3, first=5000).with_columns(pl.col("size") + 1e-5)  # so that no row is one of training
    test.write_csv(repo / "test.csv")
    test.select("key", probability=1 / (1 + (-pl.col("size")).exp())).write_csv(repo / "predictions.csv")
    desk.commit(repo)
    assert desk.inside(repo, "run", "--promote").code == 0
    missed = tuple(each.model_copy(update={"version": "v1"}) for each in MISSED.windows)
    written(repo / "modelyard-run", monitored(*missed, champion="v1"), model="tiny")
    asked = desk.inside(repo, "decide", "--as-of", "2013-09-15T12:00:00Z", "--json")
    assert asked.json["action"] == "retrain", asked
    digest = asked.json["decision"]

    forged = desk.inside(repo, "detect", "--decision", f"sha256:{'0' * 64}")
    assert forged.code == 2
    assert "no decision of tiny has the digest" in forged.err

    (repo / "modelyard-run" / "monitor.html").unlink()
    assert changed(repo) is False
    desk.rows(300, seed=2, first=600).write_csv(repo / "data" / "part-2.csv")
    assert changed(repo) is True
    followed = desk.inside(repo, "run", "--promote", "--decision", digest)
    assert followed.code == 0, followed
    shown = (repo / "modelyard-run" / "report.md").read_text("utf-8")
    assert "Monitoring decided at 2013-09-15T12:00:00+00:00 to retrain: roc_auc is missed for certain" in shown
    assert digest in shown
    entries = LocalRegistry(repo / ".modelyard", "tiny").history("champion")
    assert [(entry.to, decided.named_by(entry)) for entry in entries] == [("v1", ""), ("v2", digest)]

    again = desk.inside(repo, "detect", "--decision", digest)
    assert again.code == 2
    assert "was used before: champion moved to v2 on it" in again.err
    quiet = tuple(each.model_copy(update={"version": "v2"}) for each in QUIET.windows)
    written(repo / "modelyard-run", monitored(*quiet, champion="v2"), model="tiny")
    page = repo / "modelyard-run" / "monitor.html"
    tried = desk.inside(repo, "decide", "--as-of", "2013-10-15T12:00:00Z", "--dry-run")
    assert (tried.code, page.exists(), "monitor.html" in tried.out) == (0, False, False)
    later = desk.inside(repo, "decide", "--as-of", "2013-10-15T12:00:00Z")
    assert later.out.splitlines()[-1] == f"  {page}"
    assert (later.code, later.out.splitlines()[0]) == (
        0,
        "decide: pass · nothing to do: nothing in the windows of this version asks for anything (3 so far)",
    )
    before = desk.record(repo, "decide")["result"]["before"]
    assert [(each["action"], each["outcome"], each["version"]) for each in before] == [("retrain", "promoted", "v2")]
