"""Checks beside the gates: behaviour tests, calibration, changed predictions, the gap to training rows."""
