"""What results mean in words: rules, verdicts, reasons and numbers, once for terminal, Markdown and HTML.

Results hold codes and numbers; every sentence about them is made here. Differences are challenger minus reference in
the metric's own unit, so for a loss the better side is below zero.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from modelyard.core.operators import OPERATORS, Demand, Difference, Operator
from modelyard.core.reasons import Reason, Value
from modelyard.core.verdict import Verdict
from modelyard.core.vocabulary import DecisionAction, Keeps
from modelyard.records.results import (
    BaseRows,
    CheckResult,
    DecideResult,
    Estimate,
    EvaluateResult,
    GateResult,
    MetricRow,
    SliceRow,
    Waived,
)
from modelyard.records.results.monitor import Alarm, AlarmKind
from modelyard.report import numbers
from modelyard.report.verdict_style import SEVERITY


@dataclass(frozen=True)
class _Unit:
    """What one unit of a rate counts; the metric counts the good ones, and people the bad."""

    one: str
    many: str
    of: str


SINGLE = ("row", "case")
"""Units that are one row each."""
_JOINED = "\N{NO-BREAK SPACE}"
_EFFECTS = {
    "error": _Unit("error", "errors", "1,000 rows"),
    "miss": _Unit("miss", "misses", "1,000 positive rows"),
    "false-alarm": _Unit("false alarm", "false alarms", "1,000 negative rows"),
    "false-call": _Unit("false alarm", "false alarms", "1,000 rows called positive"),
    "failed-case": _Unit("failure", "failures", "1,000 cases"),
    "wrong-ranking": _Unit("wrong ranking", "wrong rankings", "1,000 pairs"),
}
WORTH_TELLING = 0.9
"""Effective over nominal units below which both are told."""
LARGE_SHARE, SOME_MEMORY = 0.1, 0.2
"""Share of the largest unit, and memory of units in time, from which they are told."""
_ERROR = "calibration error {error:.3f} [{error_low:.3f}, {error_high:.3f}]"
_CALIBRATION = (
    f"{_ERROR}; slope {{slope:.2f}} [{{slope_low:.2f}}, {{slope_high:.2f}}], "
    "intercept {intercept:+.2f} [{intercept_low:+.2f}, {intercept_high:+.2f}]"
)
_CHANGED = (
    "{changed:,} of {rows:,} labels differ from the champion's: {right_to_wrong:,} from right to wrong, "
    "{wrong_to_right:,} from wrong to right"
)
_GAP = "{metric} {train:.4g} on {rows:,} training rows, {test:.4g} on the test rows"
REASONS = {
    # how an interval was made
    "adjusted": "adjusted by {column}, {narrower:.0%} narrower",
    "bca": "BCa bootstrap, {resamples:,} resamples{redrawn}",
    "bootstrap-t": "bootstrap-t",
    "clopper-pearson": "Clopper–Pearson",
    "clopper-pearson-units": "Clopper–Pearson, a row a unit",
    "cluster-bca": "cluster BCa bootstrap, {resamples:,} resamples{redrawn}",
    "cluster-t": "cluster-t",
    "delong": "DeLong",
    "exact-by-class": "exact, class by class",
    "delong-logit": "DeLong on the logit scale",
    "errors-not-seen": "room for errors not seen",
    "exact-of-positives": "exact, as a share of the positives",
    "identical": "identical on every row",
    "jackknife-t": "jackknife-t",
    "joint-score": "joint score",
    "noncentral-chi2": "non-central χ²",
    "logistic-recalibration": "logistic recalibration",
    "newcombe": "Newcombe 2006",
    "newey-west": "Newey–West, {lags} lags",
    "square-and-add": "square-and-add of {of}",
    "square-and-add-few": "square-and-add for few events",
    "student-t": "Student's t",
    "tango": "Tango",
    "wilson": "Wilson",
    # no interval
    "actuals-negative": "actual values below 0: {rows:,}; {metric} is undefined there",
    "actuals-not-positive": "actual values that are 0 or below: {rows:,}; {metric} is undefined there",
    "actuals-zero": "actual values that are 0: {rows:,}; nothing is a percentage of 0; "
    "symmetric_mean_absolute_percentage_error and mean_absolute_error can be judged",
    "class-in-one-unit": "one unit holds a whole class",
    "classes-absent": "no row has the class {classes}",
    "constant-predictions": "constant predictions have no slope",
    "constant-resamples": "the resamples do not vary",
    "constant-scores": "exact, since constant scores rank nothing",
    "constant-units": "the units do not vary",
    "constant-values": "the values do not vary",
    "equal-rankings": "the models rank every pair alike",
    "faultless-model": "a model makes no error at all",
    "fewer-than-two-rows": "fewer than two rows",
    "no-rows-count": "no row counts for this metric",
    "not-finite": "losses on these rows are too large to compute with; check the target's unit",
    "one-class": "one class only",
    "one-sided-resamples": "all resamples lie on one side",
    "predictions-not-positive": "predictions that are 0 or below: {rows:,}; {metric} needs them above 0",
    "separated-classes": "the classes are separated",
    "small-class": "the smallest class has {rows:,} of at least {fewest} rows",
    "too-alike": "the models differ on {rows:,} of at least {fewest} rows",
    "too-few-errors": "too few errors to tell",
    "too-few-of-a-class": "fewer than {fewest} rows of a class",
    "too-few-rows": "{rows:,} rows; at least {fewest} are needed",
    "too-few-units": "{units:,} units; at least {fewest} are needed",
    "too-few-effective-units": "{of:,} units of unequal size are worth {units:,} of equal size; at least {fewest} are "
    "needed",
    "remembered": "the units follow each other too closely: each resembles the one before by {memory:.2f}, more than "
    "{most:g}; take a longer unit, such as `{{every: week}}`",
    "undefined": "undefined on these rows",
    "undefined-in-parts": "undefined when a part of the rows is left out",
    "undefined-in-resamples": "undefined on most resamples",
    # gates and slices
    "champion-is-best": "the champion is the best model that was promoted",
    "lacks-output": "{metric} needs a {needs}, which the {role} does not give",
    "models-agree": "the models agree on every row",
    "share-of-zero": "a margin of {margin} is a share of the {reference}'s value, which cannot be told from zero; "
    "write the margin in the metric's own unit",
    "share-of-no-gain": "a margin of {margin} is a share of what the {reference} gains over the baseline, and it gains "
    "nothing with confidence; write the margin in the metric's own unit",
    "no-control": "{column} is not known of other rows",
    "no-champion": "there is no champion yet",
    "no-powered-slice": "none of the {slices:,} slices has enough rows to show a shortfall that matters",
    "no-reference": "there is no {reference} to compare with",
    "nothing-known": "no interval on these rows",
    "power-unknown": "what these rows could show is not known",
    "slice-absent": "no test row has {column} = {value}, which the gate names",
    "slices-below": "{slices}{more} {are} below the bound, beyond chance among {tested:,} slices",
    "slices-unjudged": "{slices} must be judged, and has too few rows for it",
    "underpowered": "too few rows ({rows:,} of about {needed:,}) to see a shortfall of {drop:.3g}",
    # performance of what serves
    "assumes-features-mean-the-same": "if equal features mean what they meant in earlier windows, P(Y|X) unchanged",
    "assumes-predictions-mean-the-same": "if equal predictions are off by what they were on the test rows",
    "assumes-scores-mean-the-same": "if equal scores mean what they meant on the test rows, P(Y|score) unchanged",
    "fell-since": "{mean:.4g} since {since}, on {values:,} values",
    "labels-immature": "{labelled:,} of {rows:,} rows have a label so far; they are counted once labels are mature",
    "labels-selective": "the {labelled:,} rows with a label, of {rows:,}, were predicted otherwise than those without: "
    "by {apart:+.2f} standard deviations on average; labels of some rows alone say little of the others",
    "no-calibration": "the version carries nothing to calibrate its predictions by",
    "no-labels": "none of {rows:,} rows has a label",
    "no-limit-of-losses": "a row can lose any amount of {metric}, and the version carries no test result that says how "
    "much is usual",
    "no-mean-loss": "{metric} is no mean of losses",
    "no-rows-of-slice": "no row with a label has {slice}",
    "no-sequence": "{metric} is no mean of bounded values, which limits for every look need",
    "no-test-level": "the version carries no test result of {metric} to compare with",
    "not-known-yet": "not known yet after {looks:,} looks",
    "too-few-to-calibrate": "fewer than {fewest} rows with labels to calibrate by, or {of_a_class} of a class",
    "units-not-logged": "the test result is one of units, which these predictions do not name",
    "window-contradicts": "the last window lies on the other side",
    # checks
    "behaviour-golden-absent": "the champion's version carries no golden predictions",
    "behaviour-no-champion": "there is no champion whose predictions could be held",
    "behaviour-no-rows": "no test row fits",
    "behaviour-obeyed": "{obeyed:,} of {rows:,} rows obey{least}{failing}",
    "behaviour-predictions-only": "the model exists as predictions only, and cannot be asked",
    "calibration": _CALIBRATION,
    "calibration-absent": "the challenger gives no probabilities",
    "calibration-error": _ERROR,
    "calibration-error-off": _ERROR + "; more than {most:g}",
    "calibration-error-open": _ERROR + "; at most {most:g} cannot be told on these rows",
    "calibration-off": _CALIBRATION + "; more than {most:g}",
    "calibration-open": _CALIBRATION + "; at most {most:g} cannot be told on these rows",
    "calibration-unknown": "calibration error {error:.3f}; {why}",
    "changed-labels-absent": "both models have to give labels",
    "changed-predictions": _CHANGED,
    "changed-predictions-gated": _CHANGED + "; at most {most:.1%} may become wrong",
    "gap": _GAP,
    "gap-gated": _GAP + "; the gap may be {most:g}",
    "gap-no-rows": "no training row was scored",
    "gap-no-output": "the challenger gives no {needs}",
    "gap-undefined": "{metric} is undefined",
    # what serves, watched
    "prediction-of-another": "{rows:,} of {looked:,} predictions that were scored again are not the version's own",
    "features-not-logged": "the log does not have {columns}, so that nothing can be scored again",
    "not-rescored": "{version} could not score a sample again ({code})",
    "predictions-only": "{version} exists as predictions only, and cannot score a sample again",
    "profile-unreadable": "what {version} carries to be compared with was written by another version of modelyard",
    "window-faulty": "the window has faults of the data, so that its labels are told and not counted",
    "version-unknown": "the registry has no version {version}, which the log names",
    "version-without-profile": "{version} carries nothing to compare its windows with: it was published before, or "
    "adopted",
    # faults of served data
    "associations-lost": "{columns} no longer move together as they always did ({pairs} pairs), as after a wrong join",
    "categories-new": "categories that the test rows hardly had: {found:.1%} of the rows, {was:.1%} before",
    "categories-renamed": "{levels:,} categories with {share:.1%} of the test rows are gone, and as many rows have new "
    "ones: renamed or cut off",
    "clock-ahead": "{rows:,} predictions are later than now",
    "clock-shifted": "hours of the day are moved by {hours:+d}: another time zone",
    "column-gone": "the column is not there",
    "columns-swapped": "its values are those of {other}, and the other way round",
    "constant": "all rows have the same value",
    "copied-values": "the values are those of an earlier window, row for row",
    "day-volume": "{rows:,} predictions on {day}, usually about {usual:,}",
    "frozen-days": "all rows of a day have the same value, on {days} days from {first}",
    "infinite-jumped": "infinite values in {found:.1%} of the rows, {was:.1%} on the test rows",
    "labels-before-predictions": "{rows:,} labels are older than their prediction",
    "log-clock-shifted": "the times of predictions are moved by {hours:+d} hours: another zone, or a clock that is off",
    "log-silent": "no prediction in the {windows} windows since {since}",
    "log-ends-early": "the last prediction is of {last}; the window ends {end}",
    "missing-jumped": "missing in {found:.1%} of the rows, {was:.1%} on the test rows",
    "models-mixed": "predictions of several versions: {models}",
    "nan-jumped": "NaN in {found:.1%} of the rows, {was:.1%} on the test rows",
    "values-far-outside": "numbers three times as far from 0 as nearly all of the test rows: {found:.1%} of the rows",
    "no-longer-whole": "numbers that were always whole have fractions",
    "one-value": "one value in {share:.1%} of the rows, where the test rows had {usual:.1%}",
    "predictions-lost": "{rows:,} predictions are missing, NaN or infinite",
    "probabilities-outside": "{rows:,} probabilities are below 0 or above 1",
    "rows-repeated": "{share:.1%} of the rows repeat another one, {usual:.1%} before",
    "sample-changed": "the log keeps {found:.1%} of predictions, {was:.1%} before",
    "sign-changed": "numbers fit the test rows with their sign turned",
    "type-changed": "{found}, and {was} on the test rows",
    "unit-divided": "numbers fit the test rows once they are multiplied by {factor:,.0f}: another unit",
    "unit-multiplied": "numbers fit the test rows once they are divided by {factor:,.0f}: another unit",
    "unit-temperature": "numbers are {factor:.3g} times those of the test rows, {offset:+.4g}: another unit",
    "volume-changed": "{rows:,} predictions, usually about {usual:,}",
    "windows-without-rows": "no prediction in {windows} windows since {since}",
    # remarks on a model that passes
    "below-majority": "its accuracy of {accuracy:.3g} is below the {share:.3g} of always calling the commonest class",
    "little-worth": "evaluate.worth asks for no more than {worth:.2g} of the way from the baseline to a perfect score",
    "no-positives": "it calls no test row positive at its threshold, though {positives:,} are",
    "waiver-expired": "the waiver of {owner} expired on {expires}",
    # decisions of monitoring
    "all-quiet": "nothing in the windows of this version asks for anything ({windows:,} so far)",
    "before-held": "{metric} is missed for certain in {windows:,} windows, and {previous} held it in its last one, "
    "{window}",
    "budget-left": "{used:,} of {budget:,} retrainings in {days:,} days used",
    "budget-used": "{used:,} of {budget:,} retrainings in {days:,} days used; the next is free on {until}",
    "calendar-due": "{every} after its promotion are over, since {date}",
    "champion-changed": "the champion is {champion} by now, and what was monitored is {monitored}",
    "cooled-down": "{stretch} since the last retraining or promotion, {last}, are over",
    "cools-down": "{stretch} since the last retraining or promotion, {last}, are over on {until}",
    "data-changed": "the training data is no longer what the champion was made from",
    "data-not-known": "whether the training data changed is not known",
    "dispatch-refused": "GitHub answers {status} to starting {workflow}; the decision is kept",
    "drift-with-harm": "persistent drift of {columns} in {windows:,} of the last {last:,} windows, in {harmed:,} of "
    "them with a loss for certain",
    "drift-without-harm": "persistent drift of {columns} in {windows:,} of the last {last:,} windows, without a loss "
    "that is certain",
    "fault-in-column": "the column {column} is at fault since the window {first}, in {share:.0%} of the newest window "
    "({rows:,} rows)",
    "fault-in-window": "the data is at fault since the window {first}, in {share:.0%} of the newest window "
    "({rows:,} rows)",
    "held-back": "{action} is asked for, and {by} holds it back",
    "labels-not-mature": "{known:,} of {windows:,} windows have labels that are mature, fewer than {asked:,}",
    "loss-expected": "a loss of {lost:,} is expected until the next window ({rows:,} predictions); a retraining costs "
    "{price:,}",
    "max-age": "it may be {age} old, until {date}",
    "missed-for-certain": "{metric} is missed for certain in {windows:,} of the last {last:,} windows, by {by:.3g} in "
    "the newest of them",
    "missed-in-slice": "{metric} of {slice} is missed for certain in {windows:,} of the last {last:,} windows, by "
    "{by:.3g} in the newest of them",
    "new-rows": "{rows:,} of {asked:,} labelled predictions since it was trained",
    "no-budget": "the budget allows no retraining",
    "no-complete-window": "{champion} has no complete window yet; {rows:,} predictions wait in an open one",
    "promotion-not-known": "since when it is the champion is not known",
    "quiet-later": "quiet from {begin} to {end} ({zone}), which is not now",
    "quiet-now": "quiet from {begin} to {end} ({zone}), which is now",
    "rows-not-known": "how many predictions were labelled since it was trained is not known",
    "run-goes-on": "a run that a decision started goes on since {since}",
    "seen-in-windows": "{of}: in {seen:,} of the last {last:,} windows; {windows:,} are asked for",
    "told-apart": "a classifier tells the rows of {window} from earlier ones, most by {columns}",
    "too-old": "it is older than {age}",
    "would-complete-window": "a window that is complete",
    "would-end-fault": "a window without the fault",
    "would-hold": "a retraining or promotion in the {cool_down} before, or {budget:,} retrainings in {days:,} days: "
    "held back",
    "would-mature": "{further:,} more windows with mature labels",
    "would-monitor-again": "monitoring again, with today's champion",
    "would-retrain-data": "other training data: retrain",
    "would-retrain-harm": "{further:,} more of the last {last:,} windows with drift and a loss for certain: retrain",
    "would-retrain-loss": "an expected loss above {price:,}: retrain",
    "would-retrain-missed": "performance missed for certain in {windows:,} of {last:,} windows: retrain",
    "would-retrain-missed-more": "{further:,} more of the last {last:,} windows in which it is missed for certain: "
    "retrain",
    "would-retrain-on": "on {date}: retrain",
    "would-retrain-rows": "{further:,} more labelled predictions: retrain",
}
"""Code of a reason to its words; a test holds that every code of the source has some."""
_BASELINES = {
    "averages": "mean and median of the training rows",
    "classes": "class shares and majority class of the training rows",
}


ACTIONS: Mapping[DecisionAction, str] = {
    "nothing": "nothing to do",
    "watch": "watch",
    "investigate": "investigate upstream",
    "retrain": "retrain",
    "roll-back": "roll back",
    "not-enough-yet": "not enough yet",
}
"""What follows from monitoring, in words."""


def started(result: DecideResult) -> Iterator[str]:
    """Yield what a decision started, or why not; nothing where there was nothing to start."""
    found = result.dispatch
    if found is None:
        return
    if found.state == "started":
        yield f"{found.workflow} was started on {found.ref}{f': {found.url}' if found.url else ''}"
    elif found.reason is not None:
        yield because(found.reason)
    elif result.decision is not None and result.action == "retrain":
        yield f"started by hand: modelyard run --promote --decision {result.decision.digest}"
    else:
        yield f"nothing was started; {found.workflow} would carry it out"


_ALARMS: Mapping[AlarmKind, tuple[str, str]] = {
    "drift": ("{what} drifts", "{what} drifts no more"),
    "performance": ("{what} is missed for certain", "{what} is not missed for certain any more"),
    "version": ("the registry has no such version", "the registry has the version now"),
}


def alarm(found: Alarm) -> str:
    """Return a line about something that is seen in a log that is followed."""
    said = _ALARMS[found.kind][0 if found.began else 1].format(what=found.what)
    return f"{found.at}  {found.version}: {said}, after {found.rows:,} predictions"


def because(reason: Reason) -> str:
    """Return a reason in words; a code that is not known, as in a record of another version, stands for itself."""
    try:
        return REASONS[reason.code].format_map(_in_words(reason.values))
    except (KeyError, ValueError, TypeError, IndexError):
        return reason.code


class _Number(float):
    """A number that is written with a real minus sign."""

    def __format__(self, spec: str) -> str:
        return super().__format__(spec).replace("-", numbers.MINUS)


def _in_words(values: Mapping[str, Value]) -> dict[str, Value]:
    """Return a reason's values with those in words that are lists, or parts of a sentence of their own."""
    shown: dict[str, Value] = {
        key: ", ".join(map(str, each))
        if isinstance(each, list | tuple)
        else _Number(each)
        if isinstance(each, float)
        else each
        for key, each in values.items()
    }
    if "more" in values:
        several = values["more"] or ", " in str(shown["slices"])
        shown |= {"are": "are" if several else "is", "more": f" and {values['more']} more" if values["more"] else ""}
    if "off" in values:
        shown["off"] = str(shown["off"]).replace(", ", " and ")
    if "redrawn" in values:
        shown["redrawn"] = f", {values['redrawn']:,} drawn again" if values["redrawn"] else ""
    if isinstance(of := values.get("of"), list | tuple):
        shown["of"] = " and ".join(REASONS[code].partition(",")[0].format(of="such") for code in of)
    if "since" in values:
        shown["since"] = str(values["since"])[:10]
    if "why" in values:
        shown["why"] = REASONS[str(values["why"])].format_map(shown)
    if "least" in values:
        least, failing = float(str(values["least"])), str(shown["failing"])
        shown["least"] = f", {least:.0%} have to" if least < 1 else ""
        shown["failing"] = "".join(f"; row {row}" for row in failing.split(", ")) if failing else ""
    return shown


class Margined(Protocol):
    """What a rule has beside metric, operator and demand."""

    @property
    def margin(self) -> float | None:
        """Return the margin in the metric's unit."""

    @property
    def relative(self) -> str:
        """Return the margin in percent, as it was written."""

    @property
    def keeps(self) -> Keeps:
        """Return what a default gate holds the challenger to."""


def rule_of(metric: str, operator: Operator, demand: Demand, rest: Margined) -> str:
    """Return a rule in words: ``recall at least 0.5``."""
    whose = "the champion" if demand.reference == "champion" else "the best promoted model"
    if rest.keeps == "worth":
        return f"{metric} goes {100 * (rest.margin or 0.0):g}% of the way from the baseline to a perfect score"
    if rest.keeps == "gain":
        return f"{metric} keeps nine tenths of {whose}'s gain over the baseline"
    if rest.keeps:
        return f"{metric} falls short of perfect by at most a tenth more than {whose}"
    margin = rest.relative or f"{rest.margin or 0.0:g}"
    return f"{metric} {operator.phrase(demand, margin)}"


def rule(gate: GateResult) -> str:
    """Return the gate's rule in words."""
    return rule_of(gate.metric, OPERATORS.get(gate.operator), _demand(gate), gate)


def in_words(gate: GateResult) -> str:
    """Return the rule without its margin, with whom it guards: ``recall at least 0.5, every carrier``."""
    text = rule(gate) if is_contrast(gate) else rule(gate).partition(", margin ")[0]
    named = [f"{row.column} {row.value}" for row in gate.slices if row.named]
    columns = dict.fromkeys(row.column for row in gate.slices if not row.named)
    whom = [f"every {column}" for column in columns] or named[:3]
    return f"{text}, {' and '.join(whom)}" if whom else text


def judged(row: SliceRow) -> Estimate:
    """Return the estimate that a slice is judged by."""
    return row.difference if row.difference is not None else row.challenger


def sorted_slices(gate: GateResult, only: Sequence[Verdict] = tuple(Verdict)) -> list[SliceRow]:
    """Return a gate's slices, worst first; those with too few rows come after those that were judged."""
    sign = 1.0 if passes_above(gate) else -1.0
    kept = [row for row in gate.slices if row.verdict in only]
    return sorted(
        kept,
        key=lambda row: (SEVERITY[row.verdict], too_few(row), sign * (judged(row).value or 0.0), row.column, row.value),
    )


def worst_slice(gate: GateResult) -> SliceRow | None:
    """Return the slice with the worst value of those that have rows enough; None where no slice has one."""
    told = [row for row in sorted_slices(gate) if judged(row).value is not None and not too_few(row)]
    sign = 1.0 if passes_above(gate) else -1.0
    return min(told, key=lambda row: sign * (judged(row).value or 0.0), default=None)


def surely_worse(gate: GateResult) -> bool:
    """Return whether an undecided difference is on the bad side of 0 for certain, so that only its size is open."""
    found = gate.estimate
    if gate.verdict is not Verdict.INCONCLUSIVE or is_contrast(gate) or not is_difference(gate):
        return False
    if found.low is None or found.high is None:
        return False
    return found.high < 0 if gate.higher_is_better else found.low > 0


def deciding_slice(gate: GateResult) -> SliceRow | None:
    """Return the worst slice of a gate that failed because of its slices; None where all rows fail, or none does."""
    if gate.verdict is not Verdict.FAIL or gate.on_all_rows is Verdict.FAIL:
        return None
    return next(iter(sorted_slices(gate, only=(Verdict.FAIL,))), None)


def too_few(row: SliceRow) -> bool:
    """Tell whether a slice has too few rows to be judged, which is another thing than rows that do not tell."""
    return row.verdict is Verdict.INCONCLUSIVE and (row.rows_needed is not None or judged(row).refused is not None)


def ends(found: Estimate | None) -> tuple[float | None, ...]:
    """Return an estimate and its limits."""
    return () if found is None else (found.value, found.low, found.high)


def _demand(gate: GateResult) -> Demand:
    return Demand(gate.bound, gate.upper, gate.reference or None)


def reason(gate: GateResult) -> str:
    """Return why the gate's verdict is not that of its numbers, or why it has none; else nothing."""
    found = gate.reason or gate.estimate.refused
    return "" if found is None else refusal(gate.estimate) if found is gate.estimate.refused else because(found)


def refusal(estimate: Estimate) -> str:
    """Return why there is no interval, in the units that are named: ``18 days; at least 30 are needed``."""
    found = estimate.refused
    if found is None:
        return ""
    text = because(found)
    if found.code != "too-few-units" or estimate.unit in SINGLE:
        return text
    count = found.values.get("units")
    named = f"{numbers.units(count, estimate.unit)};{text.partition(';')[2]}" if isinstance(count, int) else text
    return f"{named}; data.columns.unit says what is independent"


def method(estimate: Estimate) -> str:
    """Return how the interval was made."""
    return ", and ".join(because(each) for each in estimate.method)


def whose_rules(result: EvaluateResult) -> str:
    """Return whose rules judged."""
    if result.proposal:
        return f"this change's own: the base {result.base[:12]} has no configuration yet"
    if not result.base:
        return "this checkout's own"
    altered = f"; this change would alter {len(result.rule_changes)} of them" if result.rule_changes else ""
    return f"the base's, at {result.base[:12]}{altered}"


def waived(found: Waived) -> str:
    """Return ``waived until 2027-03-31 by ana: …``."""
    text = f"waived until {found.until} by {found.owner}: {found.reason}"
    return f"slice {found.slice}: {text}" if found.slice else text


def check_name(check: CheckResult) -> str:
    """Return ``calibration``, ``invariance: colour``."""
    name = check.name.replace("-", " ")
    return f"{name}: {check.subject}" if check.subject else name


def baseline(result: EvaluateResult) -> str:
    """Return what the baseline is made of."""
    return _BASELINES.get(result.baseline, "")


def notes(result: EvaluateResult) -> Iterator[str]:
    """Yield what stands above everything else: whose rows and rules judged, and a champion without evidence."""
    if result.base_rows is not None and not result.base_rows.why:
        yield of_base_rows(result.base_rows)
    if result.proposal:
        yield "Proposal: the base has no rules yet. These are this change's own, and nothing is promoted by them."
    elif result.rule_changes:
        yield f"This change would alter {len(result.rule_changes)} of the rules that judge it; those of the base count."
    if result.champion_adopted:
        yield f"{result.champion} was adopted without evidence"
    if result.walked is not None and result.walked.high is not None and result.walked.high < 0:
        yield walked(result)


def walked(result: EvaluateResult) -> str:
    """Return how far the alias has walked since the best version that was promoted; nothing where that is it."""
    found, ahead = result.walked, result.over_best
    if found is None or found.value is None or not result.metrics:
        return ""
    text = (
        f"How far the alias has walked: on these rows {result.champion} is {_apart(found.value, found)} in "
        f"{result.metrics[0].metric} than {result.best}, the best that was promoted"
    )
    if found.low is not None and found.high is not None:
        sure = "beyond chance" if found.low > 0 or found.high < 0 else "which may be chance"
        text += f"; between {_apart(found.low, found)} and {_apart(found.high, found)}, {sure}"
    if ahead is not None and ahead.value is not None:
        text += f". The challenger is {_apart(ahead.value, ahead)} than {result.best}"
    return f"{text}."


def _apart(value: float, of: Estimate) -> str:
    """Return ``0.0041 worse``, with the decimals of an estimate."""
    return f"{numbers.metric(abs(value), _places(of))} {'worse' if value < 0 else 'better'}"


_UNREADABLE = {
    "pointer": "cannot be read: git holds a pointer in their place",
    "not-in-git": "cannot be read: they are not in git",
    "too-large": "are too large to be read beside today's",
    "damaged": "cannot be read by the base's rules",
    "trained-on": "cannot judge: most of them are training rows of this change",
    "predictions": "cannot be scored: the challenger exists as predictions only",
    "not-scored": "could not be scored",
}


def of_base_rows(found: BaseRows) -> str:
    """Return how the test rows differ from the base's, and what that means for the verdict."""
    if found.why:
        known = f" ({_differences(found)})" if found.added or found.changed or found.removed else ""
        return (
            f"This change brings other test rows than its base{known}, and those of the base "
            f"{_UNREADABLE[found.why]}. The gates are judged on this change's own test rows alone."
        )
    trained = f"; {numbers.count(found.trained_on)} more are training rows now" if found.trained_on else ""
    champion = ""
    if found.champion_then is not None and found.champion_now is not None:
        then, now = observed(found.champion_then), observed(found.champion_now)
        champion = f" The champion's {found.metric} is {then} on those of the base and {now} on this change's."
    return (
        f"This change brings other test rows than its base: {_differences(found)}. The gates are judged on the base's "
        f"{numbers.plural(found.rows, 'test row')} too{trained}, and the worse verdict counts.{champion}"
    )


def _differences(found: BaseRows) -> str:
    counts = {"added": found.added, "changed": found.changed, "removed": found.removed}
    return ", ".join(f"{numbers.count(count)} {how}" for how, count in counts.items())


def is_difference(gate: GateResult) -> bool:
    """Tell whether the gate compares with a reference rather than with a fixed bound."""
    return OPERATORS.get(gate.operator).compares


def is_contrast(gate: GateResult) -> bool:
    """Tell whether the estimate is what is left over the rule's own least, rather than challenger minus reference.

    Default gates ask for a share of the champion's gain, so they have no margin to show and no effect per rows.
    """
    return is_difference(gate) and gate.margin is None


def threshold(gate: GateResult) -> float | None:
    """Return the number that the interval must lie beyond, on the scale of ``gate.estimate``."""
    operator = OPERATORS.get(gate.operator)
    if not isinstance(operator, Difference):
        return gate.bound
    margin = gate.margin or 0.0
    towards_better = margin if operator.better else -margin
    return towards_better if gate.higher_is_better else -towards_better


def passes_above(gate: GateResult) -> bool:
    """Tell whether larger numbers pass."""
    operator = OPERATORS.get(gate.operator)
    return gate.higher_is_better if operator.compares else operator.above


def required(gate: GateResult) -> str:
    """Return ``≥ 0.8``, ``> −0.005``."""
    limit = threshold(gate)
    if limit is None:
        return numbers.NONE
    if gate.upper is not None:
        return f"{numbers.exact(limit)}{_JOINED}to{_JOINED}{numbers.exact(gate.upper)}"
    if is_difference(gate):
        return f"{'>' if passes_above(gate) else '<'}{_JOINED}{numbers.exact(limit, signed=True)}"
    return f"{'≥' if passes_above(gate) else '≤'}{_JOINED}{numbers.exact(limit)}"


def needs(gate: GateResult) -> str:
    """Return what is required, without a sign that HTML reads: ``≥ 0.8``, ``above −0.005``."""
    return required(gate).replace(f">{_JOINED}", f"above{_JOINED}").replace(f"<{_JOINED}", f"below{_JOINED}")


def allowed(gate: GateResult) -> str:
    """Return the limit alone: ``−0.01``."""
    return numbers.exact(threshold(gate), signed=is_difference(gate))


def observed(estimate: Estimate, *, signed: bool = False) -> str:
    """Return the estimate, with the decimals that its limits have too."""
    return numbers.metric(estimate.value, _places(estimate), signed=signed)


def limits(estimate: Estimate, *, signed: bool = False) -> str:
    """Return ``[0.9050, 0.9230]``, or a dash; ``≈`` before an interval whose method is approximate."""
    if estimate.low is None or estimate.high is None:
        return numbers.NONE
    text = numbers.interval(estimate.low, estimate.high, _places(estimate), signed=signed)
    return f"≈ {text}" if estimate.approximate else text


def with_limits(estimate: Estimate, *, signed: bool = False) -> str:
    """Return ``0.9144 [0.9050, 0.9230]``."""
    value = observed(estimate, signed=signed)
    interval = limits(estimate, signed=signed)
    return value if interval == numbers.NONE else f"{value} {interval}"


def judged_on(estimate: Estimate) -> str:
    """Return ``92 days``: what n counts; ``92 days (worth 41)`` where they are of unequal size."""
    if not estimate.n:
        return numbers.NONE
    text = numbers.units(estimate.n, estimate.unit)
    worth = estimate.n if estimate.effective is None else math.floor(estimate.effective + 0.5)
    return f"{text} (worth {numbers.count(worth)})" if worth < WORTH_TELLING * estimate.n else text


def dependence(estimate: Estimate) -> str:
    """Return what size and memory do to the units, where it matters; else nothing."""
    parts = []
    if estimate.effective is not None and estimate.effective < WORTH_TELLING * estimate.n:
        units = numbers.units(estimate.n, estimate.unit)
        parts.append(f"{units} of unequal size are worth {estimate.effective:.0f} of equal size")
    if estimate.largest is not None and estimate.largest > LARGE_SHARE:
        parts.append(f"the largest holds {estimate.largest:.0%}")
    if estimate.memory is not None and estimate.memory > SOME_MEMORY:
        alike = f"each {estimate.unit} resembles the one before"
        parts.append(f"{alike} (correlation {estimate.memory:.2f}), which widens intervals")
    return "; ".join(parts)


def direction(row: MetricRow) -> tuple[str, str]:
    """Return an arrow, and which way a metric is better, or what it is to be near."""
    if row.aim is not None:
        return "→", f"to be near {row.aim:g}"
    return ("↑", "higher is better") if row.higher_is_better else ("↓", "lower is better")


def rows_behind(estimate: Estimate) -> str:
    """Return ``84,059 rows`` where the unit is coarser than the row, else nothing."""
    return numbers.units(estimate.rows, "row") if estimate.rows and estimate.unit not in SINGLE else ""


def effect(gate: GateResult) -> str:
    """Return a difference of rates as a count: ``12 fewer errors per 1,000 rows``; nothing for others."""
    unit, difference = _EFFECTS.get(gate.effect), gate.estimate.value
    if unit is None or difference is None or not is_difference(gate) or is_contrast(gate):
        return ""
    worse = -difference
    number = abs(worse) * 1000
    text = f"{number:.0f}" if number >= 9.95 else f"{number:.1f}"
    if text == "0.0":
        return f"no change in {unit.many} per {unit.of}"
    noun = unit.one if text == "1.0" else unit.many
    return f"{text.removesuffix('.0')} {'more' if worse > 0 else 'fewer'} {noun} per {unit.of}"


def visible(gate: GateResult) -> str:
    """Return the smallest difference that this test set can show, as a number."""
    if gate.smallest_visible is None:
        return numbers.NONE
    return numbers.exact(float(f"{gate.smallest_visible:.2g}"))


def would_decide(gate: GateResult) -> str:
    """Return how many units would decide an open gate, and which way; nothing once it is decided."""
    if gate.verdict is not Verdict.INCONCLUSIVE:
        return ""
    if gate.units_to_decide is None:
        return "no realistic number of rows would decide it" if gate.would_decide else ""
    number = f"about {numbers.units(gate.units_to_decide, gate.estimate.unit)}"
    return f"{number} give an 80% chance to {gate.would_decide}, if the true value is today’s estimate"


def for_equal(gate: GateResult) -> str:
    """Return the units on which a model exactly as good as the reference passes an open gate four times in five."""
    if gate.verdict is not Verdict.INCONCLUSIVE or gate.units_for_equal is None:
        return ""
    whose = "champion" if gate.reference in ("", "champion") else "best promoted model"
    return f"passes on about {numbers.units(gate.units_for_equal, gate.estimate.unit)}, four times in five ({whose})"


def if_held(gate: GateResult) -> str:
    """Return the units at which today's estimate itself would decide, which half the time it is not seen again."""
    if gate.verdict is not Verdict.INCONCLUSIVE or gate.units_if_held is None:
        return ""
    return f"{numbers.units(gate.units_if_held, gate.estimate.unit)}, an even chance, were today’s estimate seen again"


def terminal(gate: GateResult) -> str:
    """Return the gate's numbers on one line, as everywhere else; or why there are none."""
    estimate = gate.estimate
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return reason(gate)
    text = f"{with_limits(estimate, signed=is_difference(gate))}, {judged_on(estimate)}"
    if gate.smallest_visible is not None and gate.verdict is Verdict.INCONCLUSIVE:
        text += f", smallest visible difference {visible(gate)}"
    return text


def worst_first(gates: Iterable[GateResult]) -> list[GateResult]:
    """Return gates by severity, in their written order within one."""
    return sorted(gates, key=lambda gate: (SEVERITY[gate.verdict], gate.allowed))


def explanation(gate: GateResult, champion: str | None) -> str:
    """Return one sentence: what was seen, what was required, on how much, and what it means."""
    estimate = gate.estimate
    if estimate.value is None:
        return f"The gate “{rule(gate)}” has no estimate: {reason(gate) or 'there is no estimate'}."
    signed = is_difference(gate)
    if signed:
        named = gate.reference == "champion" and champion
        against = f"champion {champion}" if named else f"the {gate.reference.replace('-', ' ')} model"
        text = f"Against {against.removesuffix(' model') if gate.reference == 'baseline' else against}, {gate.metric} "
        if is_contrast(gate):
            return _over_least(text, gate)
        text += "differs by "
    else:
        text = f"The challenger’s {gate.metric} is "
    text += f"{with_limits(estimate, signed=signed)} on {judged_on(estimate)}, required {required(gate)}"
    meaning = effect(gate)
    text = f"{text}: {meaning}." if meaning else f"{text}."
    return f"{text}{_caveat(gate)}"


def over_least(gate: GateResult) -> str:
    """Return ``exceeds the required minimum by 0.0119 [0.0062, 0.0173]``."""
    return _over_least("", gate).partition(" on ")[0]


def _over_least(against: str, gate: GateResult) -> str:
    """Return how far a default gate's quantity lies beyond what it requires, counted towards the side it lies on."""
    value, low, high = gate.estimate.value or 0.0, gate.estimate.low, gate.estimate.high
    shown = gate.estimate
    if value < 0:
        turned = {"value": -value, "low": None if high is None else -high, "high": None if low is None else -low}
        shown = gate.estimate.model_copy(update=turned)
    verb = "exceeds" if (value >= 0) == gate.higher_is_better or value == 0 else "falls short of"
    return f"{against}{verb} the required minimum by {with_limits(shown)} on {judged_on(shown)}.{_caveat(gate)}"


def _caveat(gate: GateResult) -> str:
    """Return why there is no interval; or, where the slices decided otherwise than all rows, that they did."""
    if gate.estimate.refused:
        return f" There is no interval: {refusal(gate.estimate)}."
    lead = "Of its slices: " if gate.slices else "Note: "
    return f" {lead}{because(gate.reason)}." if gate.reason else ""


def _places(estimate: Estimate) -> int:
    return numbers.decimals(ends(estimate))
