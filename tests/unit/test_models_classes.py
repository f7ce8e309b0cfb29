"""Each probability is taken by the name of its class, or the model is refused with both lists."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from modelyard.core.errors import DataError
from modelyard.models.child.score import OtherClassesError, misspelt, predict, predict_pyfunc
from modelyard.models.predictions import join
from modelyard.records.results import Signature

ROWS = pd.DataFrame({"x": [0.0, 1.0]})
TABLE = np.array([[0.9, 0.1], [0.2, 0.8]])


class Model:
    """A model with two columns of probabilities, and classes_ where they are given."""

    def __init__(self, classes: Any = None, table: Any = TABLE) -> None:
        self.table = table
        if classes is not None:
            self.classes_ = np.array(classes)

    def predict_proba(self, frame: Any) -> Any:
        return self.table[: len(frame)]


class Labels:
    """A model that gives labels alone."""

    classes_ = np.array([0, 1])

    def predict(self, frame: Any) -> Any:
        return np.ones(len(frame), dtype=int)


def job(classes: list[Any], positive: Any = None) -> dict[str, Any]:
    return {"task": "multiclass" if positive is None else "binary", "classes": classes, "positive": positive}


@pytest.mark.parametrize(
    ("known", "classes", "positive"),
    [([1, 2], [1, 2], 2), ([0, 1], [False, True], True), (["0", "1"], [0, 1], 1), ([0.0, 1.0], [0, 1], 1),
     (["good", "bad"], ["good", "bad"], "bad"), (["False", "True"], [False, True], True)],
)  # fmt: skip
def test_the_positive_column_is_that_of_its_class(known: list[Any], classes: list[Any], positive: Any) -> None:
    assert predict(Model(known), ROWS, job(classes, positive))["probability"].tolist() == [0.1, 0.8]
    swapped = Model(known[::-1])
    assert predict(swapped, ROWS, job(classes, positive))["probability"].tolist() == [0.9, 0.2]


@pytest.mark.parametrize(
    ("model", "classes", "positive"),
    [(Model([0, 1]), [2, 1], 1), (Model([0, 1]), ["no", "yes"], "yes"), (Model([0, 1, 2]), [0, 1], 1),
     (Model([0]), [0, 1], 1), (Labels(), [2, 1], 1), (Model([0, 1]), [1, 2, 3], None)],
    ids=["shifted", "codes", "more", "fewer", "labels", "multiclass"],
)  # fmt: skip
def test_other_classes_are_refused_with_both_lists(model: Any, classes: list[Any], positive: Any) -> None:
    with pytest.raises(OtherClassesError) as caught:
        predict(model, ROWS, job(classes, positive))
    known = ", ".join(map(repr, model.classes_.tolist()))
    assert f"[{known}]" in str(caught.value)
    assert f"[{', '.join(map(repr, classes))}]" in str(caught.value)


@pytest.mark.parametrize("model", [Model(), Model(table=TABLE[:, 1]), Model(["a", "b"], np.ones((2, 3)))])
def test_columns_of_which_nothing_says_whose_they_are_are_refused(model: Any) -> None:
    with pytest.raises(OtherClassesError, match="classes_"):
        predict(model, ROWS, job(["a", "b"], "a"))


def test_a_lone_column_is_that_of_the_models_second_class() -> None:
    given = Model([0, 1], TABLE[:, 1])
    assert predict(given, ROWS, job([1, 0], 0))["probability"].tolist() == pytest.approx([0.9, 0.2])


def pyfunc(answer: Any, raw: Any = None) -> Any:
    return SimpleNamespace(predict=lambda _frame: answer, get_raw_model=lambda: raw)


def test_a_pyfuncs_table_is_read_by_the_names_of_its_columns() -> None:
    for names in (["good", "bad"], ["probability_good", "probability_bad"]):
        answer = pyfunc(pd.DataFrame(TABLE, columns=names))
        assert predict_pyfunc(answer, ROWS, job(["bad", "good"], "good"))["probability"].tolist() == [0.9, 0.2]


def test_a_pyfuncs_array_is_read_by_the_classes_of_the_model_inside_or_refused() -> None:
    asked = job(["bad", "good"], "good")
    inside = pyfunc(TABLE, Model(["bad", "good"]))
    assert predict_pyfunc(inside, ROWS, asked)["probability"].tolist() == [0.1, 0.8]
    for unclear in (pyfunc(TABLE), pyfunc(TABLE, Model([0, 1])), pyfunc(TABLE[:, 1]), pyfunc(pd.DataFrame(TABLE))):
        with pytest.raises(OtherClassesError):
            predict_pyfunc(unclear, ROWS, asked)


def test_a_pyfuncs_lone_probability_is_that_of_one() -> None:
    assert predict_pyfunc(pyfunc(TABLE[:, 1]), ROWS, job([0, 1], 1))["probability"].tolist() == [0.1, 0.8]
    with pytest.raises(OtherClassesError):
        predict_pyfunc(pyfunc(TABLE[:, 1]), ROWS, job([1, 0], 0))


@pytest.mark.parametrize(
    ("labels", "classes", "told"),
    [
        (["Yes", "no"], ["no", "yes"], True),
        ([" yes", "no"], ["no", "yes"], True),
        (["yes\u00a0", "no"], ["no", "yes"], True),
        (["\u200byes", "no"], ["no", "yes"], True),
        (["cafe\u0301", "the"], ["caf\u00e9", "the"], True),
        (["new  york"], ["new york", "boston"], True),
        ([True, False], [False, True], False),
        (["maybe", "no"], ["no", "yes"], False),
        (["Yes", "maybe"], ["no", "yes"], False),
        (["yes"], ["no", "yes"], False),
        ([1, 2], [0, 1], False),
    ],
)
def test_classes_that_are_read_alike_are_said_to_be(labels: list[Any], classes: list[Any], told: bool) -> None:
    assert (misspelt(labels, classes) != "") == told


def test_a_model_of_other_spelling_is_refused_with_the_reason() -> None:
    with pytest.raises(
        OtherClassesError, match=r"\['No', 'Yes'\].*\['no', 'yes'\]; they differ in white space or case"
    ):
        predict(Model(["No", "Yes"]), ROWS, job(["no", "yes"], "yes"))


IDS = pl.Series("id", [1, 2])


def joined(columns: dict[str, list[float]], classes: tuple[Any, ...], positive: Any = None) -> Any:
    task = "multiclass" if positive is None else "binary"
    signature = Signature(features=(), task=task, classes=classes, positive=positive)
    frame = pl.DataFrame({"id": IDS, **columns})
    return join(frame, IDS, id_column="id", signature=signature, threshold=0.5, who="it").predictions


def test_text_digits_are_names_and_no_places() -> None:
    classes = ("0", "1", "10", "2")
    columns = {f"probability_{name}": [float(name == "2"), float(name == "10")] for name in ("0", "1", "2", "10")}
    assert [classes[code] for code in joined(columns, classes).label] == ["2", "10"]


def test_a_binary_file_may_name_both_classes() -> None:
    found = joined({"probability_no": [0.9, 0.2], "probability_yes": [0.1, 0.8]}, ("no", "yes"), "yes")
    assert found.probability.tolist() == [0.1, 0.8]


@pytest.mark.parametrize("classes", [(1, 2, 3), ("a", "b", "c"), ("1", "2", "3")])
def test_columns_by_place_are_refused_with_both_lists(classes: tuple[Any, ...]) -> None:
    with pytest.raises(DataError) as caught:
        joined({f"probability_{at}": [1.0 - min(at, 1), 0.0] for at in range(3)}, classes)
    assert caught.value.code == "model/other-classes"
    assert "['probability_0', 'probability_1', 'probability_2']" in caught.value.message
    assert ", ".join(map(repr, classes)) in caught.value.message


def test_columns_and_labels_of_other_spelling_are_refused_with_the_reason() -> None:
    with pytest.raises(DataError, match="they differ in white space or case only") as caught:
        joined({"probability_No": [0.9, 0.2], "probability_Yes": [0.1, 0.8]}, ("no", "yes"), "yes")
    assert caught.value.code == "model/other-classes"
    labels: Any = {"prediction": ["no", "yes "]}
    with pytest.raises(DataError, match="1 predicted labels are none of the 2 classes; they differ in white") as caught:
        joined(labels, ("no", "yes"), "yes")
    assert "'no', 'yes'" in caught.value.hint


def test_two_columns_of_one_class_are_refused() -> None:
    with pytest.raises(DataError, match="name one class"):
        joined({"probability_1": [0.1, 0.8], "probability_true": [0.5, 0.5], "probability_0": [0.9, 0.2]}, (0, 1), 1)


def test_a_file_without_a_header_shows_nothing_of_its_first_row() -> None:
    frame = pl.DataFrame({"4711": [1], "Ada Lovelace": [0.3]})
    signature = Signature(features=(), task="binary", classes=(0, 1), positive=1)
    with pytest.raises(DataError) as caught:
        join(frame, IDS, id_column="id", signature=signature, threshold=0.5, who="it")
    assert "Ada" not in f"{caught.value.message} {caught.value.hint}"
    assert "2 columns" in caught.value.hint
