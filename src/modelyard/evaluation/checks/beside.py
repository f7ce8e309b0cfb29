"""What is looked at beside the gates: calibration, changed predictions, the gap to training rows, and curves.

Each check is off, reported, or a gate of its own (``evaluate.checks``).
"""

from collections.abc import Sequence

import numpy as np

from modelyard.config.sections.evaluate import Checks
from modelyard.core.verdict import Verdict
from modelyard.evaluation.gates.judge import Columns, Models, estimate_of
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.metric import Metric
from modelyard.metrics.predictions import Floats, Ints, Predictions
from modelyard.records.results import Calibration, ChangedPredictions, ChangedSlice, CheckResult, CurvePoints
from modelyard.stats import calibration as stats
from modelyard.stats.proportions import proportion

POINTS = 200
"""Points of a curve."""
SLICES = 20
"""Slices of changed predictions that are listed, the most changed first."""


def calibrations(truth: TestSet, models: Models) -> tuple[Calibration, ...]:
    """Calibration of each binary model that gives probabilities; weights are not used."""
    found = []
    for role in ("challenger", "champion"):
        model = models.get(role)
        if model is None or model.probability is None or model.probability.ndim > 1:
            continue
        codes = truth.y.astype(np.int64)
        slope, intercept = stats.slope_and_intercept(
            codes, model.probability, unit=truth.unit, confidence=truth.confidence
        )
        found.append(
            Calibration(
                model=role,
                slope=estimate_of(slope, truth),
                intercept=estimate_of(intercept, truth),
                error=stats.debiased_error(codes, model.probability),
            )
        )
    return tuple(found)


def calibration_check(checks: Checks, found: Sequence[Calibration]) -> CheckResult | None:
    """The challenger's calibration as a check; None where it is off, or the task has no probabilities."""
    own = next((each for each in found if each.model == "challenger"), None)
    if checks.calibration == "off" or (own is None and checks.calibration == "report"):
        return None
    if own is None:
        return _check("calibration", checks.calibration, Verdict.ERROR, "the challenger gives no probabilities")
    said = f"calibration error {own.error:.3f}"
    slope, intercept = own.slope, own.intercept
    if slope.low is None or intercept.low is None or slope.high is None or intercept.high is None:
        why = slope.refused or intercept.refused
        return _check("calibration", checks.calibration, Verdict.INCONCLUSIVE, f"{said}; {why}")
    said += (
        f"; slope {slope.value:.2f} [{slope.low:.2f}, {slope.high:.2f}], "
        f"intercept {intercept.value:+.2f} [{intercept.low:+.2f}, {intercept.high:+.2f}]"
    )
    off = [
        name
        for name, each, right in (("slope", slope, 1.0), ("intercept", intercept, 0.0))
        if each.low is not None and each.high is not None and not each.low <= right <= each.high
    ]
    if own.error > checks.calibration_error and off:
        said += f"; more than {checks.calibration_error:g}, and the {' and '.join(off)} say so too"
        return _check("calibration", checks.calibration, Verdict.FAIL, said)
    return _check("calibration", checks.calibration, Verdict.PASS, said)


def changed(
    checks: Checks, truth: TestSet, models: Models, columns: Columns
) -> tuple[ChangedPredictions | None, CheckResult | None]:
    """Labels that differ from the champion's: from right to wrong, from wrong to right, and by slice."""
    champion = models.get("champion")
    new, old = models["challenger"].label, None if champion is None else champion.label
    if checks.changed_predictions == "off" or new is None or old is None:
        if checks.changed_predictions != "gate":
            return None, None
        verdict = Verdict.NOT_APPLICABLE if champion is None else Verdict.ERROR
        why = "there is no champion yet" if champion is None else "both models have to give labels"
        return None, _check("changed predictions", "gate", verdict, why)
    codes = truth.y.astype(np.int64)
    broken, mended = (old == codes) & (new != codes), (old != codes) & (new == codes)
    slices = []
    for column, groups in columns.items():
        for name, rows in groups.largest(len(groups.names)):
            pair = int(broken[rows].sum()), int(mended[rows].sum())
            if sum(pair):
                slices.append(
                    ChangedSlice(
                        column=column, value=name, rows=len(rows), right_to_wrong=pair[0], wrong_to_right=pair[1]
                    )
                )
    slices.sort(key=lambda each: (each.wrong_to_right - each.right_to_wrong, -each.right_to_wrong))
    found = ChangedPredictions(
        rows=len(codes),
        changed=int((old != new).sum()),
        right_to_wrong=int(broken.sum()),
        wrong_to_right=int(mended.sum()),
        slices=tuple(slices[:SLICES]),
    )
    return found, _changed_check(checks, found)


def _changed_check(checks: Checks, found: ChangedPredictions) -> CheckResult:
    share = proportion(found.right_to_wrong, found.rows)
    said = (
        f"{found.changed:,} of {found.rows:,} labels differ from the champion's: {found.right_to_wrong:,} from right "
        f"to wrong, {found.wrong_to_right:,} from wrong to right"
    )
    verdict = Verdict.INCONCLUSIVE
    if share.high is not None and share.high <= checks.changed_share:
        verdict = Verdict.PASS
    elif share.low is not None and share.low > checks.changed_share:
        verdict = Verdict.FAIL
    if checks.changed_predictions == "report":
        verdict = Verdict.PASS
    else:
        said += f"; at most {checks.changed_share:.1%} may become wrong"
    return _check("changed predictions", checks.changed_predictions, verdict, said)


def gap(
    checks: Checks,
    metric: Metric,
    on_test: float | None,
    y: Floats | Ints | None,
    train: Predictions | None,
) -> CheckResult | None:
    """How much better the challenger is on a sample of its training rows than on the test rows.

    Without such rows, or without what the metric needs, a gate is an error, and a report is left out.
    """
    if y is None or train is None or not train.has(metric.needs):
        why = "no training row was scored" if train is None else f"the challenger gives no {metric.needs}"
        gates = checks.train_test_gap == "gate"
        return _check("train-test gap", "gate", Verdict.ERROR, why) if gates else None
    on_train = metric.value(y, train)
    if on_train is None or on_test is None:
        return _check("train-test gap", checks.train_test_gap, Verdict.INCONCLUSIVE, f"{metric.name} is undefined")
    difference = (on_train - on_test) * (1 if metric.higher_is_better else -1)
    said = f"{metric.name} {on_train:.4g} on {len(train):,} training rows, {on_test:.4g} on the test rows"
    if checks.train_test_gap == "report":
        return _check("train-test gap", "report", Verdict.PASS, said)
    verdict = Verdict.PASS if difference <= checks.gap else Verdict.FAIL
    return _check("train-test gap", "gate", verdict, f"{said}; the gap may be {checks.gap:g}")


def _check(name: str, mode: str, verdict: Verdict, said: str) -> CheckResult:
    return CheckResult(name=name, gate=mode == "gate", verdict=verdict, said=said)


def curves(truth: TestSet, models: Models) -> tuple[CurvePoints, ...]:
    """ROC, precision and recall, and reliability of the binary models with probabilities."""
    found = []
    codes = truth.y.astype(np.int64)
    for role in ("challenger", "champion"):
        model = models.get(role)
        if model is None or model.probability is None or model.probability.ndim > 1 or len(np.unique(codes)) < 2:
            continue
        order = np.argsort(-model.probability, kind="stable")
        ends = np.flatnonzero(np.append(np.diff(model.probability[order]) != 0, True))
        true, called = np.cumsum(codes[order] == 1)[ends], ends + 1
        positives = int(codes.sum())
        rate = true / positives
        false_rate = (called - true) / (len(codes) - positives)
        found.append(_curve(f"roc: {role}", np.append(0.0, false_rate), np.append(0.0, rate)))
        found.append(_curve(f"precision_recall: {role}", rate, true / called))
        said, seen, _ = stats.bins(codes, model.probability)
        found.append(_curve(f"calibration: {role}", said, seen))
    return tuple(sorted(found, key=lambda curve: curve.name.partition(":")[0] != "roc"))


def _curve(name: str, x: Floats, y: Floats) -> CurvePoints:
    at = np.unique(np.linspace(0, len(x) - 1, min(POINTS, len(x))).astype(np.int64))
    return CurvePoints(name=name, x=tuple(np.round(x[at], 5).tolist()), y=tuple(np.round(y[at], 5).tolist()))


def label_period(times: Sequence[object]) -> str:
    """First and last time of the test labels."""
    known = [str(each) for each in times if each is not None]
    return f"{min(known)} to {max(known)}" if known else ""
