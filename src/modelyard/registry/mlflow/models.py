"""Models that others logged in MLflow: fetched as bytes, described from their MLmodel file, and never loaded here."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from modelyard.core.errors import ConfigError, DataError, PlatformError
from modelyard.core.files import disk_errors
from modelyard.records.manifest import why
from modelyard.records.results import Signature
from modelyard.registry.bundle import collect
from modelyard.registry.mlflow.pages import DATA
from modelyard.registry.mlflow.server import Missing, Server

_REFERENCE = re.compile(
    r"models:/(?P<name>[^/@:\\\x00-\x1f]{1,200})(?:@(?P<alias>[A-Za-z0-9_.-]{1,100})|/(?P<number>[1-9]\d{0,9}))"
)
_LARGEST = 1 << 20


@dataclass(frozen=True)
class Logged:
    """A model of MLflow's on this disk."""

    folder: Path
    """What becomes the version's model."""
    adapter: Literal["sklearn", "pyfunc"]
    python: str
    """Python version that it was logged with, or nothing."""
    requirements: Path | None
    columns: tuple[str, ...]
    """Inputs of its signature; none where it has none, or they have no names."""
    signature: Signature | None = None
    """What modelyard published it with."""


def is_reference(text: str) -> bool:
    """Return whether this names a model in MLflow."""
    return text.startswith("models:/")


def fetch_logged(server: Server, reference: str, target: Path) -> str:
    """Download the files of ``models:/name@alias`` or ``models:/name/3``; returns ``name/3``.

    Raises:
        ConfigError: not such a reference, or nothing of that name.
        PlatformError: the server would not hand it out.
    """
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise ConfigError(
            f"invalid reference to a model in MLflow: {reference[:100]!r}",
            code="mlflow/bad-reference",
            hint="Write models:/name@alias, or models:/name/3.",
        )
    name, client = found["name"], server.client
    try:
        with server.talking(f"look up {reference}"):
            if found["alias"]:
                version = client.get_model_version_by_alias(name, found["alias"])
            else:
                version = client.get_model_version(name, found["number"])
    except (Missing, PlatformError) as error:
        if isinstance(error, Missing) or "alias" in error.message:
            raise ConfigError(
                f"there is no {reference} on {server.address}", code="mlflow/unknown-model", hint=_known(server, name)
            ) from error
        raise
    uri = f"models:/{name}/{version.version}"
    with disk_errors(target):
        target.mkdir(parents=True)
    try:
        with server.talking(f"hand out {uri}"):
            store = server.artifacts(_source(server, name, str(version.version)))
            store.download_artifacts("", str(target))
    except (Missing, OSError) as error:
        raise PlatformError(
            f"the files of {uri} are gone from MLflow", code="mlflow/files-missing", hint="Name another version."
        ) from error
    return f"{name}/{version.version}"


def _source(server: Server, name: str, number: str) -> str:
    """Return where a version's files are: at an artifact URI, in a run, or with a model that was logged by itself."""
    client = server.client
    source = str(client.get_model_version_download_uri(name, number))
    kind, _, rest = source.partition(":/")
    if kind == "models" and "/" not in rest:
        return str(client.get_logged_model(rest).artifact_location)
    if kind == "runs":
        run, _, path = rest.strip("/").partition("/")
        return f"{client.get_run(run).info.artifact_uri}/{path}"
    return source


def _known(server: Server, name: str) -> str:
    try:
        with server.talking("list its models"):
            aliases = server.client.get_registered_model(name).aliases
    except PlatformError:
        return f"There is no registered model {name[:100]!r}; the server's Models page lists them."
    return (
        f"Aliases of {name} are {', '.join(sorted(aliases))}." if aliases else f"{name} has no alias; name a version."
    )


def describe(folder: Path) -> Logged:
    """Return what an MLflow model folder holds, read from its files alone.

    Raises:
        DataError: a link in it, no readable MLmodel, or no pyfunc flavor.
    """
    collect({"model": folder})  # refuses links
    path = folder / "MLmodel"
    if not path.is_file() or path.stat().st_size > _LARGEST:
        raise DataError("it is not an MLflow model: it holds no MLmodel file", code="mlflow/bad-model")
    try:
        told = yaml.safe_load(path.read_text("utf-8"))
        flavor = told["flavors"]["python_function"]
        loader, python = str(flavor["loader_module"]), str(flavor.get("python_version", ""))
        columns = _columns(told.get("signature") or {})
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            "its MLmodel file names no python_function flavor, so nothing says how to score with it",
            code="mlflow/bad-model",
            hint="Log it with a flavor of MLflow's, or adopt its files with a predict command.",
        ) from error
    pins = folder / "requirements.txt"
    known = Logged(folder, "pyfunc", python, pins if pins.is_file() else None, columns)
    return _own(known) if loader.startswith("modelyard_pyfunc_") else known


def _own(known: Logged) -> Logged:
    """Return a model that modelyard published: its files as they were, loaded as any of ours."""
    try:
        told: Mapping[str, Any] = json.loads((known.folder / "modelyard.json").read_bytes()[:_LARGEST])
        signature = Signature.model_validate({name: told[name] for name in Signature.model_fields if name in told})
        (known.folder / DATA).stat()
    except (OSError, ValueError, TypeError) as error:
        said = why(error) if isinstance(error, ValueError) else "it is not there"
        raise DataError(f"its modelyard.json cannot be read: {said}", code="mlflow/bad-model") from error
    names = tuple(feature.name for feature in signature.features)
    return Logged(known.folder / DATA, "sklearn", known.python, known.requirements, names, signature)


def _columns(signature: Mapping[str, Any]) -> tuple[str, ...]:
    inputs = json.loads(signature.get("inputs") or "[]")
    names = [each.get("name") for each in inputs if isinstance(each, dict)]
    return tuple(str(name) for name in names) if names and None not in names else ()
