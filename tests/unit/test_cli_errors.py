"""The front door's errors: what a person reads, and what a program reads under ``--json``."""

import json
from pathlib import Path

import pytest

from modelyard.cli import main as front_door
from tests import desk

TWO_MISTAKES = """\
model: {name: tiny, task: binary, positive: "yes", metric: roc_auc, flavour: sweet}
data:
  sets: {all: data/*.csv}
  split: {of: all, by: hash, test: 0.4}
  columns: {target: answer, id: key}
evaluate:
  gates:
    - {metric: roc_auc, at_leest: 0.6}
"""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    (tmp_path / "modelyard.yml").write_text(TWO_MISTAKES, "utf-8")
    return tmp_path


def test_under_json_every_problem_has_its_place_and_code(broken: Path) -> None:
    done = desk.inside(broken, "config", "check", "--json")
    assert done.code == 2
    assert (done.json["exit-code"], done.json["verdict"]) == (2, "error")
    problems = done.json["problems"]
    assert [(problem["file"], problem["line"]) for problem in problems] == [("modelyard.yml", 1), ("modelyard.yml", 8)]
    assert ["flavour" in problem["key"] for problem in problems] == [True, False]
    assert all(set(problem) == {"file", "line", "key", "message", "code", "hint"} for problem in problems)
    assert set(done.json["error"]) == {"message", "code", "hint", "place"}


def test_one_problem_is_a_list_of_one(tmp_path: Path) -> None:
    done = desk.inside(tmp_path, "config", "sheck", "--json")
    (problem,) = done.json["problems"]
    assert problem == {**problem, "file": None, "line": None, "key": None, "code": "command/bad-value"}
    assert done.json["error"]["code"] == "command/bad-value"
    assert "Did you mean 'check'?" in done.json["error"]["hint"]


def test_an_error_within_a_run_is_told_the_same_way(tmp_path: Path) -> None:
    (tmp_path / "modelyard.yml").write_text(desk.QUICK, "utf-8")
    done = desk.inside(tmp_path, "run", "--json")
    (problem,) = done.json["problems"]
    assert (done.code, done.json["exit-code"], done.json["verdict"]) == (2, 2, "error")
    assert problem["message"] == done.json["error"]["message"]
    assert done.json["stages"][0]["step"] == "detect"


def test_format_json_means_json_for_errors_too(tmp_path: Path) -> None:
    assert desk.inside(tmp_path, "history", "--format", "json").json["exit-code"] == 2


def test_an_error_shows_its_code_and_a_hint(tmp_path: Path) -> None:
    done = desk.inside(tmp_path, "trian")
    assert done.err == "modelyard: unknown command 'trian' [command/unknown]\n  hint: Did you mean 'train'?\n"


def test_an_internal_error_asks_for_a_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(front_door, "_dispatch", broken)
    assert front_door.main(["run", "--json"]) == 70
    out, err = capsys.readouterr()
    assert err.endswith("modelyard: internal error, please report it with the lines above\n")
    assert json.loads(out)["exit-code"] == 70


def test_interrupted_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(front_door, "_dispatch", interrupted)
    assert front_door.main(["run"]) == 130
    assert capsys.readouterr().err.strip().count("\n") == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["frobnicate"], "command/unknown"),
        (["run", "--promte"], "command/unknown-flag"),
        (["run", "--reason"], "command/missing-value"),
        (["diff", "v1"], "command/missing-argument"),
        (["diff", "v1", "v2", "v3"], "command/extra-argument"),
        (["gates", "sugest"], "command/bad-value"),
        (["test-set", "size", "--adaptivity", "some"], "command/bad-value"),
        (["test-set", "size"], "command/missing-flag"),
        (["test-set", "pass", "--margin", "x", "--disagreement", "0.1"], "command/bad-value"),
        (["test-set", "size", "--steps", "0"], "command/bad-value"),
        (["test-set", "size", "--steps", "1.5"], "command/bad-value"),
        (["test-set", "size", "--reliability", "nan"], "command/bad-value"),
        (["history", "--newest", "-3"], "command/bad-value"),
        (["history", "--newest", "9999999999"], "command/bad-value"),
    ],
)
def test_mistakes_of_the_command_line_have_codes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = desk.inside(tmp_path, *arguments, "--json")
    assert (done.code, done.json["error"]["code"]) == (2, code)
