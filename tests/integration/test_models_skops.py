"""A fitted model gives the same bytes in another process, with another hash seed and other memory."""

import os
import subprocess
import sys

import pytest

FITTED = """
import hashlib, sys
import numpy as np
junk = [object() for _ in range(int(sys.argv[2]))]
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from modelyard.models.store import skops_archive
random = np.random.default_rng(0)
x = random.normal(size=(500, 4)); y = x[:, 0] > 0
model = {
    "trees": lambda: ExtraTreesClassifier(20, random_state=0, bootstrap=True).fit(x, y),
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=10, random_state=0).fit(x, y),
    "a set": lambda: LogisticRegression().fit(x, y),
}[sys.argv[1]]()
if sys.argv[1] == "a set":
    model.seen_ = {"b", "a", "zz", ("and", "more")}
print(hashlib.sha256(skops_archive(model)).hexdigest())
"""


def bytes_of(model: str, hash_seed: str, junk: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", FITTED, model, junk]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return done.stdout


@pytest.mark.parametrize("model", ["trees", "boosting", "a set"])
def test_two_processes_write_the_same_bytes(model: str) -> None:
    assert bytes_of(model, "1", "10") == bytes_of(model, "2", "100000")
