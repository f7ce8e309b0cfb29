"""Waivers: gates, or single slices of them, that may be missed for a while, each with a reason, an owner and an end."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field

from modelyard.core.documents import read_file
from modelyard.core.errors import ConfigError, Place, nearest
from modelyard.core.explain import checked
from modelyard.core.sections import Section, Text
from modelyard.core.verdict import Verdict
from modelyard.core.vocabulary import WaiverState
from modelyard.records.results import CheckResult, GateResult, SliceRow, WaiverRow

MOST = 100


class Waiver(Section):
    """One waiver."""

    gate: Text
    """The gate as its rule reads in the report, such as "recall at least 0.5"."""
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


def apply(
    gates: Sequence[GateResult], waivers: Sequence[Waiver], today: date, shown: str
) -> tuple[tuple[GateResult, ...], tuple[WaiverRow, ...], tuple[CheckResult, ...]]:
    """The gates with what is waived marked, every waiver with what it did, and a failure for each that has expired.

    A waiver counts for the gate that it names and no other; an error is never waived.

    Raises:
        ConfigError: a waiver names a gate that does not exist, or two of them, or a slice by no column of its gate.
    """
    found, rows, failures = list(gates), [], []
    for waiver in waivers:
        at = _named(found, waiver, shown)
        expired = today > waiver.expires
        state: WaiverState = "expired"
        if not expired:
            found[at], state = _waive(found[at], waiver)
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
        if expired:
            text = f"the waiver of {waiver.gate} ({waiver.owner}) expired on {waiver.expires.isoformat()}"
            failures.append(CheckResult(name="waiver", gate=True, verdict=Verdict.FAIL, said=text))
    return tuple(found), tuple(rows), tuple(failures)


def _named(gates: Sequence[GateResult], waiver: Waiver, shown: str) -> int:
    """Which gate a waiver is about."""
    alike = [at for at, gate in enumerate(gates) if gate.rule == waiver.gate]
    if not alike:
        names = [gate.rule for gate in gates]
        raise ConfigError(
            f"a waiver names the gate {waiver.gate!r}, which does not exist",
            hint=nearest(waiver.gate, names) or f"Gates: {'; '.join(names)}.",
            place=Place(shown),
        )
    if waiver.slice is None:
        if len(alike) > 1:
            raise ConfigError(
                f"a waiver names the gate {waiver.gate!r}, and {len(alike)} gates read so",
                hint="Keep one of them: a gate with by: holds for all rows too. Or name a slice.",
                place=Place(shown),
            )
        return alike[0]
    # A gate that was not judged, such as one against a champion on a first run, has no slices to tell by.
    column = waiver.slice.partition(" = ")[0]
    fitting = [at for at in alike if column in {row.column for row in gates[at].slices}]
    fitting = fitting or [at for at in alike if gates[at].verdict in (Verdict.NOT_APPLICABLE, Verdict.ERROR)]
    if not fitting:
        known = [f"{row.column} = {row.value}" for at in alike for row in gates[at].slices]
        raise ConfigError(
            f"a waiver names the slice {waiver.slice!r} of {waiver.gate!r}, which does not exist",
            hint=nearest(waiver.slice, known) or "Write it as column = value.",
            place=Place(shown),
        )
    return fitting[0]


def _waive(gate: GateResult, waiver: Waiver) -> tuple[GateResult, WaiverState]:
    words = f"waived until {waiver.expires.isoformat()} by {waiver.owner}: {waiver.reason}"
    if waiver.slice is None:
        if gate.verdict not in (Verdict.FAIL, Verdict.INCONCLUSIVE):
            return gate, "not needed now"
        return gate.model_copy(update={"waived": words}), "in use"
    if gate.slices and waiver.slice not in {_slice(row) for row in gate.slices}:
        return gate, "not in these rows"
    slices = tuple(
        row.model_copy(update={"waived": words}) if _slice(row) == waiver.slice and _holds_back(gate, row) else row
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
        changed = changed.model_copy(update={"waived": f"slice {waiver.slice}: {words}"})
    return changed, "in use"


def _holds_back(gate: GateResult, row: SliceRow) -> bool:
    """Whether a slice keeps its gate from passing: one that fails, or that has to pass and does not."""
    return row.verdict is Verdict.FAIL or ((gate.every_slice or row.named) and row.verdict is not Verdict.PASS)


def _slice(row: SliceRow) -> str:
    return f"{row.column} = {row.value}"
