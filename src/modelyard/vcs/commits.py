"""Commits as git stores them: their parents, and files at a commit, without touching the checkout."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelyard.core.errors import PlatformError
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


LINK = "120000"
"""The mode of an entry that is a link."""


@dataclass(frozen=True)
class Entry:
    """What a commit holds at a path: its mode (100644, 100755, a ``LINK``), the object's hash, its size in bytes."""

    path: str
    mode: str
    object: str
    size: int


def entries(root: Path, commit: str, *paths: str) -> list[Entry]:
    """Return the files and links that a commit holds, all of them or those at paths relative to git's top level."""
    listed = ("ls-tree", "-r", "-l", "-z", "--full-tree", commit, *(("--", *paths) if paths else ()))
    found = []
    for line in output(run_git(root, "--literal-pathspecs", *listed), root).split(b"\0")[:-1]:
        facts, _, path = line.partition(b"\t")
        mode, kind, name, size = facts.decode().split()
        if kind == "blob":
            found.append(Entry(os.fsdecode(path), mode, name, int(size)))
    return found


def contents(root: Path, wanted: Sequence[Entry]) -> Iterator[bytes]:
    """Yield the bytes of entries, in their order.

    Raises:
        PlatformError: git does not have one of them here.
    """
    asked = "".join(f"{each.object}\n" for each in wanted).encode()
    answer = output(run_git(root, "cat-file", "--batch", stdin=asked), root) if wanted else b""
    for each in wanted:
        head, _, answer = answer.partition(b"\n")
        if head.split()[1:2] != [b"blob"]:
            raise PlatformError(
                f"git does not have {each.path} at the commit asked for",
                code="git/unreadable",
                hint="Fetch the whole commit: a partial clone must be able to fetch what it left out.",
            )
        yield answer[: each.size]
        answer = answer[each.size + 1 :]


def file_at(root: Path, commit: str, path: str) -> bytes | None:
    """Return a file's bytes at a commit; None where it is no plain file there.

    Args:
        root: the checkout.
        commit: its hash.
        path: relative to git's top level.
    """
    known = [each for each in entries(root, commit, path) if each.path == path and each.mode != LINK]
    return next(contents(root, known), None)


def changed_since(root: Path, commit: str) -> tuple[tuple[str, str], ...]:
    """Files whose contents differ between a commit and the checkout: ``A``, ``M`` or ``D``, and the path."""
    done = run_git(root, "diff", "--name-status", "--no-renames", "--no-ext-diff", "--no-textconv", "-z", commit, "--")
    parts = output(done, root).decode("utf-8", "replace").split("\0") if done is not None else []
    return tuple(zip(parts[0::2], parts[1::2], strict=False))
