"""An XGBoost model in its own formats, as scoring knows models; imports nothing of this project."""

import json
from pathlib import Path
from typing import Any


class Model:
    """A booster that predicts values; columns have names where it was fitted on such."""

    def __init__(self, booster: Any) -> None:
        self.booster = booster
        self.n_features_in_ = booster.num_features()
        if booster.feature_names:
            self.feature_names_in_ = booster.feature_names

    def get_booster(self) -> Any:
        """Return the booster, by the name that scikit-learn's interface has for it."""
        return self.booster

    def predict(self, frame: Any) -> Any:
        """Return what the booster gives, up to its best iteration where early stopping kept one."""
        import xgboost

        rows = xgboost.DMatrix(frame, enable_categorical=True)
        best = self.booster.attr("best_iteration")
        return self.booster.predict(rows, iteration_range=(0, int(best) + 1) if best else (0, 0))


class Classifier(Model):
    """A booster of classes, which it knows by number alone."""

    def __init__(self, booster: Any, classes: int) -> None:
        super().__init__(booster)
        self.classes_ = list(range(classes))

    def predict_proba(self, frame: Any) -> Any:
        """Return (n, classes) probabilities."""
        import numpy as np

        found = np.asarray(self.predict(frame), dtype=np.float64)
        return np.column_stack([1 - found, found]) if found.ndim == 1 else found


def load(folder: Path) -> Model:
    """Load the model of a folder.

    Raises:
        ValueError: it gives labels or scores of classes and no probabilities.
    """
    import xgboost

    booster = xgboost.Booster()
    booster.load_model(str(next(path for path in folder.iterdir() if path.stem == "model")))
    learner = json.loads(booster.save_config())["learner"]
    objective = learner["objective"]["name"]
    if objective == "binary:logistic":
        return Classifier(booster, 2)
    if objective == "multi:softprob":
        return Classifier(booster, int(learner["learner_model_param"]["num_class"]))
    if objective.startswith(("binary:", "multi:")):
        raise ValueError(f"it was fitted for {objective}, which gives no probabilities")
    return Model(booster)
