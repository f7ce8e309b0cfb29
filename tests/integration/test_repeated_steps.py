"""A step that is run again: a move that was made ends well, and an error never replaces a record that has a result."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import NoReturn
from unittest.mock import patch

import pytest

from modelyard.cli.session import working
from modelyard.core.errors import DataError
from modelyard.core.verdict import Verdict
from modelyard.records import store
from modelyard.records.envelope import Envelope, read_record
from modelyard.records.store import RunRecords
from modelyard.registry.local.registry import LocalRegistry
from modelyard.report.conclusion import headline
from modelyard.steps.catalogue import STEPS
from modelyard.steps.execution import execute
from modelyard.steps.report.step import shown_records
from tests import desk
from tests.desk import edit
from tests.desk import inside as modelyard

REASON = ("--reason", "errors since the morning")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions, the second serves."""
    folder = desk.repository(tmp_path_factory.mktemp("again") / "tiny", desk.QUICK)
    for candidates in ("C: [0.1, 1]", "C: [0.1, 1, 10]"):
        edit(folder / "modelyard.yml", "C: [0.1, 1]", candidates)
        done = modelyard(folder, "run", "--promote")
        assert done.code == 0, done.err
    return folder


@pytest.fixture
def tiny(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "tiny")
    return tmp_path / "tiny"


def journal(folder: Path) -> bytes:
    entries = LocalRegistry(folder / ".modelyard", "tiny").entries()
    return json.dumps([entry.model_dump(mode="json") for entry in entries]).encode()


def test_a_rollback_that_is_asked_for_twice_was_made_already(tiny: Path) -> None:
    assert modelyard(tiny, "rollback", *REASON, "--to", "v1").code == 0
    before, proof = journal(tiny), desk.record(tiny, "prove")
    again = modelyard(tiny, "rollback", *REASON, "--to", "v1", "--json")
    assert again.code == 0, again.err
    assert (again.json["verdict"], again.json["version"]) == ("pass", "v1")
    result = desk.record(tiny, "rollback")["result"]
    assert (result["already"], result["previous"], result["shown"]) == (True, "v2", "golden")
    assert journal(tiny) == before
    assert desk.record(tiny, "prove") == proof
    assert modelyard(tiny, "verify").code == 0


def test_a_rollback_that_was_cut_off_after_its_move_is_finished(tiny: Path) -> None:
    assert modelyard(tiny, "rollback", *REASON).code == 0
    before = journal(tiny)
    (tiny / "modelyard-run" / "records" / "rollback.json").unlink()
    again = modelyard(tiny, "rollback", *REASON)
    assert again.code == 0, again.err
    assert desk.record(tiny, "rollback")["result"]["already"]
    assert journal(tiny) == before
    assert modelyard(tiny, "verify").code == 0


def test_a_proof_of_another_version_is_not_taken_for_that_of_a_move_that_was_made(tiny: Path) -> None:
    assert modelyard(tiny, "rollback", *REASON, "--to", "v1").code == 0
    assert modelyard(tiny, "rollback", *REASON, "--to", "v2", "--part", "prove").code == 0
    again = modelyard(tiny, "rollback", *REASON, "--to", "v1")
    assert again.code == 0, again.err
    record = desk.record(tiny, "rollback")
    assert (record["builds_on"], record["result"]["proof_digest"]) == ([], None)
    assert modelyard(tiny, "verify").code == 0


def test_a_promotion_that_is_asked_for_twice_was_made_already(tiny: Path) -> None:
    before = journal(tiny)
    again = modelyard(tiny, "promote", "--reason", "again")
    assert again.code == 0, again.err
    assert "already" in again.out
    assert desk.record(tiny, "promote")["result"]["already"]
    assert journal(tiny) == before
    assert modelyard(tiny, "verify").code == 0


@pytest.mark.parametrize(
    ("arguments", "step"),
    [
        (("rollback", *REASON, "--to", "v9"), "rollback"),
        (("promote", "--evidence-digest", "sha256:" + "0" * 64), "promote"),
        (("train",), "train"),
    ],
)
def test_an_error_stands_beside_the_record_that_it_came_after(
    tiny: Path, arguments: tuple[str, ...], step: str
) -> None:
    assert step != "rollback" or modelyard(tiny, "rollback", *REASON, "--to", "v1").code == 0
    known = desk.record(tiny, step)
    if step == "train":
        edit(tiny / "modelyard.yml", "target: answer", "target: nowhere")
    ended = modelyard(tiny, *arguments)
    assert ended.code in (2, 3, 4), ended.out
    assert desk.record(tiny, step) == known
    beside = tiny / "modelyard-run" / "records" / f"{step}.error.json"
    assert json.loads(beside.read_bytes())["record"]["verdict"] == "error"
    verified = modelyard(tiny, "verify", "--json")
    assert verified.code == 0, verified.err
    assert f"records/{step}.error.json" in verified.json["checked"]


@pytest.mark.parametrize("step", ["detect", "validate", "train", "evaluate"])
def test_an_error_after_a_good_record_is_the_verdict_of_the_run(
    tiny: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny)
    kept = (tiny / "modelyard-run" / "records" / f"{step}.json").is_file()
    definition = replace(STEPS.get(step), run=lambda _context, _inputs: _fail())
    with working({}) as context, pytest.raises(DataError, match="out of memory"):
        execute(definition, context, definition.inputs_of({}))
    assert modelyard(tiny, "report").code == 0
    verdict = headline(shown_records(RunRecords(tiny / "modelyard-run")))
    assert (verdict.verdict, "out of memory" in verdict.sentence) == (Verdict.ERROR, True)
    assert "out of memory" in (tiny / "modelyard-run" / "report.md").read_text("utf-8")
    verified = modelyard(tiny, "verify", "--json")
    assert verified.code == 0, verified.out + verified.err
    assert f"records/{step}.{'error.json' if kept else 'json'}" in verified.json["checked"]
    before = journal(tiny)
    assert modelyard(tiny, "promote", "--reason", "again").code != 0
    assert journal(tiny) == before


def _fail() -> NoReturn:
    raise DataError("out of memory", code="data/unreadable")


def test_nothing_is_built_on_a_record_after_which_an_error_came(tiny: Path) -> None:
    edit(tiny / "modelyard.yml", "target: answer", "target: nowhere")
    assert modelyard(tiny, "train").code == 3
    edit(tiny / "modelyard.yml", "target: nowhere", "target: answer")
    assert "train ended with error" in modelyard(tiny, "evaluate").err
    assert modelyard(tiny, "train").code == 0
    assert not (tiny / "modelyard-run" / "records" / "train.error.json").exists()


@pytest.mark.parametrize("change", ["", "C: [0.1, 1, 10, 100]"])
def test_a_run_reads_each_record_file_once(tiny: Path, change: str) -> None:
    if change:
        edit(tiny / "modelyard.yml", "C: [0.1, 1, 10]", change)
    reads: Counter[Path] = Counter()

    def reading(path: Path) -> Envelope:
        if path.is_file():
            reads[path] += 1
        return read_record(path)

    with patch.object(store, "read_record", reading):
        done = modelyard(tiny, "run")
    assert done.code in (0, 1), done.err
    assert set(reads.values()) == {1}, reads


def test_a_run_says_made_from_exactly_this_only_where_no_file_differs(tiny: Path) -> None:
    assert "since v2, which was made from exactly this" in modelyard(tiny, "run").err
    (tiny / "notes.txt").write_text("read by nobody that is known", "utf-8")
    done = modelyard(tiny, "run")
    assert "since v2 of what it depends on; other files differ" in done.err
    assert "exactly" not in done.err
    desk.git(tiny, "add", "-A")
    desk.git(tiny, "commit", "-qm", "notes")
    assert "other files differ" in modelyard(tiny, "run").err
    (tiny / "notes.txt").unlink()
    assert "made from exactly this" in modelyard(tiny, "run").err
