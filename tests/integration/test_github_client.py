"""The REST client and the comment, against a server that keeps state and holds requests to GitHub's description."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.errors import DataError
from modelyard.github.client import GitHub, GitHubError
from modelyard.github.comments import Marker, upsert
from tests.hub import BOT, How, Hub, comment, hub

HEAD = "a" * 40
READ = "contents: read"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Hub]:
    with hub(tmp_path / "hub") as running:
        running.tokens["ghs_comment"] = {"pull-requests"}
        running.tokens["ghs_write"] = {"contents"}
        running.pulls[7] = {"number": 7, "state": "open", "head": {"sha": HEAD}}
        yield running
        assert running.violations == []


def client(server: Hub, token: str = "ghs_comment", waited: list[float] | None = None) -> GitHub:  # noqa: S107 - a stand-in
    return GitHub(server.url, server.name, token, pause=(waited if waited is not None else []).append)


def marker(run: int = 5, attempt: int = 1, head: str = HEAD, model: str = "tiny") -> Marker:
    return Marker(model, head, run, attempt)


def test_a_comment_is_created_once_and_then_updated(server: Hub) -> None:
    first = upsert(client(server), 7, marker(), "hold\n")
    second = upsert(client(server), 7, marker(run=6), "promote\n")
    assert (first.action, second.action, first.url) == ("created", "updated", second.url)
    (made,) = server.comments.values()
    assert made["body"] == f"<!-- modelyard:comment v1 model=tiny head={HEAD} run=6.1 -->\npromote\n"
    assert [call.operation for call in server.writes] == ["issues/create-comment", "issues/update-comment"]


def test_the_same_comment_again_writes_nothing(server: Hub) -> None:
    upsert(client(server), 7, marker(), "hold\n")
    assert upsert(client(server), 7, marker(), "hold\n").action == "unchanged"
    assert len(server.writes) == 1


def test_a_comment_is_found_on_the_second_page(server: Hub) -> None:
    for at in range(101):
        comment(server, 7, f"chatter {at}", "octocat")
    comment(server, 7, f"{marker(run=4)}\nold", BOT)
    assert upsert(client(server), 7, marker(), "new").action == "updated"
    assert len(server.comments) == 102


def test_a_forged_marker_of_somebody_else_is_left_alone(server: Hub) -> None:
    forged = comment(server, 7, f"{marker(run=999)}\nall is well", "mallory")
    assert upsert(client(server), 7, marker(), "hold").action == "created"
    assert forged["body"].endswith("all is well")


def test_a_marker_that_is_not_on_the_first_line_is_none(server: Hub) -> None:
    comment(server, 7, f"quoted:\n{marker(run=999)}\n", BOT)
    assert upsert(client(server), 7, marker(), "hold").action == "created"


def test_two_models_have_a_comment_each(server: Hub) -> None:
    upsert(client(server), 7, marker(model="one"), "1")
    upsert(client(server), 7, marker(model="two"), "2")
    assert len(server.comments) == 2


@pytest.mark.parametrize(("run", "attempt"), [(9, 1), (5, 2)])
def test_a_later_run_of_the_same_head_is_never_overwritten(server: Hub, run: int, attempt: int) -> None:
    upsert(client(server), 7, marker(run=run, attempt=attempt), "later")
    assert upsert(client(server), 7, marker(), "earlier").action == "newer"
    assert [each["body"].endswith("later") for each in server.comments.values()] == [True]


def test_a_newer_head_is_never_overwritten(server: Hub) -> None:
    server.pulls[7]["head"]["sha"] = "b" * 40
    assert upsert(client(server), 7, marker(run=99), "about an old commit").action == "newer"
    assert server.writes == []


def test_a_token_of_a_person_writes_as_that_person(server: Hub) -> None:
    server.logins["ghs_comment"] = "octocat"
    comment(server, 7, f"{marker(run=4)}\nthe bot's", BOT)
    assert upsert(client(server), 7, marker(), "mine").action == "created"


def test_without_the_permission_the_error_is_the_line_that_grants_it(server: Hub) -> None:
    with pytest.raises(GitHubError) as error:
        upsert(client(server, "ghs_read"), 7, marker(), "hold")
    assert error.value.status == 403
    assert "Resource not accessible by integration" in str(error.value)
    assert "permissions: {pull-requests: write}" in error.value.do


def test_without_a_token_nothing_is_written(server: Hub) -> None:
    with pytest.raises(GitHubError, match="there is no token"):
        upsert(client(server, ""), 7, marker(), "hold")
    assert server.writes == []


def test_a_name_that_would_break_the_marker_is_refused(server: Hub) -> None:
    with pytest.raises(DataError, match="no name of a model"):
        upsert(client(server), 7, marker(model="x --><b>"), "hold")


def test_a_token_that_is_not_valid_is_said(server: Hub) -> None:
    with pytest.raises(GitHubError, match="Bad credentials") as error:
        client(server, "ghs_unknown").get("git/ref/heads/main", needs=READ)
    assert "not valid" in error.value.do


@pytest.mark.parametrize("how", ["status", "reset", "truncate"])
def test_a_read_is_repeated(server: Hub, how: How) -> None:
    server.fail("pulls/get", how, 502, times=2)
    waited: list[float] = []
    assert client(server, waited=waited).get("pulls/7", needs=READ)["number"] == 7
    assert waited == [1.0, 2.0]


def test_a_read_that_never_succeeds_ends_with_the_status(server: Hub) -> None:
    server.fail("pulls/get", status=503, times=9)
    with pytest.raises(GitHubError, match="503") as error:
        client(server).get("pulls/7", needs=READ)
    assert error.value.exit_code == 4
    assert len(server.calls) == 4


def test_a_write_whose_answer_was_lost_is_not_repeated(server: Hub) -> None:
    server.fail("issues/create-comment", "reset", after=True)
    with pytest.raises(GitHubError, match="no answer"):
        upsert(client(server), 7, marker(), "hold")
    assert len(server.comments) == 1
    assert upsert(client(server), 7, marker(), "hold").action == "unchanged"


@pytest.mark.parametrize(
    ("status", "headers", "waits"),
    [
        (429, {"Retry-After": "7"}, [7.0]),
        (403, {"Retry-After": "3", "X-RateLimit-Remaining": "0"}, [3.0]),
        (429, {}, [60.0]),
    ],
)
def test_a_rate_limit_is_waited_for_even_by_a_write(
    server: Hub, status: int, headers: dict[str, str], waits: list[float]
) -> None:
    server.fail("issues/create-comment", status=status, headers=headers)
    waited: list[float] = []
    assert upsert(client(server, waited=waited), 7, marker(), "hold").action == "created"
    assert waited == waits


def test_a_long_rate_limit_ends_with_its_time(server: Hub) -> None:
    server.fail("pulls/get", status=429, headers={"Retry-After": "3600"})
    with pytest.raises(GitHubError) as error:
        client(server).get("pulls/7", needs=READ)
    assert "3,600 seconds" in error.value.do


def test_an_asset_is_fetched_from_storage_without_the_token(server: Hub, tmp_path: Path) -> None:
    """The storage answers 400 to a request with a token."""
    writer = client(server, "ghs_write")
    release = writer.send("POST", "releases", {"tag_name": "t", "draft": True}, needs="contents: write")
    source = tmp_path / "model.bin"
    source.write_bytes(b"\0model" * 1000)
    asset = writer.upload(release["upload_url"], source, name="model.bin", needs="contents: write")
    client(server, "ghs_read").download(f"releases/assets/{asset['id']}", tmp_path / "back", needs=READ)
    assert (tmp_path / "back").read_bytes() == source.read_bytes()


def test_an_upload_goes_to_githubs_own_host_alone(server: Hub, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"x")
    with pytest.raises(GitHubError, match="not its own"):
        client(server, "ghs_write").upload(
            "http://127.0.0.1:9/uploads{?name}", tmp_path / "model.bin", name="m", needs="contents: write"
        )
