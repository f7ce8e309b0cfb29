"""The JSON Schemas of the configurations, from the pydantic models, so that editors complete and check them."""

from typing import Any

from modelyard.config.configuration import Config
from modelyard.config.sections.outcomes import OutcomesConfig
from modelyard.core.sections import Section, schema_of

HOME = "https://raw.githubusercontent.com/modelyard/modelyard/main/schemas"
ID = f"{HOME}/modelyard.schema.json"


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the configuration, with the keys as they are written in YAML.

    It knows keys, types, ranges and choices. What only a look at several keys shows, such as a margin without its
    operator, is left to ``modelyard config check``.
    """
    about = "Configuration of modelyard: the data, how a model is trained, and the gates that it must pass."
    return _published(Config, ID, "modelyard.yml", about)


def outcomes_schema() -> dict[str, Any]:
    """JSON Schema of a configuration of outcomes, for ``modelyard judge``."""
    about = "Outcomes of cases, as a harness writes them, and the gates that they must pass."
    return _published(OutcomesConfig, f"{HOME}/outcomes.schema.json", "outcomes", about)


def _published(model: type[Section], name: str, title: str, about: str) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": name,
        "title": title,
        "description": about,
        **{key: value for key, value in schema_of(model).items() if key not in ("title", "description")},
    }
