"""The step rollback."""
