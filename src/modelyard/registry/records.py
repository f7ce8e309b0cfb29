"""The records that a version carries, read as what they are: files from elsewhere."""

from collections.abc import Callable

from modelyard.core.errors import DataError
from modelyard.records.envelope import Envelope, Step
from modelyard.records.manifest import FileEntry, Manifest, why
from modelyard.records.results import in_order
from modelyard.registry.protocol import Registry, Version


def version_records(registry: Registry, version: Version) -> dict[Step, Envelope]:
    """Return the records of a version by step; an adopted one may have none.

    Raises:
        DataError: one is not a record, or was changed.
        PlatformError: one is missing or damaged in the registry.
    """
    return records_of(version.manifest, lambda file: registry.read(version, file.path))


def records_of(manifest: Manifest, read: Callable[[FileEntry], bytes]) -> dict[Step, Envelope]:
    """Return the records among a manifest's files, their digests checked.

    Raises:
        DataError: one is not a record, or was changed.
    """
    files = {file.path: file for file in manifest.files}
    found: dict[Step, Envelope] = {}
    for step in (kind.name for kind in in_order()):
        file = files.get(f"records/{step}.json")
        if file is not None:
            found[step] = _envelope(file.path, read(file))
    return found


def _envelope(path: str, data: bytes) -> Envelope:
    try:
        envelope = Envelope.model_validate_json(data)
        sealed = Envelope.seal(envelope.record)
    except ValueError as error:
        raise DataError(f"{path} is not a readable record ({why(error)})", code="record/unreadable") from error
    if sealed != envelope:
        raise DataError(
            f"{path} was changed: its digest says {envelope.digest}, its content is {sealed.digest}",
            code="record/changed",
            hint="A changed record is never evidence.",
        )
    return envelope
