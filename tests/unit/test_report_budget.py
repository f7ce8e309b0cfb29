"""The comment's size: what is left out first, and that it says so."""

import pytest

from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope, Step
from modelyard.records.results import SliceRow
from modelyard.report.renderers.html import render_html
from modelyard.report.renderers.markdown import render_markdown
from tests.report_samples import envelope, gate, judged, recall_gate, run


def with_slices(number: int) -> dict[Step, Envelope]:
    first = recall_gate().slices[0]
    slices = tuple(
        SliceRow(column="store", value=f"store {index:05d}", challenger=first.challenger, verdict=first.verdict)
        for index in range(number)
    )
    records = run("promote")
    gates = (gate(), recall_gate().model_copy(update={"slices": slices}))
    records["evaluate"] = envelope("evaluate", judged().model_copy(update={"gates": gates}))
    return records


def test_ten_thousand_slices_stay_under_the_budget_and_are_named_as_left_out() -> None:
    records = with_slices(10_000)
    source = render_markdown(records)
    assert len(source.encode()) <= 60_000
    assert "<summary>Slices · 10,000 pass</summary>" in source
    assert "and 9,940 more rows in the report's page" in source
    assert "store 00059" in source
    assert "store 00060" not in source
    assert "<summary>Candidates" in source, "what fits stays"
    page = render_html(records)
    assert "store 09999" in page
    assert len(page) < 8_000_000


def test_what_fits_is_left_whole_and_nothing_is_said_to_be_missing() -> None:
    assert "Left out here" not in render_markdown(run("hold"))


@pytest.mark.parametrize("budget", [2_000, 2_500, 4_000, 6_000, 7_500])
def test_any_budget_is_kept_and_the_verdict_stays(budget: int) -> None:
    source = render_markdown(run("hold"), budget=budget)
    assert len(source.encode()) <= budget
    assert source.startswith("## ❌ Hold")
    assert "recall 0.7085 → 0.6872" in source
    assert ("Left out here" in source) == (source.count("<details>") < 7)


def test_sections_go_in_the_order_of_their_worth_and_whole() -> None:
    source = render_markdown(run("hold"), budget=6_000)
    assert "Left out here to stay within the size of a comment: " in source
    assert "Slices (3 cannot tell, 11 pass)" in source
    assert "carrier = HA" not in source
    assert "| ❌ | recall no worse than champion |" in source
    assert source.count("<details>") == source.count("</details>")


def test_too_many_gates_are_cut_worst_first_with_a_count() -> None:
    gates = [gate(margin=index / 10_000) for index in range(3_000)]
    gates[2_999] = gate(metric="the one that fails", verdict=Verdict.FAIL)
    records = run("promote")
    result = judged().model_copy(update={"gates": tuple(gates)})
    records["evaluate"] = envelope("evaluate", result, verdict=Verdict.FAIL)
    source = render_markdown(records)
    assert len(source.encode()) <= 60_000
    assert "the one that fails" in source
    assert "2,900 more rows in the report's page" in source


def test_a_budget_too_small_for_a_headline_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2,000 bytes"):
        render_markdown(run("hold"), budget=100)
