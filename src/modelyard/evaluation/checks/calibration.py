"""Whether predicted probabilities are observed shares."""

import numpy as np

from modelyard.core.reasons import Reason, Value, because
from modelyard.core.verdict import Verdict
from modelyard.evaluation.checks.check import Check, Subject
from modelyard.evaluation.gates.decision import Models
from modelyard.evaluation.gates.judge import estimate_of
from modelyard.evaluation.test_set import TestSet
from modelyard.records.results import Calibration, Estimate
from modelyard.stats import calibration as stats


def calibrations(test_set: TestSet, models: Models) -> tuple[Calibration, ...]:
    """Return the calibration of each binary model that gives probabilities; weights are not used."""
    found = []
    for role in ("challenger", "champion"):
        model = models.get(role)
        if model is None or model.probability is None or model.probability.ndim > 1:
            continue
        codes = test_set.y.astype(np.int64)
        slope, intercept = stats.slope_and_intercept(
            codes, model.probability, unit=test_set.unit, confidence=test_set.confidence
        )
        found.append(
            Calibration(
                model=role,
                slope=estimate_of(slope, test_set),
                intercept=estimate_of(intercept, test_set),
                error=stats.debiased_error(codes, model.probability),
            )
        )
    return tuple(found)


class Calibrated(Check):
    """The challenger's calibration."""

    name = "calibration"

    def look(self, subject: Subject, *, gate: bool) -> tuple[Verdict, Reason] | None:
        """Return slope, intercept and error, and whether they are those of a calibrated model."""
        own = next(
            (each for each in calibrations(subject.test_set, subject.models) if each.model == "challenger"), None
        )
        if own is None:
            return (Verdict.ERROR, because("calibration-absent")) if gate else None
        return _judged(own, subject.settings.calibration_error)


def _judged(own: Calibration, most: float) -> tuple[Verdict, Reason]:
    slope, intercept = own.slope, own.intercept
    refused = slope.refused or intercept.refused
    if slope.low is None or intercept.low is None or slope.high is None or intercept.high is None:
        why: dict[str, Value] = {} if refused is None else {"why": refused.code, **refused.values}
        return Verdict.INCONCLUSIVE, because("calibration-unknown", error=own.error, **why)
    values: dict[str, Value] = {"error": own.error, **_numbers("slope", slope), **_numbers("intercept", intercept)}
    off = tuple(
        name
        for name, each, right in (("slope", slope, 1.0), ("intercept", intercept, 0.0))
        if each.low is not None and each.high is not None and not each.low <= right <= each.high
    )
    if own.error > most and off:
        return Verdict.FAIL, because("calibration-off", **values, off=off, most=most)
    return Verdict.PASS, because("calibration", **values)


def _numbers(name: str, found: Estimate) -> dict[str, Value]:
    return {name: found.value or 0.0, f"{name}_low": found.low or 0.0, f"{name}_high": found.high or 0.0}
