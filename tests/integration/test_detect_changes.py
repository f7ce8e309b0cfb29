"""What differs from the champion is recorded key by key, and the comment says it."""

from pathlib import Path

from tests import desk


def test_keys_features_and_parameters_are_told_old_beside_new(tmp_path: Path) -> None:
    folder = desk.repository(tmp_path / "repo", desk.QUICK)
    assert desk.inside(folder, "run", "--promote").code == 0
    first = desk.record(folder, "detect")["result"]
    assert (first["made_from"], first["lineage"], first["keys"]) == (None, [], [])
    assert first["settings"]["evaluate.gates[0].at_least"] == "0.6"
    desk.edit(folder / "modelyard.yml", "id: key}", "id: key, drop: [colour]}")
    desk.edit(folder / "modelyard.yml", "C: [0.1, 1]", "C: [0.01]")
    assert desk.inside(folder, "run").code in (0, 1)
    found = desk.record(folder, "detect")["result"]
    changed = {each["key"]: (each["old"], each["new"]) for each in found["keys"]}
    assert changed == {
        "train.candidates[0].params.C": ("[0.1, 1]", "[0.01]"), "data.columns.drop": ("", '["colour"]'),
    }  # fmt: skip
    assert found["made_from"]["features"] == ["size", "colour"]
    assert [each["version"] for each in found["lineage"]] == ["v1"]
    report = (folder / "modelyard-run" / "report.md").read_text("utf-8")
    assert "changed: features 2 → 1; configuration, 2 keys" in report
    assert "features 2 → 1 (gone: `colour`)" in report
    assert "`train.candidates[0].params.C` `[0.1, 1]` → `[0.01]`" in report
    assert "`data.columns.drop`, new: `colour`" in report
