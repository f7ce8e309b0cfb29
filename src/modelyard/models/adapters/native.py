"""Models in the formats of their own libraries, each loaded by a small file of its own in the scoring process."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from modelyard.models.adapters.child import ChildAdapter
from modelyard.models.child import catboost_model, lightgbm_model, onnx_model, xgboost_model

if TYPE_CHECKING:
    from modelyard.models.scorer import Scorer


class NativeAdapter(ChildAdapter):
    """A model of one library, as that library saves it: data that runs no code when it is loaded."""

    loader: ClassVar[Any]
    """The module whose ``load`` the child calls; it is not imported here but for its path."""

    def stored_as(self, model_dir: Path) -> str:
        """Return the library's name."""
        del model_dir
        return self.name

    def loading(self, scorer: "Scorer") -> dict[str, Any]:
        """Return the part of a job that loads the model, with the file that knows how."""
        return {**super().loading(scorer), "loader": self.loader.__file__}


class LightgbmAdapter(NativeAdapter):
    """A booster that LightGBM saved as text."""

    name = "lightgbm"
    stored: ClassVar = {".txt": "model.txt"}
    loader: ClassVar = lightgbm_model


class XgboostAdapter(NativeAdapter):
    """A booster that XGBoost saved as JSON or UBJSON."""

    name = "xgboost"
    stored: ClassVar = {".json": "model.json", ".ubj": "model.ubj"}
    loader: ClassVar = xgboost_model


class CatboostAdapter(NativeAdapter):
    """A model that CatBoost saved in its binary format."""

    name = "catboost"
    stored: ClassVar = {".cbm": "model.cbm"}
    loader: ClassVar = catboost_model


class OnnxAdapter(NativeAdapter):
    """An ONNX graph of columns, as converters of scikit-learn write it."""

    name = "onnx"
    stored: ClassVar = {".onnx": "model.onnx"}
    loader: ClassVar = onnx_model
