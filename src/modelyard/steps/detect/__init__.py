"""The step detect."""
