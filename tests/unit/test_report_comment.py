"""The comment: what a reviewer sees first, what changed, earlier pushes, several models, and less and less of it."""

from typing import Any

import pytest

from modelyard.core.reasons import because
from modelyard.core.verdict import Verdict
from modelyard.github.comments import Push, memory, pushes_of, remembered
from modelyard.records.envelope import Envelope, Step
from modelyard.records.results import DetectResult, Estimate, PastVersion, Problem, SliceRow
from modelyard.records.results.diagnostics import ClassRow, ConfusedPair, Diagnostics, ErrorBin, Errors
from modelyard.report import escape, numbers
from modelyard.report.compose import About
from modelyard.report.renderers.markdown import render_markdown, render_merged, render_unjudged
from tests.report_samples import COMMIT, envelope, estimate, gate, judged, run
from tests.unit.test_report_hostile import ATTACKS, assert_only_ours

PAGES = "https://github.com/acme/flights"
ABOUT = About(
    report=f"{PAGES}/actions/runs/7001/artifacts/12",
    run=f"{PAGES}/actions/runs/7001",
    run_id="7001",
    commit=COMMIT,
    commit_page=f"{PAGES}/commit/{COMMIT}",
)


def comment(records: dict[Step, Envelope], **about: Any) -> str:
    return render_markdown(records, about=About(**{**ABOUT.__dict__, **about}))


def with_gates(*gates: Any, verdict: Verdict = Verdict.FAIL, **fields: Any) -> dict[Step, Envelope]:
    records = run("promote")
    result = judged().model_copy(update={"gates": gates, **fields})
    records["evaluate"] = envelope("evaluate", result, verdict=verdict)
    return records


def sliced(verdict: Verdict = Verdict.FAIL) -> Any:
    """An accuracy that is better on average, and worse for one carrier."""
    worse = SliceRow(
        column="carrier", value="FL", verdict=Verdict.FAIL, challenger=estimate(0.61), reference=estimate(0.84),
        difference=estimate(-0.2321, -0.2734, -0.1908, rows=866),
    )  # fmt: skip
    few = SliceRow(
        column="carrier", value="OO", verdict=Verdict.INCONCLUSIVE, challenger=estimate(0.8), rows_needed=475,
        difference=estimate(0.01, -0.2, 0.22, n=61, rows=29),
    )  # fmt: skip
    fine = few.model_copy(update={"value": "UA", "verdict": Verdict.PASS, "rows_needed": None})
    return gate(
        id="accuracy-no-worse", metric="accuracy", margin=0.01, effect="error", verdict=verdict,
        on_all_rows=Verdict.PASS, estimate=estimate(0.0264, 0.0182, 0.0345), challenger=estimate(0.8901),
        reference_level=estimate(0.8637), slices=(worse, few, fine),
    )  # fmt: skip


def test_a_promotion_leads_with_before_and_after_and_links_the_report_in_the_second_line() -> None:
    lines = comment(run("promote")).splitlines()
    assert lines[0] == "## ✅ Promote · `flights-late`"
    assert lines[2] == (
        "**roc_auc 0.9025 → 0.9144** (+0.0119, 95% CI +0.0062 to +0.0173): 12 fewer wrong rankings per 1,000 pairs. "
        "3 of 3 gates passed on 84,059 rows of 92 days."
    )
    assert lines[4] == (
        f"**[Open the report]({PAGES}/actions/runs/7001/artifacts/12)** · [run 7001]({PAGES}/actions/runs/7001) · "
        f"[`3f2a9c4`]({PAGES}/commit/{COMMIT}) against champion v7 · changed: features 9 → 8; configuration, 3 keys; "
        "data, 2 files added, 1 file modified; 1 package"
    )


def test_a_hold_by_a_slice_leads_with_the_slice_and_shows_its_number_in_the_row() -> None:
    source = comment(with_gates(sliced(), gate()))
    lines = source.splitlines()
    assert lines[2] == (
        "**Worse for** `carrier = FL`: **accuracy −0.2321** (95% CI −0.2734 to −0.1908; allowed −0.01), beyond chance "
        "among 3 slices. On average it is better (+0.0264), so the total hides it. 1 of 2 gates passed, 1 failed, "
        "judged on 84,059 rows of 92 days."
    )
    row = next(line for line in lines if line.startswith("| ❌"))
    assert row.startswith("| ❌ | accuracy no worse than champion, every carrier | `FL` **−0.2321** [−0.2734, −0.1908]")
    assert row.endswith("all rows +0.0264 | above −0.01 |")
    assert "⏳ 1 of 3 slices by `carrier` has too few rows to judge accuracy: `OO`." in source
    assert "`modelyard why accuracy-no-worse`" in source
    assert "a waiver for `carrier = FL` with owner, reason and date lets it pass." in source
    assert "**Changed since v7:** features 9 → 8 (gone: `tailnum`); `data.columns.drop`, new: `tailnum`" in source
    assert "| ⏳ | `carrier = OO` |" in source
    assert "29 of about 475 needed<br>61 days" in source


def test_nothing_names_what_is_not_there() -> None:
    source = render_markdown(run("hold"))
    for absent in ("Open the report", "report.html", "artifact", "](", "● challenger"):
        assert absent not in source


def test_numbers_and_names_read_well_as_plain_text() -> None:
    source = comment(with_gates(sliced(), gate()))
    for escaped in ("\\_", "\\[", "&gt;", " %"):
        assert escaped not in source, escaped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("roc_auc +0.0059 [+0.0039, +0.0079].", "roc_auc +0.0059 [+0.0039, +0.0079]."),
        ("[1, 2](x)", "\\[1, 2\\](x)"),
        ("[1, 2]: x", "\\[1, 2\\]: x"),
        ("[1, 2][3, 4]", "\\[1, 2\\][3, 4]"),
        ("[x, 2] [1]", "\\[x, 2\\] \\[1\\]"),
        ("_a_b_ __x__", "\\_a_b\\_ \\_\\_x\\_\\_"),
    ],
)
def test_only_what_makes_no_markup_is_left_as_it_is(text: str, shown: str) -> None:
    assert escape.plain(text) == shown


def test_an_interval_and_the_piece_behind_it_make_no_link() -> None:
    assert escape.apart("[1, 2]", "(x)") == f"{escape.ZERO_WIDTH}(x)"
    assert escape.apart("[1, 2]", " (x)") == " (x)"


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "https://a.example/x)y", "https://a.example/ x", "https://a.example/<b>", "//a.example",
     "https://user@evil.example/", "https://a.example/\n", "data:text/html,x", "https://a.example/`"],
)  # fmt: skip
def test_an_address_that_could_be_read_otherwise_is_no_link(url: str) -> None:
    source = comment(run("promote"), report=url)
    assert url not in source
    assert "Open the report" in source


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_names_in_what_changed_stay_text(attack: str) -> None:
    records = run("hold")
    detected = records["detect"].record.read(DetectResult)
    assert detected.made_from is not None
    keys = tuple(each.model_copy(update={"key": attack, "old": attack, "new": attack}) for each in detected.keys)
    made_from = detected.made_from.model_copy(update={"features": (attack,), "candidate": attack})
    found = detected.model_copy(update={"keys": keys, "packages": keys, "made_from": made_from})
    assert_only_ours(render_markdown({**records, "detect": envelope("detect", found)}))


def test_several_classes_and_a_regression_show_where_they_err() -> None:
    classes = Diagnostics(
        by_class=(
            ClassRow(name="FL", support=866, recall=estimate(0.6), champion=estimate(0.8), precision=None,
                     difference=estimate(-0.2, -0.3, -0.1)),
            ClassRow(name="UA", support=900, recall=estimate(0.9), champion=estimate(0.85),
                     difference=estimate(0.05, -0.01, 0.11)),
        ),
        confused=(ConfusedPair(actual="FL", predicted="UA", rows=120, before=31),),
    )  # fmt: skip
    source = comment(with_gates(gate(), verdict=Verdict.PASS, diagnostics=classes))
    assert "<summary>Classes · 2 classes, 1 worse than before</summary>" in source
    assert "| ❌ | `FL` | 866 | 0.8000 → 0.6000 | **−0.2000** [−0.3000, −0.1000] |" in source
    assert "| `FL` | `UA` | 31 → 120 | **+89** |" in source
    errors = Errors(
        bias=estimate(0.31, 0.1, 0.52), champion_bias=estimate(0.9),
        by_actual=(ErrorBin(low=-20, high=3, rows=900, bias=4.2, spread=3, error=6.25, champion_error=6.5),),
    )  # fmt: skip
    source = comment(with_gates(gate(), verdict=Verdict.PASS, diagnostics=Diagnostics(errors=errors)))
    assert "| −20 to 3 | 900 | 6.500 → 6.250 | +4.200 |" in source
    assert "Bias over all rows: +0.3100 [+0.1000, +0.5200]; the champion's: +0.9000." in source


def test_a_fault_of_the_data_shows_expectation_column_rows_and_line_and_nothing_else() -> None:
    source = comment(run("failed-data"))
    assert "| ❌ | `dep_delay` | never missing, mostly 98% | 8,255 of 251,727 rows missing (3.3%) |" in source
    assert "`expectations/flights.json:41`" in source
    assert "<details>" not in source


def test_a_refused_interval_is_told_in_the_units_that_the_configuration_names() -> None:
    refused = Estimate(value=12.01, n=18, unit="day", refused=because("too-few-units", units=18, fewest=30))
    level = gate(verdict=Verdict.INCONCLUSIVE, operator="at_most", bound=20.0, margin=None, estimate=refused)
    source = comment(with_gates(level, verdict=Verdict.INCONCLUSIVE))
    assert "18 days; at least 30 are needed; data.columns.unit says what is independent" in source
    assert "12.01" in source
    assert "`│" not in source.partition("<details>")[0], "no strip without an interval"


def test_the_last_versions_are_a_table_and_a_chart_where_there_are_enough() -> None:
    records = run("promote")
    detected = records["detect"].record.read(DetectResult)
    past = [PastVersion(version=f"v{at}", created="2026-03-01T00:00:00+00:00", metrics={"roc_auc": 0.88 + at / 100})
            for at in (1, 2, 3)]  # fmt: skip

    def shown(count: int) -> str:
        found = detected.model_copy(update={"lineage": tuple(past[:count])})
        return comment({**records, "detect": envelope("detect", found)})

    assert "Trend" not in shown(1)
    assert "<summary>Trend · v1 0.8900 → this change 0.9144</summary>" in shown(2)
    assert "mermaid" not in shown(2)
    assert "```mermaid\nxychart-beta\n" in shown(3)
    assert "| v3 | 2026-03-01 | 0.9100 |" in shown(3)


def test_the_first_error_alone_is_shown_with_what_to_do_in_code() -> None:
    records = run("error")
    first = records["train"].record
    assert first.problem is not None
    told = first.problem.model_copy(update={"hint": "Mend what `modelyard detect` reports."})
    train = Envelope.seal(first.model_copy(update={"problem": told}))
    later = Problem(message="train ended with error, so nothing can be built on it", exit_code=3)
    evaluate = envelope("evaluate", None, verdict=Verdict.ERROR, problem=later, builds_on=[train])
    source = comment({**records, "train": train, "evaluate": evaluate})
    assert "**What to do:** Mend what `modelyard detect` reports." in source
    assert "nothing can be built on it" not in source


# earlier pushes


def test_earlier_heads_are_remembered_with_their_verdicts() -> None:
    pushes = ((Verdict.FAIL, "a" * 12), (Verdict.INCONCLUSIVE, "b" * 12))
    source = comment(run("promote"), pushes=pushes)
    assert source.rstrip().endswith(
        "· updated 2 times: Hold `aaaaaaa` → Cannot tell yet `bbbbbbb` → **Promote** `3f2a9c4`</sub>"
    )


def test_what_a_comment_remembers_is_read_as_hostile() -> None:
    line = memory([Push(Verdict.FAIL, "a" * 12)], Verdict.PASS, "b" * 40)
    body = f"<!-- marker -->\n{line}\n## x"
    assert pushes_of(body) == (Push(Verdict.FAIL, "a" * 12), Push(Verdict.PASS, "b" * 12))
    assert remembered(body, "b" * 40) == (Push(Verdict.FAIL, "a" * 12),)
    for broken in (
        line.replace("fail", "evil"), line.replace("aaaa", "<b>a"), line.replace(" -->", " x -->"),
        line.replace("v1", "v2"), line.replace("fail:", "fail:@octocat "), "", line * 20,
    ):  # fmt: skip
        assert pushes_of(f"<!-- marker -->\n{broken}\n## x") == (), broken
    assert pushes_of(f"<!-- marker -->\n## x\n{line}") == (), "its place is the second line"


def test_a_long_memory_is_cut() -> None:
    line = memory([Push(Verdict.FAIL, f"{at:012x}") for at in range(50)], Verdict.PASS, "b" * 40)
    assert len(pushes_of(f"x\n{line}")) == 20


# several models, and less and less


def test_several_models_share_one_comment_with_a_line_and_a_fold_each_worst_first() -> None:
    models = {"b": (run("promote"), ABOUT), "a": (run("hold"), ABOUT), "c": ({}, About())}
    source = render_merged(models, ABOUT, Verdict.ERROR, budget=59_000)
    lines = [line for line in source.splitlines() if line.startswith("- ")][:3]
    assert lines[0] == "- ⛔ **Could not judge** · `c` · its run left no record"
    assert lines[1].startswith("- ❌ **Hold** · `a` · **recall 0.7085 → 0.6872**")
    assert lines[2].startswith("- ✅ **Promote** · `b` · **roc_auc 0.9025 → 0.9144**")
    assert source.startswith("## ⛔ Could not judge · 1 of 3 models\n")
    assert source.count("<summary>❌ flights-late · Hold</summary>") == 1
    assert source.count("<details>") == source.count("</details>")


@pytest.mark.parametrize("budget", [2_000, 6_000, 20_000, 59_000])
def test_many_models_stay_within_any_budget(budget: int) -> None:
    models = {f"model-{at:02}": (run("hold"), ABOUT) for at in range(30)}
    source = render_merged(models, ABOUT, Verdict.FAIL, budget=budget)
    assert len(source.encode()) <= budget
    assert source.startswith("## ❌ Hold · 30 models")
    assert source.count("<details>") == source.count("</details>")


def test_the_last_rung_is_headline_and_link() -> None:
    source = render_markdown(run("hold"), budget=2_000, about=ABOUT)
    assert source.startswith("## ❌ Hold")
    assert "Open the report" in source


def test_a_run_without_records_says_so_and_links_its_log() -> None:
    source = render_unjudged("tiny", About(run=f"{PAGES}/actions/runs/7", run_id="7", commit=COMMIT))
    assert source.startswith("## ⛔ Could not judge · `tiny`")
    assert f"[run 7]({PAGES}/actions/runs/7)" in source


@pytest.mark.parametrize(
    ("levels", "differences", "margin", "places"),
    [([0.9024, 0.9083], [0.0059], 0.005, 4), ([0.9], [0.000858, 0.00178], None, 4), ([12.01, 11.66], [-0.35], 0.1, 2),
     ([1234.5], [0.4, 0.7], None, 1), ([0.9], [0.00003], None, 5), ([0.0], [], None, 4), ([0.9], [0.1], 0.0001, 5)],
)  # fmt: skip
def test_decimals_follow_levels_and_margin(
    levels: list[float], differences: list[float], margin: float | None, places: int
) -> None:
    assert numbers.scale(levels, differences, margin=margin) == places


def test_a_pass_for_every_slice_names_the_worst_of_them() -> None:
    passed = sliced(Verdict.PASS).model_copy(update={"slices": sliced().slices[1:], "every_slice": True})
    row = next(line for line in comment(with_gates(passed, verdict=Verdict.PASS)).splitlines() if "| ✅" in line)
    assert "worst `UA` +0.0100" in row
    assert "OO" not in row, "it has too few rows"


def test_what_is_worse_for_certain_is_called_so_where_only_its_size_is_open() -> None:
    worse = gate(
        metric="mean_absolute_error", margin=0.5, higher_is_better=False, verdict=Verdict.INCONCLUSIVE,
        estimate=estimate(0.62, 0.19, 1.07), challenger=estimate(14.25), reference_level=estimate(13.63),
        would_decide="unrealistic",
    )  # fmt: skip
    said = comment(with_gates(worse, verdict=Verdict.INCONCLUSIVE))
    assert "It is worse for certain; whether by more than is allowed is open." in said
    assert "keep the champion, or allow more" in said
    unsure = worse.model_copy(update={"estimate": estimate(0.62, -0.19, 1.43)})
    assert "for certain" not in comment(with_gates(unsure, verdict=Verdict.INCONCLUSIVE))
