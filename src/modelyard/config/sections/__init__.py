"""modelyard.yml as pydantic models, a module a section."""
