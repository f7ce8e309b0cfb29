"""Registry on an MLflow server."""
