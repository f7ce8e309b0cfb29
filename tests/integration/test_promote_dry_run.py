"""A dry run of promote checks everything and changes nothing; a version is verified from an empty folder."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import desk
from tests.desk import edit
from tests.desk import inside as modelyard
from tests.registry_samples import snapshot


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = desk.repository(tmp_path_factory.mktemp("dry") / "tiny", desk.QUICK)
    assert modelyard(folder, "run").code == 0
    return folder


def kept(folder: Path) -> dict[str, str]:
    """Every file with its digest, but for the cache of fingerprints, which grows old with its files."""
    return {name: found for name, found in snapshot(folder).items() if name != ".modelyard/fingerprints.json"}


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda run: (run / "records" / "train.json").unlink(), "train.json: no such record"),
        (lambda run: edit(run / "records" / "evaluate.json", "roc_auc", "roc_auk"), "was changed after it was written"),
        (lambda run: edit(run / "environment.txt", "# python", "# Python"), "environment.txt beside the model is"),
        (lambda run: (run / "golden" / "inputs.parquet").unlink(), "golden/inputs.parquet beside the model is missing"),
        (lambda run: (run / "golden" / "more").write_bytes(b""), "golden/more beside the model is"),
        (lambda run: (run / "model" / "more").write_bytes(b""), "the evaluation judged the model"),
        (lambda run: edit(run.parent / "modelyard.yml", "name: tiny", "name: other"), "of the model tiny"),
    ],
)
def test_evidence_with_a_missing_link_edited_or_of_another_model_is_refused(
    judged: Path, tmp_path: Path, harm: Callable[[Path], object], said: str
) -> None:
    shutil.copytree(judged, tmp_path / "tiny")
    harm(tmp_path / "tiny" / "modelyard-run")
    refused = modelyard(tmp_path / "tiny", "promote")
    assert refused.code in (2, 3)
    assert said in refused.err
    assert (
        not (tmp_path / "tiny" / ".modelyard" / "registry").exists()
        or not modelyard(tmp_path / "tiny", "history", "--json").json
    )


def test_a_dry_run_says_what_would_happen_and_then_it_does(judged: Path, tmp_path: Path) -> None:
    before = kept(judged)
    done = modelyard(judged, "promote", "--dry-run", "--json")
    assert (done.code, done.json["verdict"], done.json["version"]) == (0, "pass", ""), done.err
    assert (
        "champion would move to the next version; nothing was changed" in modelyard(judged, "promote", "--dry-run").out
    )
    assert kept(judged) == before

    (judged / "notes.txt").write_text("new", "utf-8")
    refused = modelyard(judged, "promote", "--dry-run")
    assert refused.code == 2
    assert "tree" in refused.err
    (judged / "notes.txt").unlink()
    assert kept(judged) == before, "what is refused leaves nothing either"

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
