"""The only place that writes and reads models.

A model is a folder. scikit-learn models are stored as one skops archive (canonical bytes, audited before anything is
built) or, where the configuration says so, as a joblib pickle. A folder's digest comes from its bytes alone: nothing is
loaded for it.
"""

import os
import pickle
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from modelyard.core import canonical
from modelyard.core.errors import DataError
from modelyard.core.files import disk_errors, sha256_file, write_atomic
from modelyard.core.vocabulary import Format
from modelyard.models import user_code
from modelyard.models.canonical_skops import canonical_archive
from modelyard.models.child import tree_nodes
from modelyard.models.child.score import parts
from modelyard.models.child.trusted import TRUSTED

SKOPS = "model.skops"
JOBLIB = "model.joblib"
PICKLES = frozenset({".joblib", ".pkl", ".pickle"})
"""Suffixes of pickles; joblib reads them all."""
ALLOW = (
    "If you trust where it comes from, allow it for this repository: registry: {allow-pickles: true}, or "
    "model: {format: joblib}."
)
_USE_JOBLIB = "Set model.format: joblib to store a pickle, which runs code when it is loaded; choose it knowingly."


def save_sklearn(model: Any, folder: Path, *, format: Format = "skops") -> Path:  # noqa: A002 - the key's own name
    """Write a fitted model into a folder; returns the file.

    Raises:
        DataError: skops or pickle cannot hold the model, or it holds types that loading would refuse.
        PlatformError: the disk would not take it.
    """
    if format == "joblib":
        import joblib

        path = folder / JOBLIB
        with disk_errors(path):
            folder.mkdir(parents=True, exist_ok=True)
            try:
                joblib.dump(model, path)
            except (pickle.PicklingError, AttributeError, TypeError) as error:  # whose text shows what could not be
                raise DataError(
                    f"a {type(model).__name__} cannot be pickled ({type(error).__name__})",
                    code="model/not-storable",
                    hint="Define the classes and functions that it holds at the top of a module, not in a function; "
                    "open files, locks and generators cannot be stored.",
                ) from error
        return path
    data = skops_archive(model)
    _audit(data, f"the {type(model).__name__}", TRUSTED)
    path = folder / SKOPS
    write_atomic(path, data)
    return path


def skops_archive(model: Any) -> bytes:
    """Canonical skops bytes of a fitted model; equal models give equal bytes in every process.

    Raises:
        DataError: skops cannot hold it.
    """
    import skops.io

    for part, _ in parts(model):
        _plain(part)
    try:
        return canonical_archive(skops.io.dumps(model))
    except (TypeError, ValueError, RecursionError, NotImplementedError) as error:
        raise DataError(
            f"a {type(model).__name__} cannot be stored by skops: {error}", code="model/not-storable", hint=_USE_JOBLIB
        ) from error


def _plain(part: Any) -> None:
    """Make a vectorizer small to store and the same everywhere: its words' numbers as such, no address of an object."""
    if isinstance(words := getattr(part, "vocabulary_", None), dict):
        part.vocabulary_ = {word: int(at) for word, at in words.items()}  # NumPy's would be a file each
        vars(part).pop("_stop_words_id", None)


def untrusted_types(data: bytes, trusted: Iterable[str] = TRUSTED) -> list[str]:
    """Types in a skops archive that are neither skops' own nor in ``trusted``; nothing is built to find them."""
    import skops.io

    return sorted(set(skops.io.get_untrusted_types(data=data)) - set(trusted))


def stored_format(folder: Path) -> Format:
    """Return how the scikit-learn model of a folder is stored.

    Raises:
        DataError: Neither format is there, or both, so nobody can say which was meant.
    """
    formats: tuple[tuple[str, Format], ...] = ((SKOPS, "skops"), (JOBLIB, "joblib"))
    stored = [name for file, name in formats if (folder / file).is_file()]
    if not stored:
        raise DataError(f"{folder.name} holds neither {SKOPS} nor {JOBLIB}", code="model/no-model")
    if len(stored) > 1:
        raise DataError(
            f"the model folder {folder.name} holds both {SKOPS} and {JOBLIB}",
            code="model/ambiguous-format",
            hint="Remove one of them.",
        )
    return stored[0]


def code_folders(folder: Path) -> tuple[Path, ...]:
    """Return the folders of code that came with a model, to append to the import path before it is loaded."""
    return (folder / user_code.FOLDER,) if (folder / user_code.FOLDER).is_dir() else ()


def refuse_more_than_model(folder: Path) -> None:
    """Refuse a folder that holds more than the one file of a model that runs no code.

    Raises:
        DataError: it does.
    """
    names = sorted(each.name for each in folder.iterdir())
    model = next((name for name in names if name.startswith("model.")), None)
    if beside := [name for name in names if name != model]:
        raise DataError(
            f"the model folder holds {model or 'no model'} and beside it {', '.join(beside[:5])}",
            code="model/more-files",
            hint="Such a model is one file, which runs no code. Remove the rest, or store it as joblib knowingly.",
        )


def audit(folder: Path, *, trusted: Iterable[str] = ()) -> None:
    """Check the skops archive of a folder, if it holds one, without building anything of it.

    Raises:
        DataError: types that are not trusted (named), indices that lead out of a tree, or not an archive.
    """
    if (folder / SKOPS).is_file():
        _audit((folder / SKOPS).read_bytes(), SKOPS, TRUSTED | set(trusted))


def _audit(data: bytes, who: str, trusted: Iterable[str]) -> None:
    try:
        found = untrusted_types(data, trusted)
        broken = "" if found else tree_nodes.problem(data)
    except Exception as error:  # a hostile archive may raise anything, but nothing of it is built here
        raise DataError(
            f"{who} is not a readable skops archive: {type(error).__name__}: {error}", code="model/damaged"
        ) from error
    if found:
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise DataError(
            f"{who} holds types that are not on the reviewed list: {', '.join(found[:5])}{more}",
            code="model/untrusted-type",
            hint=_USE_JOBLIB,
        )
    if broken:
        raise DataError(
            f"{who} holds a {broken}: it was damaged, or made to crash whoever loads it", code="model/damaged"
        )


def manifest(folder: Path) -> dict[str, str]:
    """Every file of a model folder, as POSIX path relative to it → ``sha256:<hex>``, sorted; nothing is loaded.

    Raises:
        DataError: no such folder, an empty one, or one with links or special files.
    """
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in _files(folder)}


def digest(folder: Path) -> tuple[str, int]:
    """Return the model digest (sha256 of the canonical list of (path, sha256)) and the folder's size in bytes.

    Raises:
        DataError: as for ``manifest``.
    """
    paths = _files(folder)
    pairs = [[path.relative_to(folder).as_posix(), sha256_file(path)] for path in paths]
    return canonical.digest(pairs), sum(path.stat().st_size for path in paths)


def _files(folder: Path) -> list[Path]:
    if folder.is_symlink() or not folder.is_dir():
        raise DataError(f"{folder} is not a folder with a model", code="model/no-model")
    found: list[Path] = []
    for root, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(root, name)
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode):
                found.append(path)
            elif not stat.S_ISDIR(mode):
                kind = "a link" if stat.S_ISLNK(mode) else "neither file nor folder"
                raise DataError(
                    f"the model folder holds {path.relative_to(folder).as_posix()!r}, which is {kind}",
                    code="model/link",
                    hint="A model is made of plain files; write copies instead of links.",
                )
    if not found:
        raise DataError(f"the model folder {folder.name} is empty", code="model/no-model")
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())
