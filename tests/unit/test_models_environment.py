"""The packages of a model: which count, how they are written down, and what a user's pins may say."""

import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from modelyard.core.errors import ConfigError, DataError, PlatformError
from modelyard.models import environment as env
from modelyard.models.environment import Environment

NUMPY = metadata.version("numpy")
SKLEARN = metadata.version("scikit-learn")
HERE = "{}.{}".format(*sys.version_info)


def write(folder: Path, text: str) -> Path:
    path = folder / "requirements.txt"
    path.write_text(text, "utf-8")
    return path


def test_what_a_model_needs_is_in_and_test_tools_stay_out() -> None:
    versions = dict(env.current_environment().packages)
    assert versions["numpy"] == NUMPY
    assert {"scikit-learn", "scipy", "joblib", "threadpoolctl", "pandas", "polars", "python-dateutil"} <= set(versions)
    assert not {"pytest", "ruff", "mypy", "hypothesis", "lightgbm", "modelyard"} & set(versions)


def test_the_closure_is_what_the_metadata_says() -> None:
    packages = dict(env.current_environment().packages)
    for name, version in packages.items():
        found = metadata.distribution(name)
        assert found.version == version
        for line in found.requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert canonicalize_name(requirement.name) in packages


def test_the_users_packages_and_what_they_need_are_in(tmp_path: Path) -> None:
    pins = env.read_requirements(write(tmp_path, "LightGBM\n"))
    with_it = dict(env.current_environment(pins).packages)
    assert with_it["lightgbm"] == metadata.version("lightgbm")


def test_packages_in_a_folder_that_comes_first_are_those_that_count(tmp_path: Path) -> None:
    info = tmp_path / "packages" / "lightgbm-0.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lightgbm\nVersion: 0.1\n\n", "utf-8")
    pins = env.read_requirements(write(tmp_path, "LightGBM\n"))
    packages = dict(env.current_environment(pins, first=[tmp_path / "packages"]).packages)
    assert (packages["lightgbm"], packages["numpy"]) == ("0.1", NUMPY)


def test_the_text_reads_back_as_it_was() -> None:
    found = env.current_environment()
    text = env.environment_text(found)
    assert text.splitlines()[0].startswith(f"# python {HERE}.")
    assert env.parse_environment(text) == found


def test_the_digest_follows_names_versions_and_the_python_minor_and_nothing_else() -> None:
    def digest(python: str = "3.12.1", platform: str = "linux x86_64", version: str = "1") -> str:
        return env.environment_digest(Environment(python, platform, (("a", version),)))

    assert digest() == digest(python="3.12.9") == digest(platform="darwin arm64")
    assert len({digest(), digest(python="3.13.1"), digest(version="2")}) == 3


@pytest.mark.parametrize(
    ("text", "line"),
    [("", 1), ("numpy==1\n", 1), ("# python 3.12.1 linux x86_64\nnumpy>=1\n", 2),
     ("# python 3.12.1 linux x86_64\na==1\nb @ file:///b\n", 3), ("# python 3.12.1 linux x86_64\n-e .\n", 2)],
)  # fmt: skip
def test_an_edited_environment_file_is_refused_by_line(text: str, line: int) -> None:
    with pytest.raises(DataError, match=f"line {line} "):
        env.parse_environment(text)


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("--index-url https://example.com\nnumpy\n", 1, "--index-url"),
        ("--index-url=https://example.com\n", 1, "--index-url"),
        ("numpy\n\n-e .\n", 3, "-e"),
        ("# a comment\n-r other.txt\n", 2, "-r"),
        ("numpy @ https://example.com/numpy.whl\n", 1, "URL"),
        ("numpy @ file:///numpy.whl\n", 1, "URL"),
        ("https://example.com/numpy.whl\n", 1, "URL"),
        ("git+https://example.com/numpy\n", 1, "URL"),
        ("./wheels/numpy.whl\n", 1, "path"),
        ("numpy --config-settings=x\n", 1, "--config-settings"),
        ("numpy==\n", 1, "not a requirement"),
        ("numpy \\\n  --index-url https://example.com\n", 1, "--index-url"),
        ("six==1 --hash --index-url=https://example.com\n", 1, "--hash"),
        ("six==1 --hash=--index-url=https://example.com\n", 1, "--hash"),
        ("six==1 --hash=md5:0123\n", 1, "--hash"),
        (f"six==1 --hash=sha256:{'0' * 64} --pre\n", 1, "--pre"),
    ],
)
def test_anything_but_names_versions_markers_and_hashes_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, found: str
) -> None:
    with pytest.raises(ConfigError, match=found) as caught:
        env.read_requirements(write(tmp_path, text))
    assert caught.value.exit_code == 2
    assert str(caught.value.place) == f"requirements.txt:{line}"


def test_names_versions_markers_and_hashes_are_taken(tmp_path: Path) -> None:
    text = f"""
# ours
numpy=={NUMPY} ; python_version >= "3.11" \\
    --hash=sha256:{"0" * 64} \\
    --hash=sha256:{"1" * 64}
Scikit_Learn>=1  # a comment
not-for-us==1; sys_platform == "never"
"""
    pins = env.read_requirements(write(tmp_path, text))
    assert [(pin.name, pin.line) for pin in pins] == [("numpy", 3), ("scikit-learn", 6)]


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("", True), ("scipy\nnumpy>=2\n", True), (f"numpy=={NUMPY}\n", True), ("numpy>=9999\n", False),
        ("no-such-thing\n", False), (f"numpy=={NUMPY} --hash=sha256:{'0' * 64}\n", False),
    ],
)  # fmt: skip
def test_pins_are_fulfilled_where_what_is_installed_is_what_they_ask_for(tmp_path: Path, text: str, fits: bool) -> None:
    assert env.fulfilled(env.read_requirements(write(tmp_path, text))) is fits


def refuse(path: Path) -> None:
    env.refuse_conflicts(env.read_requirements(path), env.own_requirements(), path)


def test_two_pins_that_conflict_name_both_lines(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"lightgbm==1\.0 conflicts with lightgbm==2\.0 in line 1") as caught:
        refuse(write(tmp_path, "lightgbm==2.0\n\nLightGBM==1.0\n"))
    assert str(caught.value.place) == "requirements.txt:3"


def test_a_pin_outside_modelyards_own_range_names_both_sides(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"scikit-learn==1\.2 conflicts with modelyard's own scikit-learn>="
    ) as caught:
        refuse(write(tmp_path, "scikit-learn==1.2\n"))
    assert "train.environment" in caught.value.hint


def test_a_missing_or_unreadable_requirements_file_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such"):
        env.read_requirements(tmp_path / "absent.txt")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(ConfigError, match="UTF-8"):
        env.read_requirements(tmp_path / "latin.txt")


def test_the_same_packages_are_scored_by_this_interpreter(tmp_path: Path) -> None:
    here = env.this_interpreter()
    wanted = env.parse_environment(env.environment_text(here.environment))
    python = env.python_for(wanted, cache=tmp_path / "envs", known=[here])
    assert python == Path(sys.executable)
    assert not (tmp_path / "envs").exists()


def test_without_uv_the_answer_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PlatformError, match="uv was not found"):
        env.build("", python=HERE, folder=tmp_path / "built")
