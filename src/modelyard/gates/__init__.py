"""Judge predictions by gates, in a notebook or a test: arrays in, a verdict with its reasons out.

    from modelyard.gates import judge

    assert judge([{"metric": "roc_auc", "at_least": 0.8}], y, challenger=probabilities, task="binary")

The rules, the intervals and the words are those of the pipeline; docs/gates.md shows more. Nothing heavy is imported
before something is judged.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelyard.core.errors import ConfigError, DataError, ModelyardError
from modelyard.core.verdict import Verdict
from modelyard.gates.result import Estimate, GateJudgement, Judgement, MetricValues, SliceJudgement

if TYPE_CHECKING:
    from modelyard.config.sections.gate import Gate

__all__ = [
    "ConfigError",
    "DataError",
    "Estimate",
    "Gate",
    "GateJudgement",
    "Judgement",
    "MetricValues",
    "ModelyardError",
    "SliceJudgement",
    "Verdict",
    "judge",
]


def __getattr__(name: str) -> Any:
    """Import the typed gate where it is asked for: it needs pydantic."""
    if name != "Gate":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from modelyard.config.sections.gate import Gate

    return Gate


def judge(
    gates: Sequence[Any] | None,
    y: Any,
    *,
    challenger: Any,
    task: str,
    champion: Any = None,
    best_promoted: Any = None,
    baseline: Any = None,
    train_y: Any = None,
    train_weight: Any = None,
    positive: Any = None,
    classes: Sequence[Any] | None = None,
    threshold: float | Mapping[str, float] = 0.5,
    metric: str | None = None,
    unit: Any = None,
    times: Any = None,
    weight: Any = None,
    slices: Mapping[str, Any] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Judgement:
    """Judge predictions of n test rows.

    Every array may be a list, a NumPy array, or a Series of pandas or Polars, in one order of the rows.

    Args:
        gates: the rules, as under ``evaluate.gates`` of modelyard.yml, or ``Gate`` objects. None: the default gates,
            which need ``train_y`` or ``baseline``.
        y: (n,) the truth: classes (booleans, whole numbers or text), or numbers of a regression.
        challenger: its predictions. Binary: (n,) probabilities of the positive class, (n, 2) probabilities in the order
            of ``classes``, or (n,) labels. Multiclass: (n, k) probabilities in the order of ``classes``, or (n,)
            labels. Regression: (n,) numbers. Floats are probabilities, and other values labels. A mapping or a frame
            names its columns by class, or as a prediction file does: ``probability``, ``probability_<class>``,
            ``prediction``.
        task: ``binary``, ``multiclass`` or ``regression``.
        champion: its predictions of the same rows; without it, gates against the champion do not apply.
        best_promoted: predictions of the best model ever promoted; default: the champion's.
        baseline: predictions to take for the baseline.
        train_y: (m,) the truth of the training rows, on which the baseline's constants are fitted.
        train_weight: (m,) their weights.
        positive: the positive class of a binary task; default: true, 1 or the greater label.
        classes: all classes in the order of the columns of probabilities; default: those of ``y`` and ``train_y``,
            sorted.
        threshold: probability from which a binary prediction is positive, for all models or by ``challenger``,
            ``champion``, ``best-promoted`` and ``baseline``.
        metric: the primary metric, of the default gates.
        unit: what is independent: (n,) values such as stores or users; or, with ``times``, ``"hour"``, ``"day"``,
            ``"week"``, ``"month"`` or ``{"every": "day", "zone": "Europe/Berlin"}``. Default: the day where there are
            times, else the row.
        times: (n,) when each row happened.
        weight: (n,) weights of the rows.
        slices: (n,) values by the name under which gates slice by them.
        confidence: level of the two-sided intervals.
        seed: of resamples.

    Returns:
        The judgement. It is true where the verdict is ``pass`` and false otherwise.

    Raises:
        ConfigError: gates that make no sense, an unknown metric or slice, or none that applies.
        DataError: arrays of other lengths, missing values, predictions that are none.
    """
    from modelyard.gates.judging import judged

    return judged(
        gates,
        y,
        models={"challenger": challenger, "champion": champion, "best-promoted": best_promoted, "baseline": baseline},
        task=task,
        train_y=train_y,
        train_weight=train_weight,
        positive=positive,
        classes=classes,
        threshold=threshold,
        metric=metric,
        unit=unit,
        times=times,
        weight=weight,
        slices=slices or {},
        confidence=confidence,
        seed=seed,
    )
