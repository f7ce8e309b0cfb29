"""The environment of the user's pins, built by the real uv from kept packages: what is in it, and what is refused."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from modelyard.core.errors import ConfigError, ModelyardError, PlatformError
from modelyard.models.environment import Interpreter, current_environment
from modelyard.models.pinned import interpreter_with
from tests.act import TOOLS
from tests.training_samples import wheel


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wheels").mkdir()
    for version in ("1.0", "2.0"):
        wheel(tmp_path / "wheels", version)
    for name, value in (
        ("UV_FIND_LINKS", tmp_path / "wheels"),
        ("UV_OFFLINE", 1),
        ("UV_CACHE_DIR", TOOLS / "uv-cache"),
    ):
        monkeypatch.setenv(name, str(value))


def pinned(tmp_path: Path, text: str) -> Interpreter:
    (tmp_path / "pins.txt").write_text(text, "utf-8")
    return interpreter_with(tmp_path / "pins.txt", cache=tmp_path / "envs")


def asked(python: Path, code: str) -> str:
    return subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_pins_add_to_modelyards_own_packages_and_change_nothing_else(tmp_path: Path) -> None:
    found = pinned(tmp_path, "tiny-model==1.0\n")
    assert found.python != Path(sys.executable)
    assert asked(found.python, "import tiny_model; print(tiny_model.VERSION)") == "1.0"
    ours = dict(current_environment().packages)
    assert dict(found.environment.packages) == {**ours, "tiny-model": "1.0"}
    assert found.lock is not None
    assert "tiny-model==1.0" in found.lock.read_text("utf-8")
    more = [path.name for path in found.python.parents[1].glob("lib/*/site-packages/*.dist-info")]
    assert more == ["tiny_model-1.0.dist-info"]
    assert asked(found.python, "import numpy, modelyard; print(numpy.__version__)") == ours["numpy"]


def test_it_is_built_once_and_a_half_built_one_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = pinned(tmp_path, "tiny-model\n")
    assert ("tiny-model", "2.0") in first.environment.packages
    for path in (tmp_path / "wheels").iterdir():
        path.unlink()
    assert pinned(tmp_path, "# the same pins\nTiny_Model\n") == first
    (first.python.parents[1] / "stamp.txt").unlink()
    with pytest.raises(PlatformError, match="did not reach"):
        pinned(tmp_path, "tiny-model\n")


def test_what_is_there_already_needs_no_other_environment(tmp_path: Path) -> None:
    found = pinned(tmp_path, f"numpy=={metadata.version('numpy')}\nmodelyard==0.0.1\n")
    assert (found.python, found.lock) == (Path(sys.executable), None)
    assert found.environment == current_environment()
    assert not (tmp_path / "envs").exists()


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("--index-url http://127.0.0.1:9\nlightgbm\n", "environment/option-in-requirements", "--index-url"),
        ("-e .\n", "environment/option-in-requirements", "the option -e is not allowed"),
        ("tiny-model @ http://127.0.0.1:9/x.whl\n", "environment/not-a-requirement", "not allowed"),
        (f"tiny-model==1.0 --hash=sha256:{'0' * 64}\n", "environment/unknown-hash", "has the hash that is written"),
        ("numpy==1.0\n", "environment/conflict", "numpy==1.0 conflicts with modelyard's own numpy>=2.2"),
        ("scikit-learn<1.7\n", "environment/conflict", "modelyard's own (scikit-learn>=1.7)"),
        ("tiny-model==3.0\n", "environment/conflict", "tiny-model==3.0"),
        ("no-such-thing\n", "environment/index-unreachable", "did not reach the package registry"),
    ],
)
def test_pins_that_cannot_be_are_refused_with_both_sides(tmp_path: Path, text: str, code: str, said: str) -> None:
    with pytest.raises(ModelyardError) as caught:
        pinned(tmp_path, text)
    assert (caught.value.code, isinstance(caught.value, ConfigError)) == (code, "unreachable" not in code)
    assert said in str(caught.value)
