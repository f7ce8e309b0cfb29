"""The user's own modules that a pickled model needs: kept in its folder, so that the version can be scored later."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelyard.core.errors import DataError

FOLDER = "code"


def copy_imported(roots: Sequence[Path], model_dir: Path) -> None:
    """Copy every package and module that this process imported from one of the roots, whole, with its data files.

    Args:
        roots: resolved folders of the python path; what stands directly in one of them counts.
        model_dir: the model folder; the code goes into ``code/``.

    Raises:
        DataError: a package holds a link that leads out of the roots.
    """
    tops = sorted({name.partition(".")[0] for name in list(sys.modules)})
    sources = [_source(sys.modules.get(top), roots) for top in tops]
    copy([source for source in sources if source is not None], roots, model_dir)


def copy(sources: Sequence[Path], roots: Sequence[Path], model_dir: Path) -> None:
    """Copy modules and packages that stand directly in one of the roots beside a model.

    Raises:
        DataError: a package holds a link that leads out of the roots.
    """
    target = model_dir / FOLDER
    for source in sources:
        _refuse_links_out(source, roots)
        target.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target / source.name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".*"))
        else:
            shutil.copyfile(source, target / source.name)


def _source(module: Any, roots: Sequence[Path]) -> Path | None:
    """Return the file or folder of a top-level module that stands directly in one of the roots."""
    folders = [Path(folder).resolve() for folder in getattr(module, "__path__", [])]
    file = getattr(module, "__file__", None)
    found = folders or ([Path(file).resolve()] if file else [])
    return next((path for path in found if path.parent in roots and path.exists()), None)


def _refuse_links_out(source: Path, roots: Sequence[Path]) -> None:
    for folder, folders, files in os.walk(source):
        for name in (*folders, *files):
            path = Path(folder, name)
            if path.is_symlink() and not any(path.resolve().is_relative_to(root) for root in roots):
                raise DataError(
                    f"{path.relative_to(source.parent)} is a link that leads out of train.python-path",
                    code="model/link",
                )
