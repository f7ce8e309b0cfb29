"""A CatBoost model in its own format, as scoring knows models; imports nothing of this project."""

from pathlib import Path
from typing import Any


class Model:
    """A model that predicts values; columns have names where it was fitted on such."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.n_features_in_ = len(model.feature_names_)
        if model.feature_names_ != [str(at) for at in range(self.n_features_in_)]:
            self.feature_names_in_ = model.feature_names_

    def predict(self, frame: Any) -> Any:
        """Return a value a row."""
        return self.model.predict(frame)


class Classifier(Model):
    """A model of classes, whose labels it keeps."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.classes_ = list(model.classes_)

    def predict_proba(self, frame: Any) -> Any:
        """Return (n, classes) probabilities."""
        return self.model.predict(frame, prediction_type="Probability")


def load(folder: Path) -> Model:
    """Load the model of a folder."""
    import catboost

    model = catboost.CatBoost().load_model(str(folder / "model.cbm"))
    return Classifier(model) if len(model.classes_) else Model(model)
