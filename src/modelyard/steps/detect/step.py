"""detect: which of data, code, configuration and packages differ from what the champion was made from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

import modelyard.records.results as r
from modelyard.core.errors import ModelyardError
from modelyard.core.verdict import Verdict
from modelyard.data import fingerprint
from modelyard.models.environment import parse_environment
from modelyard.policy.in_force import digest_of_rules
from modelyard.records.envelope import Envelope
from modelyard.records.results import (
    ColumnType,
    DataSet,
    Decision,
    DetectResult,
    KeyChange,
    MadeFrom,
    PastVersion,
    Reason,
)
from modelyard.registry import decided
from modelyard.registry.protocol import Version
from modelyard.registry.records import version_records
from modelyard.steps.context import CheckedOut
from modelyard.steps.declaration import TOKEN, Inputs, Outputs, StepSpec
from modelyard.steps.definition import Outcome, Stage, StepDefinition
from modelyard.steps.detect.present import DetectPresenter

ENVIRONMENT = "environment.txt"
"""Where a version keeps what its model can import."""
VERSIONS = 5
"""Versions whose metrics a record holds, to show where the model comes from."""
MOST = 60
"""Keys or packages that differ which a record holds."""


class DetectOutputs(Outputs):
    """Outputs of detect."""

    changed: bool
    """Whether anything differs from the champion."""
    reasons: str
    """What differs, separated by commas: first-run, data, code, configuration, packages."""
    model: str
    """Name of the model."""
    models: str
    """The models of this configuration, as a JSON list."""
    data_digest: str
    """Digest over all data sets."""
    rules_digest: str
    """Digest of the rules that judge, and of the files that they name."""
    stages: str
    """The stages that this event calls for from here on, separated by commas; none where nothing changed."""
    held: str
    """fail or inconclusive, where the last run, by its records in the run folder, judged exactly this; else empty."""


class DetectInputs(Inputs):
    """Inputs of detect."""

    promote: bool = False
    """A promotion is asked for, so that it is among the stages that this event calls for."""
    decision: str = ""
    """Digest of the decision to retrain that this run follows, as `modelyard decide` gave it out; it is compared with
    the one that the registry keeps."""


SPEC = StepSpec(
    name="detect",
    summary="Fingerprint data, code, configuration and packages, and compare them with the champion's.",
    example="modelyard detect --json",
    inputs=DetectInputs,
    outputs=DetectOutputs,
    secrets=(TOKEN,),
)


def reads(context: CheckedOut, inputs: DetectInputs) -> Mapping[str, Any]:
    """Everything that is compared."""
    champion = context.versions.find_champion()
    _champions_own(context)
    return {
        "data": context.digest_data(),
        "code": context.workspace.digest_code(),
        "config": context.policy.digest_configuration(),
        "packages": context.workspace.digest_packages(),
        "champion": None if champion is None else champion.name,
        "registry": context.versions.open().kind,
        **({"decision": inputs.decision} if inputs.decision else {}),
    }


def run(context: CheckedOut, inputs: DetectInputs) -> Outcome:
    """Compare today's digests with those in the champion's own detect record."""
    champion = context.versions.find_champion()
    decision = _decision(context, inputs.decision, None if champion is None else champion.name)
    then, trained = _champions_own(context)
    before = {known.name: known for known in then.sets} if then else {}
    sets = tuple(fingerprint.compare(now, before.get(name)) for name, now in context.data.fingerprint().items())
    settings = context.policy.settings()
    keys = _changed_keys(then.settings if then else {}, settings)
    details = _details(context, sets, then, None if champion is None else champion.name, keys)
    result = DetectResult(
        changed=bool(details),
        reasons=tuple(reason for reason in get_args(Reason) if reason in details),
        sets=sets,
        champion=None if champion is None else champion.name,
        code_digest=context.workspace.digest_code(),
        config_digest=context.policy.digest_configuration(),
        rules_digest=digest_of_rules(context.policy.rules),
        packages_digest=context.workspace.digest_packages(),
        registry=context.versions.open().kind,
        columns=_columns(context, (then, context.records.find_result("detect", DetectResult)), sets),
        settings=settings,
        keys=keys if "configuration" in details else (),
        packages=_changed_packages(context, champion) if champion is not None and "packages" in details else (),
        made_from=None if champion is None else _made_from(champion, trained),
        lineage=() if champion is None else _lineage(context, champion),
        details=details,
        decision=decision,
        told=context.event.told or None if context.event else None,
    )
    result = result.model_copy(update={"held": _held(context, result)})
    return Outcome(result, Verdict.PASS, champion_version=result.champion)


def _champions_own(context: CheckedOut) -> tuple[DetectResult | None, Envelope | None]:
    """Return what detect found when the champion was made, and its training record.

    Sources need not read again what is as it was then.
    """
    champion = context.versions.find_champion()
    carried = {} if champion is None else version_records(context.versions.open(), champion)
    record = carried.get("detect")
    then = None if record is None else record.record.read(DetectResult)
    last = context.records.find_result("detect", DetectResult)
    for known in (then, last):
        context.data.recall(() if known is None else known.sets)
    return then, carried.get("train")


def _held(context: CheckedOut, now: DetectResult) -> Verdict | None:
    """Return what the last run ended with, where it judged exactly this and held it; another run would do the same."""
    last, evaluated = context.records.find("detect"), context.records.find("evaluate")
    if last is None or evaluated is None or last.link not in evaluated.record.builds_on:
        return None
    then = context.records.find_result("detect", DetectResult)
    verdict = evaluated.record.verdict
    held = then is not None and _what(then) == _what(now) and verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)
    return verdict if held else None


def _what(result: DetectResult) -> tuple[Any, ...]:
    """Return what decides how a run ends."""
    data = {each.name: each.digest for each in result.sets}
    return data, result.champion, result.code_digest, result.config_digest, result.packages_digest


def _decision(context: CheckedOut, named: str, champion: str | None) -> Decision | None:
    """Return the decision that started this run, where it may."""
    if not named:
        return None
    return decided.accepted(
        context.versions.open(),
        named,
        action="retrain",
        alias=context.versions.alias,
        champion=champion,
        now=None if context.event is None else context.now(),
    )


def _columns(
    context: CheckedOut, earlier: Iterable[DetectResult | None], sets: tuple[DataSet, ...]
) -> tuple[ColumnType, ...]:
    """Return the columns' types; where an earlier run had this data and configuration, as they were found for that."""
    now = {each.name: each.digest for each in sets}, context.policy.digest_configuration()
    for then in earlier:
        known = then is not None and ({each.name: each.digest for each in then.sets}, then.config_digest) == now
        if then is not None and known and then.columns:
            return then.columns
    return context.data.describe()


def _changed_keys(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[KeyChange, ...]:
    """Return the keys that differ; none where the champion's record does not hold them."""
    if not old:
        return ()
    names = [name for name in dict.fromkeys((*old, *new)) if old.get(name) != new.get(name)]
    return tuple(KeyChange(key=name, old=old.get(name, ""), new=new.get(name, "")) for name in names[:MOST])


def _changed_packages(context: CheckedOut, champion: Version) -> tuple[KeyChange, ...]:
    """Return the packages that differ from the champion's; none where its environment cannot be read."""
    try:
        text = context.versions.open().read(champion, ENVIRONMENT).decode()
        old, new = parse_environment(text), context.workspace.read_environment()
    except (ModelyardError, UnicodeDecodeError):
        return ()
    was, now = ({"python": each.python, **dict(each.packages)} for each in (old, new))
    names = sorted(name for name in {*was, *now} if was.get(name) != now.get(name))
    return tuple(KeyChange(key=name, old=was.get(name, ""), new=now.get(name, "")) for name in names[:MOST])


def _made_from(champion: Version, train: Envelope | None) -> MadeFrom:
    """Return what the champion was made as, from its manifest and its training record."""
    manifest = champion.manifest
    trained = None if train is None else train.record.find(r.TrainResult)
    winner = next((row for row in trained.candidates if row.winner), None) if trained else None
    return MadeFrom(
        features=tuple(each.name for each in manifest.signature.features),
        candidate=winner.name if winner else "",
        parameters=dict(winner.params) if winner else {},
        train_rows=trained.train_rows if trained else 0,
        model_size=sum(file.size for file in manifest.files if file.role == "model"),
    )


def _lineage(context: CheckedOut, champion: Version) -> tuple[PastVersion, ...]:
    """Return the champion and the versions before it, as far as the registry still has them."""
    found, registry = [champion], context.versions.open()
    while len(found) < VERSIONS and (parent := found[-1].manifest.parent):
        try:
            found.append(registry.resolve(parent))
        except ModelyardError:
            break
    return tuple(
        PastVersion(version=each.name, created=each.manifest.created, metrics=each.manifest.metrics)
        for each in reversed(found)
    )


def _details(
    context: CheckedOut,
    sets: tuple[DataSet, ...],
    then: DetectResult | None,
    champion: str | None,
    keys: Sequence[KeyChange],
) -> dict[Reason, tuple[str, ...]]:
    if champion is None:
        return {"first-run": ("the registry has no champion yet",)}
    if then is None:
        return {"first-run": (f"{champion} was adopted and has no record to compare with",)}
    details: dict[Reason, tuple[str, ...]] = {}
    changes = [f"{part.name}: {told}" for part in sets for told in _changes(part)]
    if changes:
        details["data"] = tuple(changes)
    if then.code_digest != context.workspace.digest_code():
        details["code"] = ("the training code differs",)
    if then.config_digest != context.policy.digest_configuration():
        named = tuple(change.key for change in keys)
        details["configuration"] = named or (f"{context.loaded.path.name}, or a file that it names, in meaning",)
    if then.packages_digest != context.workspace.digest_packages():
        details["packages"] = ("the packages that the model can import differ",)
    return details


def _changes(part: DataSet) -> Iterator[str]:
    """Yield each changed partition once, with what happened to it."""
    renamed = {path for pair in part.renamed for path in pair}
    yield from (f"{now} renamed from {then}" for then, now in part.renamed)
    for path in part.added:
        if path not in renamed:
            yield f"{path} added{', late' if path in part.late else ''}"
    yield from (f"{path} {'reordered' if path in part.reordered else 'modified'}" for path in part.modified)
    yield from (f"{path} removed" for path in part.removed if path not in renamed)


DETECT = StepDefinition(
    SPEC, r.DETECT, (), reads, run, DetectPresenter(), stage=Stage(starts=True, runs_anew="always compares")
)
