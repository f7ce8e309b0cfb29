"""Model folders: their digest comes from bytes, links are refused, and equal models are equal archives."""

import os
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from modelyard.core.errors import DataError
from modelyard.models import store
from tests.model_loading import load

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(300, 4))
Y = X[:, 0] + RANDOM.normal(size=300) > 0

MODELS = [
    LogisticRegression(),
    HistGradientBoostingClassifier(max_iter=5, random_state=0, categorical_features=[3]),
    RandomForestClassifier(5, random_state=0),
]
CODES = X.copy()
CODES[:, 3] = RANDOM.integers(0, 4, 300)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model" / "inner").mkdir(parents=True)
    (tmp_path / "model" / "weights.bin").write_bytes(b"\0\1")
    (tmp_path / "model" / "inner" / "vocabulary.txt").write_text("a\n", "utf-8")
    return tmp_path / "model"


def test_the_manifest_lists_every_file_with_its_digest(folder: Path) -> None:
    found = store.manifest(folder)
    assert list(found) == ["inner/vocabulary.txt", "weights.bin"]
    assert all(value.startswith("sha256:") for value in found.values())


def test_the_digest_changes_with_a_byte_and_with_a_name_and_not_with_a_date(folder: Path) -> None:
    before, size = store.digest(folder)
    assert size == 4
    os.utime(folder / "weights.bin", (1, 1))
    assert store.digest(folder) == (before, size)
    (folder / "weights.bin").write_bytes(b"\0\2")
    changed = store.digest(folder)[0]
    assert changed != before
    (folder / "weights.bin").rename(folder / "renamed.bin")
    assert store.digest(folder)[0] not in (before, changed)


@pytest.mark.parametrize("kind", ["link to a file", "link to a folder", "pipe"])
def test_links_and_special_files_are_refused_by_name(folder: Path, kind: str) -> None:
    odd = folder / "inner" / "odd"
    if kind == "pipe":
        os.mkfifo(odd)
    else:
        odd.symlink_to(folder.parent if kind == "link to a folder" else folder / "weights.bin")
    with pytest.raises(DataError, match="inner/odd"):
        store.digest(folder)


def test_a_folder_that_is_a_link_or_empty_or_absent_is_no_model(folder: Path) -> None:
    link, empty = folder.parent / "link", folder.parent / "empty"
    link.symlink_to(folder)
    empty.mkdir()
    for path in (link, empty, folder.parent / "absent"):
        with pytest.raises(DataError):
            store.manifest(path)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_dump_refit_and_reload_give_the_same_bytes(model: object, tmp_path: Path) -> None:
    fitted = clone(model).fit(CODES, Y)
    first = store.skops_archive(fitted)
    assert skops.io.dumps(fitted) != skops.io.dumps(clone(model).fit(CODES, Y)), "skops itself would do"
    assert store.skops_archive(fitted) == first
    assert store.skops_archive(clone(model).fit(CODES, Y)) == first
    store.save_sklearn(fitted, tmp_path)
    loaded = load(tmp_path)
    assert store.skops_archive(loaded) == first
    assert (loaded.predict_proba(CODES) == fitted.predict_proba(CODES)).all()


def test_the_unused_bytes_of_a_structured_array_do_not_count() -> None:
    kind = np.dtype([("leaf", np.uint8), ("value", np.float64)], align=True)
    archives = []
    for filler in (0, 255):
        nodes = np.full(3 * kind.itemsize, filler, dtype=np.uint8).view(kind)
        nodes["leaf"], nodes["value"] = 1, 0.5
        model = LogisticRegression().fit(X, Y)
        model.nodes_ = nodes
        archives.append(store.skops_archive(model))
    assert archives[0] == archives[1]


def test_other_models_give_other_bytes() -> None:
    one, two = (store.skops_archive(LogisticRegression(C=c).fit(X, Y)) for c in (1.0, 1.01))
    assert one != two


def test_what_loading_would_refuse_is_not_stored(tmp_path: Path) -> None:
    model = KNeighborsClassifier(algorithm="kd_tree").fit(X, Y)
    with pytest.raises(DataError, match=r"KDTree.*") as caught:
        store.save_sklearn(model, tmp_path)
    assert "model.format: joblib" in caught.value.hint
    assert not list(tmp_path.iterdir())
    store.save_sklearn(model, tmp_path, format="joblib")
    assert (load(tmp_path, allow_joblib=True).predict(X) == model.predict(X)).all()


def test_how_a_model_is_stored_is_seen_from_its_folder(tmp_path: Path) -> None:
    store.save_sklearn(LogisticRegression().fit(X, Y), tmp_path)
    assert store.stored_format(tmp_path) == "skops"
    assert store.code_folders(tmp_path) == ()
    store.save_sklearn(LogisticRegression().fit(X, Y), tmp_path, format="joblib")
    with pytest.raises(DataError, match="both"):
        store.stored_format(tmp_path)
    (tmp_path / store.SKOPS).unlink()
    assert store.stored_format(tmp_path) == "joblib"


def test_a_folder_without_a_model_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="neither"):
        load(tmp_path)


@pytest.mark.parametrize("damage", [b"", b"not an archive", None])
def test_a_damaged_archive_is_an_answer_and_no_traceback(tmp_path: Path, damage: bytes | None) -> None:
    store.save_sklearn(LogisticRegression().fit(X, Y), tmp_path)
    whole = (tmp_path / store.SKOPS).read_bytes()
    (tmp_path / store.SKOPS).write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    with pytest.raises(DataError, match="not a readable skops archive"):
        load(tmp_path)
