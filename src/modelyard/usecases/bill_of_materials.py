"""Build a version's bill of materials as CycloneDX, with a model card, from what the version carries alone.

cyclonedx-python-lib makes components, package URLs, hashes and dependencies. It has no model card yet (1.5 and later
have one), so that part is written here, by the schema that the library's own validator checks in the tests.
"""

import json
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard import __version__
from modelyard.core.documents import as_written
from modelyard.core.errors import ConfigError
from modelyard.models.environment import read_requirements
from modelyard.records.results import Estimate
from modelyard.registry.protocol import Registry, VersionRemoved
from modelyard.report import escape
from modelyard.usecases.describe_version import VersionFacts, describe

if TYPE_CHECKING:
    from cyclonedx.model import HashType, Property
    from cyclonedx.model.bom import Bom

LOCK = "requirements.lock"
_SPACE = uuid.UUID("6f6c2c0e-5f0f-5a52-8a0b-0d1f1c6d6b11")
"""Serial numbers are made below it, so that one version has one."""
_TASKS = {"binary": "binary classification", "multiclass": "multiclass classification", "regression": "regression"}


def bill_of_materials(registry: Registry, reference: str) -> dict[str, Any]:
    """Return a version's CycloneDX document.

    Raises:
        ConfigError: there is no such version, it was removed, or the library is not installed.
        DataError: a record that the version carries was changed.
        PlatformError: the registry cannot be read.
    """
    _need_library()
    known = describe(registry, reference)
    if known.removed is not None:
        raise VersionRemoved(known.removed)
    return bill(known, hashes(registry, known))


def _need_library() -> None:
    try:
        import cyclonedx
        import packageurl
    except ImportError as error:
        raise ConfigError(
            f"a bill of materials needs cyclonedx-python-lib, which is not installed ({error.name})",
            code="environment/missing-package",
            hint="Install modelyard's extra: modelyard[bom].",
        ) from error
    del cyclonedx, packageurl


def hashes(registry: Registry, known: VersionFacts) -> dict[str, tuple[str, ...]]:
    """Return, by package, the sha256 of every artifact in the version's lock; empty where it carries none."""
    if not any(file.path == LOCK for file in known.version.manifest.files):
        return {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / LOCK
        path.write_bytes(registry.read(known.version, LOCK))
        return {
            pin.name: tuple(each.removeprefix("sha256:") for each in pin.hashes if each.startswith("sha256:"))
            for pin in read_requirements(path)
        }


def bill(known: VersionFacts, locked: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Build the document, CycloneDX 1.6; the same version gives the same bytes.

    Args:
        known: the version.
        locked: package to sha256 digests, as hex.
    """
    from cyclonedx.output.json import JsonV1Dot6

    document: dict[str, Any] = json.loads(JsonV1Dot6(_bom(known, locked)).output_as_string())
    document["metadata"]["component"]["modelCard"] = card(known)
    return document


def _bom(known: VersionFacts, locked: Mapping[str, tuple[str, ...]]) -> "Bom":
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.tool import ToolRepository
    from packageurl import PackageURL

    manifest = known.version.manifest
    model = Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        name=manifest.model,
        version=known.name,
        bom_ref=f"model:{manifest.model}@{known.name}",
        components=[
            Component(type=ComponentType.FILE, name=file.path, bom_ref=f"file:{file.path}", hashes=[_hash(file.digest)])
            for file in manifest.files
        ],
        properties=_properties(known),
    )
    tool = Component(type=ComponentType.APPLICATION, name="modelyard", version=__version__, bom_ref="tool:modelyard")
    packages = [
        Component(
            type=ComponentType.LIBRARY,
            name=name,
            version=version,
            bom_ref=f"pkg:{name}@{version}",
            purl=PackageURL("pypi", None, name, version),
            hashes=[_hash(f"sha256:{digest}") for digest in locked.get(name, ())],
        )
        for name, version in known.packages.items()
    ]
    if known.environment is not None:
        python = known.environment.python
        packages.append(
            Component(type=ComponentType.PLATFORM, name="python", version=python, bom_ref=f"python@{python}")
        )
    bom = Bom(
        serial_number=uuid.uuid5(_SPACE, known.version.digest),
        metadata=BomMetaData(
            timestamp=datetime.fromisoformat(manifest.created), tools=ToolRepository(components=[tool]), component=model
        ),
        components=packages,
    )
    bom.register_dependency(model, packages)
    return bom


def _hash(digest: str) -> "HashType":
    from cyclonedx.model import HashAlgorithm, HashType

    return HashType(alg=HashAlgorithm.SHA_256, content=digest.removeprefix("sha256:"))


def _properties(known: VersionFacts) -> "list[Property]":
    from cyclonedx.model import Property

    manifest = known.version.manifest
    pairs = {
        "model-digest": manifest.model_digest,
        "manifest-digest": known.version.digest,
        "environment-digest": manifest.environment_digest,
        "fit-digest": manifest.fit_digest,
        "config-digest": manifest.config_digest,
        "evidence": manifest.evidence,
        "result-digest": manifest.result_digest,
        "tree": manifest.tree,
        "champion-then": manifest.parent,
        "chain": "intact" if not known.broken else f"broken: {known.broken[0]}",
    }
    return [Property(name=f"modelyard:{name}", value=escape.clean(value)) for name, value in pairs.items() if value]


def card(known: VersionFacts) -> dict[str, Any]:
    """Build the model card: task, data sets, inputs and outputs, parameters, and metrics with their intervals."""
    manifest = known.version.manifest
    signature = manifest.signature
    parameters: dict[str, Any] = {
        "approach": {"type": "supervised"},
        "task": _TASKS[signature.task],
        "datasets": [_data_set(known, name) for name in sorted({*known.sets, *manifest.data})],
        "inputs": [{"format": escape.clean(f"{each.name}: {each.described}")} for each in signature.features],
        "outputs": [{"format": "number" if signature.task == "regression" else "probability of each class"}],
    }
    if known.winner is not None:
        parameters["modelArchitecture"] = escape.clean(known.winner.name)
    return {
        "modelParameters": parameters,
        "quantitativeAnalysis": {"performanceMetrics": list(_metrics(known))},
        "properties": [
            {"name": f"modelyard:parameter:{escape.clean(name)}", "value": escape.clean(as_written(value))}
            for name, value in known.parameters.items()
        ],
    }


def _data_set(known: VersionFacts, name: str) -> dict[str, Any]:
    data_set = known.sets.get(name)
    digest = data_set.digest if data_set else known.version.manifest.data[name]
    properties = {"modelyard:digest": digest}
    if data_set is not None:
        properties["modelyard:source"] = escape.clean(data_set.source)
        properties["modelyard:files"] = str(len(data_set.partitions))
    return {
        "bom-ref": f"data:{escape.clean(name)}",
        "type": "dataset",
        "name": escape.clean(name),
        "contents": {"properties": [{"name": key, "value": value} for key, value in properties.items()]},
    }


def _metrics(known: VersionFacts) -> Iterator[dict[str, Any]]:
    for row in known.metrics:
        yield _metric(row.metric, row.challenger)
    for gate in known.gates:
        for part in gate.slices:
            if part.challenger.value is not None:
                yield {**_metric(gate.metric, part.challenger), "slice": escape.clean(f"{part.column} = {part.value}")}
    if not known.metrics:
        for name, value in known.version.manifest.metrics.items():
            yield {"type": escape.clean(name), "value": repr(value)}


def _metric(name: str, estimate: Estimate) -> dict[str, Any]:
    metric: dict[str, Any] = {"type": escape.clean(name), "value": repr(estimate.value)}
    if estimate.low is not None and estimate.high is not None:
        metric["confidenceInterval"] = {"lowerBound": repr(estimate.low), "upperBound": repr(estimate.high)}
    return metric
