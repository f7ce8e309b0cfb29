"""Figures of the HTML report, as pure functions of numbers in records: inline SVG that follows the page's theme."""
