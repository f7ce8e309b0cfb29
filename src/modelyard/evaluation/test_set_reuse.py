"""Test-set reuse: count the distinct (model, rules) pairs that were evaluated on the same test rows.

Each is a chance to pass by luck.

Test sets are told apart by hashes of their row ids: two with half of them in common are the same set (a bottom-k
sketch; Broder, SEQUENCES 1997). Nothing of a row can be read from it without knowing its id.
"""

import hashlib
from collections.abc import Iterable

from modelyard.records.results import Evaluation, HeldOut, Reuse

SKETCH = 64
"""Smallest hashes that are kept: half in common is told within about six points."""
LEVEL = 0.975


def held_out(ids: Iterable[object], digest: str, *, salt: str, named: bool) -> HeldOut:
    """Return the test rows of an evaluation.

    Args:
        ids: what names each row.
        digest: of the rows' contents.
        salt: the model's name, so that two projects' sketches say nothing of each other.
        named: whether the ids are the data's own; row numbers would make any two sets the same.
    """
    count, hashes = 0, []
    for each in ids:
        count += 1
        if named:
            hashes.append(hashlib.blake2b(f"{salt}\0{each}".encode(), digest_size=5).hexdigest())
    return HeldOut(rows=count, digest=digest, sketch=tuple(sorted(hashes)[:SKETCH]))


def same(first: HeldOut, second: HeldOut) -> bool:
    """Tell whether two test sets are one: the same contents, or at least half of all rows in common."""
    if first.digest == second.digest:
        return True
    if not first.sketch or not second.sketch:
        return False
    return shared(first, second) >= 0.5


def shared(first: HeldOut, second: HeldOut) -> float:
    """Return the estimated share of the smaller set's rows that are in the other one too."""
    both = sorted({*first.sketch, *second.sketch})[:SKETCH]
    together = set(first.sketch) & set(second.sketch)
    jaccard = sum(each in together for each in both) / max(len(both), 1)
    common = jaccard * (first.rows + second.rows) / (1 + jaccard)
    return min(1.0, common / max(min(first.rows, second.rows), 1))


def reuse(now: Evaluation, before: Iterable[Evaluation], *, at_least: bool) -> Reuse:
    """Return the distinct (model, rules) that were judged on this test set, this one among them."""
    looks = {(each.model, each.rules) for each in before if same(now.test_set, each.test_set)}
    looks.add((now.model, now.rules))
    return Reuse(evaluations=len(looks), at_least=at_least, chance=1 - LEVEL ** len(looks))
