"""The report's files for other tools: JUnit, SARIF 2.1.0, and the badge."""

import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from modelyard.core.verdict import Verdict
from modelyard.report.cases import Case, cases
from modelyard.report.places import Places
from modelyard.report.renderers.badge import render_badge
from modelyard.report.renderers.junit import render_junit
from modelyard.report.renderers.sarif import render_sarif
from tests.report_samples import Story, run

PLACES = Places("modelyard.yml", {"all": "expectations/flights.json"})


def junit(story: Story) -> dict[str, int]:
    """How many cases of a story's file ended how."""
    root = ET.fromstring(render_junit(cases(run(story), PLACES), model="flights-late"))  # noqa: S314 - our own
    assert root.tag == "testsuites"
    for suite in root:
        assert int(suite.attrib["tests"]) == len(suite)
        for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.attrib[kind]) == len(suite.findall(f"testcase/{tag}"))
    return {tag: len(root.findall(f"testsuite/testcase/{tag}")) for tag in ("failure", "error", "skipped")}


def sarif(story: Story) -> list[dict[str, Any]]:
    document = json.loads(render_sarif(cases(run(story), PLACES), model="flights-late", version="0.1.0"))
    assert document["version"] == "2.1.0"
    (only,) = document["runs"]
    rules = [rule["id"] for rule in only["tool"]["driver"]["rules"]]
    for result in only["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["message"]["text"]
    results: list[dict[str, Any]] = only["results"]
    return results


def test_a_promotion_has_cases_and_no_finding() -> None:
    assert junit("promote") == {"failure": 0, "error": 0, "skipped": 0}
    assert sarif("promote") == []
    assert len(cases(run("promote"), PLACES)) > 3


@pytest.mark.parametrize(
    ("story", "level", "kind"), [("hold", "error", "failure"), ("cannot-tell", "warning", "failure")]
)
def test_a_gate_that_did_not_pass_is_a_failure_at_the_line_of_its_rule(story: Story, level: str, kind: str) -> None:
    assert junit(story)[kind] >= 1
    found = sarif(story)
    assert level in {result["level"] for result in found}
    for result in found:
        for location in result.get("locations", ()):
            assert location["physicalLocation"]["artifactLocation"]["uri"] == "modelyard.yml"
            assert location["physicalLocation"]["region"]["startLine"] >= 1


def test_a_failed_expectation_points_into_its_suite_and_an_error_has_its_words() -> None:
    assert junit("failed-data")["failure"] >= 1
    assert any(result["ruleId"].startswith("expectation/") for result in sarif("failed-data"))
    assert junit("error")["error"] >= 1
    assert any(result["ruleId"].startswith("step/") for result in sarif("error"))


def test_lines_of_the_bases_rules_are_not_pointed_at() -> None:
    document = json.loads(render_sarif(cases(run("hold"), Places()), model="m", version="0"))
    assert all("locations" not in result for result in document["runs"][0]["results"])


def test_what_is_waived_or_may_stay_open_is_skipped_and_a_note() -> None:
    waived = Case("gate", "evaluate", "roc_auc", "gate/roc_auc", Verdict.FAIL, "too low", held_back=False)
    assert "<skipped" in render_junit([waived], model="m")
    assert json.loads(render_sarif([waived], model="m", version="0"))["runs"][0]["results"][0]["level"] == "note"


def test_hostile_names_stay_text_in_each_file() -> None:
    name = "a]]><failure/>\x1b[31m\ufffe\u202e\n::error::x"
    case = Case("gate", name, name, f"gate/{name}", Verdict.FAIL, name, file="a b/../<x>.yml", line=3)
    root = ET.fromstring(render_junit([case], model=name))  # noqa: S314 - our own
    assert len(root.findall("testsuite/testcase")) == 1
    assert "\ufffe" not in render_junit([case], model=name), "XML has no such character"
    text = render_sarif([case], model=name, version="0")
    assert json.loads(text)["runs"][0]["results"][0]["locations"]
    for shown in (text, render_junit([case], model=name)):
        assert not {"\x1b", "\u202e"} & set(shown)
        assert "\n::error" not in shown


@pytest.mark.parametrize(
    ("story", "colour", "words"),
    [
        ("promote", "brightgreen", "promote · roc_auc"),
        ("hold", "red", "hold · roc_auc"),
        ("cannot-tell", "yellow", "cannot tell yet · roc_auc"),
        ("error", "lightgrey", "could not judge"),
    ],
)
def test_a_badge_says_verdict_metric_and_champion(story: Story, colour: str, words: str) -> None:
    badge = json.loads(render_badge(run(story), model="flights-late", metric="roc_auc"))
    assert (badge["schemaVersion"], badge["label"], badge["color"]) == (1, "flights-late", colour)
    assert badge["message"].startswith(words)
    assert badge["isError"] is (story == "error")
