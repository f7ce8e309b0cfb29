"""CI/CD for machine learning that lives in a GitHub repository."""

__version__ = "0.1.0"
