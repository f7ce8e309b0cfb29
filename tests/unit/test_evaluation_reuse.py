"""The ledger of a test set: which sets are one, and how often they were looked at."""

from modelyard.core.files import sha256_bytes
from modelyard.evaluation.test_set_reuse import held_out, reuse, shared
from modelyard.records.results import Evaluation, HeldOut


def rows(first: int, last: int, *, named: bool = True) -> HeldOut:
    return held_out(range(first, last), sha256_bytes(f"{first} {last}".encode()), salt="m", named=named)


def look(test_set: HeldOut, model: str, rules: str = "r") -> Evaluation:
    return Evaluation(test_set=test_set, model=sha256_bytes(model.encode()), rules=sha256_bytes(rules.encode()))


def test_half_in_common_is_the_same_set() -> None:
    whole = rows(0, 2000)
    assert shared(whole, rows(0, 2000)) == 1
    assert abs(shared(whole, rows(1000, 3000)) - 0.5) < 0.15
    assert shared(whole, rows(2000, 4000)) == 0
    now = look(whole, "a")
    assert reuse(now, [look(rows(300, 2300), "b")], at_least=False).evaluations == 2
    assert reuse(now, [look(rows(1900, 3900), "b")], at_least=False).evaluations == 1


def test_row_numbers_make_no_two_sets_the_same() -> None:
    assert rows(0, 50, named=False).sketch == ()
    found = reuse(look(rows(0, 50, named=False), "a"), [look(rows(0, 60, named=False), "b")], at_least=True)
    assert (found.evaluations, found.at_least) == (1, True)


def test_a_model_counts_once_per_rules() -> None:
    whole = rows(0, 500)
    before = [look(whole, "a"), look(whole, "a"), look(whole, "b"), look(whole, "a", "others")]
    found = reuse(look(whole, "a"), before, at_least=False)
    assert found.evaluations == 3
    assert abs(found.chance - (1 - 0.975**3)) < 1e-12


def test_a_sketch_tells_nothing_of_ids_and_differs_by_project() -> None:
    assert held_out(["p1"], "sha256:" + "0" * 64, salt="a", named=True).sketch != (
        held_out(["p1"], "sha256:" + "0" * 64, salt="b", named=True).sketch
    )
