"""The step decide."""
