"""The environment that actions make, offline from kept packages: what is in it, what it costs, and what is refused."""

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import desk
from tests.act import PYTHON, ROOT, TOOLS

BASE = Path(sys.base_prefix) / "bin" / f"python{PYTHON}"
LOCKS = ROOT / "requirements"
PLATFORMS = [
    "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-apple-darwin", "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
]  # fmt: skip


@dataclass(frozen=True)
class Made:
    """How the step ended, what it said, and the interpreter that it made."""

    code: int
    said: str
    python: Path | None


def make(tmp_path: Path, lock: str, workspace: Path | None = None, **environ: str) -> Made:
    output = tmp_path / "output"
    output.write_text("", "utf-8")
    (tmp_path / "temp dir").mkdir(exist_ok=True)
    done = subprocess.run(
        [str(BASE), "-I", "-X", "utf8", str(ROOT / "actions" / "environment.py")],
        cwd=workspace or tmp_path, capture_output=True, text=True, check=False,
        env={
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "RUNNER_TEMP": str(tmp_path / "temp dir"),
            "GITHUB_OUTPUT": str(output), "GITHUB_WORKSPACE": str(workspace or tmp_path), "MODELYARD_LOCK": lock,
            "UV_OFFLINE": "1", "UV_CACHE_DIR": str(TOOLS / "uv-cache"), "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(TOOLS / "wheels"), **environ,
        },
    )  # fmt: skip
    told = output.read_text("utf-8")
    python = Path(told.removeprefix("python=").strip()) if told else None
    assert "Traceback" not in done.stderr, done.stderr
    return Made(done.returncode, done.stdout + done.stderr, python)


def ask(python: Path | None, code: str) -> str:
    assert python is not None
    done = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_small_environment_carries_and_holds_nothing_that_loads_a_model(tmp_path: Path) -> None:
    made = make(tmp_path, "carry")
    assert made.code == 0, made.said
    assert ask(made.python, "import modelyard; print(modelyard.__file__)") == str(
        ROOT / "src" / "modelyard" / "__init__.py"
    )
    names = "numpy sklearn skops joblib pandas polars great_expectations pip setuptools"
    found = ask(made.python, f"import importlib.util as u; print([n for n in '{names}'.split() if u.find_spec(n)])")
    assert found == "[]"
    assert "promote" in ask(
        made.python, "import modelyard.cli.step, modelyard.registry.github.registry; print('promote')"
    )


def test_the_small_environment_speaks_to_mlflow_where_that_is_the_registry(tmp_path: Path) -> None:
    made = make(tmp_path, "carry", MODELYARD_REGISTRY="mlflow")
    assert made.code == 0, made.said
    assert "carry-mlflow.txt" in made.said
    names = "numpy sklearn skops joblib pandas polars great_expectations sqlalchemy pip setuptools"
    found = ask(made.python, f"import importlib.util as u; print([n for n in '{names}'.split() if u.find_spec(n)])")
    assert found == "[]"
    code = "import tempfile, pathlib\nfrom modelyard.registry.mlflow.registry import MlflowRegistry\n"
    code += "from modelyard.registry.mlflow.server import Server\nfrom modelyard.core.errors import PlatformError\n"
    code += "import os; os.environ['MLFLOW_HTTP_REQUEST_MAX_RETRIES'] = '0'\n"
    code += "try: MlflowRegistry(Server('http://127.0.0.1:9'), 'm', scratch=pathlib.Path('x')).find('champion')\n"
    code += "except PlatformError as error: print(error.message)"
    assert ask(made.python, code).endswith("cannot be reached: nothing listens there")


def loaded_script() -> Any:
    """The action's script as a module."""
    spec = importlib.util.spec_from_file_location("environment", ROOT / "actions" / "environment.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


@pytest.mark.parametrize(
    ("environ", "config", "wanted"),
    [
        ({"MLFLOW_TRACKING_URI": "https://mlflow.test"}, "", True),
        ({}, "registry: {kind: mlflow}\n", True),
        ({}, "registry:\n  kind: 'mlflow'\n", True),
        ({"MODELYARD_REGISTRY": "github", "MLFLOW_TRACKING_URI": "https://mlflow.test"}, "", False),
        ({}, "registry: {kind: local, durable: true}\n", False),
        ({}, "", False),
    ],
)
def test_mlflows_client_is_installed_where_something_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], config: str, wanted: bool
) -> None:
    (tmp_path / "modelyard.yml").write_text(desk.CONFIG + config, "utf-8")
    for name in ("MODELYARD_REGISTRY", "MODELYARD_CONFIG", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**environ, "GITHUB_WORKSPACE": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    assert (loaded_script().registry_extra() == "mlflow") is wanted


def test_a_configuration_that_no_file_can_be_called_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    for name in ("x" * 100_000, "a" * 300):
        monkeypatch.setenv("MODELYARD_CONFIG", name)
        assert loaded_script().configuration() == b""


@pytest.mark.parametrize("target", ["/dev/zero", "../outside.yml", "."])
def test_a_configuration_that_leads_elsewhere_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    (tmp_path / "outside.yml").write_text("registry: {kind: mlflow}\n", "utf-8")
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "modelyard.yml").symlink_to(target)
    monkeypatch.delenv("MODELYARD_CONFIG", raising=False)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "repo"))
    assert loaded_script().configuration() == b""


def test_an_environment_is_made_once(tmp_path: Path) -> None:
    first = make(tmp_path, "carry")
    assert first.python is not None
    (first.python.parents[1] / "canary").write_text("kept", "utf-8")
    assert make(tmp_path, "carry").python == first.python
    assert (first.python.parents[1] / "canary").is_file()


def test_one_that_was_left_half_made_is_made_anew(tmp_path: Path) -> None:
    first = make(tmp_path, "carry")
    assert first.python is not None
    (first.python.parents[1] / ".modelyard-complete").unlink()
    (first.python.parents[1] / "canary").write_text("half", "utf-8")
    assert make(tmp_path, "carry").python == first.python
    assert not (first.python.parents[1] / "canary").exists()


def test_without_uv_the_step_ends_with_pips_own_words(tmp_path: Path) -> None:
    made = make(tmp_path, "carry", PIP_FIND_LINKS=str(tmp_path / "nothing"))
    assert (made.code, made.python) == (4, None)
    assert "ended with exit code" in made.said


@pytest.mark.parametrize("version", ["3.11", "3.14"])
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("lock", ["carry", "carry-mlflow", "ml", "ml-mlflow"])
def test_the_locks_resolve_with_hashes_and_wheels_alone(tmp_path: Path, lock: str, platform: str, version: str) -> None:
    command = [str(Path(sys.executable).parent / "uv"), "--no-config", "pip", "install", "--dry-run", "--quiet"]
    command += ["--python", sys.executable, "--target", str(tmp_path / "none"), "--python-version", version]
    command += ["--python-platform", platform, "--only-binary", ":all:", "--require-hashes"]
    environ = {**os.environ, "UV_OFFLINE": "1", "UV_CACHE_DIR": str(TOOLS / "uv-cache")}
    done = subprocess.run(
        [*command, "-r", str(LOCKS / f"{lock}.txt")], capture_output=True, text=True, check=False, env=environ
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("runner", "found"),
    [
        (("linux", "x86_64", "glibc", (3, 12)), ""),
        (("linux", "aarch64", "glibc", (3, 11)), ""),
        (("darwin", "arm64", "", (3, 14)), ""),
        (("darwin", "x86_64", "", (3, 12)), ""),
        (("win32", "AMD64", "", (3, 12)), ""),
        (
            ("linux", "x86_64", "", (3, 12)),
            "this runner is linux x86_64 without glibc; modelyard runs on Linux with glibc",
        ),
        (("win32", "ARM64", "", (3, 12)), "this runner is win32 aarch64; modelyard runs on Linux with glibc"),
        (("linux", "ppc64le", "glibc", (3, 12)), "this runner is linux ppc64le; modelyard runs on"),
        (("linux", "x86_64", "glibc", (3, 10)), "this Python is 3.10; modelyard runs on 3.11 to 3.14"),
        (("linux", "x86_64", "glibc", (3, 15)), "this Python is 3.15; modelyard runs on 3.11 to 3.14"),
    ],
)
def test_a_runner_that_nothing_is_resolved_for_is_told_before_anything_is_installed(
    runner: tuple[Any, ...], found: str
) -> None:
    said = loaded_script().refusal(*runner)
    assert (said == "") is (found == "")
    assert said.startswith(found)


def test_a_python_without_pip_is_told_and_nothing_is_made(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    subprocess.run([str(BASE), "-I", "-m", "venv", "--without-pip", str(bare)], check=True)
    output = tmp_path / "output"
    done = subprocess.run(
        [str(bare / "bin" / "python"), "-I", "-X", "utf8", str(ROOT / "actions" / "environment.py")],
        capture_output=True, text=True, check=False,
        env={"RUNNER_TEMP": str(tmp_path / "temp"), "GITHUB_OUTPUT": str(output), "MODELYARD_LOCK": "carry"},
    )  # fmt: skip
    assert done.returncode == 2
    assert "::error title=modelyard::this Python has no pip" in done.stdout
    assert not output.exists()


def test_the_documentation_names_the_runners_that_the_step_accepts() -> None:
    script, page = loaded_script(), (ROOT / "docs" / "runners.md").read_text("utf-8")
    named = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ") and "`" in line]
    assert named == list(script.PLATFORMS.values())
    assert len(PLATFORMS) == len(script.PLATFORMS)


def test_pythons_problem_matcher_is_switched_off(tmp_path: Path) -> None:
    assert "::remove-matcher owner=python::" in make(tmp_path, "carry").said


def look(tmp_path: Path, **environ: str) -> dict[str, str]:
    """What the step says of the environment and the cache."""
    output = tmp_path / "looked"
    output.write_text("", "utf-8")
    (tmp_path / "temp dir").mkdir(exist_ok=True)
    (tmp_path / "event.json").write_text('{"repository": {"default_branch": "main"}}', "utf-8")
    subprocess.run(
        [str(BASE), "-I", "-X", "utf8", str(ROOT / "actions" / "environment.py"), "look"], check=True, cwd=tmp_path,
        env={
            "RUNNER_TEMP": str(tmp_path / "temp dir"), "GITHUB_OUTPUT": str(output), "MODELYARD_LOCK": "carry",
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"), **environ,
        },
    )  # fmt: skip
    return dict(line.split("=", 1) for line in output.read_text("utf-8").splitlines())


@pytest.mark.parametrize(
    ("event", "ref", "wanted"),
    [
        ("pull_request", "refs/pull/7/merge", ("true", "false")),
        ("push", "refs/heads/main", ("false", "true")),
        ("schedule", "refs/heads/main", ("false", "true")),
        ("push", "refs/heads/topic", ("false", "false")),
        ("push", "refs/tags/main", ("false", "false")),
        ("pull_request_target", "refs/heads/main", ("false", "false")),
        ("workflow_run", "refs/heads/main", ("false", "false")),
        ("merge_group", "refs/heads/gh-readonly-queue/main/pr-7", ("false", "false")),
        ("", "", ("false", "false")),
    ],
)
def test_pull_requests_read_the_cache_and_the_default_branch_writes_it(
    tmp_path: Path, event: str, ref: str, wanted: tuple[str, str]
) -> None:
    found = look(tmp_path, GITHUB_EVENT_NAME=event, GITHUB_REF=ref)
    assert (found["restore"], found["keep"]) == wanted
    assert found["key"].startswith("modelyard-carry-")
    assert Path(found["path"]).parent == tmp_path / "temp dir" / "modelyard"


def test_one_that_is_there_is_neither_restored_nor_kept_and_a_restored_one_is_used_as_it_is(tmp_path: Path) -> None:
    first = make(tmp_path, "carry")
    event = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge"}
    found = look(tmp_path, **event)
    assert (found["restore"], found["keep"]) == ("false", "false")
    folder = Path(found["path"])
    folder.rename(tmp_path / "kept")
    assert look(tmp_path, **event)["restore"] == "true"
    shutil.copytree(tmp_path / "kept", folder, symlinks=True)
    again = make(tmp_path, "carry", PIP_FIND_LINKS=str(tmp_path / "nothing"))
    assert again.python == first.python
    assert ask(again.python, "import modelyard; print(modelyard.__version__)")
