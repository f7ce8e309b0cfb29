"""The search: GridSearchCV's own scores, every fit made once, failures in the table, Ctrl-C without a loss."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

from modelyard.core.errors import ConfigError, DataError
from modelyard.data.folds import folds
from modelyard.metrics.catalogue import METRICS
from modelyard.models import store
from modelyard.models.child import score as score_child
from modelyard.training import search as module
from modelyard.training.job import TrainingRows
from modelyard.training.preprocessing import pipeline
from modelyard.training.signature import find_features
from modelyard.training.train import Trained, train
from tests.model_loading import load
from tests.training_samples import BOOSTING, LOGISTIC, config, leftovers, rows, run, workplace

FAILS = {"estimator": "sklearn.naive_bayes.CategoricalNB"}
"""Refuses the scaled, negative numbers that it is given."""


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the candidates that are fitted, folds and refits alike."""
    made: list[str] = []
    real = module.fit

    def counted(choice: Any, *rest: Any) -> Any:
        made.append(choice.name)
        return real(choice, *rest)

    monkeypatch.setattr(module, "fit", counted)
    monkeypatch.setattr("modelyard.training.ways.search.fit", counted)
    return made


def scores(trained: Trained) -> list[float | None]:
    return [row.score for row in trained.result.candidates]


def test_without_preprocessing_an_estimator_gets_the_numbers_as_they_are(tmp_path: Path) -> None:
    tree = {"estimator": "sklearn.tree.DecisionTreeClassifier", "params": {"max_depth": [3]}}
    columns = {"drop": ["carrier", "minutes", "month", "weight", "when"]}
    configured = config({"candidates": [{**tree, "preprocess": "none"}, tree]}, columns=columns)
    trained = run(tmp_path, configured)
    assert [row.name for row in trained.result.candidates] == [
        "DecisionTreeClassifier max_depth=3, not preprocessed", "DecisionTreeClassifier max_depth=3",
    ]  # fmt: skip
    frame = rows()
    features = find_features(frame, configured.data.columns).features
    wanted = score_child.features(frame, [(feature.name, feature.kind) for feature in features])
    made, _ = folds(frame, configured.data.columns, 3, 0, True)
    peer = GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [3]}, scoring="roc_auc", cv=made)
    peer.fit(wanted, frame["late"].to_numpy())
    assert scores(trained)[0] == pytest.approx(peer.best_score_, abs=1e-12)


def test_text_is_refused_where_nothing_encodes_it(tmp_path: Path) -> None:
    bare = {"estimator": "sklearn.tree.DecisionTreeClassifier", "preprocess": "none"}
    with pytest.raises(DataError, match=r"1 columns hold no numbers \('carrier'\)") as caught:
        run(tmp_path, config({"candidates": [bare, LOGISTIC]}))
    assert caught.value.code == "train/text-not-preprocessed"


def test_scores_are_those_of_grid_search(tmp_path: Path) -> None:
    configured = config({"candidates": [LOGISTIC]})
    trained = run(tmp_path, configured)
    frame, columns = rows(), configured.data.columns
    features = find_features(frame, columns).features
    wanted = score_child.features(frame, [(feature.name, feature.kind) for feature in features])
    made, _ = folds(frame, columns, 3, 0, True)
    from sklearn.linear_model import LogisticRegression

    peer = GridSearchCV(pipeline(LogisticRegression(), features), {"model__C": [0.1, 1.0]}, scoring="roc_auc", cv=made)
    peer.fit(wanted, frame["late"].to_numpy())
    assert scores(trained) == pytest.approx(peer.cv_results_["mean_test_score"].tolist(), abs=1e-12)
    winner = next(row for row in trained.result.candidates if row.winner)
    ratio = np.mean([len(scored) / len(fitted) for fitted, scored in made])
    assert winner.error == pytest.approx(np.sqrt((1 / 3 + ratio) * np.var(winner.scores, ddof=1)))
    assert winner.params == {"C": peer.best_params_["model__C"]}
    loaded = load(tmp_path / "run" / "model")
    assert np.allclose(loaded.predict_proba(wanted), peer.predict_proba(wanted))


def test_the_pool_finds_what_one_process_finds(tmp_path: Path) -> None:
    both = [LOGISTIC, BOOSTING]
    alone = run(tmp_path / "one", config({"candidates": both}))
    pooled = run(tmp_path / "two", config({"candidates": both, "jobs": 2}))
    assert scores(pooled) == scores(alone)
    assert pooled.result.model_digest == alone.result.model_digest
    assert pooled.fit_digest == alone.fit_digest
    assert leftovers(tmp_path / "two") == []


def test_an_unchanged_run_fits_nothing(tmp_path: Path, fits: list[str]) -> None:
    first = run(tmp_path, config({"candidates": [LOGISTIC]}))
    assert len(fits) == first.result.fits == 7
    again = run(tmp_path, config({"candidates": [LOGISTIC], "jobs": 2}))
    assert len(fits) == 7
    assert (again.result.fits, again.result.fits_from_cache) == (0, 7)
    assert all(row.cached for row in again.result.candidates)
    assert (again.result.model_digest, again.fit_digest) == (first.result.model_digest, first.fit_digest)


def test_one_added_candidate_costs_its_own_folds_and_a_refit_only_if_it_wins(tmp_path: Path, fits: list[str]) -> None:
    run(tmp_path, config({"candidates": [LOGISTIC]}))
    fits.clear()
    loser = {"estimator": "sklearn.dummy.DummyClassifier"}
    added = run(tmp_path, config({"candidates": [LOGISTIC, loser]}))
    assert fits == ["DummyClassifier"] * 3
    assert [row.cached for row in added.result.candidates] == [True, True, False]


WITH_WEIGHT = {"weight": "weight", "drop": ["minutes", "month", "when"]}
LESS = {"drop": ["minutes", "month", "weight", "when", "night"]}


@pytest.mark.parametrize(
    ("section", "columns", "model", "seed", "expected"),
    [
        ({"seed": 1}, {}, {}, 0, 4),
        ({"search": {"folds": 4}}, {}, {}, 0, 5),
        ({}, {}, {"metric": "accuracy"}, 0, 4),
        ({}, {}, {"threshold": 0.4}, 0, 4),
        ({}, LESS, {}, 0, 4),
        ({}, {}, {}, 1, 4),
        ({}, WITH_WEIGHT, {}, 0, 4),
    ],
    ids=["seed", "folds", "metric", "threshold", "a column", "the rows", "weights"],
)
def test_what_changes_a_score_is_fitted_again(
    tmp_path: Path,
    fits: list[str],
    section: dict[str, Any],
    columns: dict[str, Any],
    model: dict[str, Any],
    seed: int,
    expected: int,
) -> None:
    run(tmp_path, config({"candidates": [BOOSTING]}))
    fits.clear()
    run(tmp_path, config({"candidates": [BOOSTING], **section}, columns=columns, model=model), rows(seed=seed))
    assert len(fits) == expected


def test_a_damaged_entry_is_fitted_again(tmp_path: Path, fits: list[str]) -> None:
    first = run(tmp_path, config({"candidates": [BOOSTING]}))
    for entry in (tmp_path / ".modelyard" / "fits").iterdir():
        if (entry / "model").is_dir():
            (entry / "model" / store.SKOPS).write_bytes(b"damaged")
        else:
            (entry / "entry.json").write_text('{"scores": [1.0, 1.0, 1.0', "utf-8")
    fits.clear()
    again = run(tmp_path, config({"candidates": [BOOSTING]}))
    assert len(fits) == 4
    assert again.result.model_digest == first.result.model_digest


def test_a_loss_is_better_when_it_is_smaller(tmp_path: Path) -> None:
    candidates = [{"estimator": "sklearn.dummy.DummyClassifier"}, LOGISTIC]
    trained = run(tmp_path, config({"candidates": candidates}, model={"metric": "log_loss"}))
    best = min(score for score in scores(trained) if score is not None)
    assert [row.winner for row in trained.result.candidates] == [score == best for score in scores(trained)]
    assert best > 0


def test_of_equals_the_first_wins(tmp_path: Path) -> None:
    candidates = [{"estimator": "sklearn.dummy.DummyClassifier", "params": {"strategy": ["prior", "most_frequent"]}}]
    trained = run(tmp_path, config({"candidates": candidates}))
    assert [row.winner for row in trained.result.candidates] == [True, False]


def test_a_candidate_that_fails_is_a_row_with_its_problem(tmp_path: Path) -> None:
    trained = run(tmp_path, config({"candidates": [FAILS, BOOSTING]}))
    failed, won = trained.result.candidates
    assert failed.score is None
    assert failed.problem == "fold 1: ValueError", "its text may hold values of rows"
    assert "Negative values" in (tmp_path / ".modelyard" / "logs" / "train.log").read_text("utf-8")
    assert won.winner


def test_where_every_candidate_fails_the_answer_is_the_first_problem(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"every candidate failed.*fold 1: ValueError") as caught:
        run(tmp_path, config({"candidates": [FAILS]}))
    assert caught.value.exit_code == 3
    assert "logs/train.log" in caught.value.hint
    assert not (tmp_path / "run" / "model").exists()
    assert leftovers(tmp_path) == []


def test_a_failed_search_leaves_the_old_model(tmp_path: Path) -> None:
    before = run(tmp_path, config({"candidates": [BOOSTING]})).result.model_digest
    with pytest.raises(DataError):
        run(tmp_path, config({"candidates": [FAILS]}))
    assert store.digest(tmp_path / "run" / "model")[0] == before


def test_row_weights_decide_in_fitting_and_in_scoring(tmp_path: Path) -> None:
    frame = rows(600)
    only = frame.with_columns(weight=pl.when(pl.col("carrier").is_null()).then(0.0).otherwise(1.0))
    weighted = run(tmp_path / "a", config({"candidates": [BOOSTING]}, columns=WITH_WEIGHT), only)
    plain = run(tmp_path / "b", config({"candidates": [BOOSTING]}, columns=WITH_WEIGHT), frame.with_columns(weight=1.0))
    assert scores(weighted) != scores(plain)


def test_classes_are_balanced_through_row_weights_where_an_estimator_takes_no_class_weights(tmp_path: Path) -> None:
    bayes = {"estimator": "sklearn.naive_bayes.GaussianNB"}
    recall = []
    for weight in (None, "balanced"):
        configured = config({"candidates": [bayes], "class_weight": weight}, model={"metric": "recall"})
        found = scores(run(tmp_path / str(weight), configured, _rare()))[0]
        assert found is not None
        recall.append(found)
    assert recall[1] > recall[0]


def _rare() -> pl.DataFrame:
    return rows(900).filter((~pl.col("late")) | (pl.col("id") % 5 == 0))


def test_classes_and_numbers_are_searched_alike(tmp_path: Path) -> None:
    several = run(
        tmp_path / "classes",
        config({"candidates": [{"estimator": "sklearn.tree.DecisionTreeClassifier", "params": {"max_depth": 3}}]},
               columns={"target": "month", "drop": ["late", "weight", "when"]}, model={"task": "multiclass"}),
    )  # fmt: skip
    assert several.result.metric == "log_loss"
    assert several.result.signature is not None
    assert several.result.signature.classes == ("feb", "jan", "mar")
    assert set(several.result.baseline) == {"share_0", "share_1", "share_2"}
    numbers = run(
        tmp_path / "numbers",
        config({"candidates": [{"estimator": "sklearn.linear_model.Ridge"},
                               {"estimator": "sklearn.ensemble.HistGradientBoostingRegressor",
                                "params": {"max_iter": 5}}]},
               columns={"target": "minutes", "drop": ["late", "weight", "when", "month"]},
               model={"task": "regression"}),
    )  # fmt: skip
    assert numbers.result.metric == "root_mean_squared_error"
    assert numbers.result.candidates[0].winner
    quantiles = {f"quantile_{percent:02d}" for percent in (5, 10, 25, 50, 75, 90, 95)}
    assert set(numbers.result.baseline) == {"mean", "median", "relative_median", *quantiles}


@pytest.mark.parametrize(
    "kind",
    ["LogisticRegression", "HistGradientBoostingClassifier", "RandomForestClassifier", "GradientBoostingClassifier",
     "SGDClassifier", "LinearDiscriminantAnalysis"],
)  # fmt: skip
def test_models_of_mixed_columns_are_stored_and_score_new_levels_and_gaps(tmp_path: Path, kind: str) -> None:
    module_of = {"L": "linear_model", "S": "linear_model"}.get(kind[0], "ensemble")
    module_name = "discriminant_analysis" if kind.startswith("LinearD") else module_of
    params = {"loss": "log_loss"} if kind == "SGDClassifier" else {}
    candidate = {"estimator": f"sklearn.{module_name}.{kind}", "params": params}
    trained = run(tmp_path, config({"candidates": [candidate]}))
    model = load(tmp_path / "run" / "model")
    assert trained.result.signature is not None
    strange = rows(50, seed=3).with_columns(carrier=pl.lit("never seen"), delay=pl.lit(None), night=pl.lit(None))
    wanted: list[tuple[str, str]] = [(each.name, each.kind) for each in trained.result.signature.features]
    probability = model.predict_proba(score_child.features(strange, wanted))
    assert np.isfinite(probability).all()


def test_the_number_of_a_row_is_no_feature(tmp_path: Path) -> None:
    numbered = TrainingRows(rows().drop("id").with_row_index("row"), "sha256:" + "0" * 64, row_number="row")
    configured = config({"candidates": [BOOSTING]}, columns={"id": None})
    result = train(configured, numbered, at=workplace(tmp_path), inputs={}).result
    assert result.signature is not None
    assert [feature.name for feature in result.signature.features] == ["delay", "distance", "night", "carrier"]


def test_the_progress_counts_every_fit(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    run(tmp_path, config({"candidates": [BOOSTING]}), progress=lambda *what: told.append(what))
    assert [(done, total) for done, total, _ in told] == [(1, 3), (2, 3), (3, 3)]
    assert told[0][2] == "HistGradientBoostingClassifier max_iter=5 learning_rate=0.2"


def test_a_metric_that_is_none_of_the_tasks_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'roc_auc'"):
        run(tmp_path, config({"candidates": [BOOSTING]}, model={"metric": "roc_aucs"}))


INTERRUPTED = """
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tests.training_samples import BOOSTING, LOGISTIC, config, rows, run

slow = {"estimator": "sklearn.ensemble.GradientBoostingClassifier", "params": {"n_estimators": 100000}}
def told(done, total, what):
    print(done, what, flush=True)
try:
    run(Path(sys.argv[1]), config({"candidates": [LOGISTIC, slow], "jobs": 2}), rows(2000), progress=told)
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_ctrl_c_ends_the_pool_keeps_finished_fits_and_leaves_nothing_partial(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    child = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path)], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith("6 "):  # both logistic candidates are done; the endless one runs
            break
    assert len(_workers(child.pid)) == 2
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does it: to the parent and to every process of the pool
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130, said
    assert "Traceback" not in said
    assert _workers(child.pid) == []
    kept = [json.loads(path.read_text("utf-8")) for path in (tmp_path / ".modelyard" / "fits").rglob("entry.json")]
    assert sorted(len(entry["scores"]) for entry in kept) == [3, 3]
    assert leftovers(tmp_path) == []
    assert not (tmp_path / "run" / "model").exists()


def _workers(session: int) -> list[str]:
    """Workers of the pool that still run in a session."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, _, _, of_session = (folder / "stat").read_text("utf-8", "replace").rsplit(")", 1)[1].split()[:4]
            command = (folder / "cmdline").read_text("utf-8", "replace")
            if int(of_session) == session and state != "Z" and "popen_loky" in command:
                found.append(command)
    return found


def test_a_process_of_the_pool_that_dies_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_in_pool", _killed)
    with pytest.raises(DataError, match="a training process died") as caught:
        run(tmp_path, config({"candidates": [LOGISTIC], "jobs": 2}))
    assert "train.jobs" in caught.value.hint
    assert leftovers(tmp_path) == []


def _killed(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_rows_without_weight_do_not_count_in_a_score() -> None:
    frame, truth = pd.DataFrame({"x": [0.0, 1.0, 1.0, 0.0]}), np.array([0, 1, 0, 1])
    known = module.Rows(frame, (), truth, truth, (0, 1), np.array([1.0, 1.0, 0.0, 0.0]))
    tree = DecisionTreeClassifier().fit(frame.iloc[:2], truth[:2])
    everything = np.arange(4)
    assert module.score(tree, known, everything, METRICS.get("accuracy"), 0.5) == 1.0
    assert module.score(tree, replace(known, weight=None), everything, METRICS.get("accuracy"), 0.5) == 0.5


def test_the_pool_sees_no_token_and_imports_nothing_from_the_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sklearn.py").write_text("raise SystemExit('planted')\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(module, "_in_pool", _tell)
    with pytest.raises(DataError, match="all of it is well"):
        run(tmp_path, config({"candidates": [LOGISTIC], "jobs": 2}))
    assert os.environ["GITHUB_TOKEN"] == "secret"


def _tell(_path: object, number: int, *_: object) -> tuple[int, tuple[float, float, str, str]]:
    import sklearn

    planted = "site-packages" not in str(sklearn.__file__)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        return number, (0.0, 0.0, "a worker would end at Ctrl-C by itself, with a traceback", "")
    leaked = [name for name in os.environ if name in ("GITHUB_TOKEN", "PYTHONPATH")]
    told = f"leaked {leaked}, planted {planted}" if leaked or planted else "all of it is well"
    return number, (0.0, 0.0, told, "")
