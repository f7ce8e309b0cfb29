"""What the result digest leaves out is said by the fields of the models, never by a name that a user chose."""

from typing import Any

import pytest

from modelyard.core.canonical import digest
from modelyard.records.envelope import Envelope, Record, plain_record
from tests.report_samples import run


def _sealed(step: str, **changed: Any) -> Envelope:
    plain = plain_record(run()[step].record)
    result = {**plain["result"], **changed.pop("result", {})}
    return Envelope.seal(Record.model_validate({**plain, "result": result, **changed}))


NAMES = ("seconds", "cached", "fits", "reuse", "carried", "inputs_digest", "circumstances")


@pytest.mark.parametrize("name", NAMES)
def test_a_data_set_counts_whatever_it_is_called(name: str) -> None:
    one, other = (_sealed("evaluate", data={name: digest(content)}) for content in ("one", "other"))
    assert one.result_digest != other.result_digest


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_and_a_parameter_count_whatever_they_are_called(name: str) -> None:
    one, other = (_sealed("train", result={"own_metrics": {name: value}}) for value in (0.5, 0.6))
    assert one.result_digest != other.result_digest
    row = plain_record(run()["train"].record)["result"]["candidates"][0]
    one, other = (_sealed("train", result={"candidates": [{**row, "params": {name: value}}]}) for value in (0.5, 0.6))
    assert one.result_digest != other.result_digest


def test_what_two_machines_may_differ_in_does_not_count() -> None:
    rows = plain_record(run()["train"].record)["result"]["candidates"]
    slower = [{**row, "seconds": row["seconds"] + 9, "cached": not row["cached"], "fits": 0} for row in rows]
    assert _sealed("train").result_digest == _sealed("train", result={"candidates": slower}).result_digest
    assert _sealed("train").result_digest == _sealed("train", result={"fits_from_cache": 7}).result_digest
    again = _sealed("evaluate", inputs_digest=digest("x"), result={"carried": {"a": digest("y")}, "reuse": None})
    assert _sealed("evaluate").result_digest == again.result_digest
