"""Environments built by the real uv, from a wheel that is made here; nothing reaches a network."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from modelyard.core.errors import ConfigError, PlatformError
from modelyard.models import environment as env
from modelyard.models.environment import Environment, Interpreter
from tests.training_samples import wheel

HERE = platform.python_version()


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_OFFLINE", "1")
    for version in ("1.0", "2.0"):
        wheel(folder, version)
    return folder


def recorded(version: str) -> Environment:
    return Environment(HERE, "linux x86_64", (("tiny-model", version),))


KNOWN = [Interpreter(Path(sys.executable), recorded("2.0"))]


def said(python: Path) -> str:
    command = [str(python), "-I", "-c", "import tiny_model; print(tiny_model.VERSION)"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_version_of_other_packages_gets_its_own_interpreter(wheels: Path, tmp_path: Path) -> None:
    python = env.python_for(recorded("1.0"), cache=tmp_path / "envs", known=KNOWN)
    assert said(python) == "1.0"
    assert env.python_for(recorded("2.0"), cache=tmp_path / "envs", known=KNOWN) == Path(sys.executable)


def test_a_built_environment_is_reused_and_a_half_built_one_is_not(wheels: Path, tmp_path: Path) -> None:
    python = env.python_for(recorded("1.0"), cache=tmp_path / "envs", known=KNOWN)
    for path in wheels.iterdir():
        path.unlink()
    assert env.python_for(recorded("1.0"), cache=tmp_path / "envs", known=KNOWN) == python
    (python.parent.parent / "stamp.txt").unlink()
    with pytest.raises(PlatformError):
        env.python_for(recorded("1.0"), cache=tmp_path / "envs", known=KNOWN)


def test_what_cannot_be_built_says_what_uv_said(wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match=r"no version of tiny-model==3\.0") as caught:
        env.python_for(recorded("3.0"), cache=tmp_path / "envs", known=KNOWN)
    assert caught.value.exit_code == 4


def test_a_commands_own_environment_is_built_from_its_lock(wheels: Path, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("tiny-model==1.0\n", "utf-8")
    assert said(env.python_for_lock(lock, cache=tmp_path / "envs")) == "1.0"
    lock.write_text("tiny-model==2.0\n", "utf-8")
    assert said(env.python_for_lock(lock, cache=tmp_path / "envs")) == "2.0"


def test_a_lock_whose_hash_is_not_the_wheels_is_refused(wheels: Path, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"tiny-model==1.0 --hash=sha256:{'0' * 64}\n", "utf-8")
    with pytest.raises(PlatformError):
        env.python_for_lock(lock, cache=tmp_path / "envs")


def test_a_lock_with_an_index_is_refused(wheels: Path, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("--index-url https://example.com/simple\ntiny-model==1.0\n", "utf-8")
    with pytest.raises(ConfigError, match="--index-url"):
        env.python_for_lock(lock, cache=tmp_path / "envs")
