"""The chain of records: each way to break it is named in a sentence, and an intact one is silent."""

from pathlib import Path
from typing import Any

import pytest

from modelyard.core.canonical import digest
from modelyard.core.verdict import Verdict
from modelyard.models.store import digest as digest_folder
from modelyard.records.chain import verify_records, verify_run_folder
from modelyard.records.envelope import Envelope, Record, Step, plain_record, write_record
from tests.registry_samples import record, run_folder, write_chain


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return run_folder(tmp_path / "run")


@pytest.fixture
def chain(folder: Path) -> dict[Step, Envelope]:
    return write_chain(folder)


def remade(envelope: Envelope, **changed: Any) -> Envelope:
    return Envelope.seal(Record.model_validate({**plain_record(envelope.record), **changed}))


def test_an_intact_chain_has_nothing_broken(chain: dict[Step, Envelope]) -> None:
    assert verify_records(chain) == []


def test_a_missing_record_is_named_with_who_needs_it(chain: dict[Step, Envelope]) -> None:
    train = chain.pop("train").digest
    assert str(verify_records(chain)[0]) == (
        f"evaluate → train: evaluate builds on the train record {train}, which is not here"
    )


def test_a_record_made_anew_breaks_the_link_to_it(chain: dict[Step, Envelope]) -> None:
    old = chain["detect"].digest
    chain["detect"] = remade(chain["detect"], tree="another")
    broken = verify_records(chain)
    assert str(broken[0]) == (
        f"train → detect: train builds on the detect record {old}, "
        f"but the detect record here is {chain['detect'].digest}"
    )
    assert [problem.where for problem in broken] == ["train → detect", "evaluate → detect", "report → detect"]


def test_the_same_work_recorded_again_is_said_to_be_that(chain: dict[Step, Envelope]) -> None:
    later = {**plain_record(chain["detect"].record)["circumstances"], "seconds": 9.0}
    chain["detect"] = remade(chain["detect"], circumstances=later)
    assert "(the same result, recorded again)" in str(verify_records(chain)[0])


def test_a_record_that_was_edited_after_sealing_is_named(chain: dict[Step, Envelope]) -> None:
    edited = chain["evaluate"].record.model_copy(update={"verdict": Verdict.FAIL})
    chain["evaluate"] = chain["evaluate"].model_copy(update={"record": edited})
    first = verify_records(chain)[0]
    assert first.where == "evaluate record"
    assert first.why.startswith(f"it was changed: its digest says {chain['evaluate'].digest}, its content is sha256:")


def test_a_record_in_the_place_of_another_is_named(chain: dict[Step, Envelope]) -> None:
    chain["detect"] = chain["train"]
    assert str(verify_records(chain)[0]) == "detect record: it is a record of train"


def linked(chain: dict[Step, Envelope], step: Step, *names: Step, **own: Any) -> None:
    """Put a record of a step into the chain that links to the records there, with something of its own."""
    chain[step] = Envelope.seal(record(step, None, [chain[name] for name in names], **own))


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"model": "another"}, "the model is another in evaluate and flights-late in train"),
        ({"config_digest": digest("other")}, "the configuration digest is"),
        ({"data": {"all": digest("other")}}, "the digest of the data set 'all' is"),
        ({"data": {}}, "the digest of the data set 'all' is missing in evaluate"),
        ({"model_digest": digest("other")}, "the model digest is"),
    ],
)
def test_records_that_speak_of_different_things_are_no_chain(
    chain: dict[Step, Envelope], own: dict[str, Any], said: str
) -> None:
    del chain["report"]
    linked(chain, "evaluate", "train", **own)
    (broken,) = verify_records(chain)
    assert broken.where == "evaluate → train"
    assert said in broken.why


def test_a_result_digest_that_is_not_the_record_s_breaks_the_link(chain: dict[Step, Envelope]) -> None:
    del chain["report"], chain["evaluate"]
    link = {**chain["detect"].link.model_dump(), "result_digest": digest("another result")}
    chain["train"] = remade(chain["train"], builds_on=[link])
    (broken,) = verify_records(chain)
    assert "train says that detect had the result" in broken.why


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR])
def test_nothing_but_a_report_builds_on_a_step_that_did_not_pass(chain: dict[Step, Envelope], verdict: Verdict) -> None:
    linked(chain, "validate", "detect", verdict=verdict)
    linked(chain, "evaluate", "detect", "validate")
    linked(chain, "report", "validate")
    (broken,) = verify_records(chain)
    assert str(broken) == f"evaluate → validate: evaluate builds on validate, which ended with {verdict}"


def test_a_link_to_a_later_step_is_broken(chain: dict[Step, Envelope]) -> None:
    linked(chain, "detect", "evaluate")
    assert "detect cannot build on evaluate, which comes later" in [problem.why for problem in verify_records(chain)]


def test_an_intact_run_folder_lists_what_was_checked(folder: Path) -> None:
    report = verify_run_folder(folder, digest_folder)
    assert report.intact
    assert report.checked == (
        "records/detect.json",
        "records/train.json",
        "records/evaluate.json",
        "records/report.json",
        "model",
        "report.md",
        "report.html",
    )
    assert "predictions/challenger.parquet" in report.digests


@pytest.mark.parametrize("step", ["detect", "train", "evaluate", "report"])
def test_one_byte_changed_in_a_record_is_named(folder: Path, step: str) -> None:
    path = folder / "records" / f"{step}.json"
    path.write_bytes(path.read_bytes().replace(b"flights-late", b"flights-lake"))
    first = verify_run_folder(folder, digest_folder).broken[0]
    assert first.where == f"records/{step}.json"
    assert "changed after it was written" in first.why


def test_a_record_that_is_not_readable_is_named_once(folder: Path) -> None:
    (folder / "records" / "train.json").write_bytes(b"[" * 200_000)
    report = verify_run_folder(folder, digest_folder)
    assert [broken.where for broken in report.broken] == ["records/train.json"]


def test_one_byte_changed_in_the_model_is_named_with_both_digests(folder: Path) -> None:
    before, _ = digest_folder(folder / "model")
    path = folder / "model" / "nested" / "notes.txt"
    path.write_bytes(path.read_bytes() + b"!")
    after, _ = digest_folder(folder / "model")
    (broken,) = verify_run_folder(folder, digest_folder).broken
    assert str(broken) == f"model: the evaluate record says {before}, the folder is {after}"


def test_a_model_that_is_gone_is_broken(folder: Path) -> None:
    (folder / "model").rename(folder / "elsewhere")
    (broken,) = verify_run_folder(folder, digest_folder).broken
    assert broken.where == "model"


def test_a_rendered_report_that_was_edited_or_removed_is_named(folder: Path) -> None:
    (folder / "report.md").write_text("# promote!\n", "utf-8")
    (folder / "report.html").unlink()
    where = [broken.where for broken in verify_run_folder(folder, digest_folder).broken]
    assert where == ["report.md", "report.html"]


def test_a_folder_without_records_is_not_intact(tmp_path: Path) -> None:
    report = verify_run_folder(tmp_path, digest_folder)
    assert not report.intact
    assert "no records here" in str(report.broken[0])


def test_a_record_of_an_error_may_lack_the_data_it_never_read(folder: Path, chain: dict[Step, Envelope]) -> None:
    problem = {"message": "no rows", "hint": "", "exit_code": 3}
    write_record(
        folder / "records" / "validate.json",
        record("validate", None, [chain["detect"]], verdict=Verdict.ERROR, data={}, problem=problem),
    )
    assert verify_run_folder(folder, digest_folder).intact
