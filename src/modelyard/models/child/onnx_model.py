"""An ONNX model, as scoring knows models; imports nothing of this project.

Its input is one tensor of all columns, or an input a column. Of classes an ONNX file tells labels where its
probabilities are maps (ZipMap); else they are known by number alone.
"""

from pathlib import Path
from typing import Any


class Model:
    """A session that predicts values."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.inputs = session.get_inputs()
        self.columns = [each.name for each in self.inputs]
        self.wide = len(self.inputs) == 1 and len(self.inputs[0].shape) == 2 and self.inputs[0].shape[1] != 1
        if self.wide:
            self.n_features_in_ = int(self.inputs[0].shape[1] or 0)
        else:
            self.n_features_in_, self.feature_names_in_ = len(self.inputs), self.columns

    def run(self, frame: Any) -> Any:
        """Return the outputs for a pandas frame."""
        import numpy as np

        types = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64,
                 "tensor(bool)": np.bool_, "tensor(string)": object}  # fmt: skip
        if self.wide:
            return self.session.run(None, {self.columns[0]: frame.to_numpy(dtype=types[self.inputs[0].type])})
        given = {
            each.name: frame[name].to_numpy(dtype=types[each.type]).reshape(-1, 1)
            for each, name in zip(self.inputs, frame.columns, strict=True)
        }
        return self.session.run(None, given)

    def predict(self, frame: Any) -> Any:
        """Return the first output: values, or labels of classes."""
        return self.run(frame)[0]


class Classifier(Model):
    """A session whose second output is probabilities of classes."""

    def __init__(self, session: Any, classes: Any) -> None:
        super().__init__(session)
        self.classes_ = classes

    def predict_proba(self, frame: Any) -> Any:
        """Return (n, classes) probabilities."""
        import numpy as np

        labels, found = self.run(frame)[:2]
        if isinstance(found, list):
            return np.asarray([[row[label] for label in self.classes_] for row in found], dtype=np.float64)
        if np.asarray(labels).dtype.kind in "iu" and not np.array_equal(np.ravel(labels), np.argmax(found, axis=1)):
            raise ValueError("its labels are not the places of its probabilities")
        return np.asarray(found, dtype=np.float64)


def load(folder: Path) -> Model:
    """Load the model of a folder; one made-up row tells the shape of its answer."""
    import numpy as np
    import onnxruntime
    import pandas as pd

    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    model = Model(session)
    if len(session.get_outputs()) < 2:
        return model
    if model.wide:
        empty = pd.DataFrame(np.zeros((1, model.n_features_in_)))
    else:
        empty = pd.DataFrame({each.name: ["" if "string" in each.type else 0] for each in model.inputs})
    found = model.run(empty)[1]
    return Classifier(session, list(found[0]) if isinstance(found, list) else list(range(np.asarray(found).shape[1])))
