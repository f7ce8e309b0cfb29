"""``modelyard why <gate>``: one verdict's story from its record alone, and the command that makes it again."""

import json
import math
from collections.abc import Callable, Iterator, Mapping

from modelyard.cli.flags import Command
from modelyard.cli.session import open_context
from modelyard.core.errors import OK, ConfigError, DataError, nearest
from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope, read_record
from modelyard.records.results import EvaluateResult, GateResult
from modelyard.registry.records import version_records
from modelyard.report import wording


def run(_command: Command, given: Mapping[str, str], positional: list[str]) -> int:
    """Tell it; without a gate, name the gates.

    Raises:
        DataError: there is no evaluation, or it was changed.
        ConfigError: no such gate.
    """
    context = open_context(given, quiet=True)
    version = given.get("version", "")
    if version:
        found = version_records(context.registry, context.registry.resolve(version)).get("evaluate")
    else:
        path = context.record_path("evaluate")
        found = read_record(path) if path.is_file() else None
    result = None if found is None else found.record.outcome
    if found is None or not isinstance(result, EvaluateResult):
        raise DataError("there is no evaluation to ask about", hint="Run `modelyard run`, or name one: --version v7.")
    gates = [gate_of(result, positional[0])] if positional else list(result.gates)
    if given.get("json") == "true":
        print(json.dumps({"exit-code": OK, "gates": [gate.model_dump(mode="json") for gate in gates]}))
    elif positional:
        print("\n".join(story(gates[0], result, found)))
    else:
        width = max(len(gate.id) for gate in gates)
        print("\n".join(f"  {gate.id:<{width}}  {gate.verdict.value:<14}  {gate.rule}" for gate in gates))
    return OK


def gate_of(result: EvaluateResult, named: str) -> GateResult:
    """The gate that a person means: its id, its number, or its rule's first words where only one has them.

    Raises:
        ConfigError: none, or several.
    """
    for at, gate in enumerate(result.gates, 1):
        if named in (gate.id, str(at)):
            return gate
    alike = [gate for gate in result.gates if gate.rule.startswith(named)]
    if len(alike) == 1:
        return alike[0]
    names = [gate.id for gate in result.gates]
    raise ConfigError(
        f"there is no gate {named[:60]!r}" if not alike else f"{len(alike)} gates begin with {named[:60]!r}",
        hint=f"{nearest(named, names)} Gates: {', '.join(names)}.".strip(),
    )


def story(gate: GateResult, result: EvaluateResult, found: Envelope) -> Iterator[str]:
    """A verdict, line by line."""
    yield f"{gate.rule}: {gate.verdict.value}{' (allowed)' if gate.allowed else ''}"
    yield f"  {wording.explanation(gate, result.champion)}"
    estimate = gate.estimate
    if estimate.value is None:
        return
    rows = wording.rows_behind(estimate)
    yield f"  judged on   {wording.judged_on(estimate)}{f', {rows}' if rows else ''}"
    if estimate.method:
        yield f"  method      {estimate.method}{', approximate' if estimate.approximate else ''}"
    if gate.smallest_visible is not None:
        yield f"  visible     differences of {wording.visible(gate)} or more"
    decides = wording.would_decide(gate)
    if decides:
        yield f"  to decide   {decides}"
    chosen = after_the_fact(gate)
    if chosen:
        yield f"  hindsight   {chosen}"
    for row in gate.slices:
        if row.verdict is not Verdict.PASS:
            chance = f", p = {row.p:.2g}" if row.p is not None and row.p < 1 else ""
            shown = wording.with_limits(row.difference or row.challenger, signed=row.difference is not None)
            share = "" if row.share is None else f", {row.share:.1%} of the rows"
            note = f"; {row.note}" if row.note else ""
            yield f"  slice       {row.column} = {row.value}: {row.verdict.value}, {shown}{chance}{share}{note}"
    yield f"  rules       {result.rules}"
    yield f"  evidence    {found.digest}"
    if result.reproduce:
        yield f"  again       {result.reproduce}"


def after_the_fact(gate: GateResult) -> str:
    """The bound that would have just passed; it says nothing about a bound that was chosen before."""
    estimate = gate.estimate
    if estimate.low is None or estimate.high is None or wording.is_contrast(gate):
        return ""
    if gate.on_all_rows not in (None, gate.verdict):
        return ""  # its slices decided, and no bound for all rows would have changed that
    low, high = _rounded(estimate.low, math.floor), _rounded(estimate.high, math.ceil)
    hindsight = "would just have passed; chosen after the fact, it proves nothing"
    if gate.operator == "between":
        return f"between [{low:.4g}, {high:.4g}] {hindsight}"
    limit = low if wording.passes_above(gate) else high
    if not wording.is_difference(gate):
        return f"{gate.operator} {limit:.4g} {hindsight}"
    shortfall = -limit if gate.higher_is_better else limit
    return f"a margin of {shortfall:.4g} {hindsight}" if gate.operator == "no_worse_than" and shortfall > 0 else ""


def _rounded(value: float, to: Callable[[float], int]) -> float:
    """Four digits, on the side that passes, so that what is named would indeed have passed."""
    if value == 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 3)
    return to(value / unit) * unit
