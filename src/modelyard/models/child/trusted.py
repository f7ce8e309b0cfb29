"""The types that a skops archive may hold beside those that skops itself trusts, each with why it was let in.

Every one is scikit-learn's own and runs no code of the archive's when it is built. What is missing here on purpose:
the neighbour trees (KDTree, BallTree), whose raw indices nothing checks, and Gaussian processes, which no gate here has
needed. A model that holds such a type is refused by name and can be stored as joblib, knowingly.
"""

from collections.abc import Mapping
from types import MappingProxyType

_NODES = "decision nodes as a plain array; skops leaves it out because scikit-learn follows its indices unchecked, so "
_NODES += "the store checks every index before the model is used"
_NUMBERS = "numbers and numpy arrays in attributes; methods are scikit-learn's own"
_CHECK = "histogram gradient boosting checks its input with partial(check_array, …); a partial is only let in together "
_CHECK += "with the function in it, and no trusted function does more than check or compute"
_LOSS = "a loss or link without state beyond a few numbers"

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "sklearn.tree._tree.Tree": _NODES,
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor": _NODES,
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper": _NUMBERS,
        "functools.partial": _CHECK,
        "sklearn.utils.validation.check_array": _CHECK,
        "numpy.dtype": "a data type, rebuilt from an empty array",
        "sklearn.calibration._CalibratedClassifier": _NUMBERS,
        "sklearn.calibration._SigmoidCalibration": _NUMBERS,
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer": _NUMBERS,
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer": _NUMBERS,
        **{
            f"sklearn._loss.loss.{name}": _LOSS
            for name in (
                "AbsoluteError", "ExponentialLoss", "HalfBinomialLoss", "HalfGammaLoss", "HalfMultinomialLoss",
                "HalfPoissonLoss", "HalfSquaredError", "HalfTweedieLoss", "HalfTweedieLossIdentity", "HuberLoss",
                "PinballLoss",
            )
        },
        **{
            f"sklearn._loss.link.{name}": _LOSS
            for name in ("HalfLogitLink", "IdentityLink", "Interval", "LogLink", "LogitLink", "MultinomialLogit")
        },
    }
)  # fmt: skip

TRUSTED: frozenset[str] = frozenset(REASONS)
