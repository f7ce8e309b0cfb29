"""Release a version: tag the commit, then point templates and README at that commit, in a commit of its own.

    python tools/changelog.py --release 1.2.3, bump src/modelyard/__init__.py, commit
    python tools/release.py 1.2.3

Nothing is pushed. In the tree the templates say `@v1`, so that they can be tried with any checkout; what users copy
from a release names the commit that was tested, with the version beside it.
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_USE = re.compile(r"(uses: modelyard/modelyard(?:/actions/[a-z]+)?)@(?:v1|[0-9a-f]{40})(?: #.*)?$", re.MULTILINE)


def pinned(text: str, commit: str, version: str) -> str:
    """Return a document with every use of our own actions at a commit, its version beside it."""
    return _USE.sub(rf"\1@{commit} # v{version}", text)


def documents(root: Path) -> list[Path]:
    """Return what users copy from."""
    return [root / "README.md", *sorted((root / "workflows-templates").glob("*.yml")), *sorted(root.glob("docs/*.md"))]


def release(root: Path, version: str) -> str:
    """Tag HEAD and commit the pinned documents; returns the released commit.

    Raises:
        SystemExit: a malformed version, another one in the package, none in the changelog, or a checkout with changes.
    """
    if not re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", version):
        raise SystemExit(f"{version[:40]!r} is not a version; write 1.2.3")
    package = (root / "src" / "modelyard" / "__init__.py").read_text("utf-8")
    if f'"{version}"' not in package:
        raise SystemExit(f"src/modelyard/__init__.py does not say {version}; bump it first")
    if f"\n## {version} " not in (root / "CHANGELOG.md").read_text("utf-8"):
        raise SystemExit(f"CHANGELOG.md has no section {version}: python tools/changelog.py --release {version}")
    if _git(root, "status", "--porcelain"):
        raise SystemExit("the checkout has changes; a release is a commit that was tested")
    commit = _git(root, "rev-parse", "HEAD")
    _git(root, "tag", "--annotate", "--message", f"modelyard {version}", f"v{version}")
    for path in documents(root):
        path.write_text(pinned(path.read_text("utf-8"), commit, version), "utf-8")
    _git(root, "commit", "--all", "--quiet", "--message", f"Templates and documents use v{version}")
    return commit


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def main(arguments: Sequence[str]) -> int:
    """Run it; returns the exit code."""
    if len(arguments) != 1:
        print(__doc__)
        return 2
    commit = release(ROOT, arguments[0])
    print(f"tagged v{arguments[0]} at {commit}; next: git push --follow-tags, then move the tag v1 to it")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
