"""Waivers: gates, or single slices of them, that may be missed for a while, each with a reason, an owner and an end."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError

from modelyard.config.models import Section, Text
from modelyard.errors import ConfigError, Place, nearest
from modelyard.records.results import CheckResult, GateResult, WaiverRow
from modelyard.verdict import Verdict

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


def read(path: Path, shown: str) -> tuple[Waiver, ...]:
    """The waivers of a file.

    Raises:
        ConfigError: not such a file; the message names the key.
    """
    try:
        plain = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError("the waivers cannot be read as YAML", place=Place(shown)) from error
    try:
        return Waivers.model_validate(plain).waivers
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigError(
            f"{key}: {first['msg']}",
            do="Each waiver has gate, reason, owner and expires (a day such as 2027-03-31), and may name a slice.",
            place=Place(shown),
        ) from error


def apply(
    gates: Sequence[GateResult], waivers: Sequence[Waiver], today: date, shown: str
) -> tuple[tuple[GateResult, ...], tuple[WaiverRow, ...], tuple[CheckResult, ...]]:
    """The gates with what is waived marked, every waiver with what it did, and a failure for each that has expired.

    A waiver counts for the gate that it names and no other; an error is never waived.

    Raises:
        ConfigError: a waiver names a gate, or a slice, that does not exist.
    """
    found, rows, failures = list(gates), [], []
    for waiver in waivers:
        names = [gate.rule for gate in found]
        if waiver.gate not in names:
            raise ConfigError(
                f"a waiver names the gate {waiver.gate!r}, which does not exist",
                do=nearest(waiver.gate, names) or f"Gates: {'; '.join(names)}.",
                place=Place(shown),
            )
        at = names.index(waiver.gate)
        if waiver.slice is not None:
            known = [f"{row.column} = {row.value}" for row in found[at].slices]
            if waiver.slice not in known:
                raise ConfigError(
                    f"a waiver names the slice {waiver.slice!r} of {waiver.gate!r}, which does not exist",
                    do=nearest(waiver.slice, known) or "Write it as column = value.",
                    place=Place(shown),
                )
        expired = today > waiver.expires
        used = False
        if not expired:
            found[at], used = _waive(found[at], waiver)
        said = "expired" if expired else "in use" if used else "not needed now"
        rows.append(
            WaiverRow(
                gate=waiver.gate,
                slice=waiver.slice or "",
                reason=waiver.reason,
                owner=waiver.owner,
                expires=waiver.expires.isoformat(),
                state=said,
            )
        )
        if expired:
            text = f"the waiver of {waiver.gate} ({waiver.owner}) expired on {waiver.expires.isoformat()}"
            failures.append(CheckResult(name="waiver", gate=True, verdict=Verdict.FAIL, said=text))
    return tuple(found), tuple(rows), tuple(failures)


def _waive(gate: GateResult, waiver: Waiver) -> tuple[GateResult, bool]:
    words = f"waived until {waiver.expires.isoformat()} by {waiver.owner}: {waiver.reason}"
    if waiver.slice is None:
        if gate.verdict not in (Verdict.FAIL, Verdict.INCONCLUSIVE):
            return gate, False
        return gate.model_copy(update={"waived": words}), True
    slices = tuple(
        row.model_copy(update={"waived": words})
        if f"{row.column} = {row.value}" == waiver.slice and row.verdict is Verdict.FAIL
        else row
        for row in gate.slices
    )
    used = slices != gate.slices
    changed = gate.model_copy(update={"slices": slices})
    open_ones = [row for row in slices if row.verdict is Verdict.FAIL and not row.waived]
    if used and gate.verdict is Verdict.FAIL and gate.on_all_rows is Verdict.PASS and not open_ones:
        changed = changed.model_copy(update={"waived": f"slice {waiver.slice}: {words}"})
    return changed, used
