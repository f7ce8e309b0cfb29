"""``modelyard bom`` through the front door, held against CycloneDX's schema by the library's own strict validator."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from modelyard.core.canonical import digest
from modelyard.registry.protocol import Bundle
from tests.integration.test_registry_gc import Run, run
from tests.integration.test_registry_pages import HOSTILE, real_run, three_versions
from tests.registry_samples import MODEL, adopted, bundle, promote
from tests.registry_samples import registry as local

__all__ = ["run"]

NUMPY = ("a" * 64, "b" * 64)


def valid(text: str) -> dict[str, Any]:
    """The document, after CycloneDX's schema had its say."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_version_s_bill_names_model_card_files_packages_and_hashes(tmp_path: Path, run: Run) -> None:
    _, (_, two, _) = three_versions(tmp_path)
    code, out, err = run("bom", "v2")
    assert (code, err) == (0, "")
    document = valid(out)
    model = document["metadata"]["component"]
    assert (model["type"], model["name"], model["version"]) == ("machine-learning-model", MODEL, "v2")
    assert {part["name"]: part["hashes"][0]["content"] for part in model["components"]} == {
        file.path: file.digest[7:] for file in two.manifest.files
    }
    properties = {each["name"]: each["value"] for each in model["properties"]}
    assert properties["modelyard:model-digest"] == two.manifest.model_digest
    assert properties["modelyard:evidence"] == two.manifest.evidence
    assert properties["modelyard:chain"] == "intact"
    card = model["modelCard"]
    assert card["modelParameters"]["task"] == "binary classification"
    assert card["modelParameters"]["modelArchitecture"] == "LogisticRegression"
    assert card["modelParameters"]["inputs"] == [{"format": "distance: numeric"}]
    (data,) = card["modelParameters"]["datasets"]
    assert {each["name"]: each["value"] for each in data["contents"]["properties"]} == {
        "modelyard:digest": digest("data 2"),
        "modelyard:source": "data/*.parquet",
        "modelyard:files": "2",
    }
    (metric,) = card["quantitativeAnalysis"]["performanceMetrics"]
    assert metric["type"] == "roc_auc"
    assert float(metric["value"]) == pytest.approx(0.91)
    assert {key: float(value) for key, value in metric["confidenceInterval"].items()} == pytest.approx(
        {"lowerBound": 0.9, "upperBound": 0.92}
    )
    assert {each["name"]: each["value"] for each in card["properties"]}["modelyard:parameter:C"] == "2"
    packages = {part["name"]: part for part in document["components"]}
    assert packages["numpy"]["purl"] == "pkg:pypi/numpy@2.2.0"
    assert packages["python"]["version"] == "3.11.2"
    depends = {each["ref"]: each.get("dependsOn", []) for each in document["dependencies"]}
    assert sorted(depends[model["bom-ref"]]) == sorted(part["bom-ref"] for part in document["components"])


def test_hashes_come_from_the_lock_that_the_version_carries(tmp_path: Path, run: Run) -> None:
    made = real_run(tmp_path / "run", 2, None)
    (made / "requirements.lock").write_text(
        f"numpy==2.2.0 --hash=sha256:{NUMPY[0]} \\\n    --hash=sha256:{NUMPY[1]}\nscikit-learn==1.9.0\n", "utf-8"
    )
    said = bundle(made)
    files = {**said.files, "requirements.lock": made / "requirements.lock"}
    local(tmp_path).publish(Bundle(said.content, dict(sorted(files.items()))))
    packages = {part["name"]: part for part in valid(run("bom", "v1")[1])["components"]}
    assert {each["content"] for each in packages["numpy"]["hashes"]} == set(NUMPY)
    assert "hashes" not in packages["scikit-learn"]


def test_the_same_version_gives_the_same_bytes_on_screen_and_in_a_file(tmp_path: Path, run: Run) -> None:
    three_versions(tmp_path)
    first = run("bom", "v2")[1]
    assert run("bom", "v2")[1] == first
    assert run("bom", "v2", "--output", "v2.cdx.json") == (0, "", "")
    assert (tmp_path / "v2.cdx.json").read_text("utf-8") == first
    assert valid(run("bom", "v1")[1])["serialNumber"] != json.loads(first)["serialNumber"]


def test_an_adopted_model_has_a_bill_without_evidence(tmp_path: Path, run: Run) -> None:
    where = local(tmp_path)
    promote(where, where.publish(adopted(tmp_path / "old")), seen=None, kind="adopted")
    document = valid(run("bom", "champion")[1])
    properties = {each["name"]: each["value"] for each in document["metadata"]["component"]["properties"]}
    assert properties["modelyard:evidence"] == "none"
    assert document.get("components", []) == []


def test_hostile_text_is_a_value_and_the_document_is_valid(tmp_path: Path, run: Run) -> None:
    three_versions(tmp_path, hostile=HOSTILE)
    out = run("bom", "v2")[1]
    assert "onerror" in valid(out)["metadata"]["component"]["modelCard"]["modelParameters"]["modelArchitecture"]
    assert "\u202e" not in out


def test_a_removed_version_has_no_bill_and_says_why(tmp_path: Path, run: Run) -> None:
    where, _ = three_versions(tmp_path)
    where.remove("v2", actor="hubot", reason="too old")
    code, _, err = run("bom", "v2")
    assert code == 2
    assert "v2 was removed on 2026-05-09 by hubot: too old" in err


def test_without_the_library_the_extra_is_named(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    three_versions(tmp_path)
    monkeypatch.setitem(sys.modules, "cyclonedx", None)
    code, _, err = run("bom", "v2")
    assert code == 2
    assert "a bill of materials needs cyclonedx-python-lib, which is not installed (cyclonedx)" in err
    assert "modelyard[bom]" in err
