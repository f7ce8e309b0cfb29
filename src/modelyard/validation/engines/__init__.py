"""Engines that judge expectation suites."""
