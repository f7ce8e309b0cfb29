"""A command is declared once: help, parsing and the README's table follow."""

import re
import sys
from types import ModuleType

import pytest

from modelyard.cli.commands import COMMANDS
from modelyard.cli.flags import Argument, Command, Flag
from modelyard.cli.main import main
from modelyard.generate.write import command_table

GREET = Command(
    "greet",
    "Greet somebody.",
    "modelyard greet world --times 2",
    "tests.greet",
    (Flag("times", "how often", "1", number="whole"), Flag("tone", "how", "warm", choices=("warm", "cold"))),
    (Argument("whom", "a name"),),
)


@pytest.fixture
def greeted(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """A command in a module of its own, registered; what it was called with."""
    calls: list[object] = []
    module = ModuleType("tests.greet")

    def run(command: Command, given: dict[str, str], positional: list[str]) -> int:
        calls.append((command.name, given, positional))
        return 0

    module.__dict__["run"] = run
    monkeypatch.setitem(sys.modules, "tests.greet", module)
    monkeypatch.setattr(COMMANDS, "_items", dict(COMMANDS._items))
    COMMANDS.register(GREET)
    return calls


def test_a_new_command_is_in_the_help_and_in_the_readme_s_table(
    greeted: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--help"]) == 0
    assert re.search(r"(?m)^  greet +Greet somebody\.$", capsys.readouterr().out)
    assert main(["greet", "--help"]) == 0
    out = capsys.readouterr().out
    assert "usage: modelyard greet WHOM [--flag VALUE …]" in out
    assert "--times N         how often (default: 1)" in out
    assert "| `modelyard greet` | Greet somebody. |" in command_table()
    assert greeted == []


def test_a_new_command_is_called_with_its_flags(greeted: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_TONE", "cold")
    assert main(["greet", "world", "--times", "2"]) == 0
    assert greeted == [("greet", {"times": "2", "tone": "cold"}, ["world"])]
    assert main(["greet", "world", "--times", "two"]) == 2
    assert main(["greet", "world", "--tone", "hot"]) == 2
    assert main(["greet"]) == 2
