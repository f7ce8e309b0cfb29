"""Registry in a GitHub repository: a state branch and releases."""
