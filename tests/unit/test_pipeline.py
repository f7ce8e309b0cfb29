"""Which stages run, which are kept, which are skipped, and why."""

from typing import Any

import pytest

from modelyard.core.verdict import Verdict, worst
from modelyard.github.event import Trigger
from modelyard.records.envelope import Circumstances, Envelope, Record, Step
from modelyard.steps import catalogue
from modelyard.steps.catalogue import STEPS
from modelyard.steps.definition import StepDefinition
from modelyard.steps.pipeline import Decision, decide, stages, walk

NOW = "sha256:" + "1" * 64
BEFORE = "sha256:" + "2" * 64


def known(verdict: Verdict, inputs: str = NOW) -> Envelope:
    return Envelope.seal(
        Record(
            step="train", model="m", verdict=verdict, tool_version="0", inputs_digest=inputs, config_digest=NOW,
            circumstances=Circumstances(started="", seconds=0),
        )
    )  # fmt: skip


def called_for(trigger: Trigger, *, promote: bool, validates: bool) -> list[Step]:
    asked, sections = {"promote"} if promote else set(), {"validate"} if validates else set()
    return [step.name for step in stages(catalogue.stages(), trigger, asked=asked, sections=sections)]


@pytest.mark.parametrize(
    ("promote", "validates", "expected"),
    [
        (False, False, ["detect", "train", "evaluate", "report"]),
        (False, True, ["detect", "validate", "train", "evaluate", "report"]),
        (True, True, ["detect", "validate", "train", "evaluate", "report", "promote"]),
    ],
)
def test_the_stages_of_a_desk(promote: bool, validates: bool, expected: list[Step]) -> None:
    assert called_for("desk", promote=promote, validates=validates) == expected


@pytest.mark.parametrize(
    ("trigger", "promote", "expected"),
    [
        ("pull-request", True, "detect validate train evaluate report"),
        ("merge-group", True, "detect validate train evaluate report"),
        ("default-branch", True, "detect validate train evaluate report promote"),
        ("default-branch", False, "detect validate train evaluate report"),
        ("elsewhere", True, "detect validate train evaluate report"),
        ("workflow-run", True, ""),
    ],
)
def test_the_stages_of_an_event(trigger: Trigger, promote: bool, expected: str) -> None:
    assert " ".join(called_for(trigger, promote=promote, validates=True)) == expected


CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"known": None}, "run", "no record of it"),
    ({"known": known(Verdict.PASS)}, "keep", "nothing that it reads changed"),
    ({"known": known(Verdict.FAIL)}, "keep", "nothing that it reads changed"),
    ({"known": known(Verdict.ERROR)}, "run", "ended with an error"),
    ({"known": known(Verdict.PASS, BEFORE)}, "run", "what it reads changed"),
    ({"known": known(Verdict.PASS), "intact": False}, "run", "gone or changed"),
    ({"known": known(Verdict.PASS), "halted_by": "validate"}, "skip", "validate did not pass"),
    ({"known": known(Verdict.PASS), "unchanged": "v3"}, "skip", "since v3 of what it depends on; other files differ"),
    (
        {"known": known(Verdict.PASS), "unchanged": "v3", "same_tree": True},
        "skip",
        "since v3, which was made from exactly this",
    ),
]


@pytest.mark.parametrize(("given", "action", "why"), CASES)
def test_a_stage_is_run_kept_or_skipped_for_a_reason(given: dict[str, Any], action: str, why: str) -> None:
    found = decide(STEPS.get("train"), **{"inputs_digest": NOW, "intact": True, **given})
    assert found.action == action
    assert why in found.why


def test_after_anything_but_pass_only_report_runs() -> None:
    verdicts = {"detect": Verdict.PASS, "validate": Verdict.FAIL, "report": Verdict.PASS}

    def consider(step: StepDefinition, halted_by: str) -> Decision:
        return decide(step, known=None, inputs_digest=NOW, intact=True, halted_by=halted_by)

    def act(step: StepDefinition, decision: Decision) -> Verdict | None:
        return verdicts[step.name] if decision.action == "run" else None

    found = {decision.step: decision.action for decision, _ in walk(catalogue.stages(), consider, act)}
    assert found == {
        "detect": "run", "validate": "run", "train": "skip", "evaluate": "skip", "report": "run", "promote": "skip",
    }  # fmt: skip


def test_the_worst_verdict_decides_and_nothing_is_never_a_pass() -> None:
    assert worst([Verdict.PASS, Verdict.INCONCLUSIVE]) is Verdict.INCONCLUSIVE
    assert worst([Verdict.INCONCLUSIVE, Verdict.FAIL]) is Verdict.FAIL
    assert worst([Verdict.FAIL, Verdict.ERROR]) is Verdict.ERROR
    assert worst([Verdict.PASS, Verdict.NOT_APPLICABLE]) is Verdict.PASS
    assert worst([Verdict.NOT_APPLICABLE]) is Verdict.ERROR
    assert worst([]) is Verdict.ERROR
