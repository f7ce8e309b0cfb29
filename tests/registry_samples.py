"""A run folder with a chain of real records around a small model, and bundles of it: what registry tests share."""

import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modelyard.core.canonical import digest
from modelyard.core.files import sha256_bytes, sha256_file
from modelyard.core.verdict import Verdict
from modelyard.models.store import digest as digest_folder
from modelyard.records.envelope import Circumstances, Envelope, Record, Step, write_record
from modelyard.records.manifest import Content
from modelyard.records.results import DetectResult, EvaluateResult, Feature, ReportResult, Signature, TrainResult
from modelyard.registry.bundle import collect
from modelyard.registry.local.registry import LocalRegistry
from modelyard.registry.protocol import Bundle, Registry, Version

MODEL = "flights-late"
JUDGED = f"""\
model: {{name: {MODEL}, task: binary, positive: true}}
data:
  sets: {{train: train.csv, test: test.csv}}
  columns: {{target: late}}
evaluate: {{challenger: predictions.csv}}
"""
"""A configuration but for its registry."""
CONFIG = digest("configuration")
DATA = {"all": digest("data")}
TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
SIGNATURE = Signature(
    features=(Feature(name="distance", kind="numeric"),), task="binary", classes=(False, True), positive=True
)
NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def registry(tmp_path: Path, clock: Clock | None = None) -> LocalRegistry:
    """A local registry in a folder's ``.modelyard``."""
    return LocalRegistry(tmp_path / ".modelyard", MODEL, now=clock or Clock())


def run_folder(folder: Path, payload: str = "one", *, champion: str | None = None) -> Path:
    """A run folder as a passing run leaves it; another payload is another model."""
    (folder / "model" / "nested").mkdir(parents=True)
    (folder / "model" / "model.bin").write_bytes(payload.encode() * 1000)
    (folder / "model" / "nested" / "notes.txt").write_text(f"notes on {payload}", "utf-8")
    (folder / "predictions").mkdir()
    (folder / "predictions" / "challenger.parquet").write_bytes(b"predictions")
    (folder / "environment.txt").write_text("python==3.11.9\nscikit-learn==1.9.0\n", "utf-8")
    (folder / "report.md").write_text("# promote\n", "utf-8")
    (folder / "report.html").write_text("<p>promote</p>\n", "utf-8")
    (folder / "records").mkdir()
    write_chain(folder, champion=champion)
    return folder


def write_chain(folder: Path, *, champion: str | None = None) -> dict[Step, Envelope]:
    """detect, train, evaluate and report over the model in a folder."""
    model_digest, size = digest_folder(folder / "model")
    known: dict[Step, Envelope] = {}

    def add(step: Step, result: Any, *builds_on: Step, **own: Any) -> None:
        sealed = record(step, result, [known[name] for name in builds_on], champion_version=champion, **own)
        known[step] = write_record(folder / "records" / f"{step}.json", sealed)

    add(
        "detect",
        DetectResult(
            changed=True,
            reasons=("data",),
            sets=(),
            champion=champion,
            code_digest=digest("code"),
            config_digest=CONFIG,
            packages_digest=digest("packages"),
            registry="local",
        ),
    )
    trained = TrainResult(
        how="candidates",
        metric="roc_auc",
        train_rows=900,
        train_digest=digest("train rows"),
        seed=0,
        model_digest=model_digest,
        model_size=size,
        adapter="sklearn",
        signature=SIGNATURE,
    )
    made = {"fit_digest": digest("fit"), "model_digest": model_digest}
    add("train", trained, "detect", **made)
    add("evaluate", EvaluateResult(test_rows=100, test_units=10, unit="day"), "detect", "train", **made)
    report = ReportResult(
        markdown="report.md",
        html="report.html",
        markdown_digest=sha256_file(folder / "report.md"),
        html_digest=sha256_file(folder / "report.html"),
    )
    add("report", report, "detect", "train", "evaluate")
    return known


def record(step: Step, result: Any, builds_on: list[Envelope], **own: Any) -> Record:
    """One record of the sample model."""
    fields: dict[str, Any] = {
        "step": step,
        "model": MODEL,
        "verdict": Verdict.PASS,
        "tool_version": "0.1.0",
        "inputs_digest": digest([step, "inputs"]),
        "environment_digest": digest("environment"),
        "config_digest": CONFIG,
        "data": DATA,
        "tree": TREE,
        "builds_on": [envelope.link.model_dump() for envelope in builds_on],
        "result": None if result is None else result.model_dump(mode="json"),
        "circumstances": Circumstances(started="2026-05-03T12:00:00+00:00", seconds=1.0),
    }
    return Record.model_validate({**fields, **own})


def bundle(folder: Path, **changed: Any) -> Bundle:
    """A bundle of a run folder, as promote makes it; ``changed`` are fields of the content that are to be wrong."""
    evaluation = Envelope.model_validate_json((folder / "records" / "evaluate.json").read_bytes())
    content = Content(
        model=MODEL,
        model_digest=digest_folder(folder / "model")[0],
        adapter="sklearn",
        signature=SIGNATURE,
        environment_digest=digest("environment"),
        fit_digest=evaluation.record.fit_digest,
        config_digest=evaluation.record.config_digest,
        data=evaluation.record.data,
        tree=evaluation.record.tree,
        evidence=evaluation.digest,
        result_digest=evaluation.result_digest,
        metrics={"roc_auc": 0.81},
        parent=evaluation.record.champion_version,
    )
    files = collect({name: folder / name for name in ("model", "records", "environment.txt")})
    return Bundle(content.model_copy(update=changed), files)


def adopted(folder: Path, payload: str = "old model") -> Bundle:
    """A bundle of a model from elsewhere, without evidence."""
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "model.joblib").write_bytes(payload.encode())
    content = Content(
        model=MODEL,
        model_digest=digest_folder(folder / "model")[0],
        adapter="sklearn",
        signature=SIGNATURE,
        environment_digest=digest("environment"),
        evidence="none",
    )
    return Bundle(content, collect({"model": folder / "model"}))


def promote(where: Registry, version: Version, *, seen: str | None, reason: str = "better", **own: Any) -> Any:
    """Move the champion to a version on its own evidence."""
    said: dict[str, Any] = {"actor": "octocat", "kind": "promoted", "evidence": version.manifest.evidence}
    return where.set_alias("champion", version.name, seen=seen, reason=reason, **{**said, **own})


def published(where: Registry, folder: Path, *payloads: str) -> list[Version]:
    """Versions of several payloads."""
    return [where.publish(bundle(run_folder(folder / payload, payload))) for payload in payloads]


def snapshot(folder: Path) -> Mapping[str, str]:
    """Every file below a folder with its digest."""
    return {
        path.relative_to(folder).as_posix(): sha256_bytes(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def variant_of(where: Registry, reference: str, home: Path, change: Callable[[Path], None] | None = None) -> Bundle:
    """A version's files with a change, by default in its golden predictions, without evidence, as an adopted one."""
    import polars as pl

    version = where.resolve(reference)
    where.fetch(version, home)
    shutil.rmtree(home / "records")
    if change is None:
        path = home / "golden" / "predictions.parquet"
        pl.read_parquet(path).with_columns(pl.col("probability") * 0.99).write_parquet(path)
    else:
        change(home)
    kept = version.manifest.model_dump(include={"model", "adapter", "signature", "environment_digest"})
    content = Content(**kept, model_digest=digest_folder(home / "model")[0], evidence="none")
    return Bundle(content, collect({path.name: path for path in home.iterdir()}))
