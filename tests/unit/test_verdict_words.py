"""A verdict in words: why there is no interval, and the bound that would just have passed."""

from typing import Any

import numpy as np
import pytest

from modelyard.cli import annotations, output
from modelyard.cli.views.gate import after_the_fact
from modelyard.config.sections.gate import Gate
from modelyard.core.reasons import because
from modelyard.core.verdict import Verdict
from modelyard.evaluation.gates import rules
from modelyard.evaluation.gates.judge import judge
from modelyard.evaluation.test_set import Groups, TestSet
from modelyard.metrics.predictions import Predictions
from modelyard.records.envelope import Envelope
from modelyard.records.results import CheckResult, Estimate, EvaluateResult, GateResult, MetricRow, Reuse, Waived
from modelyard.report import wording
from modelyard.report.renderers.markdown import render_markdown
from modelyard.steps.presenter import Places
from tests.registry_samples import record

N = 900
EXPIRED = because("waiver-expired", owner="o", expires="2026-01-01")
Y = np.random.default_rng(1).normal(size=N) * 20_000
MODEL = Predictions(value=Y + 7_000 * np.random.default_rng(2).normal(size=N))
SHOP = Groups.of(np.arange(N) % 3)


def judged(unit: Any = None, **fields: Any) -> GateResult:
    found = rules.from_config((Gate(**fields),), "regression", lambda _: 1, "m.yml")
    truth = TestSet(Y, unit, "row" if unit is None else "day", False, None, seed=1, confidence=0.95)
    return judge(found[0], truth, {"challenger": MODEL}, {"shop": SHOP})


@pytest.mark.parametrize(
    ("operator", "written"), [("at_most", 5_000.0), ("between", (1.0, 5_000.0))], ids=["at_most", "between"]
)
def test_the_bound_that_would_just_have_passed_does_pass(operator: str, written: Any) -> None:
    said = after_the_fact(judged(metric="mean_absolute_error", **{operator: written}))
    text = said.removeprefix(operator).partition(" would")[0].strip(" []")
    numbers = [float(each) for each in text.split(", ")]
    again = judged(metric="mean_absolute_error", **{operator: numbers if operator == "between" else numbers[0]})
    assert again.verdict is Verdict.PASS
    tighter = [numbers[0] * 1.002, numbers[1] / 1.002] if operator == "between" else numbers[0] / 1.002
    assert judged(metric="mean_absolute_error", **{operator: tighter}).verdict is Verdict.INCONCLUSIVE


def test_where_slices_decided_no_bound_would_have_passed() -> None:
    found = judged(metric="mean_absolute_error", at_most=5_950.0, by=["shop"], slice_drop=1.0)
    assert (found.on_all_rows, found.verdict) == (Verdict.PASS, Verdict.INCONCLUSIVE)
    assert after_the_fact(found) == ""


def test_a_refused_interval_is_explained() -> None:
    found = judged(np.arange(N) % 29, metric="mean_absolute_error", at_most=6_000.0)
    assert wording.explanation(found, None).endswith(
        " There is no interval: 29 days; at least 30 are needed; data.columns.unit says what is independent."
    )


def test_waived_gates_and_checks_that_gate_are_told_at_the_desk_and_in_annotations() -> None:
    gates = (
        judged(metric="r2", at_least=0.99).model_copy(
            update={"waived": Waived(until="2027-01-01", owner="o", reason="r")}
        ),
    )
    checks = (
        CheckResult(name="waiver", subject="r2-at-least", gate=True, verdict=Verdict.FAIL, finding=EXPIRED),
        CheckResult(name="calibration", gate=False, verdict=Verdict.FAIL, finding=because("calibration-absent")),
    )
    result = EvaluateResult(test_rows=N, test_units=N, unit="row", gates=gates, checks=checks)
    sealed = Envelope.seal(record("evaluate", result, [], verdict=Verdict.FAIL))
    lines = output.step_lines(sealed).splitlines()[1:]
    assert lines[0].startswith("  fail, waived  r2 at least 0.99")
    assert lines[1:] == ["  fail          waiver: r2-at-least  the waiver of o expired on 2026-01-01"]
    told = annotations.of_record(sealed, Places(), red=True)
    assert [(one.level, one.title) for one in told] == [
        ("warning", "r2 at least 0.99: fail"),
        ("error", "waiver: r2-at-least: fail"),
    ]


@pytest.mark.parametrize(("looks", "at_least", "worn"), [(19, False, False), (20, True, True)])
def test_a_worn_test_set_and_rows_lost_in_the_join_are_told(looks: int, at_least: bool, worn: bool) -> None:
    result = EvaluateResult(
        test_rows=N, test_units=N, unit="row", confidence=0.9, gates=(judged(metric="r2", at_least=0.5),),
        metrics=(MetricRow(metric="r2", higher_is_better=True, challenger=Estimate(value=0.9)),),
        unmatched={"challenger": 3, "champion": 1}, labels_from="2026-01-01", labels_to="2026-03-31",
        reuse=Reuse(evaluations=looks, at_least=at_least, chance=1 - 0.975**looks),
    )  # fmt: skip
    text = render_markdown({"evaluate": Envelope.seal(record("evaluate", result, []))})
    assert f"{'At least the ' if at_least else ''}{looks}th decision on this test set." in text
    assert f"Chance of a false pass so far: {1 - 0.975**looks:.0%}." in text
    assert ("Bring fresh rows." in text) == worn
    assert "Rows without a prediction, left out: challenger 3, champion 1." in text
    assert "Test labels from 2026-01-01 to 2026-03-31." in text
    assert "In brackets the 90% confidence interval" in text


@pytest.mark.parametrize(
    ("low", "value", "high", "said"),
    [
        (
            -0.02,
            -0.01,
            -0.002,
            "v7 is 0.0100 worse in log_loss than v3, the best that was promoted; between 0.0200 worse",
        ),
        (-0.02, -0.01, -0.002, "and 0.0020 worse, beyond chance. The challenger is 0.0040 better than v3."),
        (-0.02, -0.01, 0.003, "and 0.0030 better, which may be chance."),
        (None, 0.01, None, "v7 is 0.0100 better in log_loss than v3, the best that was promoted. The challenger"),
    ],
)
def test_how_far_the_alias_has_walked_is_told(low: float | None, value: float, high: float | None, said: str) -> None:
    row = MetricRow(metric="log_loss", higher_is_better=False, challenger=Estimate(value=0.3))
    result = EvaluateResult(
        test_rows=100, test_units=100, unit="row", champion="v7", best="v3", metrics=(row,),
        walked=Estimate(value=value, low=low, high=high), over_best=Estimate(value=0.004),
    )  # fmt: skip
    assert said in wording.walked(result)
    downhill = high is not None and high < 0
    assert list(wording.notes(result)) == ([wording.walked(result)] if downhill else [])
    assert wording.walked(result.model_copy(update={"walked": None})) == ""
