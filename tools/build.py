"""Build the wheel and the source distribution of a release, and check them: ``python tools/build.py FOLDER``.

Needs hatchling (requirements/build.txt). In FOLDER: ``dist/``, the notes of this version from CHANGELOG.md, and the
file that sets up the publishing tool. On a tag in GitHub Actions, tag, package and changelog must name one version.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_MODULES = re.compile(r"modelyard/.*\.(py|typed|j2|html|css|svg|json)")
_TEMPLATES = "workflows-templates"
_METADATA = re.compile(r"modelyard-[\w.]+\.dist-info/(METADATA|WHEEL|RECORD|entry_points\.txt|licenses/LICENSE)")
_SECRET = re.compile(r"(^|/)(\.env|\.netrc|\.git|\.modelyard|modelyard-run|\.venv|.*\.pem|.*\.key)(/|$)")


def version(root: Path = ROOT) -> str:
    """Return the version that the package says it has."""
    text = (root / "src" / "modelyard" / "__init__.py").read_text("utf-8")
    return re.findall(r'__version__ = "([^"]+)"', text)[0]


def notes(changelog: str, released: str) -> str:
    """Return what a changelog says about a version, or nothing."""
    found = re.search(
        rf"^## {re.escape(released)}\b[^\n]*\n(.*?)(?=^## |\Z)", changelog, flags=re.MULTILINE | re.DOTALL
    )
    return found[1].strip() if found else ""


def problems(root: Path, dist: Path) -> list[str]:
    """Return what is wrong with the distributions in a folder: names, files that are missing or too many."""
    released = version(root)
    built = sorted(path.name for path in dist.iterdir())
    expected = [f"modelyard-{released}-py3-none-any.whl", f"modelyard-{released}.tar.gz"]
    if built != expected:
        return [f"built {built}, not {expected}"]
    with zipfile.ZipFile(dist / expected[0]) as wheel:
        in_wheel = set(wheel.namelist())
    with tarfile.open(dist / expected[1]) as archive:
        in_archive = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    source = {path.relative_to(root / "src").as_posix() for path in _files(root / "src" / "modelyard")}
    templates = {f"modelyard/{path.relative_to(root).as_posix()}" for path in _files(root / _TEMPLATES)}
    expected_there = source | templates
    return [
        *(f"the wheel lacks {name}" for name in sorted(expected_there - in_wheel)),
        *(f"the wheel holds {name}" for name in sorted(in_wheel - expected_there) if not _METADATA.fullmatch(name)),
        *(f"a module of an unknown kind: {name}" for name in sorted(source) if not _MODULES.fullmatch(name)),
        *(f"the source distribution lacks src/{name}" for name in sorted(source) if f"src/{name}" not in in_archive),
        *(f"the source distribution lacks {name}" for name in ("pyproject.toml", "README.md", "LICENSE")
          if name not in in_archive),
        *(f"the source distribution holds {name}" for name in sorted(in_archive) if _SECRET.search(name)),
    ]  # fmt: skip


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def build(root: Path, folder: Path, tag: str = "") -> list[str]:
    """Build into a folder; returns the problems.

    Args:
        root: A checkout.
        folder: Where everything goes that later jobs need; it must not exist.
        tag: The tag that is released; empty in a rehearsal.
    """
    released = version(root)
    if tag and tag != f"v{released}":
        return [f"the tag is {tag}, and the package says {released}"]
    text = notes((root / "CHANGELOG.md").read_text("utf-8"), released)
    if tag and not text:
        return [f"CHANGELOG.md has no section {released}"]
    folder.mkdir(parents=True)
    stamp = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=root, check=False, capture_output=True, text=True
    ).stdout.strip()
    environment = {**os.environ, "SOURCE_DATE_EPOCH": stamp or "1577836800"}  # two builds of one commit are equal
    command = [sys.executable, "-I", "-m", "hatchling", "build", "-d", str(folder / "dist")]
    subprocess.run(command, cwd=root, check=True, env=environment, stdout=subprocess.DEVNULL)
    (folder / "notes.md").write_text(text or "A rehearsal.\n", "utf-8")
    shutil.copy(root / "requirements" / "bootstrap.txt", folder)
    return problems(root, folder / "dist")


def main(arguments: list[str]) -> int:
    """Build and check; returns the exit code."""
    if len(arguments) != 1:
        print(__doc__)
        return 2
    tagged = os.environ.get("GITHUB_REF_TYPE") == "tag"
    found = build(ROOT, Path(arguments[0]).resolve(), os.environ.get("GITHUB_REF_NAME", "") if tagged else "")
    print("\n".join(found) or f"built and checked modelyard {version()}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
