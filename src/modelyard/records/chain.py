"""Check that records are one chain: every link leads to the record it names, all speak of one model and one data."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelyard.core.errors import DataError
from modelyard.core.files import sha256_file
from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope, Link, Record, Step, first_line, read_record
from modelyard.records.manifest import EVALUATION, NO_EVIDENCE, Manifest
from modelyard.records.results import DETECT, REPORT, RESULTS, ReportResult, TrainResult, in_order
from modelyard.records.store import error_path


@dataclass(frozen=True)
class Broken:
    """One thing that is not as it was recorded; ``why`` is a sentence."""

    where: str
    why: str

    def __str__(self) -> str:
        """``where: why``."""
        return f"{self.where}: {self.why}"


@dataclass(frozen=True)
class Report:
    """What a verification looked at, and what of it is broken, the first break first."""

    checked: tuple[str, ...]
    broken: tuple[Broken, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    """Digest of every file and record that was looked at."""

    @property
    def intact(self) -> bool:
        """Something was checked and nothing is broken."""
        return bool(self.checked) and not self.broken


def verify_records(records: Mapping[Step, Envelope], errors: Mapping[Step, Envelope] | None = None) -> list[Broken]:
    """Find what is broken in a chain of records, in the order of the steps; empty where it is whole.

    Args:
        records: the records with a result, or the errors where there is none.
        errors: errors that came after a result and stand beside it.
    """
    broken: list[Broken] = []
    errors = errors or {}
    for step in (kind.name for kind in in_order()):
        for envelope in (each[step] for each in (records, errors) if step in each):
            broken += _envelope(step, envelope)
            for link in envelope.record.builds_on:
                error = errors.get(link.step)
                meant = error if error is not None and error.digest == link.digest else records.get(link.step)
                broken += _link(step, envelope.record, link, meant)
    return broken


def _envelope(step: Step, envelope: Envelope) -> list[Broken]:
    if envelope.record.step != step:
        return [Broken(f"{step} record", f"it is a record of {envelope.record.step}")]
    sealed = Envelope.seal(envelope.record)
    if (sealed.digest, sealed.result_digest) != (envelope.digest, envelope.result_digest):
        return [
            Broken(
                f"{step} record", f"it was changed: its digest says {envelope.digest}, its content is {sealed.digest}"
            )
        ]
    return []


def _link(step: Step, record: Record, link: Link, before: Envelope | None) -> list[Broken]:
    where = f"{step} → {link.step}"
    kind = RESULTS.get(step)
    if RESULTS.get(link.step).order >= kind.order:
        return [Broken(where, f"{step} cannot build on {link.step}, which comes later")]
    if before is None:
        return [Broken(where, f"{step} builds on the {link.step} record {link.digest}, which is not here")]
    if link.digest != before.digest:
        same = " (the same result, recorded again)" if link.result_digest == before.result_digest else ""
        return [
            Broken(
                where,
                f"{step} builds on the {link.step} record {link.digest}, "
                f"but the {link.step} record here is {before.digest}{same}",
            )
        ]
    if link.result_digest != before.result_digest:
        return [
            Broken(
                where,
                f"{step} says that {link.step} had the result {link.result_digest}, it has {before.result_digest}",
            )
        ]
    if record.problem is not None:
        return []  # an error is no evidence, and agrees on nothing: what it read may be what was wrong
    broken: list[Broken] = []
    if before.record.verdict not in kind.accepts:
        broken.append(Broken(where, f"{step} builds on {link.step}, which ended with {before.record.verdict}"))
    return broken + _agreement(where, step, record, link.step, before.record)


def _agreement(where: str, step: Step, record: Record, earlier: Step, before: Record) -> list[Broken]:
    pairs: list[tuple[str, str | None, str | None]] = [
        ("model", record.model, before.model),
        ("configuration digest", record.config_digest, before.config_digest),
    ]
    if record.model_digest is not None and before.model_digest is not None:
        pairs.append(("model digest", record.model_digest, before.model_digest))
    if record.problem is None and before.problem is None:  # an error's record may end before the data was read
        names = sorted({*record.data, *before.data})
        pairs += [(f"digest of the data set {name!r}", record.data.get(name), before.data.get(name)) for name in names]
    return [
        Broken(where, f"the {what} is {now or 'missing'} in {step} and {then or 'missing'} in {earlier}")
        for what, now, then in pairs
        if now != then
    ]


def verify_run_folder(folder: Path, digest_folder: Callable[[Path], tuple[str, int]]) -> Report:
    """Check a run folder: every record's own digests, the chain, the model's bytes, and the rendered report.

    Args:
        folder: the run folder.
        digest_folder: the model digest and size of a model folder; raises ``DataError`` where there is none.
    """
    records: dict[Step, Envelope] = {}
    errors: dict[Step, Envelope] = {}
    broken: list[Broken] = []
    checked: list[str] = []
    digests: dict[str, str] = {}
    for step in (kind.name for kind in in_order()):
        whole = folder / "records" / f"{step}.json"
        for path, known in ((whole, records), (error_path(whole), errors)):
            if not path.exists() and not path.is_symlink():
                continue
            name = f"records/{path.name}"
            checked.append(name)
            try:
                known[step] = read_record(path)
                digests[name] = known[step].digest
            except DataError as error:
                broken.append(Broken(name, error.message.removeprefix(f"{path}: ")))
            except RecursionError:
                broken.append(Broken(name, "not a readable record (nested too deeply)"))
    if not checked:
        return Report((), (Broken(folder.name, "there are no records here"),))
    broken += _without_unreadable(verify_records(records, errors), broken)
    for check in (_model(folder, records, digest_folder), _rendered(folder, records), _predictions(folder)):
        broken += check.broken
        checked += check.checked
        digests |= check.digests
    return Report(tuple(checked), tuple(broken), digests)


def _without_unreadable(found: Iterable[Broken], named: Iterable[Broken]) -> list[Broken]:
    """Leave out links to a record that is there but unreadable: the record itself is named already."""
    steps = {broken.where.removeprefix("records/").removesuffix(".json") for broken in named}
    return [broken for broken in found if not any(broken.where.endswith(f"→ {step}") for step in steps)]


def _model(folder: Path, records: Mapping[Step, Envelope], digest_folder: Callable[[Path], tuple[str, int]]) -> Report:
    known = [(step, records[step]) for step in ("evaluate", "train") if step in records]
    recorded = [(step, envelope.record.model_digest) for step, envelope in known if envelope.record.model_digest]
    if not recorded:
        return Report(())
    step, expected = recorded[0]
    train = records.get("train")
    if not (folder / "model").exists() and train is not None and _judges_predictions(train.record):
        return Report(())
    try:
        found, _ = digest_folder(folder / "model")
    except DataError as error:
        return Report(("model",), (Broken("model", error.message),))
    if found != expected:
        return Report(
            ("model",),
            (Broken("model", f"the {step} record says {expected}, the folder is {found}"),),
            {"model": found},
        )
    return Report(("model",), (), {"model": found})


def _judges_predictions(record: Record) -> bool:
    trained = record.find(TrainResult)
    signature = None if trained is None else trained.signature
    return signature is not None and not signature.features


def _rendered(folder: Path, records: Mapping[Step, Envelope]) -> Report:
    if REPORT.name not in records or records[REPORT.name].record.result is None:
        return Report(())
    try:
        outcome = records[REPORT.name].record.read(ReportResult)
    except DataError as error:
        return Report(("report",), (Broken("report", error.message),))
    checked, broken, digests = [], [], {}
    for name, expected in (("report.md", outcome.markdown_digest), ("report.html", outcome.html_digest)):
        checked.append(name)
        try:
            digests[name] = sha256_file(folder / name)
        except OSError as error:
            broken.append(Broken(name, f"it cannot be read: {error.strerror or first_line(error)}"))
            continue
        if digests[name] != expected:
            broken.append(Broken(name, f"the report record says {expected}, the file is {digests[name]}"))
    return Report(tuple(checked), tuple(broken), digests)


def _predictions(folder: Path) -> Report:
    """No record holds the digests of the prediction files, so they are listed with their digests and nothing more."""
    files = [path for path in sorted((folder / "predictions").rglob("*")) if path.is_file() and not path.is_symlink()]
    found = {path.relative_to(folder).as_posix(): sha256_file(path) for path in files}
    return Report((), (), found)


def verify_carried(manifest: Manifest, records: Mapping[Step, Envelope]) -> list[Broken]:
    """Find what is broken between a version's manifest and the records that it carries; empty where they agree."""
    broken = verify_records(records)
    broken += [
        Broken(f"{step} record", f"it is of the model {envelope.record.model}, the version of {manifest.model}")
        for step, envelope in records.items()
        if envelope.record.model != manifest.model
    ]
    if manifest.evidence == NO_EVIDENCE:
        return broken
    evaluation = records.get("evaluate")
    if evaluation is None:
        return [*broken, Broken(EVALUATION, "the version's evidence is not here")]
    record = evaluation.record
    pairs: list[tuple[str, str | None, str | None]] = [
        ("evidence", manifest.evidence, evaluation.digest),
        ("result digest", manifest.result_digest, evaluation.result_digest),
        ("model digest", manifest.model_digest, record.model_digest),
        ("configuration digest", manifest.config_digest, record.config_digest),
        ("fit digest", manifest.fit_digest, record.fit_digest),
        ("tree", manifest.tree, record.tree),
        ("champion at the time", manifest.parent, record.champion_version),
    ]
    names = sorted({*manifest.data, *record.data})
    pairs += [(f"digest of the data set {name!r}", manifest.data.get(name), record.data.get(name)) for name in names]
    broken += [
        Broken(
            "manifest → evaluate", f"the {what} is {said or 'none'} in the manifest and {found or 'none'} in the record"
        )
        for what, said, found in pairs
        if said != found
    ]
    if record.verdict is not Verdict.PASS:
        broken.append(Broken("manifest → evaluate", f"the evidence ended with {record.verdict}, not with pass"))
    if DETECT.name not in {link.step for link in record.builds_on}:
        broken.append(Broken("evaluate → detect", "the evidence builds on no detect record"))
    return broken
