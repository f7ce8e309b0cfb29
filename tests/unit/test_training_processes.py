"""Limits and environments of the processes that are started."""

import os
from pathlib import Path

import pytest

from modelyard.core import processes
from modelyard.core.errors import ConfigError, DataError


@pytest.mark.parametrize(("text", "length"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1.5h", 5400)])
def test_limits_are_lengths_of_time(text: str, length: float) -> None:
    assert processes.seconds(text) == length


@pytest.mark.parametrize("text", ["", "90", "0s", "-1h", "2 days", "h", "1h30m", "infs", "nan"])
def test_anything_else_is_a_configuration_error(text: str) -> None:
    with pytest.raises(ConfigError, match="90s, 30m or 2h"):
        processes.seconds(text, what="train.timeout")


def test_our_own_children_get_no_python_variables_and_no_tokens() -> None:
    found = {"PATH": "/bin", "PYTHONPATH": "x", "PYTHONSTARTUP": "x", "GITHUB_TOKEN": "secret", "COPY": "secret",
             "MODELYARD_CONFIG": "x", "HOME": "/root"}  # fmt: skip
    assert processes.own_child_environment(found) == {"PATH": "/bin", "HOME": "/root", "PYTHONSAFEPATH": "1"}


def test_a_password_for_mlflow_reaches_no_command_and_the_servers_address_does() -> None:
    found = {
        "MLFLOW_TRACKING_URI": "https://mlflow.test", "MLFLOW_TRACKING_USERNAME": "bot", "USER": "bot",
        "MLFLOW_TRACKING_PASSWORD": "secret", "MLFLOW_TRACKING_TOKEN": "token", "COPY": "secret", "OTHER": "token",
    }  # fmt: skip
    assert processes.user_environment(found) == {"MLFLOW_TRACKING_URI": "https://mlflow.test", "USER": "bot"}


def test_an_empty_token_hides_no_empty_variable() -> None:
    assert processes.user_environment({"GITHUB_TOKEN": "", "EMPTY": ""}) == {"EMPTY": ""}


def test_what_the_command_line_sets_for_itself_does_not_reach_user_code() -> None:
    assert processes.user_environment({"PYDANTIC_DISABLE_PLUGINS": "__all__"}) == {}
    chosen = {"PYDANTIC_DISABLE_PLUGINS": "logfire"}
    assert processes.user_environment(chosen) == chosen


def test_the_pools_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "x")
    before = dict(os.environ)
    with processes.as_own_environment():
        assert "PYTHONPATH" not in os.environ
        assert os.environ["PYTHONSAFEPATH"] == "1"
    assert dict(os.environ) == before


CHAINED = """\
loading Ada Lovelace
Traceback (most recent call last):
  File "{cwd}/prepare.py", line 3, in <module>
    int("Ada")
ValueError: invalid literal: 'Ada'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "{cwd}/lib/train.py", line 12, in <module>
    fit(rows)
    ~~~^^^^^^
  File "/usr/lib/python3/site-packages/pandas/frame.py", line 99, in fit
    raise KeyError(name)
pandas.errors.ParserError: 'Ada Lovelace'
"""


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        (CHAINED, " (pandas.errors.ParserError in lib/train.py:12)"),
        ('Traceback (most recent call last):\n  File "x.py", line 1, in <module>\nKeyError\n', " (KeyError in x.py:1)"),
        (
            "Traceback (most recent call last):\n  File \"/x\", line 1\nModuleNotFoundError: No module named 'torch'\n",
            " (ModuleNotFoundError: No module named 'torch')",
        ),
        ("Ada Lovelace, 1815\n", ""),
        ("Traceback (most recent call last):\n  half of it", ""),
        ("ValueError: Ada\n", ""),
        ("", ""),
    ],
    ids=["chained", "relative", "module", "words", "cut", "no traceback", "nothing"],
)
def test_of_what_a_command_printed_the_kind_of_error_and_its_place_are_told(
    tmp_path: Path, printed: str, told: str
) -> None:
    (tmp_path / "said.txt").write_text(printed.replace("{cwd}", str(tmp_path)), "utf-8")
    with pytest.raises(DataError) as caught:
        processes.run_command(
            "sh -c 'cat said.txt; exit 3'", {}, cwd=tmp_path, timeout="9s", log=tmp_path / "logs" / "x.log", what="it"
        )
    assert caught.value.message == f"it ended with exit status 3{told}"
    assert str(tmp_path / "logs" / "x.log") in caught.value.hint
