"""The issue of a rollback and the pull request of a promotion, against the stand-in: once each, whoever writes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.core.errors import DataError
from modelyard.github.client import GitHub, GitHubError
from modelyard.github.issues import IssueMarker, upsert_issue
from modelyard.github.pulls import FileChange, propose, same_but_for
from tests import desk
from tests.hub import BOT, Hub, hub, issue

TOKEN = "ghs_write"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Hub]:
    with hub(tmp_path / "github") as running:
        running.tokens[TOKEN] = {"contents", "issues", "pull-requests"}
        yield running
        assert running.violations == []


@pytest.fixture
def client(server: Hub) -> GitHub:
    return GitHub(server.url, server.name, TOKEN, pause=lambda _: None)


@pytest.fixture
def repo(tmp_path: Path, server: Hub) -> Path:
    made = tmp_path / "repo"
    (made / "src").mkdir(parents=True)
    (made / "src" / "code.py").write_text("print(1)\n", "utf-8")
    desk.git(made, "init", "-q", "-b", "main")
    desk.git(made, "add", "-A")
    desk.git(made, "commit", "-qm", "first")
    server.push(made)
    return made


def told(entry: int, model: str = "tiny") -> IssueMarker:
    """The marker of a rollback's issue."""
    return IssueMarker("rollback", model, (("entry", str(entry)),))


def writes(server: Hub) -> list[str]:
    return [f"{call.operation} {call.status}" for call in server.writes]


def test_an_issue_is_opened_once_updated_with_a_comment_and_left_alone_when_it_says_it_already(
    server: Hub, client: GitHub
) -> None:
    forged = issue(server, "mine", f"{told(1)}\nforged", "mallory")
    other = issue(server, "theirs", f"{told(1, 'other')}\nof another model", BOT)
    first = upsert_issue(client, told(3), title="back to v1", markdown="one")
    assert (first.action, writes(server)) == ("opened", ["issues/create 201"])
    again = upsert_issue(client, told(3), title="back to v1", markdown="one")
    assert (again.action, again.url, len(writes(server))) == ("unchanged", first.url, 1)
    later = upsert_issue(client, told(5), title="back to v0", markdown="two")
    assert (later.action, later.url) == ("updated", first.url)
    assert writes(server)[1:] == ["issues/update 200", "issues/create-comment 201"]
    assert (forged["body"].endswith("forged"), other["title"]) == (True, "theirs")
    own = server.issues[max(server.issues)]
    assert (own["title"], own["body"].splitlines()) == ("back to v0", [str(told(5)), "two"])
    own["state"] = "closed"
    assert upsert_issue(client, told(7), title="t", markdown="three").action == "opened"


def test_an_issue_on_the_second_page_is_found(server: Hub, client: GitHub) -> None:
    for at in range(101):
        issue(server, f"issue {at}", "text", "somebody")
    issue(server, "ours", f"{told(1)}\n", BOT)
    assert upsert_issue(client, told(2), title="t", markdown="m").action == "updated"


def test_a_token_without_the_permission_names_it(server: Hub) -> None:
    client = GitHub(server.url, server.name, "ghs_read", pause=lambda _: None)
    with pytest.raises(GitHubError) as caught:
        upsert_issue(client, told(2), title="t", markdown="m")
    assert "permissions: {issues: write}" in caught.value.hint
    with pytest.raises(DataError):
        upsert_issue(client, told(2, "no name"), title="t", markdown="m")


def change(server: Hub, content: bytes = b"{}\n") -> FileChange:
    return FileChange(
        "promoted/tiny.json", content, "modelyard/promote-tiny", server.run("rev-parse", "main"), "Promote"
    )


def test_a_pull_request_asked_for_twice_is_there_once(server: Hub, client: GitHub, repo: Path) -> None:
    asked = {"base": "main", "title": "Promote", "body": "why"}
    first = propose(client, change(server), **asked)
    assert (first.action, writes(server)) == (
        "opened", ["git/create-tree 201", "git/create-commit 201", "git/create-ref 201", "pulls/create 201"],
    )  # fmt: skip
    again = propose(client, change(server), **asked)
    assert (again.action, again.number, writes(server)[4:]) == ("unchanged", first.number, ["git/create-tree 201"])
    newer = propose(client, change(server, b"{2}\n"), **{**asked, "body": "another"})
    assert (newer.action, newer.number) == ("updated", first.number)
    assert server.run("show", "modelyard/promote-tiny:promoted/tiny.json") == "{2}"
    assert server.run("rev-list", "--count", "main..modelyard/promote-tiny") == "1"


@pytest.mark.parametrize("operation", ["git/create-tree", "git/create-commit", "git/create-ref", "pulls/create"])
@pytest.mark.parametrize("after", [False, True])
def test_a_request_that_fails_leaves_what_the_next_attempt_finishes(
    server: Hub, client: GitHub, repo: Path, operation: str, after: bool
) -> None:
    server.fail(operation, "reset", times=4, after=after)
    asked = {"base": "main", "title": "Promote", "body": "why"}
    with pytest.raises(GitHubError):
        propose(client, change(server), **asked)
    server.faults.clear()
    done = propose(client, change(server), **asked)
    assert done.number == max(server.pulls)
    assert len(server.pulls) == 1
    assert server.run("rev-list", "--count", "main..modelyard/promote-tiny") == "1"


def test_actions_that_may_not_open_pull_requests_are_told_the_setting(server: Hub, client: GitHub, repo: Path) -> None:
    server.no_pulls = True
    with pytest.raises(GitHubError) as caught:
        propose(client, change(server), base="main", title="t", body="b")
    assert "Allow GitHub Actions to create and approve pull requests" in caught.value.hint


@pytest.mark.parametrize(
    ("files", "same"),
    [
        ({"promoted/tiny.json": "1"}, True),
        ({"promoted/tiny.json": "1", "promoted/other.json": "1"}, False),
        ({"promoted/tiny.json": "1", "src/code.py": "print(2)\n"}, False),
        ({"promoted/tiny.json": "1", "new.txt": ""}, False),
        ({"promoted": "a file in its place"}, False),
        ({}, True),
    ],
)
def test_trees_are_compared_without_one_file(
    server: Hub, client: GitHub, repo: Path, files: dict[str, str], same: bool
) -> None:
    before = server.run("rev-parse", "main^{tree}")
    for name, text in files.items():
        (repo / name).parent.mkdir(exist_ok=True)
        (repo / name).write_text(text, "utf-8")
    desk.git(repo, "add", "-A")
    desk.git(repo, "commit", "-q", "--allow-empty", "-m", "more")
    server.push(repo)
    assert same_but_for(client, before, server.run("rev-parse", "main^{tree}"), "promoted/tiny.json") is same
