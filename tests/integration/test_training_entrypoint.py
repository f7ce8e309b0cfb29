"""Training by a function of the user's: in its own process, with its code kept, and its faults in its own words."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelyard.core.errors import ConfigError, DataError
from modelyard.models import store
from tests.training_samples import config, leftovers, rows, run

FIT = """
from sklearn.linear_model import LogisticRegression
from helpers.steps import Keep

def fit(data, parameters, seed):
    assert list(data.features.columns) == ["delay", "distance", "night", "carrier"], list(data.features.columns)
    assert data.features["delay"].dtype == "float64" and data.features["delay"].isna().any()
    assert data.target.tolist()[0] in (True, False) and len(data.target) == len(data.features)
    assert parameters == {"C": 0.5} and seed == 7
    assert data.weight is None and data.unit is None and data.group is None
    from sklearn.pipeline import make_pipeline
    return make_pipeline(Keep(["distance"]), LogisticRegression(C=parameters["C"])).fit(data.features, data.target)
"""

STEPS = """
class Keep:
    def __init__(self, names):
        self.names = names
    def fit(self, X, y=None):
        return self
    def fit_transform(self, X, y=None, **_):
        return X[self.names]
    def transform(self, X):
        return X[self.names]
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "src" / "helpers").mkdir(parents=True)
    (tmp_path / "src" / "helpers" / "steps.py").write_text(STEPS, "utf-8")
    (tmp_path / "src" / "helpers" / "levels.csv").write_text("a\n", "utf-8")
    (tmp_path / "src" / "flights.py").write_text(FIT, "utf-8")
    (tmp_path / "src" / "unused.py").write_text("", "utf-8")
    return tmp_path


def section(**given: Any) -> dict[str, Any]:
    return {"entrypoint": "flights:fit", "python-path": ["src"], "parameters": {"C": 0.5}, "seed": 7, **given}


def train(workspace: Path, **given: Any) -> Any:
    return run(workspace, config(section(**given), model={"format": "joblib"}))


def written(workspace: Path, code: str) -> None:
    (workspace / "src" / "flights.py").write_text(code, "utf-8")


def test_the_model_and_the_code_that_it_needs_are_stored(workspace: Path) -> None:
    trained = train(workspace)
    out = workspace / "run" / "model"
    assert list(store.manifest(out)) == [
        "code/flights.py", "code/helpers/levels.csv", "code/helpers/steps.py", "model.joblib",
    ]  # fmt: skip
    assert (trained.result.how, trained.result.adapter, trained.result.fits) == ("entrypoint", "sklearn", 1)
    assert leftovers(workspace) == []
    assert not list((workspace / "src").rglob("__pycache__"))


def test_the_version_is_scored_with_its_own_code_after_the_workspace_changed(workspace: Path) -> None:
    train(workspace)
    (workspace / "src" / "helpers" / "steps.py").write_text("raise RuntimeError('today')\n", "utf-8")
    out = workspace / "run" / "model"
    code = f"""
import sys; sys.path.extend({[str(path) for path in store.code_folders(out)]!r})
from pathlib import Path
from modelyard.models.child import score
import pandas as pd
print(score.load(Path({str(out)!r}), 'joblib', []).predict(pd.DataFrame({{"distance": [100.0]}})))
"""
    done = subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() in ("[False]", "[ True]")


def test_this_process_never_imports_user_code(workspace: Path) -> None:
    train(workspace)
    assert not {"flights", "helpers", "helpers.steps"} & set(sys.modules)


def test_an_unchanged_function_is_not_called_again(workspace: Path) -> None:
    first = train(workspace)
    (workspace / "src" / "flights.py").unlink()  # the code's digest is the caller's to give, and stays the same here
    again = train(workspace)
    assert (again.result.fits, again.result.fits_from_cache) == (0, 1)
    assert again.result.model_digest == first.result.model_digest
    assert again.fit_digest == first.fit_digest


@pytest.mark.parametrize("changed", [{"parameters": {"C": 0.6}}, {"seed": 8}])
def test_other_parameters_and_seeds_are_other_fits(workspace: Path, changed: dict[str, Any]) -> None:
    written(workspace, FIT.replace('assert parameters == {"C": 0.5} and seed == 7', "pass"))
    first = train(workspace)
    other = train(workspace, **changed)
    assert other.fit_digest != first.fit_digest
    assert other.result.fits == 1


def test_weights_units_and_groups_are_handed_over(workspace: Path) -> None:
    written(workspace, """
from sklearn.dummy import DummyClassifier
def fit(data, parameters, seed):
    assert 0.5 < data.weight.mean() < 1.5 and data.weight.dtype == "float64"
    assert data.unit.tolist() == sorted(data.unit.tolist()) and data.unit.nunique() == 13
    assert set(data.group) == {"jan", "feb", "mar"}
    assert list(data.features.columns) == ["delay", "distance", "night", "carrier"]
    return DummyClassifier().fit(data.features, data.target, sample_weight=data.weight)
""")  # fmt: skip
    columns = {"weight": "weight", "group": "month", "time": "when", "unit": {"every": "day"}, "drop": ["minutes"]}
    trained = run(workspace, config(section(), columns=columns))
    assert list(store.manifest(workspace / "run" / "model")) == ["model.skops"], "skops holds no code of the user's"
    assert trained.result.fits == 1


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def fit(data, parameters, seed):\n    x = 1\n    raise KeyError('carriers')\n",
         r"train\.entrypoint: src/flights\.py:3: KeyError \["),
        ("import no_such_library\n", r"src/flights\.py:1: ModuleNotFoundError: No module named 'no_such_library'"),
        ("def fit(data, parameters, seed):\n  return (\n", r"src/flights\.py:2: SyntaxError"),
        ("def fit(data):\n    pass\n", r"flights:fit cannot be called as fit\(data, parameters, seed\)"),
        ("import sys\ndef fit(data, parameters, seed):\n    sys.exit(0)\n", r"src/flights\.py:3: SystemExit \["),
        ("def fit(data, parameters, seed):\n    return None\n", r"returned a NoneType, which has no predict"),
        ("from sklearn.svm import LinearSVC\ndef fit(data, parameters, seed):\n    return LinearSVC()\n",
         r"LinearSVC has no predict_proba, which roc_auc needs"),
        ("import os\ndef fit(data, parameters, seed):\n    print('so far', flush=True)\n    os.kill(os.getpid(), 9)\n",
         r"signal SIGKILL \(often: out of memory\) \["),
    ],
)  # fmt: skip
def test_the_users_mistake_is_told_with_its_file_and_line(workspace: Path, code: str, found: str) -> None:
    written(workspace, code)
    with pytest.raises(DataError, match=found) as caught:
        train(workspace)
    assert caught.value.exit_code == 3
    assert "Traceback" not in str(caught.value)
    assert not (workspace / "run" / "model").exists()
    assert leftovers(workspace) == []


def test_a_function_that_hangs_is_ended_at_its_limit(workspace: Path) -> None:
    written(workspace, "import threading\ndef fit(data, parameters, seed):\n    threading.Event().wait()\n")
    with pytest.raises(DataError, match=r"still running after 5s") as caught:
        train(workspace, timeout="5s")
    assert "train.timeout" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "hint"), [("flight:fit", "Did you mean 'flights'"), ("flights:fitt", "Did you mean 'fit'"),
                       ("flights:FIT_NOT", "no function")]
)  # fmt: skip
def test_an_entrypoint_that_is_not_there_is_a_configuration_error(workspace: Path, name: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=hint):
        train(workspace, entrypoint=name)


def test_a_module_of_the_workspace_never_stands_in_for_a_library(workspace: Path) -> None:
    for name in ("json", "polars", "sklearn"):
        (workspace / "src" / f"{name}.py").write_text("raise RuntimeError('planted')\n", "utf-8")
        (workspace / f"{name}.py").write_text("raise RuntimeError('planted')\n", "utf-8")
    train(workspace)


def test_the_function_sees_no_token(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    monkeypatch.setenv("MODELYARD_CONFIG", "x")
    written(workspace, "import os\ndef fit(data, parameters, seed):\n    raise ValueError(sorted(\n"
            "        k for k in os.environ if 'TOKEN' in k or k.startswith('MODELYARD')))\n")  # fmt: skip
    with pytest.raises(DataError):
        train(workspace)
    assert "ValueError: []" in (workspace / ".modelyard" / "logs" / "train.log").read_text("utf-8")


def test_a_python_path_out_of_the_workspace_is_refused(workspace: Path) -> None:
    with pytest.raises(ConfigError, match="outside the workspace"):
        train(workspace, **{"python-path": ["../elsewhere"]})


def test_a_link_out_of_the_python_path_is_not_copied(workspace: Path) -> None:
    (workspace / "secret.txt").write_text("s", "utf-8")
    (workspace / "src" / "helpers" / "link.txt").symlink_to(workspace / "secret.txt")
    with pytest.raises(DataError, match=r"helpers/link\.txt"):
        train(workspace)


def test_a_model_that_skops_cannot_vouch_for_says_how_to_store_it(workspace: Path) -> None:
    with pytest.raises(DataError, match=r"helpers\.steps\.Keep") as caught:
        run(workspace, config(section()), rows())
    assert "model.format: joblib" in caught.value.hint


def test_a_model_that_cannot_be_pickled_says_what_to_do(workspace: Path) -> None:
    written(workspace, """
from sklearn.dummy import DummyClassifier
def fit(data, parameters, seed):
    class Local(DummyClassifier):
        pass
    return Local().fit(data.features, data.target)
""")  # fmt: skip
    with pytest.raises(DataError, match="a Local cannot be pickled") as caught:
        run(workspace, config(section(), model={"format": "joblib"}), rows())
    assert "at the top of a module" in caught.value.hint


def test_nothing_of_a_row_is_told_and_all_of_it_is_in_the_log(workspace: Path) -> None:
    written(
        workspace, "def fit(data, parameters, seed):\n    print('row', 'Ada')\n    raise ValueError('Ada Lovelace')\n"
    )
    with pytest.raises(DataError) as caught:
        train(workspace)
    assert "Ada" not in f"{caught.value} {caught.value.hint}"
    log = workspace / ".modelyard" / "logs" / "train.log"
    assert str(log) in caught.value.hint
    assert "ValueError: Ada Lovelace" in log.read_text("utf-8")


def test_a_model_that_cannot_be_scored_is_told_right_after_fitting(workspace: Path) -> None:
    written(workspace, """
from sklearn.dummy import DummyClassifier
class Broken(DummyClassifier):
    def predict_proba(self, X):
        raise ValueError(f"cannot take {X['carrier'].iloc[0]}")
def fit(data, parameters, seed):
    return Broken().fit(data.features, data.target)
""")  # fmt: skip
    with pytest.raises(DataError) as caught:
        train(workspace)
    assert caught.value.code == "model/not-scored"
    assert caught.value.message == "the new model could not be scored: ValueError"
    assert "cannot take" in (workspace / ".modelyard" / "logs" / "score-the-new-model.log").read_text("utf-8")
    assert not (workspace / "run" / "model").exists()


def test_classes_that_are_not_the_datas_are_told_right_after_fitting(workspace: Path) -> None:
    written(workspace, """
from sklearn.dummy import DummyClassifier
def fit(data, parameters, seed):
    return DummyClassifier().fit(data.features, data.target.astype(int) + 1)
""")  # fmt: skip
    with pytest.raises(DataError) as caught:
        train(workspace)
    assert caught.value.code == "model/other-classes"
    assert "[1, 2]" in caught.value.message
    assert "[False, True]" in caught.value.message


def test_whole_numbers_and_booleans_come_as_they_are_and_are_scored_so(workspace: Path) -> None:
    written(workspace, """
from sklearn.dummy import DummyClassifier
class Typed(DummyClassifier):
    def predict_proba(self, X):
        assert [str(dtype) for dtype in X.dtypes] == self.types_, X.dtypes
        return super().predict_proba(X)
def fit(data, parameters, seed):
    model = Typed().fit(data.features, data.target)
    model.types_ = [str(dtype) for dtype in data.features.dtypes]
    assert model.types_ == ["float64", "int64", "boolean", "str"], model.types_
    return model
""")  # fmt: skip
    import polars as pl

    known = rows().with_columns(
        pl.col("distance").round().cast(pl.Int64), night=pl.when(pl.int_range(pl.len()) > 0).then(pl.col("night"))
    )
    signature = run(workspace, config(section(), model={"format": "joblib"}), known).result.signature
    assert signature is not None
    assert [feature.type for feature in signature.features] == ["float64", "int64", "boolean", "str"]
