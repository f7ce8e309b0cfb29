"""Data sets on web servers and on Hugging Face, by servers on loopback that keep state."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelyard.core.errors import ModelyardError
from modelyard.data.remote import failures, kept
from modelyard.data.source import Location
from modelyard.data.sources import open_source
from tests.hugging_face import Hub
from tests.object_servers import Asked, Door, Given, always, door

CSV = b"month,row\n1,0\n1,1\n"
TOLD = {"ETag": '"one"', "Last-Modified": "Fri, 27 Nov 2026 07:00:00 GMT"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "PAUSE", 0.01)
    for name in ("HF_TOKEN", "HF_ENDPOINT", "HUGGING_FACE_HUB_TOKEN", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def site() -> Iterator[Door]:
    with door() as opened:
        opened.meet = always(Given(200, CSV, TOLD))
        yield opened


@pytest.fixture
def other() -> Iterator[Door]:
    with door() as opened:
        yield opened


def source(folder: Path, address: str, **more: Any) -> Any:
    folder.mkdir(exist_ok=True)
    return open_source(Location("all", address, folder, folder, **more))


def error(call: Callable[[], object]) -> tuple[str, int]:
    with pytest.raises(ModelyardError) as caught:
        call()
    return caught.value.code, caught.value.exit_code


# https


def test_a_file_is_read_once_and_then_known_by_its_headers(tmp_path: Path, site: Door) -> None:
    address = f"{site.url}/data/flights.csv?download=1"
    first = source(tmp_path / "one", address)
    assert site.asked == []
    assert first.read()["row"].to_list() == [0, 1]
    (part,) = first.fingerprint().partitions
    assert (part.path, part.size, part.etag) == ("data/flights.csv", 18, '"one"')
    assert [each.method for each in site.asked] == ["HEAD", "GET"]
    elsewhere = source(tmp_path / "two", address)
    elsewhere.recall(first.fingerprint())
    assert elsewhere.fingerprint() == first.fingerprint()
    assert [each.method for each in site.asked] == ["HEAD", "GET", "HEAD"]
    site.meet = always(Given(200, CSV, {**TOLD, "ETag": '"two"'}))
    assert source(tmp_path / "one", address).fingerprint().digest == first.fingerprint().digest
    assert site.count("GET") == 2, "another ETag is read anew, and is the same contents"


def test_a_server_that_says_too_little_is_read_each_time(tmp_path: Path, site: Door) -> None:
    for told in ({}, {"ETag": 'W/"weak"', "Last-Modified": TOLD["Last-Modified"]}, {"ETag": '"one"'}):
        site.asked.clear()
        site.meet = always(Given(200, CSV, told))
        for _ in range(2):
            source(tmp_path, f"{site.url}/x.csv").fingerprint()
        assert site.count("GET") == 2, told


def test_a_server_that_answers_no_head_is_asked_by_get(tmp_path: Path, site: Door) -> None:
    site.meet = lambda asked: Given(405) if asked.method == "HEAD" else Given(200, CSV, TOLD)
    assert source(tmp_path, f"{site.url}/x.csv").read().height == 2


def test_a_redirect_is_followed_on_this_machine_and_never_to_plain_http(
    tmp_path: Path, site: Door, other: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a .netrc nor anything else goes along."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n", "utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    other.meet = always(Given(200, CSV, TOLD))
    site.meet = always(Given(302, b"", {"Location": f"{other.url}/y.csv"}))
    assert source(tmp_path, f"{site.url}/x.csv").read().height == 2
    assert all("authorization" not in {name.lower() for name in each.headers} for each in (*site.asked, *other.asked))
    for target in ("http://example.org/x.csv", "ftp://example.org/x.csv", "file:///etc/passwd",
                   "https://me:secret@example.org/x.csv"):  # fmt: skip
        site.meet = always(Given(302, b"", {"Location": target}))
        assert error(source(tmp_path, f"{site.url}/x.csv").fingerprint) == ("data/redirect", 4), target
    site.meet = always(Given(302, b"", {"Location": f"{site.url}/x.csv"}))
    assert error(source(tmp_path, f"{site.url}/x.csv").fingerprint) == ("data/redirect", 4)


def test_a_proxy_is_used_but_where_the_environment_says_not_to(
    tmp_path: Path, site: Door, other: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", other.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert source(tmp_path, f"{site.url}/x.csv").list()
    assert other.asked == []
    monkeypatch.setenv("no_proxy", "example.org")
    assert error(source(tmp_path, f"{site.url}/y.csv").list) == ("data/no-such-object", 2)
    assert [each.path for each in other.asked][:1] == [f"{site.url}/y.csv"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Given(404), ("data/no-such-object", 2)),
        (Given(410), ("data/no-such-object", 2)),
        (Given(401), ("data/no-credentials", 4)),
        (Given(403), ("data/no-credentials", 4)),
        (Given(500), ("data/server-error", 4)),
        (Given(418), ("data/server-error", 4)),
        (Given(0), ("data/timeout", 4)),
        (Given(200, CSV, TOLD, cut=7), ("data/truncated", 3)),
        (Given(200, b"", TOLD), ("data/empty-file", 3)),
    ],
    ids=str,
)
def test_each_answer_has_its_words_and_its_exit_code(
    tmp_path: Path, site: Door, monkeypatch: pytest.MonkeyPatch, given: Given, expected: tuple[str, int]
) -> None:
    monkeypatch.setattr(failures, "SECONDS", 0.2)
    site.meet = always(given)
    assert error(source(tmp_path, f"{site.url}/x.csv").fingerprint) == expected
    site.hold.set()
    assert not list(tmp_path.rglob(".part-*"))


def test_a_file_that_changes_or_grows_while_it_is_read_is_refused(
    tmp_path: Path, site: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.meet = lambda asked: Given(200, CSV, TOLD if asked.method == "HEAD" else {**TOLD, "ETag": '"two"'})
    assert error(source(tmp_path, f"{site.url}/x.csv").fingerprint) == ("data/changed-while-read", 3)
    site.meet = lambda asked: Given(200, CSV if asked.method == "HEAD" else CSV * 2, TOLD)
    assert error(source(tmp_path, f"{site.url}/x.csv").fingerprint) == ("data/changed-while-read", 3)
    site.meet = lambda asked: Given(404) if asked.method == "GET" else Given(200, CSV, TOLD)
    assert error(source(tmp_path, f"{site.url}/x.csv").fingerprint) == ("data/changed-while-read", 3)
    monkeypatch.setattr(kept, "LARGEST", 10)
    site.meet = always(Given(200, CSV, TOLD))
    assert error(source(tmp_path, f"{site.url}/x.csv").fingerprint) == ("data/too-large", 4)


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("http://example.org/x.csv", "data/insecure-address"),
        ("https://me:secret@example.org/x.csv", "data/bad-address"),
        ("https://example.org/x.csv?X-Amz-Signature=abc", "data/bad-address"),
        ("https://example.org/x.csv?sig=abc&sv=1", "data/bad-address"),
        ("https://example.org/x.csv#part", "data/bad-address"),
        ("https://example.org/*.csv", "data/bad-address"),
        ("https://example.org/", "data/bad-address"),
        ("https://example.org/a/../x.csv", "data/bad-address"),
        ("https://example.org/a%2F..%2Fx.csv", "data/bad-address"),
        ("https://example.org/x%0a.csv", "data/bad-address"),
        ("https://exa mple.org/x.csv", "data/bad-address"),
        ("https:///x.csv", "data/bad-address"),
        ("https://example.org:99999/x.csv", "data/bad-address"),
        ("https://[::1/x.csv", "data/bad-address"),
        ("hf://models/a/b/x.csv", "data/bad-address"),
        ("hf://datasets/a/x.csv", "data/bad-address"),
        ("hf://datasets/a/b@main", "data/bad-address"),
        ("hf://datasets/a/b@../x/y.csv", "data/bad-address"),
        ("hf://datasets/a/b/../y.csv", "data/bad-address"),
    ],
)
def test_bad_addresses_are_refused_before_any_request(tmp_path: Path, address: str, code: str) -> None:
    with pytest.raises(ModelyardError) as caught:
        source(tmp_path, address).list()
    assert (caught.value.code, caught.value.exit_code) == (code, 2)
    assert "secret" not in str(caught.value)
    assert "abc" not in str(caught.value)


# Hugging Face


@pytest.fixture
def hub(site: Door, other: Door, monkeypatch: pytest.MonkeyPatch) -> Hub:
    made = Hub(site.url, other.url, token="hf_sesame")
    site.meet, other.meet = made.answer, made.give_large
    monkeypatch.setenv("HF_ENDPOINT", site.url)
    return made


def months(*numbers: int, rows: int = 2) -> dict[str, bytes]:
    return {
        f"data/2013-{number:02}.csv": ("month,row\n" + "".join(f"{number},{row}\n" for row in range(rows))).encode()
        for number in numbers
    }


def test_a_repository_is_read_at_one_commit_and_known_by_its_blobs(
    tmp_path: Path, hub: Hub, site: Door, other: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", hub.token)
    hub.private.add("me/flights")
    hub.push("me/flights", {"README.md": b"#", **months(1, 2, 3, 4), **months(5, rows=30)})
    address = "hf://datasets/me/flights/data/*.csv"
    first = source(tmp_path / "one", address)
    assert first.list() == tuple(f"data/2013-0{number}.csv" for number in range(1, 6)), "over two pages"
    assert first.read()["month"].to_list() == [1, 1, 2, 2, 3, 3, 4, 4, *[5] * 30]
    assert len(other.asked) == 1, "the large one lies elsewhere"
    assert all("authorization" not in {name.lower() for name in each.headers} for each in other.asked)
    assert all(each.headers["Authorization"] == "Bearer hf_sesame" for each in site.asked)
    found = first.fingerprint()
    hub.push("me/flights", {"README.md": b"# another commit", **months(1, 2, 3, 4), **months(5, rows=30)})
    site.asked.clear()
    elsewhere = source(tmp_path / "two", address)
    elsewhere.recall(found)
    assert elsewhere.fingerprint() == found
    assert len(site.asked) == 3, "the commit, and two pages"
    assert source(tmp_path / "two", "hf://datasets/me/flights@" + hub.sha("me/flights", 0) + "/**/*.csv").list()


def test_what_the_hub_refuses_is_told_apart(tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.push("me/flights", months(1))
    assert error(source(tmp_path, "hf://datasets/me/none/*.csv").list) == ("data/no-credentials", 4)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    assert error(source(tmp_path, "hf://datasets/me/none/*.csv").list) == ("data/no-such-bucket", 2)
    assert error(source(tmp_path, "hf://datasets/me/flights@dev/*.csv").list) == ("data/no-such-bucket", 2)
    assert error(source(tmp_path, "hf://datasets/me/flights/other/*.csv").list) == ("data/no-such-object", 2)
    assert error(source(tmp_path, "hf://datasets/me/flights/data/x.csv").list) == ("data/no-such-object", 2)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    hub.private.add("me/flights")
    assert error(source(tmp_path, "hf://datasets/me/flights/data/*.csv").list) == ("data/no-permission", 4)
    monkeypatch.delenv("HF_TOKEN")
    private = source(tmp_path, "hf://datasets/me/flights/data/*.csv", fork=True)
    assert error(private.list) == ("data/not-readable-from-fork", 4)


@pytest.mark.parametrize(
    "answer",
    [b"<html>", b"[]", b"{}", b'{"sha": 1}', b'{"sha": "main"}', b"[" * 100_000],
)
def test_a_hub_that_answers_something_else_is_no_pass(tmp_path: Path, hub: Hub, site: Door, answer: bytes) -> None:
    del hub
    site.meet = always(Given(200, answer))
    assert error(source(tmp_path, "hf://datasets/me/flights/*.csv").list) == ("data/server-error", 4)


def test_a_listing_that_leads_to_another_server_is_not_followed(tmp_path: Path, hub: Hub, site: Door) -> None:
    hub.push("me/flights", months(1))

    def meet(asked: Asked) -> Given:
        given = hub.answer(asked)
        more = {"Link": '<https://example.org/next>; rel="next"'} if "/tree/" in asked.path else {}
        return Given(given.status, given.body, {**given.headers, **more})

    site.meet = meet
    assert error(source(tmp_path, "hf://datasets/me/flights/data/*.csv").list) == ("data/redirect", 4)
