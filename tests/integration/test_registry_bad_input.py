"""Bad input at the registry's commands: names, disks, folders and clocks; each is told, and nothing is changed."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from modelyard.registry.local.registry import LocalRegistry
from tests.integration.test_registry_fire import full_disk, read_only
from tests.integration.test_registry_gc import CONFIG, Run, run, six_versions
from tests.registry_samples import MODEL, Clock, promote, published, snapshot
from tests.registry_samples import registry as local

__all__ = ["run"]


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("v7", "there is no version v7 [registry/unknown-version]\n  hint: The nearest is v6; there is v1 to v6."),
        ("v0", "'v0' does not name a version [input/bad-reference]\n  hint: A version is named champion, v7, sha256:"),
        ("v1/../v2", "'v1/../v2' does not name a version"),
        ("../../etc/passwd", "'../../etc/passwd' does not name a version"),
        ("champion ", "'champion ' does not name a version"),
        ("ch\N{CYRILLIC SMALL LETTER A}mpion", "does not name a version"),
        ("\N{FULLWIDTH LATIN SMALL LETTER V}1", "does not name a version"),
        ("v\N{ARABIC-INDIC DIGIT ONE}", "does not name a version"),
        (
            "champio",
            "[registry/unknown-alias]\n  hint: Did you mean 'champion'?",
        ),
        ("sha256:0000000000000000", "no version has a model digest that begins with sha256:0000000000000000"),
        ("sha256:00", "'sha256:00' does not name a version"),
        (
            "champion@2026-02-30",
            "invalid date in 'champion@2026-02-30' [input/bad-date]\n  hint: Write champion@",
        ),
        ("champion@2026-05-03T12:00:00", "invalid date in"),
    ],
)
def test_a_reference_that_names_nothing_is_told_what_would(tmp_path: Path, run: Run, reference: str, said: str) -> None:
    where = six_versions(tmp_path)
    before = snapshot(where.folder)
    for command in (["show", reference], ["diff", "v1", reference], ["bom", reference]):
        code, out, err = run(*command)
        assert (code, out) == (2, "")
        assert said in err
        assert "Traceback" not in err
    assert snapshot(where.folder) == before


@pytest.mark.parametrize("alias", ["../champion", "a/b", "ch\N{CYRILLIC SMALL LETTER A}mpion", "Champion", "v7"])
def test_an_alias_that_is_none_is_refused_in_the_configuration_or_before_it_is_used(
    tmp_path: Path, run: Run, alias: str
) -> None:
    six_versions(tmp_path)
    text = CONFIG.replace("kind: local,", f'kind: local, alias: "{alias}",')
    (tmp_path / "modelyard.yml").write_text(text, "utf-8")
    code, _, err = run("history")
    assert code == 2
    assert "modelyard.yml:6: registry.alias" in err or f"an alias cannot be called {alias!r}" in err


def test_a_full_disk_stops_gc_and_leaves_what_was(tmp_path: Path, run: Run) -> None:
    where = six_versions(tmp_path)
    before = snapshot(where.folder)
    with full_disk(100):
        code, _, err = run("gc", "--apply")
    assert code == 4
    assert "could not write" in err
    assert "the file-size limit is reached" in err
    assert snapshot(where.folder) == before
    assert run("gc", "--apply")[0] == 0
    assert len(where.list()) == 3


def test_a_full_disk_leaves_the_old_bill(tmp_path: Path, run: Run) -> None:
    six_versions(tmp_path)
    (tmp_path / "bom.json").write_text("old", "utf-8")
    with full_disk(100):
        code, _, err = run("bom", "v1", "--output", "bom.json")
    assert code == 4
    assert "the file-size limit is reached" in err
    assert (tmp_path / "bom.json").read_text("utf-8") == "old"
    assert list(tmp_path.glob(".bom*")) == []


def test_a_read_only_registry_is_told_of_and_shown_and_not_collected(tmp_path: Path, run: Run) -> None:
    where = six_versions(tmp_path)
    before = snapshot(where.folder)
    for command in (["history"], ["show", "v3"], ["diff", "v3", "v5"], ["gc"], ["bom", "v3"]):
        assert run(*command)[0] == 0  # what is imported late is imported while this process still may
    with read_only(tmp_path / ".modelyard"):
        for command in (["history"], ["show", "v3"], ["diff", "v3", "v5"], ["gc"], ["bom", "v3"]):
            code, _, err = run(*command)
            assert (code, err) == (0, ""), command
        code, _, err = run("gc", "--apply")
    assert code == 4
    assert "permission denied" in err
    assert snapshot(where.folder) == before


@pytest.mark.parametrize("place", ["registry", "registry/" + MODEL, f"registry/{MODEL}/journal"])
def test_a_file_where_a_folder_should_be_is_named(tmp_path: Path, run: Run, place: str) -> None:
    path = tmp_path / ".modelyard" / place
    path.parent.mkdir(parents=True)
    path.write_text("a file", "utf-8")
    code, _, err = run("history")
    assert code == 4
    assert "could not read" in err
    assert "Not a directory" in err
    assert path.read_text("utf-8") == "a file"


def two(tmp_path: Path, first: datetime, second: datetime) -> LocalRegistry:
    clock = Clock(first)
    where = local(tmp_path, clock)
    one, other = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None)
    clock.now = second
    promote(where, other, seen="v1")
    return where


def test_a_move_that_a_clock_put_into_the_future_served_from_then_on_and_points_now(tmp_path: Path, run: Run) -> None:
    today = datetime.now(UTC)
    two(tmp_path, today - timedelta(days=10), today + timedelta(days=3650))
    on = (today - timedelta(days=1)).isoformat()[:10]
    assert json.loads(run("history", "--on", on, "--json")[1])["version"] == "v1"
    entries = json.loads(run("history", "--json")[1])
    assert [entry["seq"] for entry in entries] == [1, 2]
    assert json.loads(run("show", "champion", "--json")[1])["version"] == "v2"
    code, out, _ = run("gc")
    assert code == 0
    assert "would be removed" not in out


def test_a_first_move_in_the_future_is_said_so(tmp_path: Path, run: Run) -> None:
    today = datetime.now(UTC)
    two(tmp_path, today + timedelta(days=3650), today + timedelta(days=3651))
    code, _, err = run("history", "--on", today.isoformat()[:10])
    assert code == 2
    assert f"there was no champion on {today:%Y-%m-%d}" in err
    assert f"The first was v1, at {today + timedelta(days=3650):%Y-%m-%d}" in err


def test_a_clock_that_went_back_changes_neither_the_order_nor_the_answer(tmp_path: Path, run: Run) -> None:
    today = datetime.now(UTC)
    two(tmp_path, today - timedelta(days=5), today - timedelta(days=9))
    entries = json.loads(run("history", "--json")[1])
    assert [(entry["seq"], entry["to"]) for entry in entries] == [(1, "v1"), (2, "v2")]
    for days in (1, 4, 8):
        on = (today - timedelta(days=days)).isoformat()[:10]
        assert json.loads(run("history", "--on", on, "--json")[1])["version"] == "v2"
