"""The published JSON Schema agrees with the loader, so that what an editor accepts is what a run accepts."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from modelyard.config.load import load
from modelyard.config.schema import ID, schema
from modelyard.core.documents import read
from modelyard.core.errors import ConfigError
from modelyard.core.sections import PATTERN_WORDS

GOOD = """\
model: {name: churn, task: binary}
data:
  sets: {all: data/*.csv}
  split: {of: all, by: stratified}
  columns: {target: churned}
train:
  candidates:
    - {estimator: sklearn.linear_model.LogisticRegression, params: {C: [0.1, 1]}}
evaluate:
  gates:
    - {metric: roc_auc, at_least: 0.8}
    - {metric: roc_auc, no_worse_than: champion, margin: 0.005}
mode: gate
"""
FULL = """\
model: {name: flights-late, task: binary, positive: true, metric: roc_auc}   # metric: the primary one
data:
  sets:    {all: data/*.parquet}                   # any names
  split:   {of: all, by: time, test: 3 months}
  columns: {target: late, id: flight_id, time: time_hour, unit: {every: day, zone: America/New_York}, drop: [arr_delay]}
validate:  {suites: {all: expectations/flights.json}}
train:
  candidates:
    - {estimator: sklearn.linear_model.LogisticRegression, params: {C: [0.1, 1, 10]}}
    - {estimator: sklearn.ensemble.HistGradientBoostingClassifier, params: {learning_rate: [0.05, 0.1]}}
  search: {method: grid, folds: 5}
evaluate:
  gates:
    - {metric: roc_auc, at_least: 0.80}
    - {metric: roc_auc, no_worse_than: champion, margin: 0.005}
    - {metric: recall, at_least: 0.50, by: [carrier]}
registry:  {kind: auto, alias: champion}
"""

SCHEMA = schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def _nodes(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, dict):
        return [node, *(found for value in node.values() for found in _nodes(value))]
    return [found for value in node for found in _nodes(value)] if isinstance(node, list) else []


def accepts(text: str) -> bool:
    return VALIDATOR.is_valid(json.loads(json.dumps(read(text, "modelyard.yml").data)))


def test_the_schema_is_a_schema_with_an_id() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == ID
    assert SCHEMA["title"] == "modelyard.yml"


@pytest.mark.parametrize("text", [FULL, GOOD], ids=["full", "small"])
def test_the_schema_accepts_what_the_loader_reads(text: str) -> None:
    assert accepts(text)


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        ("task:", "taks:"),
        ("train:", "trains:"),
        ("candidates:", "python_path: [src]\n  candidates:"),
        (", task: binary", ""),
        ("binary", "Binary"),
        ("churn,", "Churn Model,"),
        ("{all: d", "{'a b': d"),
        ("churned", "7"),
        ("0.8", "'0.8'"),
        ("0.005", "-1"),
        ("binary", "binary, threshold: 1"),
        ("champion", "champoin"),
        ("0.8}", "0.8, by: carrier}"),
        ("mode: gate", "monitor: {}"),
        ("mode: gate", "registry:"),
        ("stratified", "hash, column: c, test: soon"),
        ("churned", "churned, time: t, unit: {every: fortnight}"),
        ("candidates:", "entrypoint: train\n  candidates:"),
        ("candidates:", "timeout: 5 minutes\n  candidates:"),
        ("[0.1, 1]", "{a: 1}"),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(part: str, instead: str, tmp_path: Path) -> None:
    assert part in GOOD
    text = GOOD.replace(part, instead, 1)
    assert not accepts(text)
    (tmp_path / "modelyard.yml").write_text(text, "utf-8")
    with pytest.raises(ConfigError):
        load(tmp_path / "modelyard.yml", root=tmp_path)


def test_keys_are_written_as_in_yaml_and_every_one_is_described() -> None:
    names = {name for node in _nodes(SCHEMA) for name in node.get("properties", {})}
    assert {"validate", "python-path"} <= names
    assert not {"validate_", "python_path"} & names
    for section in [SCHEMA, *SCHEMA["$defs"].values()]:
        for name, field in section["properties"].items():
            said = field.get("description") or SCHEMA["$defs"][field["$ref"].rsplit("/", 1)[1]].get("description")
            assert said, f"{name} says nothing to an editor"
            assert "\n" not in said


def test_no_message_ever_shows_a_pattern_of_letters_and_brackets() -> None:
    used = {node["pattern"] for node in _nodes(SCHEMA) if isinstance(node.get("pattern"), str)}
    keys = {key for node in _nodes(SCHEMA) for key in node.get("patternProperties", {})}
    assert used | keys == set(PATTERN_WORDS)
