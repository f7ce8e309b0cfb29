"""What MLflow is told of a version: a folder that ``mlflow.pyfunc`` can load, parameters, metrics, tags, the report.

All of it is written as data. The model's own bytes are copied and digested, and nothing is loaded, built or imported.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from modelyard.records.envelope import Envelope, Step
from modelyard.records.manifest import Content, FileEntry, Manifest
from modelyard.records.results import EVALUATE, REPORT, RESULTS, Signature, TrainResult

MODEL, VERSION, DATA = "model", "version", "data"
"""Folders of a run's artifacts: what MLflow loads, everything else of a version, and the model's files in the first."""
BYTES = (MODEL, VERSION)
"""What goes when a version is removed; its manifest stays."""
PARTS = (*BYTES, "manifests", "report.md", "report.html")
"""All that a publication writes."""
STATE, UNFINISHED, FINISHED = "modelyard.state", "unfinished", "published"
IDENTITY = "modelyard.identity"
ABOUT_MODEL = "Versions and aliases are kept by modelyard; an alias that is moved by hand is put back."
ABOUT_JOURNAL = "The history of the model of this name, one line a version. It is the truth: do not edit or delete."
_LONGEST = 500
"""Letters of a parameter: MLflow's own limit is 6,000, and a page shows fewer."""
_TYPE = "any"
"""MLflow's type of every column: its checks would refuse whole numbers for a double, which the loader takes."""


@dataclass(frozen=True)
class _Layout:
    """How a kind of model becomes a folder of MLflow's."""

    as_logged: bool = False
    """It is such a folder already."""
    with_loader: bool = False
    """Our loader goes along, so that MLflow can load it."""


_LAYOUTS = {"pyfunc": _Layout(as_logged=True), "sklearn": _Layout(with_loader=True)}
"""Of the kinds that MLflow can load; any other is kept as files."""


def _layout(adapter: str) -> _Layout:
    return _LAYOUTS.get(adapter, _Layout())


def place(path: str, adapter: str) -> str:
    """Return where a version's file stands among a run's artifacts. A pyfunc model is a folder of MLflow's already."""
    role, _, rest = path.partition("/")
    if role != "model":
        return f"{VERSION}/{path}"
    return f"{MODEL}/{rest}" if _layout(adapter).as_logged else f"{MODEL}/{DATA}/{rest}"


def manifest_path(number: int) -> str:
    """Return where a version's sealed manifest stands among a run's artifacts."""
    return f"manifests/v{number}.json"


def around(content: Content, files: tuple[FileEntry, ...], environment: str, mlflow_version: str) -> dict[str, bytes]:
    """Return what stands beside a model's files, so that MLflow shows its signature and, for scikit-learn, can load it.

    Args:
        content: what is published.
        files: its files.
        environment: text of ``environment.txt``, or nothing.
        mlflow_version: of the client.

    Returns:
        Path among the run's artifacts to content.
    """
    layout = _layout(content.adapter)
    if layout.as_logged:
        return {}
    flavors: dict[str, Any] = {"modelyard": {"adapter": content.adapter, "data": DATA}}
    made: dict[str, bytes] = {}
    if layout.with_loader:
        package, loader = _loader()
        made |= {f"{MODEL}/code/{package}/{name}": data for name, data in loader.items()}
        made[f"{MODEL}/modelyard.json"] = _json(facts(content, files))
        flavors["python_function"] = {"loader_module": f"{package}.pyfunc_loader", "code": "code", "data": DATA}
        python, pins = _environment(environment)
        if python:
            flavors["python_function"] |= {"python_version": python, "env": {"virtualenv": "python_env.yaml"}}
            made[f"{MODEL}/requirements.txt"] = pins.encode()
            made[f"{MODEL}/python_env.yaml"] = yaml.safe_dump(
                {"python": python, "build_dependencies": [], "dependencies": ["-r requirements.txt"]}
            ).encode()
    described = {
        "artifact_path": MODEL,
        "flavors": flavors,
        "mlflow_version": mlflow_version,
        "model_size_bytes": sum(file.size for file in files if file.role == "model"),
        "signature": signature(content.signature),
    }
    made[f"{MODEL}/MLmodel"] = yaml.safe_dump(described, sort_keys=True).encode()
    return made


def facts(content: Content, files: tuple[FileEntry, ...]) -> dict[str, Any]:
    """Return what the loader is told: the signature, and the digest of every file that it may open."""
    told = content.signature.model_dump(mode="json")
    inside = {file.path.removeprefix("model/"): file.digest for file in files if file.role == "model"}
    return {**told, "model": content.model, "model_digest": content.model_digest, "files": inside}


def signature(known: Signature) -> dict[str, Any]:
    """Return a signature in MLflow's form."""
    inputs = [{"name": each.name, "type": _TYPE, "required": True} for each in known.features]
    if known.task == "binary":
        names = ["probability"]
    elif known.task == "multiclass":
        names = [f"probability_{label}" for label in known.classes]
    else:
        names = ["prediction"]
    outputs = [{"name": name, "type": "double", "required": True} for name in names]
    return {"inputs": json.dumps(inputs) if inputs else None, "outputs": json.dumps(outputs), "params": None}


def parameters(content: Content, records: Mapping[Step, Envelope]) -> dict[str, str]:
    """Return what MLflow shows as parameters: how the model was made, and the winner's own."""
    told: dict[str, Any] = {"adapter": content.adapter, "task": content.signature.task, "parent": content.parent}
    train = records.get("train")
    made = None if train is None else train.record.outcome
    if isinstance(made, TrainResult):
        told |= {"how": made.how, "train_rows": made.train_rows, "seed": made.seed, "split": made.split}
        for row in made.candidates:
            if row.winner:
                told |= {"candidate": row.name} | {f"candidate.{name}": value for name, value in row.params.items()}
    return {name: str(value)[:_LONGEST] for name, value in told.items() if value not in (None, "")}


def version_tags(manifest: Manifest, records: Mapping[Step, Envelope]) -> dict[str, str]:
    """Return the digests that a version stands on, as tags; its state changes when it is finished."""
    told = {
        "model": manifest.model,
        "model_digest": manifest.model_digest,
        "environment_digest": manifest.environment_digest,
        "fit_digest": manifest.fit_digest,
        "config_digest": manifest.config_digest,
        "evidence": manifest.evidence,
        "result_digest": manifest.result_digest,
        "tree": manifest.tree,
        "adapter": manifest.adapter,
        "parent": manifest.parent,
        **{f"data.{name}": digest for name, digest in manifest.data.items()},
        **{f"record.{step}": envelope.digest for step, envelope in records.items()},
    }
    tags = {f"modelyard.{name}": value for name, value in told.items() if value}
    return {**tags, IDENTITY: manifest.identity, STATE: UNFINISHED}


def reports(records: Mapping[Step, Envelope]) -> dict[str, bytes]:
    """Return the report, rendered from the records that the evidence covers: files of the job that trained are not."""
    from modelyard.report.renderers.html import render_html
    from modelyard.report.renderers.markdown import render_markdown

    shown = {step: each for step, each in records.items() if RESULTS.get(step).of_run and step != REPORT.name}
    if EVALUATE.name not in shown:
        return {}
    return {"report.md": render_markdown(shown).encode(), "report.html": render_html(shown).encode()}


def _loader() -> tuple[str, dict[str, bytes]]:
    """Return the loader as a package, named by its content, so that two of them never mix in one process."""
    home = resources.files("modelyard.models.child")
    files = {file.name: file.read_bytes() for file in home.iterdir() if file.name.endswith(".py")}
    found = hashlib.sha256(b"\0".join(files[name] for name in sorted(files))).hexdigest()
    return f"modelyard_pyfunc_{found[:12]}", files


def _environment(text: str) -> tuple[str, str]:
    """Python version and pins of an ``environment.txt``; nothing where it is no such text."""
    head, _, pins = text.partition("\n")
    parts = head.split()
    return (parts[2], pins) if parts[:2] == ["#", "python"] and len(parts) > 2 else ("", "")


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode()


def _sha256(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return ""
    with path.open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
