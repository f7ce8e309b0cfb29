"""What a person sees in a terminal: colours by meaning, lines that fit, progress in one line, help, completion."""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from modelyard.cli import completion, output
from modelyard.cli import help as helps
from modelyard.cli.commands import COMMANDS, GROUPS
from modelyard.cli.console import Progress, console
from modelyard.cli.main import main
from modelyard.core import terminal
from modelyard.report.document import Code, Column, Paragraph, Table, line
from modelyard.report.renderers.terminal import render_terminal
from modelyard.steps.pipeline import Decision
from tests.report_samples import run

GREEN, RED, YELLOW, OFF = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[0m"


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"):
        monkeypatch.delenv(name, raising=False)
    terminal.set_level("normal")


@pytest.mark.parametrize(
    ("environ", "tty", "coloured"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_colour_is_for_terminals_and_as_the_environment_says(
    environ: dict[str, str], tty: bool, coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    screen = Screen() if tty else io.StringIO()
    monkeypatch.setattr(sys, "stdout", screen)
    terminal.put("verdict: pass (promote)")
    assert (GREEN in screen.getvalue()) is coloured
    monkeypatch.setattr(sys, "stdout", data := Screen())
    terminal.data('{"verdict": "pass"}')
    assert "\x1b" not in data.getvalue()


def test_words_for_verdicts_are_coloured_where_they_are_values() -> None:
    assert terminal.painted("verdict: fail (hold)") == f"verdict: {RED}fail{OFF} ({RED}hold{OFF})"
    assert (
        terminal.painted("  inconclusive  recall at least 0.5") == f"  {YELLOW}inconclusive{OFF}  recall at least 0.5"
    )
    assert terminal.painted("evaluate: unchanged, pass · 3 gates") == f"evaluate: unchanged, {GREEN}pass{OFF} · 3 gates"
    for text in ("all gates pass", "password  1", "  failure rate", "train.py: no error was found"):
        assert terminal.painted(text) == text


def test_a_name_cannot_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", screen := Screen())
    terminal.put("verdict: pass · \x1b[2J\x1b]0;evil\x07")
    assert screen.getvalue().count("\x1b") == 2, "ours, on and off"
    monkeypatch.setattr(sys, "stderr", screen := Screen())
    terminal.write_over("  1/2 evil\nname\x1b[2J")
    assert screen.getvalue() == "\r\x1b[K  1/2 evil name�[2J"


def test_progress_is_one_line_with_the_count_first_and_the_time_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", screen := Screen())
    monkeypatch.setenv("COLUMNS", "60")
    at = iter([0.0, 12.0, 12.01, 30.0])
    progress = Progress(lambda: next(at))
    label = "HistGradientBoostingClassifier learning_rate=0.1 max_leaf_nodes=31"
    for done in (1, 2, 3, 35):
        progress(done, 35, label)
    shown = screen.getvalue().split("\r\x1b[K")
    assert shown[1].startswith("  1/35 HistGradient")
    assert shown[2].endswith("… 12 s")
    assert len(shown) == 4, "one is too soon after the one before"
    assert shown[3] == "", "it is taken off at the end"
    assert all(len(each) < 60 for each in shown)


def test_quiet_says_nothing_and_verbose_says_when(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.set_level("quiet")
    quiet = console()
    quiet.say("working")
    quiet.progress(1, 2, "x")
    assert capsys.readouterr().err == ""
    terminal.set_level("verbose")
    console().say("working")
    assert capsys.readouterr().err.strip() == "[    0.0 s] working"


def test_the_switches_stand_anywhere_before_two_dashes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-q", "--version"]) == 0
    assert terminal.level() == "quiet"
    assert main(["--version"]) == 0
    assert terminal.level() == "normal"
    assert main(["show", "--", "-q"]) == 2
    assert terminal.level() == "normal"
    capsys.readouterr()


def test_a_failed_validation_is_told_at_the_end_of_a_run() -> None:
    envelopes = run("failed-data")
    context: Any = SimpleNamespace(run_dir=Path("modelyard-run"), mode="gate")
    decisions = [Decision("train", "skip", "validate did not pass")]
    lines = output.run_lines(envelopes, context, decisions, None)
    assert "  failed: all · expect_column_values_to_not_be_null dep_delay: 8,255 of 251,727" in lines
    assert lines.index("verdict: fail") < lines.index("  failed: all") < lines.index("report:")


WIDE = Table(
    "Data",
    (Column("Data set", "lead"), Column("Digest"), Column("What it is")),
    ((line("all"), line(Code("sha256:" + "0123456789ab" + "c" * 52)), line("a word " * 12)),),
)


def test_a_table_that_is_too_wide_becomes_a_list_and_digests_are_cut() -> None:
    fits = render_terminal("v7", [WIDE, Paragraph(line("word " * 40))], width=80)
    assert max(map(len, fits.splitlines())) <= 80
    assert "    Digest: sha256:0123456789ab…" in fits
    whole = render_terminal("v7", [WIDE])
    assert "c" * 52 in whole, "where there is no terminal nothing is cut"
    narrow = Table("Data", WIDE.columns[:2], tuple(row[:2] for row in WIDE.rows))
    assert "  all       sha256:0123456789ab…" in render_terminal("v7", [narrow], width=80)


def test_help_fits_eighty_columns_and_breaks_no_word() -> None:
    overview = helps.overview()
    for text in (overview, *(helps.command_help(command) for command in COMMANDS)):
        assert [each for each in text.splitlines() if len(each) > 80 and not each.startswith("example")] == []
    for command in COMMANDS:
        words = helps.command_help(command).split()
        assert all(word in words for flag in command.flags for word in flag.help.split())
        assert f"  {command.name} " in overview


def test_every_command_stands_under_one_head_of_the_help() -> None:
    assert {command.group for command in COMMANDS} == set(GROUPS)
    lines = [each.split()[0] for each in helps.overview().splitlines() if each.startswith("  ") and each[2] != " "]
    assert sorted(lines) == sorted(COMMANDS.names())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_names_every_command_and_flag(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    completion.run(COMMANDS.get("completion"), {}, [shell])
    script = capsys.readouterr().out
    for command in COMMANDS:
        assert command.name in script
        dashes = "-l " if shell == "fish" else "--"
        assert all(f"{dashes}{flag.name}" in script for flag in command.flags)


@pytest.mark.parametrize(
    ("line_", "offered"),
    [
        ("modelyard roll", {"rollback"}),
        ("modelyard show --form", {"--format"}),
        ("modelyard show --format ", {"text", "markdown", "json"}),
        ("modelyard config sch", {"schema"}),
        ("modelyard run --prom", {"--promote"}),
    ],
)
def test_bash_completes(line_: str, offered: set[str], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    completion.run(COMMANDS.get("completion"), {}, ["bash"])
    words = line_.split(" ")
    quoted = " ".join(f'"{word}"' for word in words)
    script = f"{capsys.readouterr().out}\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _modelyard\n"
    script += 'printf "%s\\n" "${COMPREPLY[@]}"\n'
    bash = shutil.which("bash") or "/bin/bash"
    done = subprocess.run([bash, "--norc", "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path,
                          env={"PATH": os.defpath})  # fmt: skip
    assert set(done.stdout.split()) == offered
