"""Policies tried on history: what each would have done, how models age, and what the newest rows gain."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from modelyard.cli.main import main
from modelyard.config.sections.monitor import Costs, Policy
from modelyard.core.errors import DataError
from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.predictions import Predictions
from modelyard.monitoring.simulate import (
    ByCost,
    Every,
    History,
    Never,
    OnDrift,
    OnPerformance,
    Outcome,
    Stretch,
    ageing,
    back_test,
    best_of,
    pilot,
    usual,
)

N = 600


def history(*, changes: int = 99, drifts: int = 99, metric: str = "accuracy", stretches: int = 12) -> History:
    """Labels follow one feature, and from stretch ``changes`` on the other; from ``drifts`` on a feature is shifted."""
    random = np.random.default_rng(1)
    told, predicted = [], {}
    for at in range(stretches):
        x = random.normal(size=(N, 2))
        follows = x[:, 1] if at >= changes else x[:, 0]
        y = (random.random(N) < 1 / (1 + np.exp(-3 * follows))).astype(np.int64)
        if at >= drifts:
            x[:, 1] = x[:, 1] + 3
        told.append(Stretch(f"2026-{at + 1:02}", y, None, pl.DataFrame({"a": x[:, 0], "b": x[:, 1]})))
    for model in range(stretches):
        for at in range(model, stretches):
            features = told[at].features.to_numpy()
            score = 1 / (1 + np.exp(-3 * features[:, 1 if model > changes else 0]))
            predicted[model, at] = Predictions(2, label=(score >= 0.5).astype(np.int64), probability=score)
    return History(METRICS.get(metric), "binary", tuple(told), predicted, baseline=0.5)


def by_name(found: tuple[Outcome, ...]) -> dict[str, Outcome]:
    return {each.policy: each for each in found}


def test_where_rules_change_performance_retrains_and_drift_of_features_sees_nothing() -> None:
    told = history(changes=6)
    found = by_name(back_test(told, [Never(), Every(3), OnDrift(), OnPerformance()]))
    assert found["never"].retrainings == 0
    assert found["never"].regret > 0.1
    assert found["drift in 2 of 3"].retrainings == 0
    watched = found["performance in 2 of 3"]
    assert (watched.retrainings, watched.promoted, watched.for_nothing) == (1, 1, 0)
    assert watched.champions == (3, 3, 3, 3, 3, 7, 7, 7), "missed in 6 and 7, whose labels are known at the end of 8"
    assert watched.regret < 0.1
    assert found["every 3 windows"].promoted <= found["every 3 windows"].retrainings


def test_where_features_drift_and_labels_do_not_care_drift_retrains_for_nothing() -> None:
    found = by_name(back_test(history(drifts=6), [Never(), OnDrift(), OnPerformance(1, 1)]))
    assert found["drift in 2 of 3"].retrainings > 0
    assert found["drift in 2 of 3"].for_nothing == found["drift in 2 of 3"].retrainings
    assert found["performance in 1 of 1"].retrainings == 0
    assert found["never"].regret == pytest.approx(0.0, abs=1e-9)


def test_a_retraining_that_does_not_pass_its_gate_changes_nothing() -> None:
    told = history(changes=6)
    worse = dict(told.predicted)
    for model, at in worse:
        if model > told.first:
            worse[model, at] = Predictions(2, label=np.where(told.stretches[at].y == 1, 0, 1), probability=np.zeros(N))
    found = back_test(History(told.metric, "binary", told.stretches, worse, baseline=0.5), [Every(2)])[0]
    assert found.promoted == 0
    assert found.for_nothing == found.retrainings > 1
    assert set(found.champions) == {told.first}


def test_prices_decide_between_retraining_and_keeping() -> None:
    told = history(changes=6)
    names = {}
    for price in (1.0, 1e9):
        costs = Costs(retrain=price, loss=1.0)
        found = back_test(told, usual(12, costs, "1 month"), costs=costs)
        best = best_of(told, found)
        assert best.cost == min(each.cost for each in found if each.cost is not None and each.settings is not None)
        names[price] = best.retrainings
    assert names[1.0] >= 1
    assert names[1e9] == 0
    (by_cost,) = back_test(told, [ByCost(Costs(retrain=30.0, loss=1.0))])
    assert by_cost.promoted == 1


def test_without_prices_the_fewest_retrainings_that_come_near_win() -> None:
    quiet, moved = history(), history(changes=6)
    assert best_of(quiet, back_test(quiet, usual(12, None, "1 month"))).policy == "never"
    best = best_of(moved, back_test(moved, usual(12, None, "1 month")))
    assert best.policy != "never"
    assert best.settings is not None


@pytest.mark.parametrize("policy", usual(24, Costs(retrain=2.0, loss=0.5), "2 weeks"), ids=lambda each: each.name)
def test_what_a_policy_writes_is_a_policy(policy: Every) -> None:
    settings = policy.settings
    if settings is None:
        assert policy.name.startswith("drift")
        return
    read = Policy.model_validate(settings)
    assert (read.every is not None) == policy.name.startswith("every")
    assert (read.performance is not None) == policy.name.startswith("performance")
    assert (read.costs is not None) == (policy.name == "cost-aware")
    assert read.drift is None


def test_models_age_where_rules_change_and_not_where_they_stay() -> None:
    steady = ageing(history())
    assert [age.stretches for age in steady] == [1, 2, 3, 4, 5, 6]
    assert all(age.loss.value == 0.0 for age in steady)
    moved = ageing(history(changes=6))
    assert moved[0].loss.value == 0.0
    assert (moved[-1].loss.value or 0) > 0.1
    loss = ageing(history(changes=6, metric="log_loss"))
    assert (loss[-1].loss.value or 0) > 0.1, "of a loss too, more is worse"


def test_a_pilot_says_whether_the_newest_rows_help() -> None:
    gain = pilot(history(changes=9), 3)
    assert (gain.low or 0) > 0
    none = pilot(history(), 3)
    assert none.low is None or none.low <= 0 <= (none.high or 0)


@pytest.mark.parametrize("stretches", [1, 3, 5])
def test_a_short_history_is_refused(stretches: int) -> None:
    with pytest.raises(DataError) as refused:
        history(stretches=stretches)
    assert refused.value.code == "data/short-history"


# the command

CONFIG = """\
model: {name: churn, task: binary}
data:
  sets: {all: rows.csv}
  split: {of: all, by: time, test: 2 months}
  columns: {target: churned, time: day, unit: {every: day}}
train:
  candidates:
    - {estimator: sklearn.linear_model.LogisticRegression}
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    random = np.random.default_rng(2)
    days = pl.date_range(pl.date(2026, 1, 1), pl.date(2026, 8, 28), eager=True).sample(
        3000, with_replacement=True, seed=1
    )
    a, b = random.normal(size=3000), random.normal(size=3000)
    late = days.dt.month().to_numpy() >= 5
    chance = 1 / (1 + np.exp(-2 * np.where(late, b, a)))
    frame = pl.DataFrame({"day": days, "a": a, "b": b, "churned": np.where(random.random(3000) < chance, "yes", "no")})
    frame.write_csv(tmp_path / "rows.csv")
    (tmp_path / "modelyard.yml").write_text(CONFIG, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_tells_what_each_policy_would_have_done(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["monitor", "simulate", "--retrain-cost", "20", "--loss-cost", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["window"] == "1 month"
    assert (len(told["stretches"]), told["fits"], told["costs"]) == (8, 6, {"retrain": 20.0, "loss": 1.0})
    by = {each["policy"]: each for each in told["outcomes"]}
    assert by["never"]["retrainings"] == 0
    assert by[told["best"]]["cost"] < by["never"]["cost"]
    assert told["yaml"].startswith("monitor:\n  policy:\n")
    assert not (repository / "modelyard-run").exists(), "nothing is kept"
    assert main(["monitor", "simulate", "--window", "2 weeks"]) == 0
    said = capsys.readouterr().out
    assert "every 3 windows" in said
    assert "pilot: with the newest 3 windows" in said


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--window", "3 months"], "data/short-history"),
        (["--window", "1 hour"], "data/long-history"),
        (["--window", "soon"], "command/bad-window"),
        (["--candidate", "2"], "config/no-such-candidate"),
        (["--retrain-cost", "3"], "command/bad-costs"),
        (["--retrain-cost", "3", "--loss-cost", "0"], "command/bad-costs"),
    ],
)
def test_what_cannot_be_tried_is_said(
    repository: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: str
) -> None:
    assert repository.is_dir()
    assert main(["monitor", "simulate", *arguments, "--json"]) != 0
    assert code in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (", time: day, unit: {every: day}", "", "config/no-time-column"),
        ("train:\n  candidates:\n    - {estimator: sklearn.linear_model.LogisticRegression}\n",
         "train: {entrypoint: \"fit:train\"}\n", "config/no-candidates"),
    ],
    ids=["no time", "no candidates"],
)  # fmt: skip
def test_a_configuration_that_does_not_fit_is_said(
    repository: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, code: str
) -> None:
    text = CONFIG.replace(old, new).replace("by: time, test: 2 months", "by: stratified")
    (repository / "modelyard.yml").write_text(text, "utf-8")
    (repository / "fit.py").write_text("def train(data): ...\n", "utf-8")
    assert main(["monitor", "simulate", "--json"]) != 0
    assert code in capsys.readouterr().out
