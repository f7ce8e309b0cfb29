"""Use cases on versions, called directly: no command line, typed results, codes of errors."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from modelyard.core.errors import ConfigError, DataError
from modelyard.records.results import Feature
from modelyard.registry.protocol import VersionRemoved
from modelyard.registry.retention import Policy
from modelyard.usecases.bill_of_materials import bill_of_materials
from modelyard.usecases.collect_garbage import collect, plan_collection
from modelyard.usecases.compare_versions import Comparison, compare
from modelyard.usecases.describe_version import describe
from modelyard.usecases.explain_gate import judged_in_run, judged_in_version
from modelyard.usecases.history import moves, served_on
from modelyard.usecases.plan_test_set import rows_needed, rows_to_pass
from modelyard.usecases.propose_configuration import propose_configuration
from modelyard.usecases.suggest_gates import suggest_gates
from tests.integration.test_registry_pages import three_versions
from tests.registry_samples import NOON, adopted


def test_a_version_is_described_by_what_it_carries(tmp_path: Path) -> None:
    where, (one, _, _) = three_versions(tmp_path)
    facts = describe(where, "champion")
    assert (facts.name, facts.aliases, facts.removed, facts.broken) == ("v1", ("champion",), None, ())
    assert facts.parameters == {
        "candidate": "LogisticRegression",
        "C": 1,
        "penalty": "l2",
        "how": "candidates",
        "seed": 0,
    }
    assert facts.packages == {"numpy": "2.1.0", "scikit-learn": "1.9.0"}
    assert [entry.kind for entry in facts.about] == ["promoted", "rolled-back"]
    assert facts.version.digest == one.digest


def test_of_a_removed_version_manifest_and_history_are_known(tmp_path: Path) -> None:
    where, _ = three_versions(tmp_path)
    where.remove("v2", actor="hubot", reason="too old")
    facts = describe(where, "v2")
    assert facts.removed is not None
    assert (facts.removed.actor, facts.records, facts.metrics) == ("hubot", {}, ())
    with pytest.raises(VersionRemoved):
        bill_of_materials(where, "v2")


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ("int64", "float64", {"x": ("numeric (int64)", "numeric (float64)")}),
        ("int64", "int64", {}),
        ("", "int64", {}),
    ],
    ids=["other type", "same type", "not recorded then"],
)
def test_types_of_features_are_compared_where_both_record_them(was: str, now: str, told: dict[str, Any]) -> None:
    def facts(of: str) -> Any:
        signature = SimpleNamespace(features=(Feature(name="x", kind="numeric", type=of),))
        return SimpleNamespace(version=SimpleNamespace(manifest=SimpleNamespace(signature=signature)))

    assert Comparison(facts(was), facts(now)).features == told


def test_two_versions_are_compared(tmp_path: Path) -> None:
    where, _ = three_versions(tmp_path)
    compared = compare(where, "v1", "v2", tmp_path)
    assert compared.parameters == {"C": (1, 2)}
    assert compared.packages == {"python": ("3.11.1", "3.11.2"), "numpy": ("2.1.0", "2.2.0")}
    assert compared.features == {}
    assert compared.same_test_rows
    assert compared.paired["roc_auc"].estimate.value == pytest.approx(0.0119)
    assert compare(where, "v1", "v3", tmp_path).paired == {}


def test_what_served_is_known_with_the_move_that_ended_it(tmp_path: Path) -> None:
    where, _ = three_versions(tmp_path)
    where.remove("v2", actor="hubot", reason="too old")
    service = served_on(where, "champion", "2026-05-05", NOON + timedelta(days=30))
    assert (service.entry.to, service.next and service.next.to) == ("v2", "v1")
    assert "hubot" in service.removed
    assert [entry.to for entry in moves(where, "champion", newest=1)] == ["v1"]
    assert [entry.kind for entry in moves(where, None)] == ["promoted", "promoted", "rolled-back", "removed"]
    assert [entry.kind for entry in moves(where, None, newest=2)] == ["rolled-back", "removed"]


def test_garbage_is_planned_first_and_collected_on_demand(tmp_path: Path) -> None:
    where, _ = three_versions(tmp_path)
    planned = plan_collection(where, Policy(versions=1, days=1), datetime(2027, 1, 1, tzinfo=UTC), {})
    assert (planned.applied, [each.version.name for each in planned.plan.remove]) == (False, ["v3"])
    assert [version.name for version in where.list()] == ["v1", "v2", "v3"]
    done = collect(where, planned, actor="octocat", command="gc")
    assert (done.applied, dict(done.spared)) == (True, {})
    assert [version.name for version in where.list()] == ["v1", "v2"]


@pytest.mark.parametrize("named", ["g2", "2", "roc_auc no worse"])
def test_a_gate_is_found_by_id_number_or_first_words(tmp_path: Path, named: str) -> None:
    where, _ = three_versions(tmp_path)
    assert judged_in_version(where, "v2").gate(named).id == "g2"


@pytest.mark.parametrize(("named", "code"), [("g9", "command/unknown-gate"), ("roc_auc", "command/ambiguous-gate")])
def test_a_gate_that_is_not_there_has_a_code(tmp_path: Path, named: str, code: str) -> None:
    where, _ = three_versions(tmp_path)
    with pytest.raises(ConfigError) as caught:
        judged_in_version(where, "v2").gate(named)
    assert caught.value.code == code


def test_without_an_evaluation_nothing_is_explained(tmp_path: Path) -> None:
    where, _ = three_versions(tmp_path)
    version = where.publish(adopted(tmp_path / "old"))
    with pytest.raises(DataError) as caught:
        judged_in_run(tmp_path / "none.json")
    assert caught.value.code == "record/no-evaluation"
    with pytest.raises(DataError) as caught:
        judged_in_version(where, version.name)
    assert caught.value.code == "record/no-evaluation"


def test_a_bill_of_materials_names_the_model(tmp_path: Path) -> None:
    where, _ = three_versions(tmp_path)
    assert bill_of_materials(where, "v2")["metadata"]["component"]["version"] == "v2"


def test_without_a_training_no_gate_is_suggested() -> None:
    with pytest.raises(DataError) as caught:
        suggest_gates(None)
    assert caught.value.code == "record/no-folds"


def test_a_test_set_is_planned() -> None:
    assert rows_needed("n > 0.8 +/- 0.05", reliability=0.99, steps=1, adaptivity="none") > 900
    assert rows_to_pass(0.02, 0.05) < rows_to_pass(0.01, 0.05)
    with pytest.raises(ConfigError) as caught:
        rows_to_pass(0, 0.05)
    assert caught.value.code == "command/bad-value"


def test_a_configuration_is_proposed_once(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("size,late\n" + "".join(f"{at},{at % 2}\n" for at in range(60)), "utf-8")
    path = tmp_path / "modelyard.yml"
    propose_configuration(path)
    assert "late" in path.read_text("utf-8")
    with pytest.raises(ConfigError) as caught:
        propose_configuration(path)
    assert caught.value.code == "config/exists"
