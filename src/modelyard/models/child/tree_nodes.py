"""Checks the decision nodes in a skops archive before anything of it is built.

scikit-learn follows the child and feature indices of a tree without bounds checks, so a crafted archive could crash the
process that predicts (scikit-learn pull request 34558). Here every index must point forward inside its own tree, and at
a feature that the enclosing estimators really take.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

_NODES = {"Tree": ("left_child", "right_child", "feature"), "TreePredictor": ("left", "right", "feature_idx")}
_CHANGES_FEATURES = {"Pipeline", "ColumnTransformer", "FeatureUnion", "StackingClassifier", "StackingRegressor"}


def problem(data: bytes) -> str:
    """Return what is wrong with the trees of an archive, or an empty string.

    Raises:
        KeyError, ValueError: a node's parts are not those of a tree.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema = json.loads(archive.read("schema.json"))
        for tree, features in _trees(schema, ()):
            if not _fits(archive, tree, min(features, default=0)):
                return f"{tree['__module__']}.{tree['__class__']} with node indices that lead out of the tree"
    return ""


def _trees(value: Any, features: tuple[int, ...]) -> Iterator[tuple[dict[str, Any], tuple[int, ...]]]:
    if isinstance(value, list):
        for part in value:
            yield from _trees(part, features)
    elif isinstance(value, dict):
        if value.get("__class__") in _NODES and "__loader__" in value and value["__loader__"] != "TypeNode":
            yield value, features
        elif value.get("__class__") in _CHANGES_FEATURES:
            features = ()
        else:
            features = (*features, *_features_in(value))
        for part in value.values():
            yield from _trees(part, features)


def _features_in(node: dict[str, Any]) -> tuple[int, ...]:
    if node.get("__loader__") != "ObjectNode":
        return ()
    state = node.get("content")
    attributes = state.get("content") if isinstance(state, dict) else None
    known = attributes.get("n_features_in_") if isinstance(attributes, dict) else None
    return () if known is None else (int(json.loads(known["content"])),)


def _fits(archive: zipfile.ZipFile, tree: dict[str, Any], features: int) -> bool:
    import numpy as np

    attributes = tree["content"]["content"]
    nodes = np.load(io.BytesIO(archive.read(attributes["nodes"]["file"])), allow_pickle=False)
    left, right, feature = (nodes[field].astype(np.int64) for field in _NODES[tree["__class__"]])
    if tree["__class__"] == "Tree":
        inner = left != -1
        whole = int(json.loads(attributes["node_count"]["content"])) == len(nodes) and bool((right[~inner] == -1).all())
    else:
        inner = nodes["is_leaf"] == 0
        bitsets = np.load(io.BytesIO(archive.read(attributes["raw_left_cat_bitsets"]["file"])), allow_pickle=False)
        whole = bool((nodes["bitset_idx"][inner & (nodes["is_categorical"] != 0)] < len(bitsets)).all())
    here = np.arange(len(nodes))[inner]
    return whole and len(nodes) > 0 and all(
        bool(((child[inner] > here) & (child[inner] < len(nodes))).all()) for child in (left, right)
    ) and bool(((feature[inner] >= 0) & (feature[inner] < features)).all())  # fmt: skip
