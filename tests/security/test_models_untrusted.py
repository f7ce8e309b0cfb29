"""Hostile models: a pickle never runs unless it was allowed, and what skops does not vouch for is refused by name."""

import functools
import io
import json
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.preprocessing import FunctionTransformer

from modelyard.core.errors import DataError
from modelyard.models import store
from tests.model_loading import load

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(300, 3))
Y = X[:, 0] > 0


class Planted:
    """Writes a canary file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return (Path.write_text, (self.canary, "ran"))


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / store.JOBLIB).write_bytes(pickle.dumps(Planted(tmp_path / "canary")))
    return folder


def test_digest_and_manifest_never_run_a_pickle(planted: Path) -> None:
    store.digest(planted)
    store.manifest(planted)
    store.audit(planted)
    assert not (planted.parent / "canary").exists()


def test_a_pickle_is_refused_unless_it_was_allowed(planted: Path) -> None:
    with pytest.raises(DataError, match="pickle"):
        load(planted)
    assert not (planted.parent / "canary").exists()
    with pytest.raises(ValueError, match="has no predict"):
        load(planted, allow_joblib=True)
    assert (planted.parent / "canary").read_text("utf-8") == "ran", "the canary of these tests must sing"


def test_a_pickle_named_as_a_skops_archive_is_not_run(planted: Path) -> None:
    (planted / store.JOBLIB).rename(planted / store.SKOPS)
    with pytest.raises(DataError, match="not a readable skops archive"):
        load(planted, allow_joblib=True)
    assert not (planted.parent / "canary").exists()


def test_an_untrusted_type_in_an_archive_is_named_and_not_built(tmp_path: Path) -> None:
    skops.io.dump(FunctionTransformer(subprocess.check_output), tmp_path / store.SKOPS)
    with pytest.raises(DataError, match=r"subprocess\.check_output"):
        load(tmp_path)
    with pytest.raises(DataError, match=r"subprocess\.check_output"):
        store.audit(tmp_path)


def test_a_partial_does_not_smuggle_in_a_function(tmp_path: Path) -> None:
    skops.io.dump(FunctionTransformer(functools.partial(subprocess.check_output, ["true"])), tmp_path / store.SKOPS)
    with pytest.raises(DataError, match=r"reviewed list: subprocess\.check_output \["):
        load(tmp_path)


def test_a_type_can_be_trusted_by_name(tmp_path: Path) -> None:
    skops.io.dump(FunctionTransformer(subprocess.check_output), tmp_path / store.SKOPS)
    loaded = load(tmp_path, trusted=["subprocess.check_output"])
    assert loaded.func is subprocess.check_output


def test_an_archive_cannot_name_a_module_that_runs_when_imported(tmp_path: Path) -> None:
    (tmp_path / "planted_module.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w').close()\n", "utf-8")
    folder = tmp_path / "model"
    folder.mkdir()
    skops.io.dump(FunctionTransformer(subprocess.check_output), folder / store.SKOPS)
    _rewrite(folder / store.SKOPS, lambda schema: _replace(schema, "subprocess", "planted_module"))
    code = f"""
import sys; sys.path.append({str(tmp_path)!r})
from pathlib import Path
from modelyard.core.errors import DataError
from tests.model_loading import load
try:
    load(Path({str(folder)!r}))
except DataError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "planted_module.check_output" in done.stdout
    assert not (tmp_path / "canary").exists()


def _rewrite(path: Path, change: Callable[[Any], Any], arrays: Callable[[Any], Any] | None = None) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["schema.json"] = json.dumps(change(json.loads(members["schema.json"]))).encode()
    for name, content in members.items():
        if arrays is not None and name.endswith(".npy"):
            array = np.load(io.BytesIO(content), allow_pickle=False)
            if array.dtype.names:
                buffer = io.BytesIO()
                np.save(buffer, arrays(array), allow_pickle=False)
                members[name] = buffer.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _replace(value: Any, old: str, new: str) -> Any:
    return json.loads(json.dumps(value).replace(f'"{old}"', f'"{new}"'))


def _set(field: str, value: int) -> Callable[[Any], Any]:
    def change(nodes: Any) -> Any:
        nodes = nodes.copy()
        nodes[field][0] = value
        return nodes

    return change


@pytest.mark.parametrize(
    ("model", "field", "value"),
    [
        (RandomForestClassifier(2, max_depth=2, random_state=0), "left_child", 9_999_999),
        (RandomForestClassifier(2, max_depth=2, random_state=0), "right_child", 0),
        (RandomForestClassifier(2, max_depth=2, random_state=0), "feature", 3),
        (RandomForestClassifier(2, max_depth=2, random_state=0), "feature", -7),
        (HistGradientBoostingClassifier(max_iter=2, random_state=0), "left", 9_999_999),
        (HistGradientBoostingClassifier(max_iter=2, random_state=0), "right", 0),
        (HistGradientBoostingClassifier(max_iter=2, random_state=0), "feature_idx", 3),
    ],
    ids=lambda value: getattr(type(value), "__name__", "") if hasattr(value, "fit") else str(value),
)
def test_tree_nodes_that_lead_out_of_the_tree_are_refused(tmp_path: Path, model: Any, field: str, value: int) -> None:
    store.save_sklearn(model.fit(X, Y), tmp_path)
    load(tmp_path)
    _rewrite(tmp_path / store.SKOPS, lambda schema: schema, _set(field, value))
    with pytest.raises(DataError, match="lead out of the tree"):
        load(tmp_path)


def test_a_forest_whose_inner_tree_claims_more_features_is_refused(tmp_path: Path) -> None:
    """The forest checks its rows against the first tree alone, and the second then reads where it is told to."""
    store.save_sklearn(RandomForestClassifier(2, max_depth=2, random_state=0).fit(X, Y), tmp_path)
    inner: list[Any] = []

    def claim(schema: Any) -> Any:
        second = schema["content"]["content"]["estimators_"]["content"][1]["content"]["content"]
        second["n_features_in_"]["content"] = "99"
        inner.append(second["tree_"]["content"]["content"]["nodes"]["file"])
        return schema

    with zipfile.ZipFile(tmp_path / store.SKOPS) as archive:
        claim(json.loads(archive.read("schema.json")))
        second = np.load(io.BytesIO(archive.read(inner[0])))
    beyond = _set("feature", 50)
    _rewrite(tmp_path / store.SKOPS, claim, lambda nodes: beyond(nodes) if np.array_equal(nodes, second) else nodes)
    with pytest.raises(DataError, match="lead out of the tree"):
        load(tmp_path)
