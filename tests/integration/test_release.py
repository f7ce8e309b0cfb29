"""A release pins what users copy: the commit that was tested, its version beside it, and nothing else changed."""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from tests import desk

ROOT = Path(__file__).parents[2]


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def release() -> ModuleType:
    return tool("release")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    for name in ("workflows-templates", "docs"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "src" / "modelyard").mkdir(parents=True)
    (folder / "src" / "modelyard" / "__init__.py").write_text('__version__ = "1.2.3"\n', "utf-8")
    shutil.copy(ROOT / "README.md", folder / "README.md")
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## 1.2.3 (2026-11-26)\n\n* The first.\n", "utf-8")
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
    ours = [path.read_text("utf-8").count("uses: modelyard/") for path in ROOT.glob("workflows-templates/*.yml")]
    assert len(uses) == sum(ours) > 10
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
    ("version", "message"), [("1.2", "not a version"), ("9.9.9", "does not say"), ("-x", "not a version")]
)
def test_what_is_no_release_is_refused(release: ModuleType, checkout: Path, version: str, message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        release.release(checkout, version)
    assert said(checkout, "tag") == ""


def test_a_version_that_the_changelog_does_not_tell_of_is_refused(release: ModuleType, checkout: Path) -> None:
    (checkout / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n", "utf-8")
    desk.git(checkout, "commit", "-qam", "nothing is told")
    with pytest.raises(SystemExit, match="has no section"):
        release.release(checkout, "1.2.3")


def test_a_checkout_with_changes_is_refused(release: ModuleType, checkout: Path) -> None:
    (checkout / "README.md").write_text("changed\n", "utf-8")
    with pytest.raises(SystemExit, match="has changes"):
        release.release(checkout, "1.2.3")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout as a release workflow builds it, without a tag."""
    folder = tmp_path_factory.mktemp("release") / "out"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")}
    command = [sys.executable, "-I", str(ROOT / "tools" / "build.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_wheel_and_the_source_distribution_hold_the_package_and_nothing_private(built: Path) -> None:
    assert sorted(path.name for path in built.iterdir()) == ["bootstrap.txt", "dist", "notes.md"]
    build = tool("build")
    assert build.problems(ROOT, built / "dist") == []
    (wheel,) = (built / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("modelyard/.env", "TOKEN=1")
    assert build.problems(ROOT, built / "dist") == ["the wheel holds modelyard/.env"]


def test_two_builds_of_one_commit_are_equal(built: Path, tmp_path: Path) -> None:
    build = tool("build")
    assert build.build(ROOT, tmp_path / "again") == []
    (archive,) = (built / "dist").glob("*.tar.gz")
    assert (tmp_path / "again" / "dist" / archive.name).read_bytes() == archive.read_bytes()


def test_a_tag_that_is_not_the_packages_version_builds_nothing(tmp_path: Path) -> None:
    (problem,) = tool("build").build(ROOT, tmp_path / "out", "v0.0.9")
    assert "the tag is v0.0.9" in problem
    assert not (tmp_path / "out").exists()


def test_fragments_become_a_section_of_the_changelog(tmp_path: Path) -> None:
    changelog, changes = tool("changelog"), tmp_path / "changes"
    changes.mkdir()
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## Unreleased\n\n* Older.\n\n## 0.1.0 (x)\n\n* First.\n", "utf-8"
    )
    (changes / "README.md").write_text("How.", "utf-8")
    (changes / "codes.added.md").write_text("Errors have codes.\nAll of them.\n", "utf-8")
    (changes / "digest.fixed.md").write_text("Digests hold.\n", "utf-8")
    changelog.release(tmp_path, "1.2.3", "2026-11-26")
    assert (tmp_path / "CHANGELOG.md").read_text("utf-8") == (
        "# Changelog\n\n## Unreleased\n\n## 1.2.3 (2026-11-26)\n\n### Added\n\n* Errors have codes.\n  All of them.\n\n"
        "### Fixed\n\n* Digests hold.\n\n* Older.\n\n## 0.1.0 (x)\n\n* First.\n"
    )
    assert [path.name for path in changes.iterdir()] == ["README.md"]
    assert tool("build").notes((tmp_path / "CHANGELOG.md").read_text("utf-8"), "0.1.0") == "* First."
    with pytest.raises(SystemExit, match=r"1\.2\.3 is there"):
        changelog.release(tmp_path, "1.2.3", "2026-11-26")
    (changes / "codes.md").write_text("No kind.", "utf-8")
    assert changelog.problems(tmp_path) == [
        "changes/codes.md is not <what>.<kind>.md, kinds security, removed, changed, added, fixed"
    ]


def test_the_fragments_at_hand_are_well_formed() -> None:
    assert tool("changelog").problems(ROOT) == []
