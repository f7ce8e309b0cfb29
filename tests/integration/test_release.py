"""A release pins what users copy: the commit that was tested, its version beside it, and nothing else changed."""

import importlib.util
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from tests import desk

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def release() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", ROOT / "tools" / "release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    for name in ("workflows-templates", "docs"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "src" / "modelyard").mkdir(parents=True)
    (folder / "src" / "modelyard" / "__init__.py").write_text('__version__ = "1.2.3"\n', "utf-8")
    shutil.copy(ROOT / "README.md", folder / "README.md")
    desk.git(folder, "init", "-q")
    desk.git(folder, "config", "user.name", "test")
    desk.git(folder, "config", "user.email", "test@example.org")
    desk.git(folder, "add", "-A")
    desk.git(folder, "commit", "-qm", "tested")
    return folder


def said(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def test_templates_and_readme_name_the_released_commit(release: ModuleType, checkout: Path) -> None:
    commit = release.release(checkout, "1.2.3")
    assert said(checkout, "rev-parse", "v1.2.3^{commit}") == commit == said(checkout, "rev-parse", "HEAD^")
    assert said(checkout, "status", "--porcelain") == ""
    uses = []
    for path in sorted((checkout / "workflows-templates").glob("*.yml")):
        text = path.read_text("utf-8")
        assert "@v1 " not in text
        for line in text.splitlines():
            if "uses: modelyard/" in line:
                assert line.endswith(f"@{commit} # v1.2.3"), line
                uses.append(line)
        before = yaml.safe_load((ROOT / "workflows-templates" / path.name).read_text("utf-8"))
        assert yaml.safe_load(text.replace(f"@{commit}", "@v1")) == before
    assert len(uses) == 8
    changed = said(checkout, "diff", "--name-only", "HEAD^").splitlines()
    assert {name for name in changed if not name.startswith("docs/")} == {
        "README.md",
        *(f"workflows-templates/{path.name}" for path in (ROOT / "workflows-templates").glob("*.yml")),
    }


def test_the_next_release_pins_anew(release: ModuleType) -> None:
    first = release.pinned("      - uses: modelyard/modelyard/actions/promote@v1 # why\n", "a" * 40, "1.0.0")
    assert first == f"      - uses: modelyard/modelyard/actions/promote@{'a' * 40} # v1.0.0\n"
    assert release.pinned(first, "b" * 40, "1.1.0") == first.replace("a" * 40, "b" * 40).replace("1.0.0", "1.1.0")
    other = "uses: actions/checkout@v1\n"
    assert release.pinned(other, "a" * 40, "1.0.0") == other


@pytest.mark.parametrize(
    ("version", "message"), [("1.2", "no version"), ("9.9.9", "does not say"), ("-x", "no version")]
)
def test_what_is_no_release_is_refused(release: ModuleType, checkout: Path, version: str, message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        release.release(checkout, version)
    assert said(checkout, "tag") == ""


def test_a_checkout_with_changes_is_refused(release: ModuleType, checkout: Path) -> None:
    (checkout / "README.md").write_text("changed\n", "utf-8")
    with pytest.raises(SystemExit, match="has changes"):
        release.release(checkout, "1.2.3")
