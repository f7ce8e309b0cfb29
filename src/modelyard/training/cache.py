"""Fits by their digest: fold scores and fitted models, each entry whole or absent.

An entry is a folder named by the digest that holds ``entry.json`` and perhaps ``model/``. It is written beside its
place and moved there, so a killed process leaves none; one that does not read back as written counts as absent.
"""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from modelyard.core.canonical import canonical
from modelyard.core.errors import DataError
from modelyard.core.files import disk_errors, read_json, replace_folder
from modelyard.models import store


def copy_folder(source: Path, target: Path) -> None:
    """Copy the files of a model folder; plain copies, so that a full disk is said as such.

    Raises:
        PlatformError: the disk would not take them.
    """
    with disk_errors(target):
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted(source.rglob("*")):
            place = target / path.relative_to(source)
            if path.is_dir():
                place.mkdir(exist_ok=True)
            else:
                shutil.copyfile(path, place)


@dataclass(frozen=True)
class Scores:
    """A candidate's score per fold, in the metric's natural unit, and the seconds that the fits took."""

    scores: tuple[float, ...]
    seconds: float


class FitCache:
    """Fits that were made before, in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def scores(self, digest: str) -> Scores | None:
        """Return the fold scores of a fit digest."""
        entry = self._entry(digest)
        try:
            scores, seconds = [float(score) for score in entry["scores"]], float(entry["seconds"])
        except (KeyError, TypeError, ValueError):
            return None
        return Scores(tuple(scores), seconds) if scores and all(map(isfinite, scores)) else None

    def put_scores(self, digest: str, scores: Sequence[float], seconds: float) -> None:
        """Keep the fold scores of a fit digest.

        Raises:
            PlatformError: the disk would not take it.
        """
        self._put(digest, {"scores": list(scores), "seconds": seconds}, None)

    def model(self, digest: str) -> tuple[Path, Mapping[str, Any]] | None:
        """Return the model folder of a fit digest and what was kept beside it, its bytes checked."""
        entry, folder = self._entry(digest), self._place(digest) / "model"
        try:
            intact = bool(entry["model"] == store.digest(folder)[0])
        except (KeyError, DataError):
            return None
        return (folder, entry["facts"]) if intact else None

    def put_model(self, digest: str, folder: Path, facts: Mapping[str, Any] | None = None) -> None:
        """Keep a copy of a model folder, and facts (plain JSON data) beside it.

        Raises:
            PlatformError: the disk would not take it.
        """
        self._put(digest, {"model": store.digest(folder)[0], "facts": dict(facts or {})}, folder)

    def _place(self, digest: str) -> Path:
        return self._folder / digest.removeprefix("sha256:")

    def _entry(self, digest: str) -> dict[str, Any]:
        try:
            entry = read_json(self._place(digest) / "entry.json")
        except (OSError, ValueError):
            return {}
        return entry if isinstance(entry, dict) and entry.get("digest") == digest else {}

    def _put(self, digest: str, entry: Mapping[str, Any], model: Path | None) -> None:
        with disk_errors(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            new = Path(tempfile.mkdtemp(dir=self._folder, prefix=".new-"))
            try:
                if model is not None:
                    copy_folder(model, new / "model")
                (new / "entry.json").write_bytes(canonical({**entry, "digest": digest}))
                replace_folder(new, self._place(digest))
            finally:
                shutil.rmtree(new, ignore_errors=True)
