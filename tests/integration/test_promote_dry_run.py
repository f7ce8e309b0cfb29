"""A dry run of promote checks everything and changes nothing; a version is verified from an empty folder."""

from pathlib import Path

import pytest

from tests import desk
from tests.desk import modelyard
from tests.registry_samples import snapshot


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = desk.repository(tmp_path_factory.mktemp("dry") / "tiny", desk.QUICK)
    assert modelyard(folder, "run").code == 0
    return folder


def test_a_dry_run_says_what_would_happen_and_then_it_does(judged: Path, tmp_path: Path) -> None:
    before = snapshot(judged)
    done = modelyard(judged, "promote", "--dry-run", "--json")
    assert (done.code, done.json["verdict"], done.json["version"]) == (0, "pass", ""), done.err
    assert (
        "champion would move to the next version; nothing was changed" in modelyard(judged, "promote", "--dry-run").out
    )
    assert snapshot(judged) == before

    (judged / "notes.txt").write_text("new", "utf-8")
    refused = modelyard(judged, "promote", "--dry-run")
    assert refused.code == 2
    assert "tree" in refused.err
    (judged / "notes.txt").unlink()
    assert snapshot(judged) == before, "what is refused leaves nothing either"

    desk.edit(judged / "modelyard.yml", "evaluate:\n", "registry: {via: pull-request}\nevaluate:\n")
    assert modelyard(judged, "run", "--promote").code == 0, "a local registry is nobody else's"
    (tmp_path / "empty").mkdir()
    where = ("verify", "--version", "v1", "--model", "tiny")
    lost = modelyard(tmp_path / "empty", *where)
    assert lost.code == 2
    assert "--store" in lost.err
    done = modelyard(tmp_path / "empty", *where, "--store", str(judged / ".modelyard"))
    assert done.code == 0, done.err
    assert "verified tiny v1:" in done.out
    assert list((tmp_path / "empty").iterdir()) == []
