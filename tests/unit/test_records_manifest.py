"""The version manifest: immutable, self-consistent, and hostile data when it is read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from modelyard.core.canonical import digest
from modelyard.records.manifest import FileEntry, Manifest, Sealed, model_digest, why
from tests.registry_samples import SIGNATURE

BYTES = digest("bytes")


def manifest(**changed: Any) -> Manifest:
    files = (
        FileEntry(path="environment.txt", digest=BYTES, size=3),
        FileEntry(path="model/model.skops", digest=BYTES, size=5),
        FileEntry(path="records/evaluate.json", digest=BYTES, size=7),
    )
    fields: dict[str, Any] = {
        "model": "flights-late",
        "model_digest": model_digest(files),
        "adapter": "sklearn",
        "signature": SIGNATURE,
        "environment_digest": digest("environment"),
        "evidence": digest("evaluation"),
        "result_digest": digest("result"),
        "number": 7,
        "created": "2026-05-03T12:00:00+00:00",
        "size": 15,
        "files": files,
    }
    return Manifest.model_validate({**fields, **changed})


def test_a_manifest_comes_back_from_its_file_as_it_was() -> None:
    sealed = Sealed.seal(manifest())
    assert Sealed.from_bytes(sealed.to_bytes()) == sealed
    assert sealed.manifest.name == "v7"
    assert [file.role for file in sealed.manifest.files] == ["environment.txt", "model", "records"]


def test_a_manifest_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        manifest().number = 8  # type: ignore[misc]  # that it cannot be is the test


def test_one_byte_changed_anywhere_in_the_file_is_noticed() -> None:
    data = Sealed.seal(manifest()).to_bytes()
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1
        with pytest.raises(ValueError):
            Sealed.from_bytes(bytes(changed))


def test_white_space_added_to_the_file_is_noticed() -> None:
    data = Sealed.seal(manifest()).to_bytes()
    with pytest.raises(ValueError, match="not the canonical ones"):
        Sealed.from_bytes(data + b"\n")


def test_a_manifest_nested_without_end_is_an_error_and_no_crash() -> None:
    with pytest.raises(ValueError):
        Sealed.from_bytes(b'{"digest":' + b"[" * 100_000)


@pytest.mark.parametrize(
    "path",
    [
        "../outside",
        "model/../../outside",
        "/etc/passwd",
        "model//file",
        "model/./file",
        "model/",
        "",
        ".",
        "model\\..\\outside",
        "C:/windows",
        "model/a\nb",
        "model/\x00",
        "model/\x1b[31mred",
        "model/\u202egpj.exe",
        "model/" + "a" * 256,
        "a/" * 600 + "a",
    ],
)
def test_a_path_that_could_lead_out_of_its_folder_is_refused(path: str) -> None:
    with pytest.raises(ValidationError, match="a path in a manifest"):
        FileEntry(path=path, digest=BYTES, size=1)


@given(st.text())
def test_whatever_path_is_accepted_stays_inside(path: str) -> None:
    try:
        found = FileEntry(path=path, digest=BYTES, size=1)
    except ValidationError:
        return
    parts = found.path.split("/")
    assert ".." not in parts
    assert all(parts)
    assert "\\" not in found.path


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"model_digest": digest("another")}, "the files under model/ have"),
        ({"size": 16}, "the size is 16, the files have 15 bytes"),
        ({"result_digest": None}, "come together"),
        ({"evidence": "none"}, "come together"),
        ({"files": ()}, "at least 1 item"),
        ({"number": 0}, "greater than or equal to 1"),
        ({"unknown": 1}, "Extra inputs"),
        ({"metrics": {"roc_auc": float("nan")}}, "finite"),
        ({"schema": "modelyard/version/v2"}, "modelyard/version/v1"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        manifest(**changed)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (("model/b", "model/a"), "sorted by path"),
        (("model/a", "model/a"), "sorted by path"),
        (("model", "model/a"), "below another file"),
        (("model/a",), "no records/evaluate.json"),
    ],
)
def test_the_list_of_files_is_checked(paths: tuple[str, ...], said: str) -> None:
    files = tuple(FileEntry(path=path, digest=BYTES, size=1) for path in paths)
    with pytest.raises(ValidationError, match=said):
        manifest(files=files, size=len(files), model_digest=model_digest(files))


def test_the_same_model_on_the_same_evidence_is_one_thing_whatever_the_number() -> None:
    assert manifest().identity == manifest(number=8, created="2027-01-01T00:00:00+00:00", tree="x").identity
    assert manifest().identity != manifest(evidence=digest("another")).identity


def test_adopted_models_are_one_thing_only_where_everything_but_number_and_time_is_equal() -> None:
    none = {"evidence": "none", "result_digest": None}
    assert manifest(**none).identity == manifest(**none, number=8, parent="v3").identity
    assert manifest(**none).identity != manifest(**none, environment_digest=digest("another")).identity


def test_what_is_wrong_is_said_in_a_line_without_the_data() -> None:
    plain = json.loads(Sealed.seal(manifest()).to_bytes())
    plain["manifest"]["files"][0]["path"] = "../secret-name"
    with pytest.raises(ValidationError) as caught:
        Sealed.model_validate(plain)
    said = why(caught.value)
    assert said == ("manifest.files.0.path: a path in a manifest is relative and has no empty, '.' or '..' parts")
