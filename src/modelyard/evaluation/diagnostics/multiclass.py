"""Several classes: confusion, recall of each class against the champion's, and what is confused more than before."""

import numpy as np

from modelyard.data.profile import FEWEST
from modelyard.evaluation.diagnostics.confusion import confusions, places
from modelyard.evaluation.diagnostics.subject import Subject, digits
from modelyard.evaluation.gates.judge import estimate_of
from modelyard.evaluation.intervals import measure
from modelyard.evaluation.intervals.strategy import Combination
from modelyard.metrics.binary import Recall
from modelyard.metrics.metric import MULTICLASS
from modelyard.metrics.predictions import Ints, Predictions
from modelyard.records.results.diagnostics import ClassRow, ConfusedPair, Diagnostics

CONFUSED = 5
"""Pairs that are named."""


def diagnose(subject: Subject) -> Diagnostics:
    """Return what both models do with several classes; nothing without labels."""
    if subject.challenger.label is None:
        return Diagnostics()
    names, at, others = places(subject)
    kept = [int(np.flatnonzero(at == place)[0]) for place in range(len(names))]
    return Diagnostics(
        classes=names,
        others=others,
        confusion=confusions(subject, at, len(names) + (others > 0)),
        by_class=tuple(_class(subject, code, name) for code, name in zip(kept, names, strict=True)),
        confused=_confused(subject),
    )


def _class(subject: Subject, code: int, name: str) -> ClassRow:
    test_set, new, old = subject.test_set, subject.challenger, subject.models.get("champion")
    metric = Recall(name="recall", tasks=MULTICLASS, code=code, maxed_by_positive=True)
    against = None
    if old is not None and old.label is not None:
        against = measure.contrast(metric, test_set, Combination([new, old], [1.0, -1.0]))
    else:
        old = None
    return ClassRow(
        name=name,
        support=int((test_set.codes == code).sum()),
        recall=estimate_of(measure.level(metric, test_set, new), test_set),
        champion=None if old is None else estimate_of(measure.level(metric, test_set, old), test_set),
        difference=None if against is None else estimate_of(against, test_set),
        precision=_precision(subject, new, code),
        precision_champion=None if old is None else _precision(subject, old, code),
    )


def _precision(subject: Subject, model: Predictions, code: int) -> float | None:
    given = model.labels == code
    mass = float(subject.weight[given].sum())
    if int(given.sum()) < FEWEST or mass <= 0:
        return None
    return digits(float(subject.weight[given & (subject.test_set.codes == code)].sum()) / mass)


def _confused(subject: Subject) -> tuple[ConfusedPair, ...]:
    new, old = subject.challenger, subject.models.get("champion")
    after = _pairs(subject.test_set.codes, new.labels)
    before = None if old is None or old.label is None else _pairs(subject.test_set.codes, old.label)
    grown = after if before is None else {pair: rows - before.get(pair, 0) for pair, rows in after.items()}
    worst = sorted((pair for pair in grown if grown[pair] > 0), key=lambda pair: (-grown[pair], pair))
    return tuple(
        ConfusedPair(
            actual=_name(subject, actual),
            predicted=_name(subject, predicted),
            rows=after[actual, predicted],
            before=None if before is None else before.get((actual, predicted), 0),
        )
        for actual, predicted in worst[:CONFUSED]
    )


def _pairs(codes: Ints, labels: Ints) -> dict[tuple[int, int], int]:
    """Return rows by class and the wrong class that they are given, of those that are mistaken."""
    wrong = codes != labels
    pairs, rows = np.unique(np.stack([codes[wrong], labels[wrong]]), axis=1, return_counts=True)
    return {(int(a), int(b)): int(n) for (a, b), n in zip(pairs.T.tolist(), rows.tolist(), strict=True)}


def _name(subject: Subject, code: int) -> str:
    names = subject.test_set.classes
    return names[code] if code < len(names) else str(code)
