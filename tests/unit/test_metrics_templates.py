"""Metrics with a parameter, as the configuration declares them."""

from pathlib import Path
from typing import Any

import pytest

from modelyard.config.sections.evaluate import OwnMetric
from modelyard.core.errors import ConfigError
from modelyard.metrics.custom import functions
from modelyard.metrics.multiclass import OfClass, TopK
from modelyard.metrics.regression import Tweedie
from modelyard.metrics.templates import TEMPLATES

CLASSES = ("early", "late", "lost")


def opened(folder: Path, task: Any, **fields: Any) -> Any:
    classes = CLASSES if task == "multiclass" else ()
    named = {"mine": OwnMetric.model_validate(fields)}
    with functions.opened(named, {}, task=task, classes=classes, logs=folder) as found:
        return found["mine"]


def test_a_parameter_makes_a_metric(tmp_path: Path) -> None:
    first = opened(tmp_path, "multiclass", metric="top_k_accuracy", k=2)
    late = opened(tmp_path, "multiclass", metric="roc_auc", positive="late")
    claims = opened(tmp_path, "regression", metric="mean_tweedie_deviance", power=1.5)
    assert isinstance(first, TopK)
    assert isinstance(late, OfClass)
    assert isinstance(claims, Tweedie)
    assert (first.k, late.code, claims.power) == (2, 1, 1.5)
    assert {each.name for each in (first, late, claims)} == {"mine"}
    for name in ("average_precision", "recall", "precision", "f1"):
        assert opened(tmp_path, "multiclass", metric=name, positive="lost").code == 2


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        ({"metric": "top_k_accuracy", "k": 3}, "metric/k-of-all-classes", "of 3 classes every row's own is among"),
        ({"metric": "roc_auc", "positive": "lte"}, "metric/unknown-class", "unknown class 'lte'"),
        (
            {"metric": "roc_auc", "positive": "late", "k": 1},
            "config/metric-parameter",
            "takes positive and nothing else",
        ),
        ({"metric": "accuracy", "k": 1}, "config/metric-without-parameter", "'accuracy' takes no parameter"),
    ],
)
def test_a_parameter_that_makes_none_is_refused(tmp_path: Path, fields: Any, code: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        opened(tmp_path, "multiclass", **fields)
    assert caught.value.code == code


def test_every_template_shows_how_it_is_declared() -> None:
    for template in TEMPLATES:
        assert template.parameter in OwnMetric.model_fields
        assert template.hint.startswith(
            f"evaluate.metrics: {{my_name: {{metric: {template.name}, {template.parameter}: "
        )
