"""The checks beside the gates. A new one is a class in a module here, its entry, and its settings in the section."""

from modelyard.core.catalogue import Catalogue
from modelyard.evaluation.checks.calibration import Calibrated
from modelyard.evaluation.checks.changed import Changed
from modelyard.evaluation.checks.check import Check
from modelyard.evaluation.checks.gap import Gap

CHECKS: Catalogue[Check] = Catalogue("check", "evaluate/unknown-check")
for _check in (Calibrated(), Changed(), Gap()):
    CHECKS.register(_check)
