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
    "judge_outcomes",
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
    metrics: Mapping[str, Any] | None = None,
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
        metrics: metrics with costs or a parameter by the name that gates call them, as under ``evaluate.metrics``.
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
        metrics=metrics or {},
        unit=unit,
        times=times,
        weight=weight,
        slices=slices or {},
        confidence=confidence,
        seed=seed,
    )


def judge_outcomes(
    gates: Sequence[Any],
    challenger: Any,
    champion: Any = None,
    *,
    format: str | None = None,  # noqa: A002 - as in the configuration
    case: str = "",
    outcome: str = "",
    repeat: str = "",
    cost: str = "",
    direction: str = "higher",
    unit: str = "",
    only: Mapping[str, Any] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Judgement:
    """Judge what a harness found of each case: prompts, simulations, test suites, ratings; no model is needed.

    Several attempts at one case are one case, whose outcome is their mean.

    Args:
        gates: the rules, on ``pass_rate``, ``mean_score`` or ``mean_cost``, as under ``evaluate.gates``.
        challenger: its outcomes: a file, or a table (rows as mappings, columns by name, or a frame).
        champion: the champion's outcomes of the same cases; without them gates against it do not apply.
        format: of files: ``table``, ``promptfoo``, ``deepeval``, ``inspect`` or ``junit``. Default: ``junit`` for .xml,
            ``table`` for .jsonl, .csv and .parquet.
        case: the column that names a case; of other formats what does.
        outcome: the column of a table that says pass or fail, or holds a score.
        repeat: the column that tells several attempts at one case apart.
        cost: the column with what an attempt cost.
        direction: ``higher`` or ``lower`` scores are better.
        unit: the column or tag whose values are independent; default: the case.
        only: which results of a file with several, such as ``{"provider": "openai:gpt-5"}``, for both sides, or by
            ``challenger`` and ``champion``.
        confidence: level of the two-sided intervals.
        seed: of resamples.

    Raises:
        ConfigError: gates that make no sense, an unknown metric or format, or no gate that applies.
        DataError: files that cannot be read, cases on one side alone, two outcomes of one attempt, unknown outcomes.
    """
    from modelyard.gates.outcomes import judged

    return judged(
        gates,
        {"challenger": challenger, "champion": champion},
        format=format,
        case=case,
        outcome=outcome,
        repeat=repeat,
        cost=cost,
        direction=direction,
        unit=unit,
        only=only or {},
        confidence=confidence,
        seed=seed,
    )
