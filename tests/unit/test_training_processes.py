"""Limits and environments of the processes that are started."""

import os

import pytest

from modelyard.core import processes
from modelyard.core.errors import ConfigError


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
