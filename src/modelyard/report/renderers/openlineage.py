"""What monitoring saw as an event of OpenLineage: a run that read the prediction log, and what it found there."""

import json
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope
from modelyard.records.results import MonitorResult, Window

PRODUCER = "https://github.com/modelyard/modelyard"
_SPEC = "https://openlineage.io/spec"
SCHEMA = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
NAMESPACE = "modelyard"


def render_openlineage(envelope: Envelope) -> str:
    """Return a record of monitoring as one event, on one line.

    Raises:
        DataError: the record is not one of monitoring, or holds no result.
    """
    result, record = envelope.record.read(MonitorResult), envelope.record
    newest = result.windows[-1] if result.windows else None
    facets: dict[str, Any] = {"dataQualityMetrics": _metrics(result.predictions if newest is None else newest.rows)}
    if newest is not None and (assertions := _assertions(newest)):
        facets["dataQualityAssertions"] = {
            **_about("facets/1-1-0/DataQualityAssertionsDatasetFacet.json#/$defs/DataQualityAssertionsDatasetFacet"),
            "assertions": assertions,
        }
    event = {
        "eventType": "COMPLETE",
        "eventTime": record.circumstances.started,
        "producer": PRODUCER,
        "schemaURL": SCHEMA,
        "run": {
            "runId": str(uuid5(NAMESPACE_URL, f"{PRODUCER}/{envelope.digest}")),
            "facets": {
                "processing_engine": {
                    **_about("facets/1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet"),
                    "name": "modelyard",
                    "version": record.tool_version,
                },
            },
        },
        "job": {
            "namespace": NAMESPACE,
            "name": f"{record.model}.monitor",
            "facets": {
                "jobType": {
                    **_about("facets/2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet"),
                    "processingType": "BATCH",
                    "integration": "MODELYARD",
                    "jobType": "MONITOR",
                }
            },
        },
        "inputs": [{"namespace": NAMESPACE, "name": f"{record.model}/predictions", "inputFacets": facets}],
        "outputs": [],
    }
    return json.dumps(event, sort_keys=True) + "\n"


def _about(schema: str) -> dict[str, str]:
    return {"_producer": PRODUCER, "_schemaURL": f"{_SPEC}/{schema}"}


def _metrics(rows: int) -> dict[str, Any]:
    schema = "facets/1-0-3/DataQualityMetricsInputDatasetFacet.json#/$defs/DataQualityMetricsInputDatasetFacet"
    return {**_about(schema), "rowCount": rows, "columnMetrics": {}}


def _assertions(window: Window) -> list[dict[str, Any]]:
    """Return what was looked at in a window and how it ended: faults, drift, and rules of performance."""
    found: list[dict[str, Any]] = [
        {"assertion": f"no fault: {fault.reason.code}", "success": False, "column": fault.column}
        for fault in window.faults
    ]
    found += [
        {"assertion": f"no drift: {each.statistic}", "success": not each.alarm, "column": each.column}
        for each in window.drift
    ]
    for seen in window.realised:
        if seen.verdict in (Verdict.PASS, Verdict.FAIL):
            of = f" of {seen.slice}" if seen.slice else ""
            named = f"performance: {seen.metric}{of} {seen.operator}"
            found.append({"assertion": named, "success": seen.verdict is Verdict.PASS})
    return [{name: value for name, value in each.items() if value != ""} for each in found]
