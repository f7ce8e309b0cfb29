"""Data validation: suites of expectations, and the engines that judge them."""
