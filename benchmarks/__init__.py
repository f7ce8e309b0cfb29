"""Speed and coverage, measured: each prints what RESULTS.md holds."""
