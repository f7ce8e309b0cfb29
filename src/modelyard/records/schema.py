"""JSON Schemas of records, for those who read them with other tools."""

from typing import Any

from modelyard.core.docstrings import DescribedSchema
from modelyard.records.envelope import Envelope
from modelyard.records.results import RecordKind

HOME = "https://raw.githubusercontent.com/modelyard/modelyard/main/schemas"


def record_schema(kind: RecordKind) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a kind of record, as its file in a run folder holds it."""
    whole = Envelope.model_json_schema(by_alias=True, mode="serialization", schema_generator=DescribedSchema)
    result = kind.result.model_json_schema(by_alias=True, mode="serialization", schema_generator=DescribedSchema)
    definitions = {**whole.pop("$defs"), **result.pop("$defs", {}), kind.result.__name__: result}
    record = definitions["Record"]["properties"]
    record["result"] = {"anyOf": [{"$ref": f"#/$defs/{kind.result.__name__}"}, {"type": "null"}]}
    record["step"] = {"const": kind.name}
    finished: dict[str, Any] = _finished({**whole, "$defs": dict(sorted(definitions.items()))})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{HOME}/{kind.name}.schema.json",
        "title": f"{kind.name}.json",
        "description": f"Record of the step {kind.name}.",
        **{key: value for key, value in finished.items() if key not in ("title", "description")},
    }


def _finished(node: Any) -> Any:
    """Return the schema with descriptions on one line."""
    if isinstance(node, list):
        return [_finished(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: " ".join(value.split()) if key == "description" and isinstance(value, str) else _finished(value)
        for key, value in node.items()
    }
