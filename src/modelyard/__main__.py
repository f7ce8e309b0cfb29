"""``python -m modelyard``."""

from modelyard.cli.main import entry

entry()
