"""The JSON Schema of modelyard.yml, from the pydantic models, so that editors complete and check it."""

from typing import Any

from modelyard.config.configuration import Config
from modelyard.core.sections import schema_of

ID = "https://raw.githubusercontent.com/modelyard/modelyard/main/schemas/modelyard.schema.json"


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the configuration, with the keys as they are written in YAML.

    It knows keys, types, ranges and choices. What only a look at several keys shows, such as a margin without its
    operator, is left to ``modelyard config check``.
    """
    body = schema_of(Config)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "modelyard.yml",
        "description": "Configuration of modelyard: the data, how a model is trained, and the gates that it must pass.",
        **{key: value for key, value in body.items() if key not in ("title", "description")},
    }
