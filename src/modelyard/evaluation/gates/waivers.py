"""Waivers: gates, or single slices of them, that may be missed for a while, each with a reason, an owner and an end."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field

from modelyard.config.configuration import Config
from modelyard.config.load import Loaded
from modelyard.core.documents import read_file
from modelyard.core.errors import CollectedConfigError, ConfigError, Place, nearest
from modelyard.core.explain import checked
from modelyard.core.reasons import because
from modelyard.core.sections import Section, Text
from modelyard.core.verdict import Verdict
from modelyard.core.vocabulary import WaiverState
from modelyard.evaluation.gates import names, rules
from modelyard.metrics.catalogue import METRICS, PRIMARY
from modelyard.records.results import CheckResult, GateResult, SliceRow, Waived, WaiverRow
from modelyard.report import wording

MOST = 100


class Waiver(Section):
    """One waiver."""

    gate: Text
    """The gate's id, as the report and ``modelyard why`` show it, such as recall-at-least."""
    slice: Text | None = None
    """One slice of it, as ``column = value``; without it the whole gate is waived."""
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    """Why."""
    owner: Annotated[str, Field(min_length=1, max_length=100)]
    """Who answers for it."""
    expires: date
    """Last day on which it holds, in UTC."""


class Waivers(Section):
    """A file of waivers."""

    waivers: Annotated[tuple[Waiver, ...], Field(max_length=MOST)]
    """The waivers."""


def read(path: Path, file: str) -> tuple[Waiver, ...]:
    """Read a file of waivers.

    Args:
        path: the file.
        file: the name that messages give it.

    Raises:
        ConfigError: not such a file; every mistake comes with its line and key.
    """
    return checked(read_file(path, file, what="the file of waivers"), Waivers).waivers


def known_gates(config: Config) -> dict[str, str]:
    """Return the gates that a configuration may have, by id, each as its rule reads; of the defaults all there are."""
    if config.evaluate.gates:
        made = rules.from_config(
            [gate for gate in config.evaluate.gates if gate.metric in METRICS], config.model.task, lambda _: None, ""
        )
    else:
        primary = METRICS.get(config.model.metric or PRIMARY[config.model.task])
        made = rules.defaults(primary, champion_gains=True, best_gains=True)
    return {rule.id: wording.rule_of(rule.metric.name, rule.operator, rule.demand, rule) for rule in made}


def unknown(waivers: Sequence[Waiver], gates: Mapping[str, str], shown: str) -> Iterator[ConfigError]:
    """Yield an error for each waiver that names no gate.

    Args:
        waivers: of the file.
        gates: id to the rule in words.
        shown: the file's name, for messages.
    """
    for waiver in waivers:
        if waiver.gate in gates:
            continue
        by_words = [name for name, words in gates.items() if words == waiver.gate]
        if by_words:
            yield ConfigError(
                f"a waiver names the gate {waiver.gate!r} by its words, and waivers name gates by their id",
                code="waiver/gate-by-words",
                hint=f"Write gate: {' or '.join(by_words)}.",
                place=Place(shown),
            )
        else:
            yield ConfigError(
                f"a waiver names the gate {waiver.gate!r}, which does not exist",
                code="waiver/unknown-gate",
                hint=nearest(waiver.gate, gates) or f"Gates: {', '.join(gates)}.",
                place=Place(shown),
            )


def problems(loaded: Loaded, root: Path) -> list[ConfigError]:
    """Return what is wrong with the file of waivers of a configuration, before anything runs; its rules are sound."""
    named, config = loaded.config.evaluate.waivers, loaded.config
    path = None if named is None else loaded.path.parent / named
    if named is None or path is None or not path.is_file() or not path.resolve().is_relative_to(root):
        return []
    try:
        known = known_gates(config)
    except ConfigError:
        return []  # told of the gates themselves
    known |= {name: name for name in names.of_gates(config.evaluate.gates) if name not in known}
    try:
        return list(unknown(read(path, named), known, named))
    except CollectedConfigError as error:
        return list(error.problems)
    except ConfigError as error:
        return [error]


def apply(
    gates: Sequence[GateResult], waivers: Sequence[Waiver], today: date, shown: str
) -> tuple[tuple[GateResult, ...], tuple[WaiverRow, ...], tuple[CheckResult, ...]]:
    """Return the gates with what is waived marked, what each waiver did, and a failure for each that has expired.

    A waiver counts for the gate that it names and no other; an error is never waived.

    Raises:
        ConfigError: a waiver names a gate that does not exist, or a slice by no column of its gate.
    """
    marked, rows, failures = {gate.id: gate for gate in gates}, [], []
    for problem in unknown(waivers, {gate.id: wording.rule(gate) for gate in gates}, shown):
        raise problem
    for waiver in waivers:
        state = _state(marked[waiver.gate], waiver, today, shown)
        if state is None:
            marked[waiver.gate], state = _waive(marked[waiver.gate], waiver)
        rows.append(
            WaiverRow(
                gate=waiver.gate,
                slice=waiver.slice or "",
                reason=waiver.reason,
                owner=waiver.owner,
                expires=waiver.expires.isoformat(),
                state=state,
            )
        )
        if state == "expired":
            finding = because("waiver-expired", owner=waiver.owner, expires=waiver.expires.isoformat())
            failures.append(
                CheckResult(name="waiver", subject=waiver.gate, gate=True, verdict=Verdict.FAIL, finding=finding)
            )
    return tuple(marked[gate.id] for gate in gates), tuple(rows), tuple(failures)


def _state(gate: GateResult, waiver: Waiver, today: date, shown: str) -> WaiverState | None:
    """Return what is known of a waiver before it is used, after a look at the slice that it names."""
    # A gate that was not judged, such as one against a champion on a first run, has no slices to tell by.
    if waiver.slice is not None and gate.verdict not in (Verdict.NOT_APPLICABLE, Verdict.ERROR):
        column = waiver.slice.partition(" = ")[0]
        if column not in {row.column for row in gate.slices}:
            known = [_slice(row) for row in gate.slices]
            raise ConfigError(
                f"a waiver names the slice {waiver.slice!r} of {waiver.gate!r}, which does not exist",
                code="waiver/unknown-slice",
                hint=nearest(waiver.slice, known) or "Write it as column = value.",
                place=Place(shown),
            )
    return "expired" if today > waiver.expires else None


def _waive(gate: GateResult, waiver: Waiver) -> tuple[GateResult, WaiverState]:
    waived = Waived(
        until=waiver.expires.isoformat(), owner=waiver.owner, reason=waiver.reason, slice=waiver.slice or ""
    )
    if waiver.slice is None:
        if gate.verdict not in (Verdict.FAIL, Verdict.INCONCLUSIVE):
            return gate, "not needed now"
        return gate.model_copy(update={"waived": waived}), "in use"
    if gate.slices and waiver.slice not in {_slice(row) for row in gate.slices}:
        return gate, "not in these rows"
    slices = tuple(
        row.model_copy(update={"waived": waived}) if _slice(row) == waiver.slice and _holds_back(gate, row) else row
        for row in gate.slices
    )
    if slices == gate.slices:
        return gate, "not needed now"
    changed = gate.model_copy(update={"slices": slices})
    # What the gate would say without the waived slices: nothing else of it may be open.
    others_pass = not any(_holds_back(gate, row) for row in slices if not row.waived)
    if gate.every_slice:
        others_pass = others_pass and not gate.slices_left_out
    else:
        others_pass = others_pass and any(row.verdict in (Verdict.PASS, Verdict.FAIL) for row in slices)
    if others_pass and gate.on_all_rows is Verdict.PASS and gate.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        changed = changed.model_copy(update={"waived": waived})
    return changed, "in use"


def _holds_back(gate: GateResult, row: SliceRow) -> bool:
    """Tell whether a slice keeps its gate from passing: one that fails, or that has to pass and does not."""
    return row.verdict is Verdict.FAIL or ((gate.every_slice or row.named) and row.verdict is not Verdict.PASS)


def _slice(row: SliceRow) -> str:
    return f"{row.column} = {row.value}"
