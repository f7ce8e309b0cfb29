"""The records that a version carries."""

import json

from pydantic import ValidationError

from modelyard.errors import DataError
from modelyard.records.envelope import Envelope, Step
from modelyard.registry.base import Registry, Version


def version_records(registry: Registry, version: Version) -> dict[Step, Envelope]:
    """The records of a version by step; none for an adopted one.

    Raises:
        DataError: a record is missing or damaged in the registry.
    """
    found: dict[Step, Envelope] = {}
    for entry in version.manifest.files:
        if entry.path.startswith("records/"):
            try:
                envelope = Envelope.model_validate(json.loads(registry.read(version, entry.path)))
            except (ValueError, ValidationError) as error:
                raise DataError(f"{entry.path} of {version.name} is not a readable record") from error
            found[envelope.record.step] = envelope
    return found
