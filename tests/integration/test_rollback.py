"""Rollback at a desk: what is proved before an alias goes back, what is refused, and how it is moved all the same."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelyard.records.envelope import read_record
from modelyard.registry.local.registry import LocalRegistry
from modelyard.registry.protocol import Version
from modelyard.report import conclusion
from tests import desk
from tests.desk import edit, modelyard
from tests.registry_samples import variant_of

REASON = ("--reason", "errors since the morning")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions, the second serves."""
    folder = desk.repository(tmp_path_factory.mktemp("rollback") / "tiny", desk.QUICK)
    for candidates in ("C: [0.1, 1]", "C: [0.1, 1, 10]"):
        edit(folder / "modelyard.yml", "C: [0.1, 1]", candidates)
        done = modelyard(folder, "run", "--promote")
        assert done.code == 0, done.err
    return folder


@pytest.fixture
def tiny(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "tiny")
    return tmp_path / "tiny"


def registry(folder: Path) -> LocalRegistry:
    return LocalRegistry(folder / ".modelyard", "tiny")


def variant(folder: Path, change: Callable[[Path], None] | None = None) -> Version:
    """A version made of v1's files with a change, by default in its golden predictions."""
    where = registry(folder)
    return where.publish(variant_of(where, "v1", folder.parent / "variant", change))


def moves(folder: Path) -> list[dict[str, Any]]:
    entries = registry(folder).history("champion")
    return [entry.model_dump(mode="json", by_alias=True) for entry in entries]


def proof(folder: Path) -> dict[str, Any]:
    return desk.record(folder, "prove")


def refused(folder: Path, code: int, *arguments: str) -> str:
    """What a rollback says that moves nothing."""
    before = moves(folder)
    done = modelyard(folder, "rollback", *REASON, *arguments)
    assert done.code == code, done.out + done.err
    assert moves(folder) == before
    return done.err


def test_a_proof_is_a_record_and_the_move_rests_on_it(tiny: Path) -> None:
    shown = modelyard(tiny, "rollback", *REASON, "--part", "prove", "--json")
    assert (shown.code, shown.json["verdict"], shown.json["version"]) == (0, "pass", "v1"), shown.err
    result = proof(tiny)["result"]
    assert (result["shown"], result["reproduced"], result["rows"], result["exact"]) == ("golden", True, 32, 32)
    assert (result["seen"], result["alias"], result["tolerance"]) == ("v2", "champion", 1e-9)
    assert len(moves(tiny)) == 2
    digest = shown.json["record-digest"]
    done = modelyard(tiny, "rollback", *REASON, "--part", "move", "--proof-digest", digest)
    assert done.code == 0, done.err
    last = moves(tiny)[-1]
    assert (last["kind"], last["to"], last["reason"]) == ("rolled-back", "v1", "errors since the morning")
    assert last["command"] == f"modelyard rollback --to v1 --proof-digest {digest}"
    moved = desk.record(tiny, "rollback")
    assert [link["digest"] for link in moved["builds_on"]] == [digest]
    assert moved["result"]["proof_digest"] == digest
    assert registry(tiny).resolve("best-promoted").name == "v1"
    assert modelyard(tiny, "verify").code == 0

    again = modelyard(tiny, "rollback", *REASON, "--part", "move", "--proof-digest", digest)
    assert again.code == 0, "the same attempt, repeated, has nothing left to do"
    assert len(moves(tiny)) == 3
    said = refused(tiny, 2)
    assert "was a rollback already, from v2 to v1" in said
    assert "--to v2" in said


def test_a_model_that_predicts_otherwise_is_no_way_back(tiny: Path) -> None:
    variant(tiny)
    said = refused(tiny, 1, "--to", "v3")
    assert "v3 is not proved" in said
    assert "1e-09 is allowed" in said
    assert "--proof none" in said
    record = proof(tiny)
    assert (record["verdict"], record["result"]["reproduced"], record["result"]["shown"]) == ("fail", False, "none")
    refused(tiny, 1, "--to", "v3", "--proof", "loading")
    done = modelyard(tiny, "rollback", *REASON, "--to", "v3", "--proof", "none")
    assert done.code == 0, done.err
    assert moves(tiny)[-1]["reason"] == "WITHOUT PROOF: errors since the morning"
    assert "--proof none" in moves(tiny)[-1]["command"]
    assert proof(tiny)["verdict"] == "not-applicable"
    assert modelyard(tiny, "verify").code == 0


def test_without_golden_rows_it_is_said_what_was_shown_instead(tiny: Path) -> None:
    variant(tiny, lambda home: shutil.rmtree(home / "golden"))
    said = refused(tiny, 1, "--to", "v3")
    assert "v3 has no golden rows: it loads in its recorded packages and predicts 32 made-up rows" in said
    assert "--proof loading" in said
    done = modelyard(tiny, "rollback", *REASON, "--to", "v3", "--proof", "loading")
    assert done.code == 0, done.err
    assert moves(tiny)[-1]["reason"] == "proved by loading alone: errors since the morning"


def test_at_3_am_the_old_environment_cannot_be_built(tiny: Path) -> None:
    def lost(home: Path) -> None:
        path = home / "environment.txt"
        path.write_text(path.read_text("utf-8") + "no-such-package==1.0\n", "utf-8")

    variant(tiny, lost)
    environ = {"UV_OFFLINE": "1"}
    done = modelyard(tiny, "rollback", *REASON, "--to", "v3", environ=environ)
    assert done.code == 4
    assert "the environment of v3 cannot be built" in done.err
    assert "--proof none" in done.err
    assert moves(tiny)[-1]["to"] == "v2"
    assert modelyard(tiny, "rollback", *REASON, "--to", "v3", "--proof", "none", environ=environ).code == 0


def test_a_model_that_does_not_load_is_named_as_what_it_is(tiny: Path) -> None:
    def pickled(home: Path) -> None:
        (home / "model" / "model.skops").rename(home / "model" / "model.joblib")

    variant(tiny, pickled)
    said = refused(tiny, 3, "--to", "v3")
    assert "v3 is stored as a pickle" in said
    assert "allow-pickles: true" in said
    edit(tiny / "modelyard.yml", "evaluate:\n", "registry: {allow-pickles: true}\nevaluate:\n")
    assert "v3 does not work any more: v3 could not be scored" in refused(tiny, 3, "--to", "v3")


def test_a_move_on_another_proof_is_refused_with_both_values(tiny: Path) -> None:
    made = modelyard(tiny, "rollback", *REASON, "--part", "prove", "--json").json["record-digest"]
    other = "sha256:" + "0" * 64
    said = refused(tiny, 2, "--part", "move", "--proof-digest", other)
    assert made in said
    assert other in said
    assert "already points at v2" in refused(tiny, 2, "--part", "move", "--to", "v2")
    path = tiny / "modelyard-run" / "records" / "prove.json"
    known = path.read_bytes()
    path.write_bytes(json.dumps({**json.loads(known), "digest": other}).encode())
    assert other in refused(tiny, 3, "--part", "move")
    path.write_bytes(known)
    registry(tiny).set_alias(
        "champion", "v1", seen="v2", actor="a", reason="b", evidence=registry(tiny).resolve("v1").manifest.evidence,
        kind="rolled-back",
    )  # fmt: skip
    assert "the proof saw champion at v2, it points at v1" in refused(tiny, 2, "--part", "move")


def test_a_day_and_a_digest_name_versions_too(tiny: Path) -> None:
    today = moves(tiny)[-1]["at"][:10]
    assert "champion already points at v2" in refused(tiny, 2, "--to", today)
    assert "there was no champion on 2020-05-03" in refused(tiny, 2, "--to", "2020-05-03")
    digest = registry(tiny).resolve("v1").manifest.model_digest
    done = modelyard(tiny, "rollback", *REASON, "--to", digest, "--part", "prove")
    assert done.code == 0, done.err
    assert proof(tiny)["result"]["version"] == "v1"


COMMANDS = """\
train: {command: "python train.py {train} {model_dir}"}
evaluate:
  predict: {command: "python predict.py {rows_csv} {predictions_csv}"}
"""
TRAIN = "import sys, pathlib\npathlib.Path(sys.argv[2], 'weights').write_text('1')\n"
PREDICT = """\
import csv, math, sys
with open(sys.argv[1]) as rows, open(sys.argv[2], "w") as out:
    print("key,probability", file=out)
    for row in csv.DictReader(rows):
        print(row["key"], 1 / (1 + math.exp(-float(row["size"]))), sep=",", file=out)
"""


def test_a_command_s_version_proves_itself_with_its_own_code(tmp_path: Path) -> None:
    head, _, rest = desk.QUICK.partition("train:\n")
    folder = desk.repository(tmp_path / "tiny", head + COMMANDS + rest.partition("evaluate:\n")[2])
    (folder / "train.py").write_text(TRAIN, "utf-8")
    (folder / "predict.py").write_text(PREDICT, "utf-8")
    first = modelyard(folder, "run", "--promote")
    assert first.code == 0, first.err
    assert (folder / "modelyard-run" / "golden" / "inputs.parquet").is_file()
    edit(folder / "predict.py", "-float", "-1.5 * float")
    second = modelyard(folder, "run", "--promote")
    assert second.code in (0, 1), second.err
    if second.code:
        registry(folder).set_alias(
            "champion", variant(folder, lambda _: None).name, seen="v1", actor="a", reason="b", evidence="none",
            kind="rolled-back",
        )  # fmt: skip
    shown = modelyard(folder, "rollback", *REASON, "--part", "prove", "--to", "v1")
    assert shown.code == 0, shown.err
    result = proof(folder)["result"]
    assert (result["shown"], result["rows"], result["exact"]) == ("golden", 32, 32)


def test_a_model_that_was_rolled_back_is_promoted_again_on_a_persons_word_alone(tiny: Path) -> None:
    assert modelyard(tiny, "rollback", *REASON).code == 0
    before = moves(tiny)
    refused_ = modelyard(tiny, "run", "--promote")
    assert refused_.code == 2, refused_.out + refused_.err
    assert "this model is v2, byte for byte, which was rolled back on " in refused_.err
    assert "errors since the morning" in refused_.err
    assert moves(tiny) == before
    again = modelyard(tiny, "run", "--promote", "--reason", "it was the network")
    assert again.code == 0, again.out + again.err
    assert "the same model as v2, rolled back on " in again.out + again.err
    assert desk.record(tiny, "promote")["result"]["rolled_back"]["reason"] == "errors since the morning"
    shown = conclusion.moved(read_record(tiny / "modelyard-run" / "records" / "promote.json"))
    assert "It is the same model as v2, which was rolled back on" in shown.sentence
    # Said once; from then on it is a version like others.
    assert modelyard(tiny, "run", "--promote").code == 0
