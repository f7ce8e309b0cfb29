"""What monitoring saw, for machines: Prometheus' parser, OpenLineage's client and the published schema read it."""

import json
from typing import Any

import jsonschema
import pytest
from openlineage.client import event_v2 as lineage
from openlineage.client.facet_v2 import (
    data_quality_assertions_dataset,
    data_quality_metrics_input_dataset,
    job_type_job,
    processing_engine_run,
)
from openlineage.client.serde import Serde
from prometheus_client.parser import text_string_to_metric_families

from modelyard.core.errors import DataError
from modelyard.core.verdict import Verdict
from modelyard.generate.write import ROOT
from modelyard.records.envelope import Envelope
from modelyard.report.renderers.openlineage import render_openlineage
from modelyard.report.renderers.prometheus import HELP, render_prometheus
from tests.decisions import drift, estimated, fault, monitored, realised, window
from tests.report_samples import envelope, judged

ODD = 'a "b\\c"\nd'
SEEN = monitored(
    window(0),
    window(1, version="v2", rows=7),
    window(
        2,
        faults=(fault(ODD, share=0.5),),
        drift=(drift("dep_delay"), drift(ODD, persistent=False)),
        estimated=(estimated(0.8125),),
        realised=(realised(Verdict.FAIL), realised(slice_="carrier = UA")),
    ),
)


@pytest.fixture(scope="module")
def record() -> Envelope:
    return envelope("monitor", SEEN)


def samples(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Return values by gauge and labels' values, without the model's."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge"
        assert family.documentation == HELP[family.name.removeprefix("modelyard_")]
        for sample in family.samples:
            told = tuple(value for name, value in sample.labels.items() if name != "model")
            assert told not in found.get(sample.name, {}), "the same gauge twice"
            found.setdefault(sample.name, {})[told] = sample.value
    return found


def test_prometheus_reads_the_newest_window_of_each_version(record: Envelope) -> None:
    text = render_prometheus(record)
    found = samples(text)
    assert found["modelyard_window_predictions"] == {("v3",): 1000, ("v2",): 7}
    assert found["modelyard_fault_rows"] == {("v3", ODD, "unit-changed"): 500}
    assert found["modelyard_drift_alarm"]["v3", "feature", "dep_delay", "kolmogorov-smirnov"] == 1
    assert found["modelyard_drift_persistent"]["v3", "feature", ODD, "kolmogorov-smirnov"] == 0
    assert found["modelyard_drift_effect"]["v3", "feature", "dep_delay", "kolmogorov-smirnov"] == pytest.approx(0.25)
    assert found["modelyard_estimated_performance"]["v3", "roc_auc", "value"] == 0.8125
    assert found["modelyard_realised_performance"]["v3", "roc_auc", "", "at_least", "value"] == 0.7
    assert found["modelyard_performance_missed"]["v3", "roc_auc", "", "at_least"] == 1
    assert found["modelyard_performance_missed"]["v3", "roc_auc", "carrier = UA", "at_least"] == 0
    assert found["modelyard_window_end_timestamp_seconds"]["v3",] == 1374451200
    assert "NaN" not in text
    assert text.endswith("\n")


def test_what_is_not_known_has_no_sample() -> None:
    nothing = monitored(window(0, realised=(realised(Verdict.INCONCLUSIVE),)))
    unknown = nothing.windows[0].realised[0]
    told = unknown.model_copy(
        update={"window": unknown.window.model_copy(update={"value": None, "low": None, "high": None})}
    )
    seen = nothing.model_copy(update={"windows": (nothing.windows[0].model_copy(update={"realised": (told,)}),)})
    found = samples(render_prometheus(envelope("monitor", seen)))
    assert "modelyard_realised_performance" not in found
    assert found["modelyard_performance_missed"] == {("v3", "roc_auc", "", "at_least"): 0}
    empty = samples(render_prometheus(envelope("monitor", monitored())))
    assert set(empty) == {"modelyard_log_timestamp_seconds", "modelyard_open_predictions"}


def bare(node: Any) -> Any:
    """Return what a client sent, without what it leaves empty."""
    if isinstance(node, dict):
        return {key: kept for key, value in node.items() if (kept := bare(value)) not in ({}, None)}
    return [bare(each) for each in node] if isinstance(node, list) else node


def test_the_client_of_openlineage_makes_the_same_event(record: Envelope) -> None:
    event = json.loads(render_openlineage(record))
    run, job, (data,) = event["run"], event["job"], event["inputs"]
    metrics, told = data["inputFacets"]["dataQualityMetrics"], data["inputFacets"]["dataQualityAssertions"]
    engine, kind = run["facets"]["processing_engine"], job["facets"]["jobType"]
    lineage.set_producer(event["producer"])
    client = lineage.RunEvent(
        eventType=lineage.RunState(event["eventType"]),
        eventTime=event["eventTime"],
        run=lineage.Run(
            run["runId"],
            {
                "processing_engine": processing_engine_run.ProcessingEngineRunFacet(
                    version=engine["version"], name=engine["name"]
                )
            },
        ),
        job=lineage.Job(
            job["namespace"],
            job["name"],
            {"jobType": job_type_job.JobTypeJobFacet(kind["processingType"], kind["integration"], kind["jobType"])},
        ),
        inputs=[
            lineage.InputDataset(
                data["namespace"],
                data["name"],
                inputFacets={
                    "dataQualityMetrics": data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet(
                        columnMetrics={}, rowCount=metrics["rowCount"]
                    ),
                    "dataQualityAssertions": data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
                        [data_quality_assertions_dataset.Assertion(**each) for each in told["assertions"]]
                    ),
                },
            )
        ],
    )
    assert bare(Serde.to_dict(client)) == bare(event)
    assert {"assertion": "no fault: unit-changed", "success": False, "column": ODD} in told["assertions"]
    assert {"assertion": "performance: roc_auc at_least", "success": False} in told["assertions"]
    assert metrics["rowCount"] == 1000
    assert run["runId"] != json.loads(render_openlineage(envelope("monitor", SEEN, seconds=2)))["run"]["runId"]


@pytest.mark.parametrize("step", ["monitor", "decide"])
def test_published_schemas_are_schemas(step: str) -> None:
    schema = json.loads((ROOT / "schemas" / f"{step}.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$defs"]["Record"]["properties"]["step"] == {"const": step}


def test_records_fit_their_schema_and_others_do_not(record: Envelope) -> None:
    schema = json.loads((ROOT / "schemas" / "monitor.schema.json").read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    told = json.loads(record.to_bytes())
    validator.validate(told)
    del told["record"]["result"]["windows"][0]["rows"]
    assert not validator.is_valid(told)
    assert not validator.is_valid(json.loads(envelope("evaluate", judged()).to_bytes()))


@pytest.mark.parametrize("render", [render_prometheus, render_openlineage])
def test_another_record_is_refused(render: Any) -> None:
    with pytest.raises(DataError, match="record/"):
        render(envelope("evaluate", judged()))
