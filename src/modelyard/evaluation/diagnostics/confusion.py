"""Confusion tables: rows by class and predicted class, of binary tasks and of several classes alike."""

import numpy as np

from modelyard.evaluation.diagnostics.subject import Subject
from modelyard.metrics.predictions import Ints
from modelyard.records.results.diagnostics import Confusion

MOST = 20
"""Classes with a place of their own; the others share one."""


def places(subject: Subject) -> tuple[tuple[str, ...], Ints, int]:
    """Return names of the classes that have a place, the place of each code, and how many classes share the last one.

    Codes beyond the known classes, which a champion may give, share the last place too.
    """
    test_set = subject.test_set
    known = max([subject.challenger.classes, len(test_set.classes)])
    names = [test_set.classes[code] if code < len(test_set.classes) else str(code) for code in range(known)]
    support = np.bincount(test_set.codes, minlength=known)
    kept = np.sort(np.argsort(-support, kind="stable")[:MOST]) if known > MOST else np.arange(known)
    beyond = any(model.label is not None and int(model.label.max()) >= known for model in subject.models.values())
    at = np.full(known + 1, len(kept), dtype=np.int64)
    at[kept] = np.arange(len(kept))
    return tuple(names[code] for code in kept), at, (known - len(kept)) + int(beyond)


def confusions(subject: Subject, at: Ints, size: int) -> tuple[Confusion, ...]:
    """Return the table of each model that gives labels.

    Args:
        subject: the rows and models.
        at: the place of each code, the last one of any beyond.
        size: places.
    """
    found = []
    actual = at[subject.test_set.codes]
    for role in ("challenger", "champion"):
        model = subject.models.get(role)
        if model is None or model.label is None:
            continue
        given = at[np.minimum(model.label, len(at) - 1)]
        table = np.bincount(actual * size + given, minlength=size * size).reshape(size, size)
        found.append(Confusion(model=role, counts=tuple(tuple(row) for row in table.tolist())))
    return tuple(found)
