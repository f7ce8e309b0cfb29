"""What a fit depends on of the user's code: folders, files that commands name, and packages installed as editable."""

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from modelyard.config.configuration import Config
from modelyard.core.canonical import digest
from modelyard.core.files import inside, sha256_file
from modelyard.models.editable import editable_packages, importable
from modelyard.vcs import tree

_SUFFIXES = frozenset({".py", ".r", ".sh", ".jl", ".js", ".rb", ".pl", ".ipynb"})
"""Of scripts: the folder of one counts, since it can import and read what is beside it."""


def digest_code(config: Config, root: Path, base: Path, own: Path) -> str:
    """Digest everything that a fit may run or read and that is no declared data.

    Args:
        config: the configuration.
        root: the workspace; what lies outside counts as a package or not at all.
        base: the folder of the configuration.
        own: the configuration itself, which counts by its meaning.

    Raises:
        ConfigError: a path of the configuration leads out of the workspace.
        PlatformError: git or the disk cannot read it.
    """
    train = config.train
    if train is None or not (train.entrypoint or train.command or train.code):
        return digest({})
    left_out = [own, *_data_files(config, base), *([base / train.metrics] if train.metrics else [])]
    left_out += base.glob(train.model) if train.model else []
    root = root.resolve()
    known = {
        path.relative_to(root).as_posix(): _digest(path, left_out)
        for path in _outermost(each.resolve() for each in _paths(config, root, base))
    }
    for name, path in editable_packages():
        known[f"package {name}"] = digest({part.name: _digest(part, left_out) for part in importable(path)})
    return digest(known)


def paths_of_code(config: Config, root: Path, base: Path) -> list[Path]:
    """Return the files and folders of the workspace that count, editable packages in it among them.

    Raises:
        ConfigError: a path of the configuration leads out of the workspace.
    """
    root = root.resolve()
    packages = [part.resolve() for _, path in editable_packages() for part in importable(path)]
    named = [each.resolve() for each in _paths(config, root, base)]
    return _outermost([*named, *(each for each in packages if each.is_relative_to(root))])


def _digest(path: Path, left_out: list[Path]) -> str:
    return tree.folder_digest(path, exclude=left_out) if path.is_dir() else sha256_file(path)


def _paths(config: Config, root: Path, base: Path) -> Iterator[Path]:
    train = config.train
    if train is None:
        return
    if train.entrypoint:
        yield from (inside(root, base / folder, what="train.python-path") for folder in train.python_path or (".",))
    if train.command:
        yield base
        yield from _named(train.command, root, base)
    if config.evaluate.predict:
        yield from _named(config.evaluate.predict.command, root, base)
    yield from (inside(root, base / path, what="train.code") for path in train.code)


def _named(command: str, root: Path, base: Path) -> Iterator[Path]:
    """Yield the files and folders of the workspace that a command names, and the folders of its scripts."""
    for word in shlex.split(command):
        for part in dict.fromkeys((word, word.partition("=")[2])):
            if not part or "{" in part or "\0" in part:
                continue
            path = (base / part).resolve()
            if path.exists() and path.is_relative_to(root.resolve()) and path != base.resolve():
                yield path.parent if path.suffix.lower() in _SUFFIXES else path


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Return paths without those that lie in another one of them."""
    found = sorted(set(paths))
    return [path for path in found if not any(path != other and path.is_relative_to(other) for other in found)]


def _data_files(config: Config, base: Path) -> list[Path]:
    """Return the files that ``data.sets`` name, and prediction files, which are judged and not run."""
    named = [each for each in config.data.sets.values() if "://" not in each and "\0" not in each]
    named += [each for each in (config.evaluate.challenger, config.evaluate.champion) if each]
    found = [base / each for each in named]
    for each in named:
        if not Path(each).is_absolute():
            found += base.glob(each)
    return found
