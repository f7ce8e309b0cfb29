"""Whether predicted probabilities are observed shares."""

from collections.abc import Sequence

import numpy as np

from modelyard.config.sections.evaluate import Checks
from modelyard.core.reasons import Value, because
from modelyard.core.verdict import Verdict
from modelyard.evaluation.gates.decision import Models
from modelyard.evaluation.gates.judge import estimate_of
from modelyard.evaluation.test_set import TestSet
from modelyard.records.results import Calibration, CheckResult, Estimate
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


def check(checks: Checks, known: Sequence[Calibration]) -> CheckResult | None:
    """Return the challenger's calibration as a check; None where it is off, or the task has no probabilities."""
    own = next((each for each in known if each.model == "challenger"), None)
    if checks.calibration == "off" or (own is None and checks.calibration == "report"):
        return None
    verdict, finding = Verdict.ERROR, because("calibration-absent")
    if own is not None:
        verdict, code, more = _judged(checks, own)
        finding = because(code, error=own.error, **more)
    gate = checks.calibration == "gate"
    return CheckResult(name="calibration", gate=gate, verdict=verdict, finding=finding)


def _judged(checks: Checks, own: Calibration) -> tuple[Verdict, str, dict[str, Value]]:
    slope, intercept = own.slope, own.intercept
    refused = slope.refused or intercept.refused
    if slope.low is None or intercept.low is None or slope.high is None or intercept.high is None:
        why: dict[str, Value] = {} if refused is None else {"why": refused.code, **refused.values}
        return Verdict.INCONCLUSIVE, "calibration-unknown", why
    more: dict[str, Value] = {**_numbers("slope", slope), **_numbers("intercept", intercept)}
    off = tuple(
        name
        for name, each, right in (("slope", slope, 1.0), ("intercept", intercept, 0.0))
        if each.low is not None and each.high is not None and not each.low <= right <= each.high
    )
    if own.error > checks.calibration_error and off:
        return Verdict.FAIL, "calibration-off", {**more, "off": off, "most": checks.calibration_error}
    return Verdict.PASS, "calibration", more


def _numbers(name: str, found: Estimate) -> dict[str, Value]:
    return {name: found.value or 0.0, f"{name}_low": found.low or 0.0, f"{name}_high": found.high or 0.0}
