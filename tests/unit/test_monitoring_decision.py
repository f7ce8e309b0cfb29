"""The decision: each rule, each limit, and that no fault of the data ever leads to a retraining."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.config.sections.monitor import Policy
from modelyard.core.verdict import Verdict
from modelyard.monitoring import contract
from modelyard.monitoring.decision import decide
from modelyard.monitoring.drift import drift as drifts
from modelyard.monitoring.policy import after
from modelyard.monitoring.profile import Reference, Summary
from modelyard.records.results import DecideResult, Drift, Fault, Limit, Window
from modelyard.report import wording
from tests.decisions import (
    MONITORED,
    NOW,
    drift,
    estimated,
    facts,
    fault,
    monitored,
    past,
    quiet_drift,
    realised,
    screamed,
    told_apart,
    window,
)
from tests.statistics import served as serving

MISSED = (realised(Verdict.FAIL),)
OPEN = (realised(Verdict.INCONCLUSIVE),)


def policy(**keys: Any) -> Policy:
    return Policy.model_validate(keys)


def after_windows(*windows: Window, keys: dict[str, Any] | None = None, **known: Any) -> DecideResult:
    """The decision on windows under a policy, which also has to survive JSON."""
    found = decide(monitored(*windows), policy(**(keys or {})), facts(**known))
    assert DecideResult.model_validate_json(found.model_dump_json()) == found
    for reason in (found.reason, *found.would_change, *(each.reason for each in found.limits)):
        assert wording.because(reason) not in ("", reason.code), reason
    return found


def limit(found: DecideResult, name: str) -> Limit:
    return next(each for each in found.limits if each.name == name)


def test_quiet_windows_lead_to_nothing() -> None:
    found = after_windows(window(0), window(1), window(2))
    assert (found.action, found.reason.code, found.verdict) == ("nothing", "all-quiet", Verdict.PASS)
    assert found.champion == "v3"
    assert found.monitored == MONITORED
    assert found.age_days == 137.5
    assert [each.code for each in found.would_change] == ["would-retrain-missed"]


@pytest.fixture(scope="module")
def served() -> tuple[Reference, list[Summary], pl.DataFrame]:
    """The test rows of a version, three quiet weeks after them, and a fourth."""
    draw = np.random.default_rng(3)
    of = serving.reference(serving.flights(draw, 0, serving.WEEKS))
    weeks = (serving.flights(draw, serving.WEEKS + each, 1) for each in range(3))
    before = [serving.summary(serving.log_of(week), of) for week in weeks]
    return of, before, serving.flights(draw, serving.WEEKS + 3, 1)


Frames = tuple[Reference, list[Summary], pl.DataFrame]


def judged(served: Frames, frame: pl.DataFrame) -> tuple[list[tuple[Drift, ...]], tuple[Fault, ...], tuple[Drift, ...]]:
    """What monitoring says of a week: drift of those before, its faults, its drift."""
    of, before, _ = served
    seen = serving.summary(serving.log_of(frame), of)
    found = contract.faults(of, seen, before=before, expected=serving.facts(serving.WEEKS + 3))
    return [drifts(of, each) for each in before], found, drifts(of, seen)


@pytest.mark.parametrize("name", serving.FAULTS)
def test_a_fault_of_the_data_is_for_upstream_and_never_retrains(name: str, served: Frames) -> None:
    """Everything else screams for a retraining: missed twice for certain, drift with harm, the calendar, rows, age."""
    seen = judged(served, serving.FAULTS[name](served[2], np.random.default_rng(4)))
    for roll_back in (False, True):
        found = screamed(*seen, roll_back=roll_back)
        assert found.action == "investigate"
        assert found.verdict is Verdict.FAIL
        assert found.first_bad_window == window(3).key
        assert {each.column for each in seen[1]} <= {each.column for each in found.signals}
        assert found.signals[0].windows == (window(3).key, window(4).key)
        assert limit(found, "fault").holds_back
        assert found.signals[0].column in wording.because(found.reason)


@pytest.mark.parametrize("name", serving.DRIFTS)
def test_what_is_no_fault_leads_to_the_retraining_that_all_else_asks_for(name: str, served: Frames) -> None:
    week = serving.flights(np.random.default_rng(5), serving.WEEKS + 3, 1, change=serving.DRIFTS[name])
    seen = judged(served, week)
    assert screamed(*seen).action == "retrain"
    assert screamed(*seen, roll_back=True).action in ("retrain", "roll-back")


def test_a_fault_that_a_clean_window_ended_does_not_block() -> None:
    windows = [window(0, faults=(fault(),)), *(window(week, realised=MISSED) for week in (1, 2, 3))]
    assert after_windows(*windows).action == "retrain"


def test_what_labels_say_in_faulty_windows_is_no_evidence() -> None:
    faulty = [window(week, faults=(fault(),), realised=MISSED, drift=(drift(),)) for week in (0, 1, 2)]
    assert after_windows(*faulty, window(3), window(4)).action == "nothing"


def test_a_sequence_that_failed_in_faulty_windows_does_not_count_against_later_ones() -> None:
    """The limits hold over all looks, so they remember; the window's own value has recovered."""
    recovered = (realised(Verdict.FAIL, value=0.86),)
    windows = [window(0, faults=(fault(),), realised=MISSED), *(window(week, realised=recovered) for week in (1, 2, 3))]
    assert after_windows(*windows).action == "nothing"


def test_a_window_too_small_to_judge_ends_no_fault() -> None:
    small = window(2, rows=3, labelled=0, drift=(), realised=())
    found = after_windows(window(0), window(1, faults=(fault(),)), small, keys={"every": "1 day"})
    assert (found.action, found.first_bad_window) == ("investigate", window(1).key)


def test_another_versions_rows_in_the_newest_stretch_are_of_the_same_data() -> None:
    found = after_windows(
        *(window(week, realised=MISSED) for week in range(3)), window(2, version="v2", faults=(fault(),))
    )
    assert found.action == "investigate"


def test_a_fault_that_does_not_block_is_told() -> None:
    found = after_windows(window(0), window(1), window(2, faults=(fault(blocks=False),)))
    assert found.action == "nothing"
    assert [(each.kind, each.asks_for) for each in found.signals] == [("contract", "nothing")]


def test_drift_without_harm_is_watched() -> None:
    found = after_windows(*(window(week, drift=(drift(), quiet_drift("hour"))) for week in range(3)))
    assert (found.action, found.reason.code, found.verdict) == ("watch", "drift-without-harm", Verdict.PASS)
    assert (found.signals[0].column, found.signals[0].effect) == ("dep_delay", 0.25)
    assert "would-retrain-harm" in {each.code for each in found.would_change}


def test_an_alarm_that_does_not_persist_is_nothing() -> None:
    assert after_windows(window(0), window(1), window(2, drift=(drift(persistent=False),))).action == "nothing"


def test_a_classifier_that_tells_the_rows_apart_is_watched() -> None:
    found = after_windows(window(0), window(1), window(2, separability=told_apart()))
    assert (found.action, found.signals[0].kind, found.signals[0].column) == ("watch", "separability", "carrier")


@pytest.mark.parametrize(
    ("seen", "action"),
    [
        ((PASS := (realised(),), MISSED, MISSED), "retrain"),
        ((MISSED, PASS, MISSED), "retrain"),
        ((PASS, PASS, MISSED), "watch"),
        ((MISSED, MISSED, PASS, PASS, PASS), "nothing"),
        ((MISSED, OPEN, OPEN), "watch"),
    ],
)
def test_performance_missed_for_certain_in_two_of_three_windows(seen: Any, action: str) -> None:
    found = after_windows(*(window(week, realised=each) for week, each in enumerate(seen)))
    assert found.action == action
    if action == "retrain":
        assert found.signals[0].harm is not None
        assert found.signals[0].harm.value == pytest.approx(0.1)
        assert found.signals[0].harm.low == pytest.approx(0.04)


def test_two_rules_that_are_missed_once_each_are_not_one_that_is_missed_twice() -> None:
    other = (realised(Verdict.FAIL, metric="recall"),)
    assert after_windows(window(0), window(1, realised=MISSED), window(2, realised=other)).action == "watch"


def test_a_slice_that_is_missed_counts_and_is_named() -> None:
    part = (realised(), realised(Verdict.FAIL, slice_="origin = JFK"))
    found = after_windows(window(0), window(1, realised=part), window(2, realised=part))
    assert (found.action, found.reason.values["slice"]) == ("retrain", "origin = JFK")


def test_labels_that_are_not_mature_decide_nothing() -> None:
    young = [window(week, realised=MISSED, mature=False) for week in range(3)]
    found = after_windows(*young)
    assert (found.action, found.reason.code, found.verdict) == (
        "not-enough-yet",
        "labels-not-mature",
        Verdict.INCONCLUSIVE,
    )
    assert found.would_change[0].values == {"further": 2}


def test_drift_with_harm_by_an_estimate_that_may_decide() -> None:
    def weeks(**how: Any) -> list[Window]:
        young = {"mature": False, "realised": (), "labelled": 0, "drift": (drift(),)}
        return [window(0), window(1), *(window(week, **young, estimated=(estimated(**how),)) for week in (2, 3))]

    found = after_windows(*weeks(value=0.7))
    assert (found.action, found.reason.code) == ("retrain", "drift-with-harm")
    assert found.signals[0].harm is not None
    assert found.signals[0].harm.low == pytest.approx(0.11)
    assert after_windows(*weeks(value=0.7, decides=False)).action == "watch"
    assert after_windows(*weeks(value=0.82)).action == "watch", "the intervals meet"
    assert after_windows(*weeks(value=0.7, metric="of_their_own")).action == "watch", "which way is better is unknown"
    lower = after_windows(*weeks(value=0.7, metric="of_their_own"), higher_is_better={"of_their_own": False})
    assert lower.action == "watch", "lower is better there"


def test_labels_overrule_an_estimate_of_the_same_window() -> None:
    wrong = {"drift": (drift(),), "estimated": (estimated(0.6),)}
    assert after_windows(window(0), window(1, **wrong), window(2, **wrong)).action == "watch"


@pytest.mark.parametrize(
    ("keys", "known", "reason"),
    [
        ({"every": "1 month"}, {}, "calendar-due"),
        ({"every": "5 months"}, {}, None),
        ({"new-rows": 500}, {"labelled_since": 500}, "new-rows"),
        ({"new-rows": 500}, {"labelled_since": 499}, None),
        ({"new-rows": 500}, {"labelled_since": None}, None),
        ({"data-change": True}, {"data_changed": True}, "data-changed"),
        ({"data-change": True}, {"data_changed": False}, None),
        ({"data-change": True}, {"data_changed": None}, None),
        ({"data-change": False}, {"data_changed": True}, None),
        ({"max-age": "4 months"}, {}, "too-old"),
        ({"max-age": "4 months"}, {"trained_until": NOW - timedelta(days=3)}, None),
        ({"max-age": "4 months"}, {"champion_since": NOW - timedelta(days=30), "trained_until": None}, None),
    ],
)
def test_what_else_may_ask_for_a_retraining(keys: dict[str, Any], known: dict[str, Any], reason: str | None) -> None:
    found = after_windows(window(0), window(1), window(2), keys=keys, **known)
    assert (found.action, found.reason.code) == (("retrain", reason) if reason else ("nothing", "all-quiet"))


def test_costs_are_compared_with_the_newest_loss_that_is_certain() -> None:
    keys = {"performance": None, "costs": {"retrain": 90, "loss": 1}}
    windows = (window(0), window(1), window(2, realised=MISSED))
    found = after_windows(*windows, keys=keys)
    assert (found.action, found.reason.code, found.reason.values["lost"]) == ("retrain", "loss-expected", 100.0)
    keys["costs"] = {"retrain": 110, "loss": 1}
    assert after_windows(*windows, keys=keys).action == "watch"
    assert after_windows(*windows, window(3, realised=OPEN), keys=keys).action != "retrain"


def test_the_cool_down_holds_back_and_says_until_when() -> None:
    bad = [window(week, realised=MISSED) for week in range(3)]
    found = after_windows(*bad, champion_since=NOW - timedelta(days=6))
    assert (found.action, found.reason.code, found.reason.values["by"]) == ("watch", "held-back", "cool-down")
    assert limit(found, "cool-down").reason.values["until"] == "2013-09-16 12:00 UTC"
    assert found.signals[0].asks_for == "retrain"
    assert after_windows(*bad, champion_since=NOW - timedelta(days=8)).action == "retrain"
    assert after_windows(*bad, before=(past(3),)).reason.code == "held-back"
    assert after_windows(*bad, before=(past(3, outcome="none"),)).action == "retrain", "none was started"
    assert after_windows(*bad, before=(past(3, action="investigate", outcome="none"),)).action == "retrain"
    assert after_windows(*bad, champion_since=None).reason.code == "held-back", "unknown is never retrain"


def test_one_retraining_at_a_time() -> None:
    bad = [window(week, realised=MISSED) for week in range(3)]
    found = after_windows(*bad, keys={"cool-down": "1 hour"}, before=(past(1, outcome="open"),))
    assert limit(found, "cool-down").reason.code == "run-goes-on"
    assert after_windows(*bad, keys={"cool-down": "1 hour"}, before=(past(4, outcome="open"),)).action == "retrain"


def test_the_budget_is_of_any_thirty_days() -> None:
    bad = [window(week, realised=MISSED) for week in range(3)]
    before = tuple(past(days) for days in (8, 12, 20, 29))
    found = after_windows(*bad, before=before)
    assert (found.action, found.reason.values["by"]) == ("watch", "budget")
    assert limit(found, "budget").reason.values["until"] == "2013-09-16 12:00 UTC"
    assert after_windows(*bad, before=(*before[:3], past(31))).action == "retrain"
    assert after_windows(*bad, keys={"budget": 0}).reason.values["by"] == "budget"
    unreadable = past(40).model_copy(update={"time": "some day"})
    assert after_windows(*bad, before=(unreadable,)).reason.code == "held-back"
    future = past(-400)
    assert after_windows(*bad, before=(future,)).reason.code == "held-back"


@pytest.mark.parametrize(
    ("hours", "zone", "quiet"),
    [("09-17", "UTC", True), ("22-06", "UTC", False), ("22-06", "Asia/Tokyo", False), ("20-06", "Asia/Tokyo", True),
     ("12-13", "UTC", True), ("11-12", "UTC", False), ("05-05", "UTC", True)],
)  # fmt: skip
def test_quiet_hours_are_in_the_logs_zone(hours: str, zone: str, quiet: bool) -> None:
    bad = [window(week, realised=MISSED) for week in range(3)]
    found = after_windows(*bad, keys={"quiet-hours": hours}, zone=zone)
    assert found.action == ("watch" if quiet else "retrain")
    assert limit(found, "quiet-hours").holds_back == quiet


def test_a_roll_back_is_where_it_is_configured_and_the_version_before_held_the_rule() -> None:
    bad = [window(week, realised=MISSED) for week in (2, 3)]
    held = window(1, version="v2")
    young = {"champion_since": NOW - timedelta(days=6)}
    found = after_windows(held, *bad, keys={"roll-back": True}, **young)
    assert (found.action, found.reason.code, found.reason.values["previous"]) == ("roll-back", "before-held", "v2")
    assert after_windows(held, *bad).action == "retrain"
    assert after_windows(*bad, keys={"roll-back": True}).action == "retrain", "nothing is known of v2"
    for worse in (MISSED, OPEN, ()):
        other = window(1, version="v2", realised=worse)
        assert after_windows(other, *bad, keys={"roll-back": True}).action == "retrain"
    assert after_windows(held, *bad, keys={"roll-back": True}, moved_by="rolled-back").action == "retrain"
    assert after_windows(held, *bad, keys={"roll-back": True}, previous="").action == "retrain"


@pytest.mark.parametrize(
    ("windows", "known", "reason"),
    [
        ((), {}, "no-complete-window"),
        ((window(0, version="v2"),), {}, "no-complete-window"),
        ((window(0, rows=0, labelled=0, realised=(), drift=()),), {}, "no-complete-window"),
        ((window(0, realised=MISSED), window(1, realised=MISSED)), {"champion": "v4"}, "champion-changed"),
        ((window(0),), {"champion": ""}, "champion-changed"),
        ((window(0),), {}, "labels-not-mature"),
    ],
)
def test_too_little_is_not_enough_yet_whatever_the_calendar_says(windows: Any, known: Any, reason: str) -> None:
    keys = {"max-age": "1 day", "every": "1 day"} if reason != "labels-not-mature" else {}
    found = after_windows(*windows, keys=keys, **known)
    assert (found.action, found.reason.code) == ("not-enough-yet", reason)
    assert found.would_change


def test_windows_of_the_champion_before_are_no_evidence_against_todays() -> None:
    """The champion changed within the third week, which is a window of each."""
    before = [window(week, version="v2", realised=MISSED, drift=(drift(),)) for week in range(3)]
    found = after_windows(*before, window(2, rows=400), window(3))
    assert found.action == "nothing"
    assert after_windows(*before, window(2, rows=400)).action == "not-enough-yet"


def test_a_log_may_name_the_champion_by_its_digest() -> None:
    windows = [window(week, version="sha256:ab", realised=MISSED) for week in range(3)]
    assert after_windows(*windows).action == "not-enough-yet"
    assert after_windows(*windows, names=frozenset({"sha256:ab"})).action == "retrain"


def test_numbers_that_are_none_never_retrain() -> None:
    nan = float("nan")
    row = realised(Verdict.FAIL)
    for broken in (
        {"high": nan},
        {"bound": nan},
        {"low": nan},
        {"window": row.window.model_copy(update={"value": None})},
    ):
        windows = [window(week, realised=(row.model_copy(update=broken),)) for week in range(3)]
        assert decide(monitored(*windows), policy(), facts()).action not in ("retrain", "roll-back")


@pytest.mark.parametrize(
    ("begin", "stretch", "end"),
    [("2013-01-31", "1 month", "2013-02-28"), ("2012-12-15", "14 months", "2014-02-15"),
     ("2013-01-01", "2 weeks", "2013-01-15"),
     ("2013-01-01", "36 hours", "2013-01-02T12:00:00"),
     ("2013-01-01", "999999 months", "9999-12-31T23:59:59.999999")],
)  # fmt: skip
def test_a_stretch_later(begin: str, stretch: str, end: str) -> None:
    assert after(datetime.fromisoformat(begin).replace(tzinfo=UTC), stretch) == datetime.fromisoformat(end).replace(
        tzinfo=UTC
    )


ROWS = st.sampled_from(
    [(), MISSED, OPEN, (realised(),), (realised(Verdict.FAIL), realised(Verdict.FAIL, slice_="a = b"))]
)
WINDOWS = st.fixed_dictionaries(
    {
        "realised": ROWS,
        "mature": st.booleans(),
        "drift": st.sampled_from([(), (drift(),), (quiet_drift(),)]),
        "estimated": st.sampled_from([(), (estimated(0.6),), (estimated(0.85),)]),
        "faults": st.sampled_from([(), (), (fault(),), (fault(""),), (fault(blocks=False),)]),
        "separability": st.sampled_from([None, told_apart()]),
        "version": st.sampled_from(["v3", "v3", "v3", "v2"]),
        "rows": st.sampled_from([0, 3, 1000]),
    }
)
KEYS = st.fixed_dictionaries(
    {},
    optional={
        "every": st.just("1 day"),
        "new-rows": st.just(1),
        "data-change": st.booleans(),
        "max-age": st.just("1 hour"),
        "cool-down": st.sampled_from(["1 hour", "7 days", "9 months"]),
        "budget": st.integers(0, 3),
        "quiet-hours": st.sampled_from(["10-14", "22-06"]),
        "roll-back": st.booleans(),
        "costs": st.just({"retrain": 0.01, "loss": 100.0}),
        "performance": st.sampled_from([None, {"windows": 1, "of": 1}, {"windows": 2, "of": 3}]),
        "drift": st.sampled_from([None, {"windows": 1, "of": 2}]),
    },
)
KNOWN = st.fixed_dictionaries(
    {
        "data_changed": st.sampled_from([None, True, False]),
        "labelled_since": st.sampled_from([None, 0, 10**9]),
        "champion_since": st.sampled_from([None, NOW - timedelta(days=2), NOW - timedelta(days=200)]),
        "before": st.lists(st.builds(past, st.integers(0, 40), outcome=st.sampled_from(["open", "held", "none"]))).map(
            tuple
        ),
    }
)


@given(st.lists(WINDOWS, max_size=5), KEYS, KNOWN)
def test_whatever_is_seen_a_fault_in_the_last_window_is_never_a_retraining(
    seen: list[dict[str, Any]], keys: dict[str, Any], known: dict[str, Any]
) -> None:
    windows = [window(week, **how) for week, how in enumerate(seen)]
    found = decide(monitored(*windows), policy(**keys), facts(**known))
    DecideResult.model_validate_json(found.model_dump_json())
    if windows and windows[-1].blocked:
        assert (found.action, found.verdict) == ("investigate", Verdict.FAIL)
        assert found.first_bad_window
    clean = [each for each in windows if each.version == "v3" and not each.blocked and each.rows]
    if found.action == "retrain":
        assert clean
        assert not any(each.holds_back for each in found.limits if each.name in ("cool-down", "budget", "quiet-hours"))
        assert any(each.asks_for == "retrain" for each in found.signals)
    if found.action == "roll-back":
        assert keys.get("roll-back")
    if not clean:
        assert found.action in ("investigate", "not-enough-yet")
