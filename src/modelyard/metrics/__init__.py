"""Metrics by scikit-learn's names: what they need, which way is better, and how they are computed."""
