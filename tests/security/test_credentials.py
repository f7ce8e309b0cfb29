"""No credential that we read, or that a job holds, reaches other people's code, under whatever name."""

import ast
import base64
import os
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from modelyard.core import processes
from modelyard.models.environment import uv_environment

SOURCE = Path(__file__).parents[2] / "src" / "modelyard"
TOKEN = "ghs_16C7e42F292c6912E7710c838347Ae178B4a"
NAMES = (
    *("GITHUB_TOKEN", "GH_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "MODELYARD_TOKEN"),
    *("INPUT_TOKEN", "INPUT_GITHUB-TOKEN", "MODELYARD_GITHUB_TOKEN"),
    *("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "DATABRICKS_TOKEN"),
    *("ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
)
SECRET = re.compile(r"[A-Z][A-Z0-9_-]*(?:TOKEN|PASSWORD|SECRET|CREDENTIALS|API_KEY)")


@pytest.mark.parametrize("name", NAMES)
def test_a_credential_is_stripped_by_its_name_and_a_copy_by_its_value(name: str) -> None:
    environ = {"PATH": "/bin", name: TOKEN, "COPY": TOKEN, "MY_URL": f"https://x:{TOKEN}@github.com/acme/demo"}
    assert processes.user_environment(environ) == {"PATH": "/bin"}


@pytest.mark.parametrize("name", ["GITHUB_STEP_SUMMARY", "GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE"])
def test_the_runners_command_files_are_stripped(name: str) -> None:
    assert processes.user_environment({"PATH": "/bin", name: "/tmp/file"}) == {"PATH": "/bin"}


@pytest.mark.parametrize(
    "value",
    [
        f"AUTHORIZATION: bearer {TOKEN}",
        f"AUTHORIZATION: basic {base64.b64encode(f'x-access-token:{TOKEN}'.encode()).decode()}",
        f"Basic {base64.b64encode(f'me:{TOKEN}'.encode()).decode()}",
        f"Basic {base64.b64encode(f'bot:{TOKEN}!'.encode()).decode()}",
        f"postgres://u:{quote(TOKEN + '/+', safe='')}@db.test",
    ],
)
def test_a_variable_that_contains_a_token_is_stripped(value: str) -> None:
    held = TOKEN + "/+" if "postgres" in value else TOKEN
    assert processes.user_environment({"PATH": "/bin", "GH_TOKEN": held, "OTHER": value}) == {"PATH": "/bin"}


def test_a_short_password_strips_only_what_equals_it_or_names_it_as_a_password() -> None:
    environ = {"MLFLOW_TRACKING_PASSWORD": "bin", "PATH": "/bin", "COPY": "bin", "URL": "https://me:bin@m.test"}
    assert processes.user_environment(environ) == {"PATH": "/bin"}


def test_every_variable_of_a_credential_that_the_source_names_is_stripped() -> None:
    named = {
        node.value
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SECRET.fullmatch(node.value)
    }
    assert {"MODELYARD_TOKEN", "GH_TOKEN", "MLFLOW_TRACKING_PASSWORD"} <= named
    assert processes.user_environment(dict.fromkeys(named, TOKEN)) == {}


INDEX = {
    "UV_INDEX_PRIVATE_USERNAME": "reader",
    "UV_INDEX_PRIVATE_PASSWORD": "pw-of-the-index",
    "UV_DEFAULT_INDEX": "https://reader:pw-of-the-index@packages.test/simple",
    "PIP_EXTRA_INDEX_URL": "https://token@packages.test/simple",
}


def test_credentials_of_a_package_index_reach_the_installer_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = {"PATH": "/bin", "UV_INDEX_URL": "https://mirror.test/simple", "UV_CACHE_DIR": "/cache"}
    environ = {**plain, **INDEX, "COPY": "pw-of-the-index"}
    assert processes.user_environment(environ) == plain
    for name in os.environ:
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert {name: value for name, value in uv_environment().items() if name in INDEX} == INDEX
    assert "COPY" not in uv_environment()
