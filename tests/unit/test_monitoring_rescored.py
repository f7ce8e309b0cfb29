"""A served prediction that is not the version's own is found by scoring a sample again."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from modelyard.core.errors import DataError
from modelyard.models import store
from modelyard.models.adapters import adapter_of
from modelyard.models.environment import this_interpreter
from modelyard.models.scorer import Scorer, Workbench
from modelyard.monitoring.rescored import ROWS, compared, rescore, sample_of
from modelyard.records.results import Fault, Feature, Signature

SIGNATURE = Signature(
    features=(Feature(name="hour", kind="numeric", type="int64"), Feature(name="far", kind="numeric", type="float64")),
    task="binary",
    classes=(False, True),
    positive=True,
)


@dataclass(frozen=True)
class Own:
    """A version, what it served, and what it predicts without a process of its own."""

    scorer: Scorer
    frame: pl.DataFrame
    model: LogisticRegression

    def looked(self, frame: pl.DataFrame) -> Fault | None:
        sample = sample_of(frame, SIGNATURE, seed=3)
        again = pl.DataFrame({"probability": self.model.predict_proba(sample.given.drop("row").to_numpy())[:, 1]})
        return compared(sample.served, again, SIGNATURE, tolerance=1e-6)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Own:
    folder = tmp_path_factory.mktemp("version")
    random = np.random.default_rng(1)
    x = np.column_stack([random.integers(0, 24, 400), random.normal(size=400)])
    model = LogisticRegression().fit(x, x[:, 1] > 0)
    store.save_sklearn(model, folder / "model")
    bench = Workbench(folder / "envs", this_interpreter, allow_pickles=False, folder=folder)
    frame = pl.DataFrame(
        {
            "id": range(400),
            "feature_hour": x[:, 0].astype(int),
            "feature_far": x[:, 1],
            "probability": model.predict_proba(x)[:, 1],
        }
    )
    return Own(Scorer.of_challenger(adapter_of("sklearn", "v7"), SIGNATURE, folder / "model", bench), frame, model)


def test_a_sample_is_scored_again_by_the_version_itself(own: Own, tmp_path: Path) -> None:
    fault, sample = rescore(own.frame, own.scorer, seed=3, folder=tmp_path)
    assert (fault, len(sample.given)) == (None, ROWS)
    assert own.looked(own.frame) is None
    shifted = own.frame.with_columns(pl.col("probability").shift(1).fill_null(0.5))
    fault, _ = rescore(shifted, own.scorer, seed=3, folder=tmp_path)
    assert fault == own.looked(shifted)
    assert fault is not None
    assert (fault.blocks, fault.reason.code, fault.column) == (True, "prediction-of-another", "")
    assert fault.rows > 190


def test_own_predictions_are_no_fault_however_the_log_holds_them(own: Own) -> None:
    frame = own.frame
    assert own.looked(frame.with_columns(pl.col("probability").round(3))) is None
    assert own.looked(frame.with_columns(pl.col("probability").cast(pl.Float32))) is None
    assert own.looked(frame.with_columns(prediction=pl.col("probability") >= 0.5).drop("probability")) is None
    assert own.looked(frame.with_columns(pl.col("feature_hour", "feature_far").cast(pl.String))) is None


def test_predictions_of_another_are_a_fault(own: Own) -> None:
    frame = own.frame
    some = frame.with_columns(
        probability=pl.when(pl.int_range(pl.len()) % 20 == 0).then(0.123).otherwise("probability")
    )
    fault = own.looked(some)
    assert fault is not None
    assert 1 <= fault.rows < 30
    assert fault.share == fault.rows / ROWS
    assert own.looked(frame.with_columns(probability=pl.lit(0.5))) is not None
    assert own.looked(frame.with_columns(prediction=pl.col("probability") < 0.5).drop("probability")) is not None
    assert own.looked(frame.with_columns(pl.col("feature_far") * 60)) is not None


def test_a_sample_is_the_same_for_the_same_seed(own: Own) -> None:
    frame = own.frame
    first = sample_of(frame, SIGNATURE, seed=1, rows=10).served["id"].to_list()
    assert first == sample_of(frame, SIGNATURE, seed=1, rows=10).served["id"].to_list()
    assert first != sample_of(frame, SIGNATURE, seed=2, rows=10).served["id"].to_list()
    assert len(sample_of(frame[:3], SIGNATURE, seed=1).given) == 3


def test_what_the_log_does_not_hold_is_not_scored(own: Own, tmp_path: Path) -> None:
    frame = own.frame
    fault, sample = rescore(frame.drop("feature_far"), own.scorer, seed=1, folder=tmp_path)
    assert (fault, sample.missing, len(sample.given)) == (None, ("far",), 0)
    assert rescore(frame.clear(), own.scorer, seed=1, folder=tmp_path)[0] is None
    odd = frame.with_columns(feature_hour=pl.when(pl.col("id") < 200).then(pl.col("feature_hour").cast(pl.String)))
    odd = odd.with_columns(pl.col("feature_hour").fill_null("noon"))
    sample = sample_of(odd, SIGNATURE, seed=1)
    assert sample.unreadable + len(sample.given) == ROWS
    assert sample.unreadable > 50
    assert own.looked(odd) is None
    with pytest.raises(DataError):
        rescore(frame.with_columns(feature_far=pl.lit(None, pl.Float64)), own.scorer, seed=1, folder=tmp_path)


def test_values_and_tables_are_compared_by_number() -> None:
    value = Signature(features=(), task="regression")
    was = pl.DataFrame({"prediction": [1.0, 2e6, -3.0]})
    assert compared(was, was + 1e-9, value, tolerance=1e-6) is None
    assert compared(was, was * (1 + 1e-7), value, tolerance=1e-6) is None
    fault = compared(was, pl.DataFrame({"prediction": [1.0, 2e6, 3.0]}), value, tolerance=1e-6)
    assert fault is not None
    assert fault.rows == 1
    assert fault.share == pytest.approx(1 / 3)
    fault = compared(was, pl.DataFrame({"prediction": [1.0, None, -3.0]}), value, tolerance=1e-6)
    assert fault is not None
    table = Signature(features=(), task="multiclass", classes=("a", "b", "c"))
    rows = pl.DataFrame({"probability_a": [0.2, 0.5], "probability_b": [0.3, 0.25], "probability_c": [0.5, 0.25]})
    assert compared(rows, rows, table, tolerance=1e-6) is None
    turned = rows.rename({"probability_a": "probability_c", "probability_c": "probability_a"})
    assert compared(rows, turned, table, tolerance=1e-6) is not None
    labels = pl.DataFrame({"prediction": ["c", "a"]})
    assert compared(labels, rows, table, tolerance=1e-6) is None
