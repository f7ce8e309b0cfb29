"""The gate's rules are everything but how the challenger is made; what makes a model is everything a fit depends on."""

import json
from typing import Any

import pytest

from modelyard.config.configuration import Config
from modelyard.config.meaning import training_part
from modelyard.policy.digest import rule_files, rules, rules_digest

SUITE = "sha256:" + "0" * 64
OTHER_SUITE = "sha256:" + "1" * 64

BASE: dict[str, Any] = {
    "model": {"name": "churn", "task": "binary"},
    "data": {
        "sets": {"train": "train.csv", "test": "test.csv"},
        "columns": {"target": "churned", "id": "customer"},
    },
    "validate": {"suites": {"train": "suite.json", "test": "suite.json"}},
    "train": {"candidates": [{"estimator": "a.B", "params": {"C": [1, 2]}}, {"estimator": "c.D"}]},
    "evaluate": {"gates": [{"metric": "roc_auc", "at_least": 0.8}]},
}


def config(change: dict[str, Any] | None = None) -> Config:
    """The base configuration with dotted keys replaced; None removes one."""
    data = json.loads(json.dumps(BASE))
    for dotted, value in (change or {}).items():
        *parents, last = dotted.split(".")
        node = data
        for part in parents:
            node = node.setdefault(part, {})
        if value is None:
            del node[last]
        else:
            node[last] = value
    return Config.model_validate_json(json.dumps(data))


def digest(change: dict[str, Any] | None = None) -> str:
    return rules_digest(config(change), {"suite.json": SUITE})


@pytest.mark.parametrize(
    "change",
    [
        {"train.candidates": [{"estimator": "e.F"}]},
        {"train.seed": 7},
        {"train": {"command": "python train.py {train} {model_dir}"}, "evaluate.predict": {"command": "python p.py"}},
        {"train": None, "evaluate.challenger": "predictions.csv"},
        {"requirements": "requirements.txt"},
        {"data.sets.train": "more.csv"},
    ],
    ids=lambda change: "+".join(change),
)
def test_a_pull_request_may_change_how_its_model_is_made(change: dict[str, Any]) -> None:
    assert digest(change) == digest()


@pytest.mark.parametrize(
    "change",
    [
        {"evaluate.gates": [{"metric": "roc_auc", "at_least": 0.79}]},
        {"evaluate.gates": []},
        {"evaluate.confidence": 0.9},
        {"evaluate.champion": "champion.csv"},
        {"data.sets.test": "easier.csv"},
        {"data.columns.target": "stayed"},
        {"data.columns.drop": ["x"]},
        {"data.missing_target": "drop"},
        {"model.threshold": 0.4},
        {"model.positive": "yes"},
        {"model.format": "joblib"},
        {"registry.alias": "other"},
        {"mode": "report-only"},
        {"validate": None},
    ],
    ids=lambda change: "+".join(change),
)
def test_what_decides_what_passes_is_a_rule(change: dict[str, Any]) -> None:
    files = {} if "validate" in change else {"suite.json": SUITE}
    assert rules_digest(config(change), files) != digest()


def test_the_set_that_is_split_is_a_rule_since_test_rows_come_from_it() -> None:
    def split(path: str) -> str:
        sets = {"data.sets": {"train": path}, "data.split": {"of": "train", "by": "stratified"}, "validate": None}
        return rules_digest(config(sets), {})

    assert split("a.csv") != split("b.csv")


def test_what_a_suite_says_is_a_rule() -> None:
    assert rule_files(config()) == ("suite.json",)
    assert rules_digest(config(), {"suite.json": OTHER_SUITE}) != digest()


@pytest.mark.parametrize("files", [{}, {"suite.json": SUITE, "more.json": SUITE}])
def test_rules_are_never_digested_without_their_files(files: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"suite\.json"):
        rules_digest(config(), files)


def test_rules_use_the_names_of_the_file() -> None:
    found = rules(config())
    assert set(found) == {"model", "data", "validate", "evaluate", "registry", "mode"}
    assert found["evaluate"]["gates"][0]["at_least"] == 0.8
    assert found["data"]["sets"] == {"test": "test.csv"}
    assert "challenger" not in found["evaluate"]


# what makes a model


@pytest.mark.parametrize(
    "change",
    [
        {"train.jobs": 1},
        {"train.timeout": "5m"},
        {"model.name": "other"},
        {"evaluate.gates": []},
        {"data.sets.train": "moved.csv"},
        {"registry.kind": "local"},
    ],
    ids=lambda change: "+".join(change),
)
def test_a_model_is_not_made_anew_for_what_it_does_not_depend_on(change: dict[str, Any]) -> None:
    assert training_part(config(change)) == training_part(config())


@pytest.mark.parametrize(
    "change",
    [
        {"train.seed": 1},
        {"train.search": {"folds": 3}},
        {"train.class_weight": "balanced"},
        {"train.candidates": [{"estimator": "a.B", "params": {"C": [1.0, 2]}}, {"estimator": "c.D"}]},
        {"model.metric": "log_loss"},
        {"model.threshold": 0.4},
        {"data.columns.drop": ["x"]},
        {"data.columns.weight": "w"},
        {"data.missing_target": "drop"},
    ],
    ids=lambda change: "+".join(change),
)
def test_a_model_is_made_anew_for_what_it_depends_on(change: dict[str, Any]) -> None:
    assert training_part(config(change)) != training_part(config())


def test_nothing_to_train_has_a_part_too() -> None:
    part = training_part(config({"train": None, "evaluate.challenger": "predictions.csv"}))
    assert part["train"] == {}
