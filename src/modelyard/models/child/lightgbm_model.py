"""A LightGBM model in its own text format, as scoring knows models; imports nothing of this project."""

from pathlib import Path
from typing import Any


class Model:
    """A booster that predicts values; columns have names where it was fitted on such."""

    def __init__(self, booster: Any) -> None:
        self.booster_ = booster
        self.n_features_in_ = booster.num_feature()
        names = booster.feature_name()
        if names != [f"Column_{at}" for at in range(len(names))]:
            self.feature_names_in_ = names

    def predict(self, frame: Any) -> Any:
        """Return what the booster gives: a value a row."""
        return self.booster_.predict(frame)


class Classifier(Model):
    """A booster of classes, which it knows by number alone."""

    def __init__(self, booster: Any, classes: int) -> None:
        super().__init__(booster)
        self.classes_ = list(range(classes))

    def predict_proba(self, frame: Any) -> Any:
        """Return (n, classes) probabilities."""
        import numpy as np

        found = np.asarray(self.booster_.predict(frame), dtype=np.float64)
        return np.column_stack([1 - found, found]) if found.ndim == 1 else found


def load(folder: Path) -> Model:
    """Load the model of a folder."""
    import lightgbm

    booster = lightgbm.Booster(model_file=str(folder / "model.txt"))
    objective = str(booster.dump_model(num_iteration=1).get("objective", "")).partition(" ")[0]
    if objective == "binary":
        return Classifier(booster, 2)
    if objective in ("multiclass", "multiclassova"):
        return Classifier(booster, booster.num_model_per_iteration())
    return Model(booster)
