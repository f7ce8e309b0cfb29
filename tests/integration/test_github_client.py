"""The REST client and the comment, against a server that keeps state and holds requests to GitHub's description."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from modelyard.core.errors import DataError, PlatformError
from modelyard.github.client import GitHub, GitHubError
from modelyard.github.comments import Marker, upsert
from tests.hub import BOT, How, Hub, bare, comment, hub

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
    assert "permissions: {pull-requests: write}" in error.value.hint


def test_without_a_token_nothing_is_written(server: Hub) -> None:
    with pytest.raises(GitHubError, match="there is no token"):
        upsert(client(server, ""), 7, marker(), "hold")
    assert server.writes == []


def test_a_name_that_would_break_the_marker_is_refused(server: Hub) -> None:
    with pytest.raises(DataError, match="invalid model name"):
        upsert(client(server), 7, marker(model="x --><b>"), "hold")


def test_a_token_that_is_not_valid_is_said(server: Hub) -> None:
    with pytest.raises(GitHubError, match="Bad credentials") as error:
        client(server, "ghs_unknown").get("git/ref/heads/main", needs=READ)
    assert "not valid" in error.value.hint


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
    assert "3,600 seconds" in error.value.hint


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


@dataclass(frozen=True)
class Row:
    """One answer, and what becomes of it: seconds waited before it is asked again, or the words of the error."""

    how: How = "status"
    status: int = 500
    said: str = "made to fail"
    headers: Mapping[str, str] = field(default_factory=dict)
    read: list[float] | str = ""
    write: list[float] | str = ""


NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)
AT_NOON = str(int(NOON.timestamp()))
LIMITED = {"X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "1000"}
AGAIN = [1.0, 2.0, 4.0]
ANSWERS = {
    "401": Row(status=401, said="Bad credentials", read="The token is not valid", write="The token is not valid"),
    "403 permission": Row(
        status=403, said="Resource not accessible by integration",
        read="permissions: {contents: read}", write="permissions: {contents: write}",
    ),
    "403 of a person's token": Row(
        status=403, said="Resource not accessible by personal access token",
        read="the permission contents: read", write="the permission contents: write",
    ),
    "403 single sign-on": Row(
        status=403, said="Resource protected by organization SAML enforcement.",
        read="single sign-on", write="single sign-on",
    ),
    "403 primary limit, nearly over": Row(
        status=403, said="API rate limit exceeded for installation ID 1.",
        headers={**LIMITED, "X-RateLimit-Reset": str(int(AT_NOON) + 30)}, read=[30.0], write=[30.0],
    ),
    "403 primary limit": Row(
        status=403, said="API rate limit exceeded for installation ID 1.",
        headers={**LIMITED, "X-RateLimit-Reset": str(int(AT_NOON) + 1800)},
        read="all 1,000 requests of this hour are used up. It ends in about 1,800 seconds, at 12:30 UTC",
        write="all 1,000 requests of this hour are used up. It ends in about 1,800 seconds, at 12:30 UTC",
    ),
    "403 secondary limit": Row(
        status=403, said="You have exceeded a secondary rate limit. Please wait a few minutes",
        read=[60.0], write=[60.0],
    ),
    "403 secondary limit with a time": Row(
        status=403, said="You have exceeded a secondary rate limit", headers={"Retry-After": "12"},
        read=[12.0], write=[12.0],
    ),
    "403 with a time and no words": Row(status=403, headers={"Retry-After": "5"}, read=[5.0], write=[5.0]),
    "404": Row(status=404, said="Not Found", read="this token may not see it", write="this token may not see it"),
    "409": Row(status=409, said="Conflict", read="at the same moment", write="at the same moment"),
    "409 empty": Row(
        status=409, said="Git Repository is empty.", read="push a first one", write="push a first one",
    ),
    "422": Row(status=422, said="Validation Failed", read="would not do it", write="would not do it"),
    "429 with a time": Row(status=429, headers={"Retry-After": "7"}, read=[7.0], write=[7.0]),
    "429 with a date": Row(
        status=429, headers={"Retry-After": "Sun, 03 May 2026 12:00:20 GMT"}, read=[20.0], write=[20.0]
    ),
    "429 without": Row(status=429, read=[60.0], write=[60.0]),
    "429 for an hour": Row(
        status=429, headers={"Retry-After": "3600"},
        read="ends in about 3,600 seconds, at 13:00 UTC", write="ends in about 3,600 seconds, at 13:00 UTC",
    ),
    "500": Row(status=500, read=AGAIN, write="www.githubstatus.com"),
    "502": Row(status=502, read=AGAIN, write="www.githubstatus.com"),
    "503": Row(status=503, read=AGAIN, write="www.githubstatus.com"),
    "reset": Row("reset", read=AGAIN, write="no answer (the connection failed)"),
    "timeout": Row("timeout", read=AGAIN, write="no answer (it took too long to answer)"),
    "truncated": Row("truncate", read=AGAIN, write="no answer (the answer broke off)"),
}  # fmt: skip


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Hub]:
    """The same without a socket, and with a clock that stands."""
    with bare(tmp_path / "quick") as made:
        made.tokens["ghs_write"] = {"contents"}
        made.clock = lambda: NOON
        yield made
        assert made.violations == []


def quickly(server: Hub, waited: list[float]) -> GitHub:
    """A client whose machine's clock is two hours off: waits are reckoned by GitHub's."""
    clock = lambda: NOON.timestamp() + 7200  # noqa: E731 - a clock
    return GitHub(server.url, server.name, "ghs_write", session=server.session(), pause=waited.append, clock=clock)


@pytest.mark.parametrize("name", ANSWERS)
def test_each_answer_has_its_outcome_for_a_read(quick: Hub, name: str) -> None:
    row, waited = ANSWERS[name], list[float]()
    times = 1 if isinstance(row.read, str) else len(row.read)
    quick.fail("git/get-ref", row.how, row.status, times, headers=row.headers, message=row.said)
    client = quickly(quick, waited)
    if isinstance(row.read, list):
        assert client.get("git/ref/heads/main", needs=READ)["ref"] == "refs/heads/main"
        assert waited == row.read
        quick.fail("git/get-ref", row.how, row.status, 4, headers=row.headers, message=row.said)
    said = None if isinstance(row.read, list) else row.read
    with pytest.raises(GitHubError) as error:
        client.get("git/ref/heads/main", needs=READ)
    ended_well(error.value, said)
    assert len(quick.calls) == (5 + times if said is None else 1)


@pytest.mark.parametrize("name", ANSWERS)
def test_each_answer_has_its_outcome_for_a_write(quick: Hub, name: str) -> None:
    row, waited = ANSWERS[name], list[float]()
    quick.fail("git/create-blob", row.how, row.status, headers=row.headers, message=row.said)
    client = quickly(quick, waited)

    def write() -> object:
        return client.send("POST", "git/blobs", {"content": "x", "encoding": "utf-8"}, needs="contents: write")

    if isinstance(row.write, list):
        assert write() == {"sha": "c1b0730e0133447badcfd47fd144e254807b06e1"}
        assert waited == row.write
        assert len(quick.calls) == 2
        return
    with pytest.raises(GitHubError) as error:
        write()
    ended_well(error.value, row.write)
    assert waited == []
    assert len(quick.calls) == 1


def ended_well(error: GitHubError, said: str | None) -> None:
    """Exit code 4, GitHub's own words, the cure, and no token."""
    text = str(error)
    assert error.exit_code == 4
    assert "ghs_write" not in text
    assert "ghs_write" not in repr(error)
    if said is not None:
        assert said in text


def test_a_write_is_led_to_no_other_host(quick: Hub) -> None:
    quick.fail("git/create-blob", status=307, headers={"Location": "http://elsewhere.example/git/blobs"})
    with pytest.raises(GitHubError, match="to another host"):
        quickly(quick, []).send("POST", "git/blobs", {"content": "x"}, needs="contents: write")
    assert len(quick.calls) == 1


def test_nothing_is_led_off_tls(quick: Hub) -> None:
    quick.fail("git/get-ref", status=302, headers={"Location": "http://elsewhere.example/"})
    client = GitHub("https://hub.example", quick.name, "ghs_write", session=quick.session())
    with pytest.raises(GitHubError, match="to another host"):
        client.get("git/ref/heads/main", needs=READ)


def test_going_round_in_circles_ends(quick: Hub) -> None:
    circle = f"{quick.url}/repos/{quick.name}/git/ref/heads/main"
    quick.fail("git/get-ref", status=301, times=99, headers={"Location": circle})
    with pytest.raises(GitHubError, match="on and on"):
        quickly(quick, []).get("git/ref/heads/main", needs=READ)


def test_the_token_is_in_no_representation_and_goes_to_no_storage(quick: Hub, tmp_path: Path) -> None:
    """The storage refuses a request that carries one."""
    client = quickly(quick, [])
    assert "ghs_write" not in repr(client)
    asset = uploaded(client, tmp_path, b"model" * 1000)
    client.download(f"releases/assets/{asset['id']}", tmp_path / "back", needs=READ)
    assert (tmp_path / "back").read_bytes() == b"model" * 1000


def uploaded(client: GitHub, tmp_path: Path, data: bytes) -> dict[str, Any]:
    (tmp_path / "source").write_bytes(data)
    release = client.send("POST", "releases", {"tag_name": "t", "draft": True}, needs="contents: write")
    found: dict[str, Any] = client.upload(
        release["upload_url"], tmp_path / "source", name="model.bin", needs="contents: write"
    )
    return found


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("size", [None, 1_000_000])
def test_a_download_that_breaks_off_goes_on_where_it_ended(
    quick: Hub, tmp_path: Path, ranges: bool, size: int | None
) -> None:
    """Each break halves what is left; a storage that gives no parts is read from the start."""
    client, data = quickly(quick, []), bytes(range(250)) * 4000
    asset = uploaded(client, tmp_path, data)
    quick.ranges = ranges
    quick.fail("storage", "truncate", times=3, after=True)
    client.download(f"releases/assets/{asset['id']}", tmp_path / "back", needs=READ, size=size)
    assert (tmp_path / "back").read_bytes() == data
    assert [call.status for call in quick.calls if call.operation == "storage"] == [0, 0, 0, 206 if ranges else 200]


def test_what_came_is_kept_for_the_next_run(quick: Hub, tmp_path: Path) -> None:
    client, data = quickly(quick, []), bytes(range(250)) * 4000
    asset = uploaded(client, tmp_path, data)
    quick.fail("storage", "truncate", after=True)
    quick.fail("storage", "reset", times=4)
    with pytest.raises(GitHubError, match="no answer") as error:
        client.download(f"releases/assets/{asset['id']}", tmp_path / "back", needs=READ)
    assert "what was finished is kept" in error.value.hint
    kept = (tmp_path / "back").read_bytes()
    assert 400_000 < len(kept) <= 500_000
    assert data.startswith(kept)
    client.download(f"releases/assets/{asset['id']}", tmp_path / "back", needs=READ)
    assert (tmp_path / "back").read_bytes() == data


def test_a_download_that_never_gains_anything_ends(quick: Hub, tmp_path: Path) -> None:
    client, waited = quickly(quick, []), list[float]()
    client.pause = waited.append
    asset = uploaded(client, tmp_path, b"x" * 100)
    quick.fail("storage", "truncate", times=99, after=True)
    with pytest.raises(GitHubError, match="the download broke off"):
        client.download(f"releases/assets/{asset['id']}", tmp_path / "back", needs=READ)
    assert len(waited) == 3


def test_a_beginning_longer_than_the_file_is_thrown_away(quick: Hub, tmp_path: Path) -> None:
    client = quickly(quick, [])
    asset = uploaded(client, tmp_path, b"short")
    for size in (None, 5):
        (tmp_path / "back").write_bytes(b"much longer than that")
        client.download(f"releases/assets/{asset['id']}", tmp_path / "back", needs=READ, size=size)
        assert (tmp_path / "back").read_bytes() == b"short"


def test_a_full_disk_is_not_a_broken_connection(quick: Hub, tmp_path: Path) -> None:
    client = quickly(quick, [])
    asset = uploaded(client, tmp_path, b"x" * 100)
    with pytest.raises(PlatformError, match="could not write"):
        client.download(f"releases/assets/{asset['id']}", tmp_path / "nowhere" / "back", needs=READ)


def test_an_upload_is_sent_again_from_its_start_after_a_rate_limit(quick: Hub, tmp_path: Path) -> None:
    waited: list[float] = []
    quick.fail("repos/upload-release-asset", status=429, headers={"Retry-After": "9"})
    asset = uploaded(quickly(quick, waited), tmp_path, b"whole")
    assert asset["size"] == 5
    assert waited == [9.0]


def test_a_list_is_read_over_all_its_pages(quick: Hub) -> None:
    client = quickly(quick, [])
    for at in range(205):
        client.send("POST", "releases", {"tag_name": f"t{at}", "draft": True}, needs="contents: write")
    assert len({each["tag_name"] for each in client.pages("releases", needs="contents: write")}) == 205


def test_githubs_clock_is_the_clock(quick: Hub) -> None:
    client = quickly(quick, [])
    assert client.now() == NOON + timedelta(hours=2)
    client.get("git/ref/heads/main", needs=READ)
    assert client.now() == NOON


def test_large_files_stream_both_ways_in_little_memory_and_say_how_far_they_are(server: Hub, tmp_path: Path) -> None:
    """200 MB in a process of its own, over a real connection: its memory grows by a tenth of that at most."""
    source = tmp_path / "model.zip"
    with source.open("wb") as stream:
        stream.truncate(200_000_000)
    target = tmp_path / "1-model.zip.partial"
    done = subprocess.run(
        [sys.executable, "-m", "tests.github_transfer", server.url, server.name, str(source), str(target)],
        cwd=Path(__file__).parents[2], text=True, capture_output=True, check=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert told["grown"] < 20_000_000
    assert told["sent"][0][1:] == [200, "MB of model.zip sent"]
    assert told["sent"][-1] == [200, 200, "MB of model.zip sent"]
    assert told["sent"] == sorted(told["sent"])
    assert told["fetched"][-1] == [200, 200, "MB of model.zip fetched"]
    assert target.stat().st_size == 200_000_000
