"""A copy of the repository for a script that finds its data by itself: its code, and data files of training rows alone.

What is copied is what counts as code: files that git does not ignore under the folder of the configuration and the
folders that the command names, and ``train.code``. Files of ``data.sets`` are written with training rows under their
own names. Models and metrics of earlier runs are left out, so that what is there afterwards was written by this run.
"""

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelyard.core.errors import ConfigError, DataError
from modelyard.core.files import disk_errors, sha256_file
from modelyard.data.copying import FileCopy, copy_rows
from modelyard.models.editable import editable_packages, importable
from modelyard.training.job import Workplace
from modelyard.vcs import tree

_CODE = frozenset(
    {".py", ".r", ".rmd", ".sh", ".jl", ".js", ".rb", ".pl", ".ipynb", ".yml", ".yaml", ".toml", ".ini", ".cfg"}
)
_MOST_READ = 1 << 20


@dataclass(frozen=True)
class Stage:
    """A staged copy.

    Attributes:
        root: stands for the workspace.
        base: stands for the folder of the configuration; commands run in it.
        given: what was there before the command ran, relative to ``root``.
    """

    root: Path
    base: Path
    given: frozenset[str]

    def made(self) -> list[str]:
        """Return the files that the command wrote and that were not there before, relative to ``base``."""
        new = [path for path in _walk(self.root) if path.relative_to(self.root).as_posix() not in self.given]
        return sorted(os.path.relpath(path, self.base) for path in new)


def stage(
    at: Workplace, into: Path, *, data: Sequence[FileCopy], outputs: Sequence[str], named: Iterable[str] = ()
) -> Stage:
    """Make the copy.

    Args:
        at: the workspace, and the code in it that counts.
        into: an empty folder.
        data: the files of the data sets.
        outputs: paths and globs, relative to the configuration, of what the command is to write anew.
        named: paths and globs of the data sets as the configuration names them.

    Raises:
        ConfigError: code names a data file by its whole path, where the test rows are.
        DataError: a data file cannot be copied row by row, or a second copy of it lies among the code.
        PlatformError: git or the disk does not do its part.
    """
    root, base = at.root.resolve(), at.base.resolve()
    stager = _Stager(root, into, {copy.path.resolve(): copy for copy in data})
    with disk_errors(into):
        staged = into / base.relative_to(root)
        staged.mkdir(parents=True, exist_ok=True)
        stager.copy_code(at.code())
        stager.copy_data(data)
        stager.link_folders(base, named)
    for pattern in outputs:
        for path in list(staged.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        fixed = Path(*_fixed(Path(pattern).parts[:-1]))
        (staged / fixed).mkdir(parents=True, exist_ok=True)
    tree.lend(root, into)
    given = frozenset(path.relative_to(into).as_posix() for path in _walk(into))
    return Stage(into, staged, given)


def variables(environ: Mapping[str, str], root: Path, stage: Stage) -> dict[str, str]:
    """Return environment variables in which the workspace's files are the copy's, and packages in it come first.

    An editable package of the workspace would else be imported from there, and find the data that lies beside it.
    """
    root = root.resolve()
    folders = [part if part.name == "src" else path for _, path in editable_packages() for part in importable(path)[:1]]
    first = [_moved(str(each.resolve()), root, stage.root) for each in folders if each.resolve().is_relative_to(root)]
    moved = {
        name: os.pathsep.join(_moved(part, root, stage.root) for part in value.split(os.pathsep))
        for name, value in environ.items()
    }
    paths = [*dict.fromkeys(first), *filter(None, [moved.get("PYTHONPATH")])]
    return {**moved, "PWD": str(stage.base), **({"PYTHONPATH": os.pathsep.join(paths)} if paths else {})}


def _moved(text: str, root: Path, into: Path) -> str:
    """Return a path's counterpart in the copy, where there is one."""
    if not text.startswith("/") or not Path(text).is_relative_to(root):
        return text
    other = into / Path(text).relative_to(root)
    return str(other) if other.exists() else text


def _fixed(parts: Sequence[str]) -> Iterator[str]:
    for part in parts:
        if any(mark in part for mark in "*?["):
            return
        yield part


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        if ".git" in folders:
            folders.remove(".git")
        yield from (
            Path(place, name) for name in [*names, *(each for each in folders if Path(place, each).is_symlink())]
        )


class _Stager:
    def __init__(self, root: Path, into: Path, data: Mapping[Path, FileCopy]) -> None:
        self.root = root
        self.into = into
        self.data = data
        self.hidden: dict[int, list[Path]] = {}
        for path, copy in data.items():
            if copy.hides:
                self.hidden.setdefault(path.stat().st_size, []).append(path)

    def place(self, path: Path) -> Path:
        return self.into / path.relative_to(self.root)

    def copy_code(self, code: Iterable[Path]) -> None:
        for each in code:
            for path in tree.files(each) if each.is_dir() else [each]:
                if path.is_symlink():
                    self.link(path)
                elif path.resolve() not in self.data:
                    self.refuse_second_copy(path)
                    self.refuse_whole_paths(path)
                    self.place(path).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(path, self.place(path))

    def link(self, path: Path) -> None:
        """Make the same link; one that leads out of the workspace leads to the same place."""
        target, place = path.resolve(), self.place(path)
        inside = target.is_relative_to(self.root)
        text = os.path.relpath(self.place(target), place.parent) if inside else str(target)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(place):
            place.symlink_to(text)

    def copy_data(self, data: Sequence[FileCopy]) -> None:
        for copy in sorted(data, key=lambda each: each.like is not None):  # those that stand for others come last
            real = copy.path.resolve()
            if copy.like is None:
                copy_rows(real, self.place(real), copy.keep, real.relative_to(self.root).as_posix(), copy.how)
            elif self.data[real] is copy:
                self.place(real).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.place(copy.like.resolve()), self.place(real))
            if copy.path.is_symlink():
                self.link(copy.path)

    def link_folders(self, base: Path, named: Iterable[str]) -> None:
        """Make the links on the way to data that git ignores."""
        for source in named:
            path = base
            for part in _fixed(Path(source).parts):
                path = path / part
                if path.is_symlink() and path.parent.resolve().is_relative_to(self.root):
                    self.link(path)

    def refuse_second_copy(self, path: Path) -> None:
        for known in self.hidden.get(path.stat().st_size, []):
            if sha256_file(known) == sha256_file(path):
                raise DataError(
                    f"{path.relative_to(self.root)} holds the same bytes as {known.relative_to(self.root)}, test rows "
                    "included, and the script could read it",
                    code="train/second-copy-of-data",
                    hint="Name it under data.sets too, or remove it.",
                )

    def refuse_whole_paths(self, path: Path) -> None:
        """Refuse code that names the place of data in the workspace by its whole path."""
        if path.suffix.lower() not in _CODE or path.stat().st_size > _MOST_READ:
            return
        text = path.read_text("utf-8", "replace")
        if str(self.root) not in text:
            return
        for line, words in enumerate(_source(path, text), 1):
            for found in re.finditer(re.escape(str(self.root)) + r"(?![\w-])(?:/[\w.@+-]+)*", words):
                named = Path(found[0].rstrip("."))
                if any(data.is_relative_to(named) for data in self.data):
                    raise ConfigError(
                        f"{path.relative_to(self.root)}, line {line}: {named} is a whole path of this machine, where "
                        "the data holds test rows too",
                        code="train/absolute-path",
                        hint="Write it relative to the script or to the folder that it runs in, so that the script "
                        "finds the training rows that are laid out for it.",
                    )


def _source(path: Path, text: str) -> list[str]:
    """Return the lines of code; of a notebook those of its code cells."""
    if path.suffix.lower() != ".ipynb":
        return text.splitlines()
    try:
        cells = json.loads(text)["cells"]
        return [line for cell in cells if cell["cell_type"] == "code" for line in "".join(cell["source"]).splitlines()]
    except (ValueError, KeyError, TypeError):
        return text.splitlines()
