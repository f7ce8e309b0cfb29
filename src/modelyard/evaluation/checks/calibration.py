"""Whether predicted probabilities are observed shares."""

import numpy as np

from modelyard.core.reasons import Reason, Value, because
from modelyard.core.verdict import Verdict
from modelyard.evaluation.checks.check import Check, Subject
from modelyard.evaluation.gates.decision import Models
from modelyard.evaluation.gates.judge import estimate_of
from modelyard.evaluation.test_set import TestSet
from modelyard.records.results import Calibration
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
        error = stats.error_interval(codes, model.probability, unit=test_set.unit, confidence=test_set.confidence)
        found.append(
            Calibration(
                model=role,
                slope=estimate_of(slope, test_set),
                intercept=estimate_of(intercept, test_set),
                error=estimate_of(error, test_set),
            )
        )
    return tuple(found)


class Calibrated(Check):
    """The challenger's calibration."""

    name = "calibration"

    def look(self, subject: Subject, *, gate: bool) -> tuple[Verdict, Reason] | None:
        """Return error, slope and intercept, and whether the error is within its bound."""
        own = next(
            (each for each in calibrations(subject.test_set, subject.models) if each.model == "challenger"), None
        )
        if own is None:
            return (Verdict.ERROR, because("calibration-absent")) if gate else None
        return _judged(own, subject.settings.calibration_error)


def _judged(own: Calibration, most: float) -> tuple[Verdict, Reason]:
    """Hold the error to its bound as a gate does: its upper limit passes, its lower limit fails."""
    slope, intercept, error = own.slope, own.intercept, own.error
    known = {"error": error.value or 0.0, "most": most}
    if error.low is None or error.high is None:
        refused: dict[str, Value] = {} if error.refused is None else {"why": error.refused.code, **error.refused.values}
        return Verdict.INCONCLUSIVE, because("calibration-unknown", **known, **refused)
    values: dict[str, Value] = {**known, "error_low": error.low, "error_high": error.high}
    for name, each in (("slope", slope), ("intercept", intercept)):
        if each.low is not None and each.high is not None:
            values |= {name: each.value or 0.0, f"{name}_low": each.low, f"{name}_high": each.high}
    told = "slope" in values and "intercept" in values
    if error.low > most:
        return Verdict.FAIL, because("calibration-off" if told else "calibration-error-off", **values)
    if error.high <= most:
        return Verdict.PASS, because("calibration" if told else "calibration-error", **values)
    return Verdict.INCONCLUSIVE, because("calibration-open" if told else "calibration-error-open", **values)
