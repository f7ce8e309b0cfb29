"""Files that users write are read by one strict reader: every mistake at once, each with its place."""

import json
from pathlib import Path
from typing import Any

import pytest

from modelyard.cli.main import main
from modelyard.core.errors import ConfigError
from modelyard.evaluation.checks import behaviour
from modelyard.evaluation.gates import waivers

WAIVER = "gate: accuracy at least 0.75\n    reason: known\n    owner: ada\n    expires: 2027-03-31\n"
WAIVERS = f"waivers:\n  - {WAIVER}"
TEST = "name: rain\n    kind: invariance\n    column: rain\n    set: 1\n"
TESTS = f"tests:\n  - {TEST}"


def places(read: Any, text: str, tmp_path: Path) -> list[tuple[int | None, str | None, str]]:
    """Line, key and code of every mistake."""
    path = tmp_path / "file.yml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        read(path, "file.yml")
    problems = caught.value.problems
    assert {problem.place.file for problem in problems if problem.place} == {"file.yml"}
    return [(each.place.line, each.place.key, each.code) for each in problems if each.place]


@pytest.mark.parametrize(
    ("read", "text", "mistakes"),
    [
        (waivers.read, WAIVERS + "    owner: eve\n", [(6, "waivers[0].owner", "config/duplicate-key")]),
        (behaviour.read, TESTS + "    set: 2\n", [(6, "tests[0].set", "config/duplicate-key")]),
        (waivers.read, WAIVERS.replace("ada", "yes"), [(4, "waivers[0].owner", "config/ambiguous-word")]),
        (behaviour.read, TESTS + "    gate: yes\n", [(6, "tests[0].gate", "config/ambiguous-word")]),
        (waivers.read, WAIVERS + "    onwer: eve\n", [(6, "waivers[0].onwer", "config/unknown-key")]),
        (behaviour.read, TESTS + "    tolerence: 2\n", [(6, "tests[0].tolerence", "config/unknown-key")]),
        (waivers.read, WAIVERS.replace("2027-03-31", "soon"), [(5, "waivers[0].expires", "config/bad-value")]),
        (behaviour.read, TESTS + '    sample: "5"\n', [(6, "tests[0].sample", "config/bad-value")]),
        (behaviour.read, TESTS + "    expect: increase\n", [(2, "tests[0]", "behaviour/expect")]),
        (waivers.read, "- a\n", [(1, None, "config/not-a-mapping")]),
        (behaviour.read, "", [(1, None, "config/empty-file")]),
        (waivers.read, "waivers: [\n", [(2, None, "config/not-yaml")]),
        (
            waivers.read,
            f"{WAIVERS}    onwer: eve\n  - {WAIVER.replace('ada', 'no')}    gate: another\n",
            [
                (6, "waivers[0].onwer", "config/unknown-key"),
                (9, "waivers[1].owner", "config/ambiguous-word"),
                (11, "waivers[1].gate", "config/duplicate-key"),
            ],
        ),
    ],
)
def test_every_mistake_has_line_key_and_code(
    read: Any, text: str, mistakes: list[tuple[int, str | None, str]], tmp_path: Path
) -> None:
    assert places(read, text, tmp_path) == mistakes


def test_an_unknown_key_comes_with_the_nearest_spelling(tmp_path: Path) -> None:
    (tmp_path / "w.yml").write_text(WAIVERS + "    onwer: eve\n", "utf-8")
    with pytest.raises(ConfigError, match="Did you mean 'owner'") as caught:
        waivers.read(tmp_path / "w.yml", "w.yml")
    assert "allowed here: expires, gate, owner, reason, slice" in caught.value.message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"w.yml: the file of waivers does not exist"):
        waivers.read(tmp_path / "w.yml", "w.yml")


def test_json_lists_every_mistake_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "model: {name: m, task: binray}\ndata:\n  sets: {all: a.csv}\n  columns: {target: y, tiem: t}\nmode: yes\n"
    Path("modelyard.yml").write_text(text, "utf-8")
    assert main(["run", "--json"]) == 2
    said = json.loads(capsys.readouterr().out)
    assert [(each["file"], each["line"], each["key"], each["code"]) for each in said["problems"]] == [
        ("modelyard.yml", 1, "model.task", "config/bad-value"),
        ("modelyard.yml", 4, "data.columns.tiem", "config/unknown-key"),
        ("modelyard.yml", 5, "mode", "config/ambiguous-word"),
    ]
    assert said["problems"][1]["hint"] == "Did you mean 'time'?"
    assert said["error"]["code"] == "config/several-problems"


def test_json_gives_one_mistake_the_same_shape(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--json"]) == 2
    said = json.loads(capsys.readouterr().out)
    assert [(each["file"], each["code"]) for each in said["problems"]] == [(None, "config/missing-file")]
