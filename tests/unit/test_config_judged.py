"""Which way a proposal moves a rule: what lets more through is called loosened, what picks test rows is called so."""

from typing import Any

import pytest

from modelyard.config.configuration import Config
from modelyard.policy.change import changes

GATE = {"metric": "accuracy", "no_worse_than": "champion", "margin": "5 %", "by": ["shop", {"shop": "north"}]}
PLAIN: dict[str, Any] = {
    "model": {"name": "m", "task": "binary"},
    "data": {"sets": {"all": "a.csv"}, "split": {"of": "all", "by": "stratified"}, "columns": {"target": "y"}},
    "train": {"command": "a {model_dir}"},
    "evaluate": {"gates": [GATE], "predict": {"command": "b"}},
}


def changed(**gate: Any) -> dict[str, Any]:
    return {**PLAIN, "evaluate": {**PLAIN["evaluate"], "gates": [{**GATE, **gate}]}}


def data(**own: Any) -> dict[str, Any]:
    return {**PLAIN, "data": {**PLAIN["data"], **own}}


@pytest.mark.parametrize(
    ("own", "rule", "kind"),
    [
        (changed(margin="2 %"), "evaluate.gates[0].margin", "tightened"),
        (changed(margin="6 %"), "evaluate.gates[0].margin", "loosened"),
        (changed(margin="5 % of gain"), "evaluate.gates[0].margin", "loosened"),
        (changed(margin=0.01), "evaluate.gates[0].margin", "loosened"),
        (changed(by=["shop"]), "evaluate.gates[0].by", "loosened"),
        (changed(by=["shop", {"shop": ["north", "south"]}]), "evaluate.gates[0].by", "loosened"),
        (changed(by=["shop", {"shop": "north"}, {"shop": "south"}]), "evaluate.gates[0].by", "tightened"),
        (data(sets={"all": "b.csv"}), "data.sets.all", "test rows"),
        (data(split={"of": "all", "by": "stratified", "test": 0.1}), "data.split.test", "test rows"),
        (data(missing_target="drop"), "data.missing_target", "test rows"),
    ],
)
def test_a_change_is_called_what_it_does(own: dict[str, Any], rule: str, kind: str) -> None:
    found = changes(Config.model_validate(PLAIN), Config.model_validate(own), {})
    assert [(change.rule, change.kind) for change in found] == [(rule, kind)]
