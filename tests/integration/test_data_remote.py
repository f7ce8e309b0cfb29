"""Data sets in object stores: real servers on loopback, and every way in which an object can fail."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import obstore
import polars as pl
import pytest

from modelyard.core.errors import ModelyardError
from modelyard.data.fingerprint import compare
from modelyard.data.remote import failures, kept
from modelyard.data.remote.objects import Object
from modelyard.data.source import Location
from modelyard.data.sources import open_source
from modelyard.data.sources.remote import RemoteSource
from modelyard.records.results import DataSet, Partition
from tests.object_servers import Asked, Door, Given, S3Server, always, door, gcs_server, s3_server

VARIABLES = ("AWS_", "GOOGLE_", "AZURE_", "HF_", "RUNNER_", "GITHUB_ACTIONS")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture(scope="module")
def way(server: S3Server) -> Iterator[Door]:
    """The way to the server: it counts requests, and gives answers of its own where a test says so."""
    with door(server.url) as opened:
        yield opened


@pytest.fixture
def s3(server: S3Server, way: Door, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Any:
    """A bucket of this test's own with a set in it, as ``s3://…`` through the door."""
    way.meet = lambda _: None
    for name, value in {**server.variables, "AWS_ENDPOINT_URL": way.url}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(failures, "PAUSE", 0.01)
    bucket = server.bucket(f"bucket-{sum(map(ord, request.node.name))}")
    for month in (1, 2, 3):
        put(bucket, f"flights/2013-0{month}.csv", month)
    way.asked.clear()
    return bucket


def put(bucket: Any, key: str, number: int, rows: int = 2) -> None:
    lines = "".join(f"{number},{row}\n" for row in range(rows))
    obstore.put(bucket, key, f"month,row\n{lines}".encode())


def location(folder: Path, source: str, **more: Any) -> Location:
    folder.mkdir(exist_ok=True)
    return Location("all", source, folder, folder, **more)


def opened(folder: Path, bucket: Any, keys: str = "flights/*.csv", **more: Any) -> RemoteSource:
    found = open_source(location(folder, f"s3://{bucket.config['bucket']}/{keys}", **more))
    assert isinstance(found, RemoteSource)
    return found


def error(call: Callable[[], object]) -> tuple[str, int]:
    with pytest.raises(ModelyardError) as caught:
        call()
    return caught.value.code, caught.value.exit_code


# what is read


def test_a_glob_in_a_bucket_is_listed_digested_by_contents_and_read_in_the_order_of_keys(
    tmp_path: Path, s3: Any, way: Door
) -> None:
    put(s3, "flights/deeper/2013-04.csv", 4)
    put(s3, "flights/.hidden.csv", 5)
    source = opened(tmp_path, s3)
    assert way.asked == [], "opening asks nobody"
    assert source.list() == ("flights/2013-01.csv", "flights/2013-02.csv", "flights/2013-03.csv")
    assert source.read()["month"].to_list() == [1, 1, 2, 2, 3, 3]
    assert source.read(["row"]).columns == ["row"]
    assert source.describe() == {"month": pl.Int64(), "row": pl.Int64()}
    assert source.row_format() == ".csv"
    found = source.fingerprint()
    assert [(part.path, part.size) for part in found.partitions] == [(key, 18) for key in source.list()]
    assert all(part.etag and part.modified for part in found.partitions)
    (tmp_path / "flights").mkdir()
    for month in (1, 2, 3):
        (tmp_path / f"flights/2013-0{month}.csv").write_text(f"month,row\n{month},0\n{month},1\n", "utf-8")
    assert open_source(location(tmp_path, "flights/*.csv")).fingerprint().digest == found.digest, "contents alone count"
    assert opened(tmp_path, s3, "**/*.csv").list()[-1] == "flights/deeper/2013-04.csv"
    assert opened(tmp_path, s3, "flights/2013-02.csv").read()["month"].to_list() == [2, 2]


def test_what_was_seen_is_not_read_again_neither_here_nor_where_nothing_is_kept(
    tmp_path: Path, s3: Any, way: Door
) -> None:
    first = opened(tmp_path / "one", s3).fingerprint()
    assert (len(way.asked), sum("list-type" in each.path for each in way.asked)) == (4, 1)
    way.asked.clear()
    assert opened(tmp_path / "one", s3).fingerprint() == first
    assert len(way.asked) == 1, "a listing alone"
    elsewhere = opened(tmp_path / "two", s3)
    elsewhere.recall(first)
    assert elsewhere.fingerprint() == first
    assert len(way.asked) == 2
    assert elsewhere.read().height == 6, "contents come when they are needed"
    assert len(way.asked) == 5


def test_the_same_contents_written_anew_are_read_again_and_are_no_change(
    tmp_path: Path, s3: Any, server: S3Server, way: Door
) -> None:
    first = opened(tmp_path, s3).fingerprint()
    way.asked.clear()
    os.utime(server.folder / s3.config["bucket"] / "flights" / "2013-02.csv", (2**31, 2**31))  # its ETag stays
    again = opened(tmp_path, s3).fingerprint()
    assert [each.path.rpartition("/")[2] for each in way.asked if "list-type" not in each.path] == ["2013-02.csv"]
    assert compare(again, first).modified == ()
    assert again.digest == first.digest
    assert again.partitions[1].modified != first.partitions[1].modified


def changed(tmp_path: Path, s3: Any, change: Callable[[], None]) -> DataSet:
    first = opened(tmp_path, s3).fingerprint()
    change()
    return compare(opened(tmp_path, s3).fingerprint(), first)


def test_deleted_renamed_reordered_and_late_partitions_are_told_apart(tmp_path: Path, s3: Any) -> None:
    def change() -> None:
        obstore.delete(s3, "flights/2013-03.csv")
        obstore.rename(s3, "flights/2013-02.csv", "flights/2013-02b.csv")
        put(s3, "flights/2012-12.csv", 12)
        put(s3, "flights/2013-09.csv", 9)

    found = changed(tmp_path / "one", s3, change)
    assert found.removed == ("flights/2013-02.csv", "flights/2013-03.csv")
    assert found.renamed == (("flights/2013-02.csv", "flights/2013-02b.csv"),)
    assert found.late == ("flights/2012-12.csv",)
    assert found.added == ("flights/2012-12.csv", "flights/2013-02b.csv", "flights/2013-09.csv")

    def swap() -> None:
        put(s3, "flights/2012-12.csv", 1)
        put(s3, "flights/2013-01.csv", 12)
        put(s3, "flights/2013-09.csv", 99)

    found = changed(tmp_path / "two", s3, swap)
    assert found.modified == ("flights/2012-12.csv", "flights/2013-01.csv", "flights/2013-09.csv")
    assert found.reordered == ("flights/2012-12.csv", "flights/2013-01.csv")
    assert (found.added, found.removed, found.renamed, found.late) == ((), (), (), ())


def test_a_listing_of_ten_thousand_keys_comes_by_the_thousand(
    tmp_path: Path, s3: Any, server: S3Server, way: Door
) -> None:
    folder = server.folder / s3.config["bucket"] / "many"
    folder.mkdir()
    for number in range(10_000):
        (folder / f"{number:05}.csv").touch()
    keys = opened(tmp_path, s3, "many/*.csv").list()
    assert (len(keys), keys[0], keys[-1]) == (10_000, "many/00000.csv", "many/09999.csv")
    assert len(way.asked) in (10, 11)


@pytest.mark.parametrize(
    ("told", "same"),
    [
        ({"etag": '"a"', "modified": "m"}, True),
        ({"etag": '"a"', "modified": "later"}, False),
        ({"etag": '"b"', "modified": "m"}, False),
        ({"etag": '"a"'}, False),
        ({"etag": 'W/"a"', "modified": "m"}, False),
        ({"modified": "m"}, False),
        ({"version": "1", "etag": '"b"', "modified": "later"}, True),
        ({"version": "2", "etag": '"a"', "modified": "m"}, False),
        ({"version": "null", "etag": '"b"', "modified": "later"}, False),
        ({"etag": '"a"', "modified": "m", "size": 19}, False),
    ],
)
def test_what_a_store_says_decides_whether_an_object_is_the_same(told: dict[str, Any], same: bool) -> None:
    version = "1" if "version" in told and told["version"] != "null" else told.get("version")
    then = Partition(path="x", digest=f"sha256:{'0' * 64}", size=18, etag='"a"', version=version, modified="m")
    now = Object(**{"key": "x", "size": 18, **told})
    assert now.is_still(then) == same
    assert not Object("x", 18, etag=f'"{"a" * 300}"', modified="m").is_still(then)


def test_ten_thousand_renamed_partitions_are_paired_at_once() -> None:
    def listed(lead: str) -> DataSet:
        parts = [Partition(path=f"{lead}{at:05}", digest=f"sha256:{at:064}", size=1) for at in range(10_000)]
        return DataSet(name="all", source="s", digest=f"sha256:{'0' * 64}", partitions=tuple(parts))

    found = compare(listed("b"), listed("a"))
    assert len(found.renamed) == 10_000
    assert found.renamed[7] == ("a00007", "b00007")
    assert found.late == ()


# what goes wrong


def test_an_object_that_changes_while_it_is_read_is_refused(tmp_path: Path, s3: Any, way: Door) -> None:
    def meet(asked: Asked) -> None:
        if asked.path.endswith("2013-02.csv"):
            put(s3, "flights/2013-02.csv", 7, rows=3)

    way.meet = meet
    assert error(opened(tmp_path, s3).fingerprint) == ("data/changed-while-read", 3)
    put(s3, "flights/2013-02.csv", 2)

    def gone(asked: Asked) -> None:
        if asked.path.endswith("2013-02.csv"):
            obstore.delete(s3, "flights/2013-02.csv")

    way.meet = gone
    assert error(opened(tmp_path, s3).fingerprint) == ("data/changed-while-read", 3)


def test_an_object_whose_contents_are_not_what_the_answer_stood_for_is_refused(
    tmp_path: Path, s3: Any, way: Door
) -> None:
    """A server that keeps ETag, size and time while contents change: the listing passes, reading does not."""
    first = opened(tmp_path / "one", s3).fingerprint()
    elsewhere = opened(tmp_path / "two", s3)
    elsewhere.recall(first)
    assert elsewhere.fingerprint() == first
    etag = {"ETag": str(first.partitions[0].etag), "Last-Modified": "Fri, 27 Nov 2026 07:00:00 GMT"}
    lie = b"month,row\n8,0\n8,1\n"
    way.meet = lambda asked: Given(200, lie, etag) if asked.path.endswith("2013-01.csv") else None
    assert error(elsewhere.read) == ("data/changed-while-read", 3)


def test_a_truncated_object_is_refused_and_leaves_nothing_behind(tmp_path: Path, s3: Any, way: Door) -> None:
    first = opened(tmp_path / "one", s3).fingerprint().partitions[0]
    told = {"ETag": str(first.etag), "Last-Modified": "Fri, 27 Nov 2026 07:00:00 GMT"}
    body = b"month,row\n1,0\n1,1\n"

    def meet(asked: Asked) -> Given | None:
        """Break off after 11 bytes, and give none of the rest where that is asked for."""
        if not asked.path.endswith("2013-01.csv"):
            return None
        if "range" not in asked.headers:
            return Given(200, body, told, cut=11)
        return Given(206, body[11:], {**told, "Content-Range": "bytes 11-17/18"}, cut=0)

    way.meet = meet
    assert error(opened(tmp_path / "two", s3).fingerprint) == ("data/truncated", 3)
    way.meet = lambda asked: Given(200, body[:11], told) if asked.path.endswith("2013-01.csv") else None
    assert error(opened(tmp_path / "two", s3).fingerprint) == ("data/changed-while-read", 3)
    assert not list((tmp_path / "two").rglob(".part-*"))


def test_an_empty_object_and_kinds_that_cannot_be_read_are_refused(tmp_path: Path, s3: Any) -> None:
    obstore.put(s3, "flights/2013-00.csv", b"")
    assert error(opened(tmp_path, s3).fingerprint) == ("data/empty-file", 3)
    obstore.put(s3, "flights/x.parquet", b"x")
    assert error(opened(tmp_path, s3, "flights/*").list) == ("data/mixed-file-kinds", 2)
    obstore.put(s3, "other/x.xlsx", b"x")
    assert error(opened(tmp_path, s3, "other/*").list) == ("data/unknown-file-kind", 2)


def test_what_is_not_there_is_named_with_what_is(tmp_path: Path, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for keys in ("flights/2013-04.csv", "flights/*.parquet"):
        with pytest.raises(ModelyardError) as caught:
            opened(tmp_path, s3, keys).list()
        assert (caught.value.code, caught.value.exit_code) == ("data/no-such-object", 2)
        assert "flights/2013-01.csv" in caught.value.hint
    absent = location(tmp_path, "s3://no-such-bucket-at-all/x/*.csv")
    assert error(open_source(absent).list) == ("data/no-such-bucket", 2)
    assert error(open_source(location(tmp_path, "s3://no-such-bucket-at-all/x.csv")).list) == ("data/no-such-bucket", 2)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-one")
    assert error(opened(tmp_path, s3).list) == ("data/no-permission", 4)
    assert error(opened(tmp_path, s3, "flights/2013-01.csv").list) == ("data/no-permission", 4)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sesame-sesame-sesame")
    with pytest.raises(ModelyardError) as caught:
        opened(tmp_path, s3).list()
    assert (caught.value.code, caught.value.hint) == ("data/wrong-region", "Set AWS_REGION=us-east-1.")


REDIRECT = b"<Error><Code>PermanentRedirect</Code><Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint></Error>"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Given(403, b"<Error><Code>AccessDenied</Code></Error>"), ("data/no-permission", 4)),
        (Given(404, b"<Error><Code>NoSuchBucket</Code></Error>"), ("data/no-such-bucket", 2)),
        (Given(500, b"<Error><Code>InternalError</Code></Error>"), ("data/server-error", 4)),
        (Given(503, b"<Error><Code>SlowDown</Code></Error>"), ("data/server-error", 4)),
        (Given(301, REDIRECT), ("data/wrong-region", 2)),
        (Given(200, b"<html>a login page</html>"), ("data/no-such-object", 2)),
        (Given(0), ("data/timeout", 4)),
    ],
    ids=str,
)
def test_each_answer_of_a_server_has_its_words_and_its_exit_code(
    tmp_path: Path, s3: Any, way: Door, monkeypatch: pytest.MonkeyPatch, given: Given, expected: tuple[str, int]
) -> None:
    monkeypatch.setattr(failures, "SECONDS", 0.2)
    way.meet = always(given)
    way.hold.clear()
    assert error(opened(tmp_path, s3).list) == expected
    way.hold.set()


def test_a_server_that_is_not_there_is_said(tmp_path: Path, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert error(opened(tmp_path, s3).list) == ("data/unreachable", 4)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://store.example.org")
    assert error(opened(tmp_path, s3).list) == ("data/insecure-address", 2)


def test_without_credentials_nobody_waits_for_those_of_a_machine(
    tmp_path: Path, s3: Any, way: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with pytest.raises(ModelyardError) as caught:
        opened(tmp_path, s3, fork=True).list()
    assert (caught.value.code, caught.value.exit_code) == ("data/not-readable-from-fork", 4)
    assert "data not readable from a fork" in caught.value.message
    assert "review" in caught.value.hint
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("RUNNER_ENVIRONMENT", "github-hosted")
    assert error(opened(tmp_path, s3).list) == ("data/no-credentials", 4)
    assert way.asked == []


def test_more_than_fits_is_not_begun(tmp_path: Path, s3: Any, monkeypatch: pytest.MonkeyPatch, way: Door) -> None:
    monkeypatch.setattr(kept, "LARGEST", 50)
    assert error(opened(tmp_path, s3).fingerprint) == ("data/too-large", 4)
    assert len(way.asked) == 1


def test_what_a_store_redirects_to_gets_no_signature(tmp_path: Path, s3: Any, way: Door) -> None:
    with door() as other:
        for status in (301, 302, 307, 308):
            way.meet = always(Given(status, b"", {"Location": f"{other.url}/other"}))
            assert error(opened(tmp_path, s3).list)[1] in (2, 4)
        assert all("authorization" not in {name.lower() for name in each.headers} for each in other.asked)


def test_what_is_kept_is_checked_and_what_nobody_asks_for_is_removed(
    tmp_path: Path, s3: Any, way: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert opened(tmp_path, s3).read().height == 6
    kept_files = sorted((tmp_path / ".modelyard/remote/objects").iterdir())
    assert len(kept_files) == 3
    kept_files[0].chmod(0o600)
    kept_files[0].write_bytes(b"month,row\n9,0\n9,1\n")
    way.asked.clear()
    assert 9 not in opened(tmp_path, s3).read()["month"].to_list(), "planted contents are fetched again"
    assert len(way.asked) == 2
    monkeypatch.setattr(kept, "_WEEK", -1.0)
    put(s3, "flights/2013-01.csv", 8)
    assert 8 in opened(tmp_path, s3).read()["month"].to_list()
    assert len(list((tmp_path / ".modelyard/remote/views").iterdir())) == 1
    assert len(list((tmp_path / ".modelyard/remote/objects").iterdir())) == 3


# names


def test_keys_that_are_no_paths_are_refused_and_odd_ones_are_read(
    tmp_path: Path, s3: Any, server: S3Server, way: Door
) -> None:
    for key in ("odd/%2F.csv", "odd/a b.csv", "odd/é?#&=.csv", "odd/..x.csv", "odd/%2e%2e.csv", "odd/-rf.csv"):
        put(s3, key, 1)
    found = opened(tmp_path, s3, "odd/*")
    assert found.read().height == 10
    assert {path.relative_to(tmp_path).parts[0] for path in found.paths} == {".modelyard"}
    (server.folder / s3.config["bucket"] / "odd" / "x\n::error::.csv").write_text("month,row\n1,1\n", "utf-8")
    with pytest.raises(ModelyardError) as caught:
        opened(tmp_path, s3, "odd/*").list()
    assert (caught.value.code, caught.value.exit_code) == ("data/bad-key", 3)
    assert "\n" not in caught.value.message
    for hostile in ("odd/../../up.csv", "odd//x.csv", "odd/./x.csv"):
        listing = (
            "<ListBucketResult><IsTruncated>false</IsTruncated><Contents>"
            f"<Key>{hostile}</Key><LastModified>2026-11-27T07:00:00.000Z</LastModified><ETag>&quot;x&quot;</ETag>"
            "<Size>1</Size></Contents></ListBucketResult>"
        )
        way.meet = always(Given(200, listing.encode(), {"Content-Type": "application/xml"}))
        assert error(opened(tmp_path, s3, "odd/**").list) == ("data/bad-key", 3), hostile


@pytest.mark.parametrize(
    "source",
    ["s3://", "s3://b", "s3://bucket", "s3://bucket/", "s3://bucket/x/", "s3://bucket/../x.csv", "s3://bucket//x.csv",
     "s3://bucket/a\nb.csv", "s3://user:pw@bucket/x.csv", "s3://bucket/a\\b.csv", "gs:///x.csv", "az://b\0cket/x.csv"],
)  # fmt: skip
def test_bad_addresses_are_refused_without_a_request(tmp_path: Path, source: str) -> None:
    assert error(open_source(location(tmp_path, source)).list) == ("data/bad-address", 2)


# the others


def test_google_cloud_storage_is_read_by_its_emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import requests

    with gcs_server(tmp_path / "server") as url, door(url, keep_host=False) as way:
        monkeypatch.setenv("GOOGLE_BASE_URL", way.url)
        monkeypatch.setenv("GOOGLE_SKIP_SIGNATURE", "true")
        requests.post(f"{url}/storage/v1/b", json={"name": "flights"}, timeout=10).raise_for_status()
        for month in (1, 2):
            address = f"{url}/upload/storage/v1/b/flights/o?uploadType=media&name=2013/0{month}.csv"
            requests.post(address, data=f"month,row\n{month},0\n".encode(), timeout=10).raise_for_status()
        source = open_source(location(tmp_path / "work", "gs://flights/2013/*.csv"))
        assert source.read()["month"].to_list() == [1, 2]
        first, before = source.fingerprint(), len(way.asked)
        assert open_source(location(tmp_path / "work", "gs://flights/2013/*.csv")).fingerprint() == first
        assert len(way.asked) == before + 1
