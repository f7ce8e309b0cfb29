"""Changelog fragments: ``changes/<what>.<kind>.md``, moved into CHANGELOG.md by a release.

python tools/changelog.py                   show what the next release would say
python tools/changelog.py --check           find files in changes/ that are no fragments
python tools/changelog.py --release 1.2.3   write it, and delete the fragments
"""

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KINDS = {"security": "Security", "removed": "Removed", "changed": "Changed", "added": "Added", "fixed": "Fixed"}
"""Kind of a fragment to its heading, in the order of the changelog."""
_NAME = re.compile(rf"[a-z0-9]+(?:-[a-z0-9]+)*\.({'|'.join(KINDS)})\.md")
_HEADING = "## Unreleased\n"


def fragments(root: Path) -> dict[Path, str]:
    """Return the fragments of a checkout, each with its kind."""
    found = {path: _NAME.fullmatch(path.name) for path in sorted((root / "changes").iterdir())}
    return {path: name[1] for path, name in found.items() if name}


def problems(root: Path) -> list[str]:
    """Return what is in changes/ that is no fragment, and fragments that say nothing or too much."""
    known = fragments(root)
    others = [path for path in (root / "changes").iterdir() if path not in known and path.name != "README.md"]
    return [
        *(f"changes/{path.name} is not <what>.<kind>.md, kinds {', '.join(KINDS)}" for path in sorted(others)),
        *(f"changes/{path.name} is empty" for path in known if not path.read_text("utf-8").strip()),
        *(f"changes/{path.name} has more than 600 characters" for path in known if len(path.read_text("utf-8")) > 600),
    ]


def assembled(root: Path) -> str:
    """Return the fragments as sections of a changelog."""
    sections = []
    for kind, heading in KINDS.items():
        texts = [path.read_text("utf-8").strip() for path, own in fragments(root).items() if own == kind]
        items = ["* " + text.replace("\n", "\n  ") for text in texts]
        sections += [f"### {heading}\n\n" + "\n".join(items)] if items else []
    return "\n\n".join(sections)


def release(root: Path, version: str, day: str) -> None:
    """Move what is unreleased under a heading of its own, and delete the fragments.

    Raises:
        SystemExit: fragments with problems, a version that the changelog has already, or nothing to release.
    """
    path = root / "CHANGELOG.md"
    text = path.read_text("utf-8")
    head, heading, rest = text.partition(_HEADING)
    older = re.search(r"^## ", rest, flags=re.MULTILINE)
    cut = older.start() if older else len(rest)
    body = "\n\n".join(part for part in (assembled(root), rest[:cut].strip()) if part)
    if found := problems(root):
        raise SystemExit("\n".join(found))
    if not heading or re.search(rf"^## {re.escape(version)}\b", text, flags=re.MULTILINE) or not body:
        raise SystemExit(
            f"CHANGELOG.md cannot take {version}: no heading Unreleased, nothing in it, or {version} is there"
        )
    path.write_text(f"{head}{heading}\n## {version} ({day})\n\n{body}\n\n{rest[cut:]}".rstrip() + "\n", "utf-8")
    for fragment in fragments(root):
        fragment.unlink()


def main(arguments: list[str]) -> int:
    """Show, check or release; returns the exit code."""
    if not arguments:
        print(assembled(ROOT))
        return 0
    if arguments == ["--check"]:
        found = problems(ROOT)
        print("\n".join(found), end="\n" if found else "")
        return 1 if found else 0
    if len(arguments) == 2 and arguments[0] == "--release":
        release(ROOT, arguments[1], f"{datetime.now(UTC):%Y-%m-%d}")
        return 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
