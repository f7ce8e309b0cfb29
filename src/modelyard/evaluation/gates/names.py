"""Ids of gates: derived from what a gate is about, so that neither a new order nor other words change them.

``roc-auc-no-worse-than-champion``, ``recall-at-least-by-carrier``. Where two gates would share one, their numbers tell
them apart; so a waiver never slips from one gate to another.
"""

import re
from collections.abc import Sequence
from itertools import count

from modelyard.config.sections.gate import Gate
from modelyard.core.vocabulary import Keeps


def of_gates(gates: Sequence[Gate]) -> list[str]:
    """Return the id of each gate of a configuration."""
    plain = [_joined(gate.metric, gate.operator.name, gate.demand.reference or "", *_by(gate)) for gate in gates]
    numbered = [
        _joined(name, *_numbers(gate)) if plain.count(name) > 1 else name
        for name, gate in zip(plain, gates, strict=True)
    ]
    taken: set[str] = set()
    return [_free(name, taken) for name in numbered]


def of_default(metric: str, operator: str, reference: str, keeps: Keeps) -> str:
    """Return the id of a default gate."""
    return _joined(metric, keeps, "of", reference) if keeps else _joined(metric, operator, reference)


def _by(gate: Gate) -> tuple[str, ...]:
    return ("by", *gate.columns) if gate.columns else ()


def _numbers(gate: Gate) -> list[str]:
    demand = gate.demand
    given = [each for each in (demand.bound, demand.upper, gate.margin) if each is not None]
    values = [value for _, value in gate.named_slices]
    return [f"{each:g}" if isinstance(each, int | float) else each for each in given] + values


def _free(name: str, taken: set[str]) -> str:
    free = next(
        each for each in (name if number == 1 else f"{name}-{number}" for number in count(1)) if each not in taken
    )
    taken.add(free)
    return free


def _joined(*parts: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", "-".join(part for part in parts if part).lower()).strip("-")
