"""``modelyard judge``: outcomes by a configuration, through the real command line."""

import json
from pathlib import Path
from typing import Any

import pytest

from modelyard.records.envelope import read_record
from tests import desk
from tests.desk import Done, edit
from tests.desk import inside as modelyard
from tests.outcome_samples import SHAPES, tried
from tests.security.test_pull_request_rules import Repository

CONFIG = """\
model: {name: support-bot, task: outcomes}
evaluate:
  outcomes:
    challenger: new.json
    champion: kept/champion.json
    format: promptfoo
  gates:
    - {metric: pass_rate, at_least: 0.6}
    - {metric: pass_rate, no_worse_than: champion, margin: 0.05, by: [topic]}
    - {metric: mean_cost, at_most: 0.004}
"""
GOOD, ALIKE, WORSE = tried(0.8, seed=2, drift=0.05), tried(0.8, seed=3, drift=0.05), tried(0.62, seed=4)


def repository(folder: Path, config: str = CONFIG) -> Path:
    folder.mkdir()
    (folder / "modelyard.yml").write_text(config, "utf-8")
    (folder / ".gitignore").write_text("new.*\n", "utf-8")
    desk.commit(folder)
    SHAPES["promptfoo"](folder / "new", GOOD)
    return folder


def says(done: Done, code: int, *words: str) -> Done:
    assert done.code == code, done.out + done.err
    for word in words:
        assert word in done.out + done.err, f"{word!r} is not in:\n{done.out}{done.err}"
    return done


def record(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "modelyard-judge" / "records" / "evaluate.json").read_bytes())[
        "record"
    ]
    return found


def test_a_champion_is_kept_and_the_next_ones_are_judged_against_it(tmp_path: Path) -> None:
    folder = repository(tmp_path / "bot")
    says(
        modelyard(folder, "judge"), 2, "modelyard.yml:5: evaluate.outcomes.champion", "outcomes/no-champion", "--first"
    )
    first = says(modelyard(folder, "judge", "--first", "--keep"), 0, "verdict: pass (promote)", "kept: ")
    assert "not-applicable" in first.out
    assert (folder / "kept" / "champion.json").read_bytes() == (folder / "new.json").read_bytes()
    says(modelyard(folder, "judge", "--first"), 2, "outcomes/champion-exists")

    SHAPES["promptfoo"](folder / "new", ALIKE)
    done = says(modelyard(folder, "judge", "--json"), 0)
    assert done.json["verdict"] == "pass"
    envelope = read_record(folder / "modelyard-judge" / "records" / "evaluate.json")
    assert (envelope.record.step, envelope.record.verdict, envelope.digest) == (
        "evaluate", "pass", done.json["record-digest"],
    )  # fmt: skip
    result = record(folder)["result"]
    assert (result["test_rows"], result["unit"], result["champion"]) == (300, "case", "kept/champion.json")
    assert [gate["line"] for gate in result["gates"]] == [8, 9, 10]
    assert set(record(folder)["data"]) == {"challenger", "champion"}
    report = (folder / "modelyard-judge" / "report.md").read_text("utf-8")
    assert "Promote" in report
    assert "pass_rate" in report
    assert "300 cases" in report
    assert "<html" in (folder / "modelyard-judge" / "report.html").read_text("utf-8")

    SHAPES["promptfoo"](folder / "new", WORSE)
    before = (folder / "kept" / "champion.json").read_bytes()
    says(modelyard(folder, "judge", "--keep"), 1, "verdict: fail (hold)", "pass_rate no worse than champion")
    assert (folder / "kept" / "champion.json").read_bytes() == before


def test_an_error_leaves_no_record_of_an_earlier_verdict(tmp_path: Path) -> None:
    folder = repository(tmp_path / "bot")
    says(modelyard(folder, "judge", "--first", "--keep"), 0)
    SHAPES["promptfoo"](folder / "new", GOOD[9:])
    says(modelyard(folder, "judge"), 3, "the challenger: 9 of 300 cases have no outcome", "outcomes/unmatched-cases")
    assert not (folder / "modelyard-judge" / "records" / "evaluate.json").exists()
    assert not (folder / "modelyard-judge" / "report.md").exists()


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("challenger: new.json", "challenger: gone.json", 3, "outcomes/no-file"),
        ("challenger: new.json", "challenger: ../new.json", 2, "config/outside-workspace"),
        ("metric: pass_rate, at", "metric: accuracy, at", 2, "modelyard.yml:8: evaluate.gates[0].metric"),
        ("at_least: 0.6", "at_leest: 0.6", 2, "Did you mean 'at_least'?"),
        ("format: promptfoo", "format: promptfu", 2, "Did you mean 'promptfoo'?"),
        ("    format: promptfoo\n", "", 2, "outcomes/unnamed-format"),
        ("format: promptfoo", "format: inspect", 3, "outcomes/other-format"),
        ("format: promptfoo", "format: table", 2, "config/outcome-columns"),
        ("by: [topic]", "by: [colour]", 2, "config/unknown-slice"),
    ],
)
def test_slips_are_told_with_their_line(tmp_path: Path, old: str, new: str, code: int, words: str) -> None:
    folder = repository(tmp_path / "bot")
    edit(folder / "modelyard.yml", old, new)
    says(modelyard(folder, "judge", "--first"), code, words)


def test_the_pipeline_says_which_command_judges_outcomes(tmp_path: Path) -> None:
    folder = repository(tmp_path / "bot")
    says(modelyard(folder, "run"), 2, "modelyard.yml:1: model.task", "config/task-of-outcomes", "modelyard judge")


@pytest.mark.parametrize("shape", SHAPES)
def test_every_format_goes_through_the_command(tmp_path: Path, shape: str) -> None:
    folder = tmp_path / "any"
    folder.mkdir()
    new, old = (SHAPES[shape](folder / name, rows) for name, rows in (("new", ALIKE), ("old", GOOD)))
    columns = "\n    case: id\n    outcome: passed\n    repeat: attempt\n    cost: usd" if shape == "table" else ""
    (folder / "modelyard.yml").write_text(
        "model: {name: any, task: outcomes}\n"
        f"evaluate:\n  outcomes:\n    challenger: {new.name}\n    champion: {old.name}\n    format: {shape}{columns}\n"
        "  gates:\n    - {metric: pass_rate, no_worse_than: champion, margin: 0.05, by: [topic]}\n",
        "utf-8",
    )
    says(modelyard(folder, "judge"), 0, "verdict: pass (promote)")


def test_a_change_is_judged_by_the_gates_and_the_champion_of_its_base(tmp_path: Path) -> None:
    folder = repository(tmp_path / "bot")
    says(modelyard(folder, "judge", "--first", "--keep"), 0)
    desk.git(folder, "add", "-A")
    desk.git(folder, "commit", "-qm", "the first champion")
    edit(folder / "modelyard.yml", "at_least: 0.6", "at_least: 0.1")
    edit(folder / "modelyard.yml", "margin: 0.05", "margin: 0.5")
    SHAPES["promptfoo"](folder / "new", WORSE)
    SHAPES["promptfoo"](folder / "kept" / "champion", WORSE)
    desk.git(folder, "commit", "-qam", "looser gates, and another champion")
    says(modelyard(folder, "judge"), 0)
    says(modelyard(folder, "judge", "--base", "HEAD~1"), 1, "verdict: fail (hold)", "margin 0.05")
    result = record(folder)["result"]
    assert [change["rule"] for change in result["rule_changes"]] == ["evaluate.gates"]
    assert result["base"] == desk.said(folder, "rev-parse", "HEAD~1")


def test_a_change_cannot_bring_its_own_champion(tmp_path: Path) -> None:
    folder = repository(tmp_path / "bot")
    (folder / "kept").mkdir()
    SHAPES["promptfoo"](folder / "kept" / "champion", WORSE)
    desk.git(folder, "add", "-A")
    desk.git(folder, "commit", "-qm", "a weak champion")
    says(modelyard(folder, "judge", "--base", "HEAD~1"), 2, "outcomes/planted-champion")


def loosen(folder: Path) -> None:
    edit(folder / "modelyard.yml", "margin: 0.05", "margin: 0.5")
    edit(folder / "modelyard.yml", "at_least: 0.6", "at_least: 0.1")
    SHAPES["promptfoo"](folder / "kept" / "champion", WORSE)


def link(folder: Path) -> None:
    (folder / "modelyard.yml").rename(folder / "lax.yml")
    edit(folder / "lax.yml", "margin: 0.05", "margin: 0.5")
    (folder / "modelyard.yml").symlink_to("lax.yml")


def move(folder: Path) -> None:
    (folder / "modelyard.yml").rename(folder / "lax.yml")
    edit(folder / "lax.yml", "margin: 0.05", "margin: 0.5")


@pytest.mark.parametrize(
    ("change", "command", "code", "words"),
    [
        (loosen, ("judge",), 1, "verdict: fail (hold)"),
        (loosen, ("judge", "--keep"), 2, "outcomes/keeps-elsewhere"),
        (link, ("judge",), 2, "config/linked-rules"),
        (move, ("judge", "--config", "lax.yml"), 2, "config/moved"),
    ],
)
@pytest.mark.parametrize("event", ["pull_request", "merge_group"])
def test_in_github_actions_the_base_judges(
    tmp_path: Path, change: Any, command: tuple[str, ...], code: int, words: str, event: str
) -> None:
    folder = repository(tmp_path / "bot")
    (folder / "kept").mkdir()
    SHAPES["promptfoo"](folder / "kept" / "champion", GOOD)
    desk.git(folder, "add", "-A")
    desk.git(folder, "commit", "-qm", "champion")
    job = Repository(folder, tmp_path / "runner")
    job.merged(change)
    SHAPES["promptfoo"](folder / "new", WORSE)
    says(job.run(*command, event=event), code, words)
    told = (tmp_path / "runner" / "output").read_text("utf-8")
    assert f"exit-code={code}" in told or f"\n{code}\n" in told
    if code == 1:
        assert "pass_rate" in (tmp_path / "runner" / "summary").read_text("utf-8")
