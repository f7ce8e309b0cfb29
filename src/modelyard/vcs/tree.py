"""Git's view of the workspace: its tree, its commit, what it tracks; and digests of source files with or without git.

git runs with the user's own settings (ignore rules, line endings, Git LFS filters decide what a tree is), but without
hooks and file-system monitors, without the ``GIT_*`` variables of an outer git, and never on the user's own index.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from modelyard.core.canonical import digest
from modelyard.core.errors import PlatformError
from modelyard.core.files import disk_errors, sha256_bytes, sha256_file
from modelyard.core.vocabulary import DATA_SUFFIXES
from modelyard.vcs.git import no_repository, output, run_git

_OURS = frozenset({".git", ".venv", ".modelyard", "modelyard-run", "__pycache__"})
_POINTERS = (".dvc",)
DIRTY = "-dirty"
"""What a tree ends with where it is not the commit's."""

_toplevels: dict[Path, Path] = {}


def toplevel(folder: Path) -> Path | None:
    """Top folder of the working tree that a folder lies in; None outside git, and where git is not installed.

    Raises:
        PlatformError: git cannot read the repository.
    """
    place = folder.absolute()
    known = _toplevels.get(place)
    if known is None or not (known / ".git").exists():
        done = run_git(folder, "rev-parse", "--show-toplevel")
        if done is None or (done.returncode and no_repository(done)):
            return None
        known = _toplevels[place] = Path(os.fsdecode(output(done, folder)).removesuffix("\n")).resolve()
    return known


def github_repository(root: Path) -> str:
    """``owner/name`` of the remote ``origin``, where that is on github.com; else an empty string."""
    done = run_git(root, "config", "--get", "remote.origin.url")
    url = done.stdout.decode("utf-8", "replace").strip() if done is not None and done.returncode == 0 else ""
    found = re.fullmatch(r"(?:https://|ssh://git@|git@)github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?", url)
    return found[1] if found else ""


def head_commit(root: Path) -> str | None:
    """Return the commit that is checked out; None outside git and before the first commit."""
    done = run_git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    return done.stdout.decode().strip() if done is not None and done.returncode == 0 else None


def tracked(root: Path, *paths: Path) -> bool:
    """Return whether git tracks one of the files, or any file in one of the folders.

    Raises:
        PlatformError: git cannot read the repository.
    """
    top = toplevel(root)
    if top is None:
        return False
    full = [path.parent.resolve() / path.name for path in paths]
    inside = [path.relative_to(top).as_posix() for path in full if path.is_relative_to(top)]
    if not inside:
        return False
    done = run_git(top, "--literal-pathspecs", "ls-files", "-z", "--", *inside)
    return done is not None and bool(output(done, root))


def tree(root: Path) -> str:
    """Return what the workspace holds, in one word.

    Returns:
        ``git:<hash>``, the tree that committing everything git does not ignore would give, with ``-dirty`` where that
        differs from HEAD's tree. Outside git ``files:sha256:…`` over paths and contents, without git's, modelyard's
        and Python's own folders and folders that ignore themselves in git.

    Raises:
        PlatformError: git cannot read the repository or a file in it.
    """
    top = _covering(root)
    if top is None:
        return f"files:{_manifest(root, _walk(root))}"
    head = run_git(top, "rev-parse", "--verify", "--quiet", "HEAD^{tree}")
    committed = head.stdout.decode().strip() if head is not None and head.returncode == 0 else ""
    found = _tree_of_everything(top)
    return f"git:{found}" if found == committed else f"git:{found}{DIRTY}"


def uncommitted(root: Path, most: int = 5) -> tuple[str, ...]:
    """Return the first files in which the workspace differs from its commit, by path from its top; none outside git."""
    done = run_git(root, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames")
    listed = done.stdout.split(b"\0") if done is not None and done.returncode == 0 else []
    return tuple(entry[3:].decode("utf-8", "backslashreplace") for entry in listed[:most] if entry)


def folder_digest(folder: Path, *, exclude: Collection[Path] = ()) -> str:
    """Digest of the files under a folder that git does not ignore, without DVC pointers.

    Links count with the file that they lead to.

    Args:
        folder: Folder of code.
        exclude: Files and folders to leave out, such as declared data, or what the code itself writes.

    Returns:
        ``sha256:<hex>`` over the sorted (path, sha256) list, paths relative to the folder.

    Raises:
        PlatformError: git or the disk cannot read it.
    """
    return _manifest(folder, files(folder, exclude=exclude))


def source_files(folder: Path, *, exclude: Collection[Path] = ()) -> list[Path]:
    """Return the files that ``folder_digest`` is over, without Parquet, CSV and TSV files."""
    return [path for path in files(folder, exclude=exclude) if not path.name.lower().endswith(tuple(DATA_SUFFIXES))]


def files(folder: Path, *, exclude: Collection[Path] = ()) -> list[Path]:
    """Return the files and links that ``folder_digest`` is over."""
    found = _walk(folder) if _covering(folder) is None else _not_ignored(folder)
    left_out = [path.resolve() for path in exclude]
    return [
        path
        for path in found
        if not path.name.lower().endswith(_POINTERS)
        and not _OURS.intersection(path.relative_to(folder).parts)
        and not any(path.resolve().is_relative_to(known) for known in left_out)
    ]


def lend(top: Path, copy: Path) -> None:
    """Make a copy of some files a repository of its own at the commit of another, which it shares the objects of.

    So scripts that ask git for the top folder or the commit get the copy's; nothing that they do there reaches the
    other. Outside git nothing is done.

    Raises:
        PlatformError: git cannot read the repository.
    """
    commit = head_commit(top)
    if commit is None or toplevel(top) != top.resolve():
        return
    objects = output(run_git(top, "rev-parse", "--git-path", "objects"), top).splitlines()[0]
    output(run_git(copy, "init", "--quiet", "--template="), copy)
    with disk_errors(copy):
        (copy / ".git" / "objects" / "info").mkdir(parents=True, exist_ok=True)
        (copy / ".git" / "objects" / "info" / "alternates").write_bytes(os.fsencode(top / os.fsdecode(objects)) + b"\n")
    output(run_git(copy, "update-ref", "--no-deref", "HEAD", commit), copy)
    output(run_git(copy, "read-tree", commit), copy)


# git


def _covering(folder: Path) -> Path | None:
    """Return the working tree that speaks for a folder; None where there is none, or it ignores the folder."""
    top = toplevel(folder)
    if top is None or top == folder.resolve():
        return top
    ignored = run_git(folder, "check-ignore", "--quiet", ".")
    return None if ignored is not None and ignored.returncode == 0 else top


def _tree_of_everything(top: Path) -> str:
    """Hash of the tree with everything not ignored, through a temporary index and a temporary object folder."""
    paths = output(run_git(top, "rev-parse", "--git-path", "index", "--git-path", "objects"), top)
    index, objects = (top / os.fsdecode(line) for line in paths.splitlines())
    with tempfile.TemporaryDirectory(prefix="modelyard-tree-") as scratch:
        copy = Path(scratch) / "index"
        with disk_errors(copy):
            if index.is_file():
                shutil.copyfile(index, copy)
            (Path(scratch) / "objects").mkdir()
        extra = {
            "GIT_INDEX_FILE": str(copy),
            "GIT_OBJECT_DIRECTORY": str(Path(scratch) / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(objects),
        }
        output(run_git(top, "add", "--all", ".", extra=extra), top)
        return output(run_git(top, "write-tree", "--missing-ok", extra=extra), top).decode().strip()


def _quoted(path: Path) -> str:
    """Return a path for a list that git separates by colons."""
    text = str(path)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if os.pathsep in text or '"' in text else text


def _not_ignored(folder: Path) -> Iterator[Path]:
    listed = output(run_git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."), folder)
    for name in sorted(set(listed.split(b"\0")) - {b""}):
        path = folder / os.fsdecode(name)
        if path.is_file() or path.is_symlink():
            yield path


# files


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, onerror=_unreadable):
        here = Path(place)
        for name in [*folders]:
            if name in _OURS or _ignores_itself(here / name):
                folders.remove(name)
            elif (here / name).is_symlink():
                yield here / name
        yield from (here / name for name in names if not _is_special(here / name))


def _unreadable(error: OSError) -> None:
    raise PlatformError(
        f"{error.filename} cannot be read: {error.strerror}", code="disk/unreadable", hint="Fix it, or remove it."
    ) from error


def _ignores_itself(folder: Path) -> bool:
    try:
        lines = (folder / ".gitignore").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    return [line for line in lines if line.strip() and not line.startswith("#")] == ["*"]


def _is_special(path: Path) -> bool:
    return not (path.is_file() or path.is_symlink())


def _manifest(root: Path, paths: Iterable[Path]) -> str:
    """Digest of the sorted (path, sha256) list; a link that leads to no file counts with its text."""
    entries = []
    for path in paths:
        name = os.fsencode(path.relative_to(root).as_posix()).decode("utf-8", "backslashreplace")
        try:
            content = sha256_file(path) if path.is_file() else sha256_bytes(os.fsencode(path.readlink()))
        except OSError as error:
            raise PlatformError(
                f"{name} cannot be read: {error.strerror}", code="disk/unreadable", hint="Fix it, or remove it."
            ) from error
        entries.append([name, content])
    return digest(sorted(entries))
