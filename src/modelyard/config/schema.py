"""The JSON Schema of modelyard.yml, from the pydantic models, so that editors complete and check it."""

from typing import Any

from modelyard.config.models import Config

ID = "https://raw.githubusercontent.com/modelyard/modelyard/main/schemas/modelyard.schema.json"


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the configuration, with the keys as they are written in YAML.

    It knows keys, types, ranges and choices. What only a look at several keys shows, such as a margin without its
    operator, is left to ``modelyard config check``.
    """
    body = Config.model_json_schema(by_alias=True)
    body.pop("title", None)
    body.pop("description", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "modelyard.yml",
        "description": "Configuration of modelyard: the data, how a model is trained, and the gates that it must pass.",
        **_finished(body),
    }


def _finished(node: Any) -> Any:
    """The same schema with descriptions on one line, as editors show them, and closed where keys have a pattern."""
    if isinstance(node, list):
        return [_finished(item) for item in node]
    if not isinstance(node, dict):
        return node
    finished = {
        key: " ".join(value.split()) if key == "description" and isinstance(value, str) else _finished(value)
        for key, value in node.items()
    }
    return {**finished, "additionalProperties": False} if "patternProperties" in finished else finished
