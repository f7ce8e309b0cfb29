"""MLflow's pyfunc models: a folder with an MLmodel file, loaded by MLflow's client."""

from collections.abc import Mapping
from pathlib import Path

from modelyard.models.adapters.child import ChildAdapter


class PyfuncAdapter(ChildAdapter):
    """A model folder of MLflow's."""

    name = "pyfunc"

    def place(self, path: Path) -> str | None:
        """Return that a folder of MLflow's is kept as a folder."""
        return "" if (path / "MLmodel").is_file() else None

    def stored_as(self, model_dir: Path) -> str:
        """Return pyfunc."""
        del model_dir
        return "pyfunc"

    def runs_code(self, model_dir: Path) -> str:
        """Return that every pyfunc model runs code of its own."""
        del model_dir
        return "is a pyfunc model of MLflow, which runs code of its own when it is loaded"

    def more_packages(self, packages: Mapping[str, str]) -> dict[str, str]:
        """Return MLflow's small client, unless MLflow is among the packages."""
        if {"mlflow", "mlflow-skinny"} & set(packages):
            return {}
        import mlflow

        return {"mlflow-skinny": mlflow.__version__}
