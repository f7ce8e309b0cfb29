"""Commits as git stores them: their parents, and files at a commit, without touching the checkout."""

import re
from pathlib import Path

from modelyard.vcs.git import output, run_git


def parents(root: Path, commit: str) -> tuple[str, ...] | None:
    """Return the parents that a commit's own text names; None where the commit is not here.

    Read from the commit and not from its history, because a shallow clone hides parents that it did not fetch.
    """
    done = run_git(root, "cat-file", "commit", commit)
    if done is None or done.returncode:
        return None
    head = done.stdout.partition(b"\n\n")[0].decode("utf-8", "replace")
    return tuple(re.findall(r"^parent ([0-9a-f]{40,64})$", head, re.MULTILINE))


def resolve(root: Path, reference: str) -> str | None:
    """Return the commit that a branch, tag or hash names; None where there is none."""
    done = run_git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}")
    return done.stdout.decode().strip() if done is not None and done.returncode == 0 else None


def tree_of(root: Path, commit: str) -> str | None:
    """Return the hash of a commit's tree; None where the commit is not here."""
    done = run_git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{tree}}")
    return done.stdout.decode().strip() if done is not None and done.returncode == 0 else None


def file_at(root: Path, commit: str, path: str) -> bytes | None:
    """Return a file's bytes at a commit; None where it is not a file there. ``path`` is relative to git's top level."""
    kind = run_git(root, "cat-file", "-t", f"{commit}:{path}")
    if kind is None or kind.returncode or kind.stdout.strip() != b"blob":
        return None
    return output(run_git(root, "cat-file", "blob", f"{commit}:{path}"), root)


def changed_since(root: Path, commit: str) -> tuple[tuple[str, str], ...]:
    """Files whose contents differ between a commit and the checkout: ``A``, ``M`` or ``D``, and the path."""
    done = run_git(root, "diff", "--name-status", "--no-renames", "-z", commit, "--")
    parts = output(done, root).decode("utf-8", "replace").split("\0") if done is not None else []
    return tuple(zip(parts[0::2], parts[1::2], strict=False))
