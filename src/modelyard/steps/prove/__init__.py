"""The step prove."""
