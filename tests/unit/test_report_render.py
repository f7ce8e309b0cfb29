"""What a reader finds in both renderings of a run."""

import html
import re
from html.parser import HTMLParser

import pytest

from modelyard.core.reasons import because
from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope, Step
from modelyard.records.results import Estimate, SliceRow
from modelyard.report.conclusion import headline
from modelyard.report.renderers.html import render_html
from modelyard.report.renderers.markdown import render_markdown
from tests.report_samples import COMMIT, REPRODUCE, STORIES, Story, envelope, gate, judged, open_gate, run


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag == "style"
        if tag in ("td", "br", "p", "li", "div", "dt", "dd", "h1", "h2", "small", "summary", "pre"):
            self.words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)


def text_of_html(page: str) -> str:
    """The page's text, as a reader sees it."""
    parser = _Words()
    parser.feed(page)
    return re.sub(r"\s+", " ", "".join(parser.words))


def text_of_markdown(source: str) -> str:
    """The Markdown without its escapes and marks."""
    bare = html.unescape(source).replace("\u200b", "").replace("**", "")
    return re.sub(r"\s+", " ", re.sub(r"\\(.)", r"\1", bare))


def both(records: dict[Step, Envelope]) -> list[str]:
    return [text_of_markdown(render_markdown(records)), text_of_html(render_html(records))]


@pytest.mark.parametrize("story", STORIES)
def test_both_renderings_begin_with_the_same_verdict_and_sentence(story: Story) -> None:
    records = run(story)
    found = headline(records)
    for text in both(records):
        assert found.words in text[:200].lower()
        assert re.sub(r"\s+", " ", found.sentence) in text[:900]


@pytest.mark.parametrize(
    ("story", "words"),
    [
        ("promote", "promote"),
        ("hold", "hold"),
        ("cannot-tell", "cannot tell yet"),
        ("first-run", "promote"),
        ("failed-data", "hold"),
        ("error", "could not judge"),
        ("promoted", "promoted"),
        ("unchanged", "nothing to do"),
    ],
)
def test_every_story_has_its_words(story: Story, words: str) -> None:
    assert headline(run(story)).words == words


def test_the_failing_gate_shows_rule_observed_required_interval_n_and_command() -> None:
    for text in both(run("hold")):
        assert "recall no worse than champion, margin 0.01" in text
        assert "−0.0213" in text
        assert "[−0.0292, −0.0134]" in text
        assert "> −0.01" in text or "above −0.01" in text
        assert "92 days" in text
        assert "17,604 rows" in text
        assert "21 more misses per 1,000 positive rows" in text
        assert REPRODUCE in text


def test_the_headline_names_the_deciding_gate_before_and_after_and_the_effect_in_rows() -> None:
    sentence = headline(run("hold")).sentence
    assert sentence == (
        "recall 0.7085 → 0.6872 (−0.0213, 95% CI −0.0292 to −0.0134; needs above\N{NO-BREAK SPACE}−0.01): 21 more "
        "misses per 1,000 positive rows. 3 of 4 gates passed, 1 failed, judged on 84,059 rows of 92 days."
    )


def test_an_open_gate_says_what_could_be_seen_and_how_much_would_decide() -> None:
    for text in both(run("cannot-tell")):
        assert "0.008" in text
        said = "bout 1,575 days give an 80% chance to pass, if the true value is today’s estimate"
        assert said in text


def test_a_decided_gate_says_nothing_of_what_would_decide() -> None:
    records = run("promote")
    decided = judged().model_copy(update={"gates": (gate(units_to_decide=1_575, would_decide="pass"),)})
    records["evaluate"] = envelope("evaluate", decided)
    for text in both(records):
        assert "1,575" not in text


def test_models_slices_candidates_validation_changes_and_digests_are_all_there() -> None:
    records = run("promote")
    for text, digits in zip(both(records), (12, None), strict=True):
        for piece in (
            "Champion v7",
            "0.9025",
            "61 days",
            "learning_rate = 0.1, max_leaf_nodes = 63",
            "winner",
            "25 passed",
            "data/2013-09.parquet",
            "train.candidates",
            COMMIT[:digits],
            records["evaluate"].digest.removeprefix("sha256:")[:digits],
            records["evaluate"].result_digest.removeprefix("sha256:")[:digits],
        ):
            assert piece in text, piece
    markdown, page = both(records)
    assert "carrier = HA" in markdown
    assert "Slice by carrier" in page, "the column stands in the head of a page's table, its values below"


def test_failed_expectations_are_listed_with_counts_and_lines() -> None:
    for text in both(run("failed-data")):
        assert "3 of 25 expectations on “all” did not pass. Nothing was trained." in text
        assert "8,255 of 251,727 " in text
        assert "(3.3%)" in text
        assert "line 48" in text or "expectations/flights.json:48" in text
        assert "no row that meets the condition has a value to judge" in text


def test_an_error_shows_its_message_and_what_to_do() -> None:
    for text in both(run("error")):
        assert "ValueError: could not convert string to float" in text
        assert "What to do: Run the command yourself" in text
        assert "exit code 3" in text


def test_a_first_run_says_that_there_is_no_champion_and_that_its_gates_do_not_count() -> None:
    for text in both(run("first-run")):
        assert "no champion yet" in text
        assert "2 of 2 gates passed" in text
        assert "not applicable" in text or "| ➖ | roc_auc no worse than champion | there is no champion yet |" in text


def test_machine_paths_hosts_and_actors_of_a_run_stay_out() -> None:
    for text in both(run("promote")):
        assert "/somewhere/private" not in text
        assert "a-host" not in text


@pytest.mark.parametrize("story", STORIES)
def test_any_subset_of_records_renders(story: Story) -> None:
    whole = run(story)
    for step in whole:
        alone: dict[Step, Envelope] = {step: whole[step]}
        without: dict[Step, Envelope] = {other: item for other, item in whole.items() if other != step}
        for records in (alone, without):
            assert render_markdown(records).startswith("## ")
            assert "<h1>" in render_html(records)


def test_no_record_at_all_is_no_pass() -> None:
    assert headline({}).verdict is Verdict.ERROR
    assert "could not judge" in render_markdown({}).lower()


def test_steps_that_passed_without_an_evaluation_are_no_pass() -> None:
    records = run("promote")
    del records["evaluate"]
    found = headline(records)
    assert found.verdict is Verdict.ERROR
    assert found.sentence == "There is no evaluation: this run holds detect, validate, train only."


def test_a_record_that_claims_a_pass_over_a_failing_gate_is_a_hold() -> None:
    records = run("promote")
    records["evaluate"] = envelope("evaluate", judged("hold"), verdict=Verdict.PASS)
    assert headline(records).verdict is Verdict.FAIL


def test_a_record_without_gates_or_without_a_readable_result_could_not_judge() -> None:
    records = run("promote")
    records["evaluate"] = envelope("evaluate", judged().model_copy(update={"gates": ()}))
    assert headline(records).verdict is Verdict.ERROR
    broken = records["evaluate"].record.model_copy(update={"result": {"nonsense": 1}})
    records["evaluate"] = Envelope.seal(broken)
    assert headline(records).verdict is Verdict.ERROR
    for text in both(records):
        assert "The evaluate record holds no result that can be read." in text


def test_an_allowed_open_gate_passes_and_is_counted_in_the_headline() -> None:
    records = run("promote")
    gates = (gate(), open_gate().model_copy(update={"allowed": True}))
    records["evaluate"] = envelope("evaluate", judged().model_copy(update={"gates": gates}))
    found = headline(records)
    assert found.verdict is Verdict.PASS
    assert "1 of 2 gates passed, 1 may stay undecided on" in found.sentence


def test_for_a_loss_the_required_side_is_below_zero_and_the_limit_above() -> None:
    loss = gate(metric="log_loss", higher_is_better=False, effect="")
    records = run("promote")
    records["evaluate"] = envelope("evaluate", judged().model_copy(update={"gates": (loss,)}))
    for text in both(records):
        assert "< +0.005" in text or "below +0.005" in text


def test_a_default_gate_on_a_share_of_the_gain_claims_no_plain_difference_and_no_effect_in_rows() -> None:
    default = gate(margin=None, default=True, keeps="gain")
    records = run("promote")
    records["evaluate"] = envelope("evaluate", judged().model_copy(update={"gates": (default,)}))
    for text in both(records):
        assert "exceeds the required minimum by 0.0119" in text
        assert "differs by" not in text
        assert "wrong rankings" not in text
    assert "against champion v7" not in text_of_html(render_html(records))


def test_a_gate_without_an_estimate_says_why_and_shows_no_number() -> None:
    refused = gate(
        verdict=Verdict.INCONCLUSIVE,
        estimate=Estimate(n=4, unit="day", refused=because("too-few-units", units=4, fewest=10)),
    )
    records = run("promote")
    result = judged().model_copy(update={"gates": (refused,)})
    records["evaluate"] = envelope("evaluate", result, verdict=Verdict.INCONCLUSIVE)
    for text in both(records):
        assert "could not be judged: 4 days; at least 10 are needed" in text


def test_a_failing_slice_is_named_under_the_gates_in_the_comment() -> None:
    low = Estimate(value=0.41, low=0.36, high=0.46, n=92, unit="day", rows=400)
    bad = SliceRow(column="carrier", value="OO", challenger=low, verdict=Verdict.FAIL)
    records = run("promote")
    sliced = gate(verdict=Verdict.FAIL, operator="at_least", bound=0.5, slices=(bad,))
    records["evaluate"] = envelope("evaluate", judged().model_copy(update={"gates": (sliced,)}), verdict=Verdict.FAIL)
    visible = render_markdown(records).partition("<details>")[0]
    assert "`carrier = OO`: **roc_auc 0.4100** (95% CI 0.3600 to 0.4600; needs ≥\N{NO-BREAK SPACE}0.5)" in visible
    assert "| `OO` **0.4100** [0.3600, 0.4600]<br>" in visible


def test_the_comment_is_short_on_top_and_folds_the_rest() -> None:
    source = render_markdown(run("hold"))
    top = source.partition("<details>")[0]
    assert len(top.splitlines()) < 20
    assert source.count("<details>") == source.count("</details>") == 7
    assert "<!--" not in source


def test_rendering_is_a_function_of_the_records() -> None:
    assert render_markdown(run("hold")) == render_markdown(run("hold"))
    assert render_html(run("hold")) == render_html(run("hold"))
