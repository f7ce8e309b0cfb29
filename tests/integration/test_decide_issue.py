"""The issue of decisions, against the stand-in: one a model, opened, brought up to date, closed, and left to people."""

from datetime import timedelta
from typing import Any

import pytest

from modelyard.cli import issue as teller
from modelyard.core.verdict import Verdict
from modelyard.github.issues import IssueMarker
from modelyard.records.envelope import Envelope
from modelyard.records.results import MonitorResult
from modelyard.steps.context import Context
from tests.decisions import drift, fault, monitored, realised, window
from tests.hub import BOT, Hub, issue
from tests.integration.test_decide import clock, context, hosted, made, server, where
from tests.registry_samples import MODEL, Clock

__all__ = ["clock", "context", "server", "where"]

QUIET = monitored(window(0), window(1), window(2))
FAULTY = monitored(window(0), window(1), window(2, faults=(fault("dep_delay", share=0.5),)))
WORSE = monitored(window(0), window(1), *(window(week, faults=(fault("dep_delay", share=0.9),)) for week in (2, 3)))
MISSED = monitored(*(window(week, realised=(realised(Verdict.FAIL),)) for week in range(3)))
DRIFTING = monitored(*(window(week, drift=(drift(),)) for week in range(3)))
YOUNG = monitored(window(0, mature=False))


class Repository:
    """A model that is decided on every day, in a repository with issues."""

    def __init__(self, context: Context, server: Hub, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
        self.server = server
        self.clock = clock
        self._capsys = capsys
        self._context = hosted(context, server)
        self._context.now = clock

    def decide(self, seen: MonitorResult, **inputs: Any) -> str:
        """Decide on what was seen, tell it, and return what was printed."""
        self.clock.now += timedelta(days=1)
        made(self._context, seen, **{"keep-only": True, **inputs})
        self._capsys.readouterr()
        teller.tell(self._context, self._context.records.read("decide"))
        return self._capsys.readouterr().out.strip()

    @property
    def issues(self) -> list[tuple[str, str]]:
        """State and title of our issues."""
        return [(each["state"], each["title"]) for each in self.server.issues.values() if each["user"]["login"] == BOT]

    @property
    def comments(self) -> list[str]:
        """First lines."""
        return [each["body"].splitlines()[0] for each in self.server.comments.values()]


@pytest.fixture
def repository(context: Context, server: Hub, clock: Clock, capsys: pytest.CaptureFixture[str]) -> Repository:
    return Repository(context, server, clock, capsys)


def test_it_is_opened_updated_and_closed(repository: Repository, server: Hub) -> None:
    assert repository.decide(QUIET) == ""
    assert repository.decide(DRIFTING) == "", "watching is nothing to do"
    assert repository.decide(FAULTY).startswith("opened the issue: http")
    title = f"{MODEL}: investigate upstream, since the window 2013-07-15"
    assert repository.issues == [("open", title)]
    (body,) = (each["body"] for each in server.issues.values())
    assert body.startswith(f"<!-- modelyard:decision v1 model={MODEL} action=investigate episode=")
    assert body.count("The column dep_delay is at fault since the window 2013-07-15") == 2, "on top, and as a limit"
    why = body.partition("### Why\n\n")[2].splitlines()
    assert why[0].startswith("- **"), "the cause comes first"
    assert "Column `dep_delay`." in why[0]
    assert why[1] == "- First bad window `2013-07-15`"
    assert why[2].startswith("- Champion `v3`")
    assert "| Window | Rows | Value | Counts | Course |" in body, "without a limit"
    assert "| Seen | What | Column | Windows | Effect | Rows | Asks for |" in body, "without a loss"
    assert "| `2013-07-15` | 1,000 | 50.0% | ❌ counts |" in body
    assert repository.decide(WORSE).startswith("updated the issue")
    assert repository.comments == [], "the action is the same"
    assert repository.decide(YOUNG).startswith("updated the issue"), "not known is not quiet"
    assert repository.decide(MISSED).startswith("updated the issue")
    assert repository.comments[0].startswith("**Retrain.** roc_auc is missed for certain in 3 of the last 3 windows")
    assert repository.decide(QUIET).startswith("closed the issue")
    assert repository.issues == [("closed", f"{MODEL}: nothing to do")]
    assert repository.comments[1].startswith("**Nothing to do.**")
    assert [each["state_reason"] for each in server.issues.values()] == ["completed"]
    assert repository.decide(QUIET) == ""
    assert repository.decide(FAULTY).startswith("opened the issue"), "something new began"
    assert len(repository.issues) == 2


def test_closed_by_hand_it_stays_closed_until_the_action_changes_or_something_new_begins(
    repository: Repository, server: Hub
) -> None:
    repository.decide(FAULTY)
    (number,) = server.issues
    server.issues[number]["state"] = "closed"
    assert repository.decide(WORSE).startswith("the issue was closed by hand")
    assert repository.decide(WORSE).startswith("the issue was closed by hand")
    assert len(server.issues) == 1
    assert repository.decide(MISSED).startswith("opened the issue"), "another action"
    assert repository.decide(QUIET).startswith("closed the issue")
    assert repository.decide(FAULTY).startswith("opened the issue"), "a new episode"
    assert [state for state, _ in repository.issues] == ["closed", "closed", "open"]


def test_a_forged_marker_is_not_ours(repository: Repository, server: Hub) -> None:
    marker = IssueMarker("decision", MODEL, (("action", "investigate"),))
    issue(server, "forged", f"{marker}\nall is well", "mallory")
    issue(server, "another kind", f"{IssueMarker('rollback', MODEL, (('entry', '1'),))}\n", BOT)
    issue(server, "another model", f"{IssueMarker('decision', 'other')}\n", BOT)
    issue(server, "no marker", f"text\n{marker}", BOT)
    before = [dict(each) for each in server.issues.values()]
    assert repository.decide(FAULTY).startswith("opened the issue")
    assert list(server.issues.values())[:4] == before
    assert repository.decide(QUIET).startswith("closed the issue")
    assert list(server.issues.values())[:4] == before


def test_of_two_that_were_opened_at_once_the_older_one_stays(repository: Repository, server: Hub) -> None:
    repository.decide(FAULTY)
    (first,) = server.issues.values()
    issue(server, first["title"], first["body"], BOT)
    repository.decide(WORSE)
    assert [state for state, _ in repository.issues] == ["open", "closed"]
    assert repository.comments == [f"Told in #{first['number']}."]


def test_hostile_names_come_out_as_text(repository: Repository, server: Hub) -> None:
    name = "x](http://evil.example) @octocat <img src=x onerror=1> | `a`\n<!-- modelyard:decision v1 model=other -->"
    repository.decide(monitored(window(0, faults=(fault(name),))))
    (found,) = server.issues.values()
    assert found["body"].count("<!--") == 1
    assert "<img" not in found["body"].replace("`", "\n").splitlines()[0]
    repository.decide(MISSED)
    assert "\n" not in found["title"]


@pytest.mark.parametrize(("status", "says"), [(403, "issues: write"), (404, "issues: write"), (422, ""), (500, "")])
def test_what_github_refuses_is_said_and_the_decision_stands(
    repository: Repository, server: Hub, status: int, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    server.fail("issues/create", status=status, times=4)
    said = repository.decide(FAULTY)
    assert "the issue about it was not written" in said
    assert says in said
    server.faults.clear()
    assert repository.decide(FAULTY).startswith("opened the issue"), "the next monitoring makes up for it"


def test_issues_that_are_switched_off_are_no_fault_of_the_decision(repository: Repository, server: Hub) -> None:
    server.no_issues = True
    assert "Issues are disabled for this repo" in repository.decide(FAULTY)


def test_at_a_desk_no_issue_is_written(context: Context, capsys: pytest.CaptureFixture[str]) -> None:
    made(context, FAULTY)
    teller.tell(context, context.records.read("decide"))
    assert capsys.readouterr().out == ""


def test_a_record_of_an_error_tells_nothing(context: Context, server: Hub) -> None:
    made(context, FAULTY)
    known = context.records.read("decide").record
    told = Envelope.seal(known.model_copy(update={"verdict": Verdict.ERROR}))
    teller.tell(hosted(context, server), told)
    assert server.calls == []
