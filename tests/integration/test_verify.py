"""``modelyard verify``: run folder and whole registry, and registries without a configuration."""

import json
from pathlib import Path

from tests.integration.test_registry_gc import Run, run
from tests.registry_samples import MODEL, promote, published, run_folder
from tests.registry_samples import registry as local

__all__ = ["run"]


def damage(tmp_path: Path, payload: str) -> None:
    """Change one byte of a model in the registry."""
    (blob,) = (
        path for path in (tmp_path / ".modelyard").rglob("*")
        if path.is_file() and path.read_bytes() == payload.encode() * 1000
    )  # fmt: skip
    blob.chmod(0o644)
    blob.write_bytes(b"!" + blob.read_bytes()[1:])


def test_a_version_that_was_changed_is_found_without_naming_it(tmp_path: Path, run: Run) -> None:
    where = local(tmp_path)
    (version,) = published(where, tmp_path, "one")
    promote(where, version, seen=None)
    run_folder(tmp_path / "modelyard-run", "one")
    code, out, _ = run("verify", "--json")
    checked = json.loads(out)["checked"]
    assert code == 0
    assert {"records/evaluate.json", "v1 model/model.bin", "journal of 1 entries"} <= set(checked)
    damage(tmp_path, "one")
    code, out, _ = run("verify", "--json")
    error = json.loads(out)["error"]
    assert (code, error["code"]) == (3, "record/changed")
    assert "v1 model/model.bin" in error["message"]


def test_a_changed_run_folder_is_found_beside_an_intact_registry(tmp_path: Path, run: Run) -> None:
    published(local(tmp_path), tmp_path, "one")
    (run_folder(tmp_path / "modelyard-run", "one") / "report.md").write_text("# hold\n", "utf-8")
    code, _, err = run("verify")
    assert code == 3
    assert "report.md" in err


def test_what_is_not_there_is_said_and_nothing_at_all_is_an_error(tmp_path: Path, run: Run) -> None:
    assert run("verify")[0] == 3
    run_folder(tmp_path / "modelyard-run", "one")
    code, out, _ = run("verify")
    assert (code, out.count("nothing to verify")) == (0, 1)


def test_a_whole_registry_is_verified_without_a_configuration(tmp_path: Path, run: Run) -> None:
    published(local(tmp_path), tmp_path, "one", "two")
    where = ("--model", MODEL, "--store", str(tmp_path / ".modelyard"))
    (tmp_path / "modelyard.yml").unlink()
    assert {"v1", "v2"} <= set(json.loads(run("verify", *where, "--json")[1])["checked"])
    damage(tmp_path, "two")
    assert run("verify", *where, "--version", "v1")[0] == 0
    assert run("verify", *where)[0] == 3


def test_where_aliases_point_is_verified(tmp_path: Path, run: Run) -> None:
    where = local(tmp_path)
    (version,) = published(where, tmp_path, "one")
    promote(where, version, seen=None)
    run_folder(tmp_path / "modelyard-run", "one")
    assert "champion is v1" in json.loads(run("verify", "--json")[1])["checked"]
