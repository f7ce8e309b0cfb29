"""The sentence under a verdict: the number that decided, before and after, with its interval, and what that means."""

from collections.abc import Sequence

from modelyard.core.verdict import Verdict
from modelyard.records.results import Estimate, EvaluateResult, GateResult, MetricRow, SliceRow
from modelyard.report import numbers, wording
from modelyard.report.document import Code, Inline, Line, Text, line
from modelyard.report.verdict_style import SEVERITY

Parts = list[Inline | str]


def plain(content: Line) -> str:
    """Return a line as text."""
    return "".join(getattr(part, "text", "") for part in content)


def judgement(result: EvaluateResult, verdict: Verdict) -> Line:
    """Say what decided; first of all where the base's test rows could not be judged on."""
    found = result.base_rows
    first: Parts = [f"{wording.of_base_rows(found)} "] if found is not None and found.why else []
    return line(*first, *_judgement(result, verdict))


def _judgement(result: EvaluateResult, verdict: Verdict) -> Parts:
    gates = [gate for gate in result.gates if gate.verdict is not Verdict.NOT_APPLICABLE]
    if not gates:
        return ["No gate applies to this model, so nothing was judged."]
    if verdict is Verdict.PASS:
        return _passed(result, gates)
    same = [
        gate
        for gate in gates
        if gate.verdict is verdict and not gate.waived and not (gate.allowed and verdict is Verdict.INCONCLUSIVE)
    ]
    if same:
        gate = same[0]
        return [*_decided(gate, result), f" {_count(gates)}, judged{_on(result)}."]
    failing = [check for check in result.checks if check.gate and check.verdict is verdict]
    before = result.base_rows
    if not failing and before is not None and before.verdict is verdict:
        worst = [gate for gate in wording.worst_first(before.gates) if gate.verdict is verdict]
        said = f" {wording.explanation(worst[0], result.champion)}" if worst else ""
        return [f"On this change's own test rows the gates pass, on those of its base they do not.{said}"]
    if failing:
        check = failing[0]
        more = f" and {len(failing) - 1} more" if len(failing) > 1 else ""
        said = wording.because(check.finding)
        return [f"The gates pass; the check “{wording.check_name(check)}”{more} does not: {said}."]
    return [f"The evaluation ended without a verdict of {verdict.words}."]


def _passed(result: EvaluateResult, gates: Sequence[GateResult]) -> Parts:
    against = [gate for gate in gates if gate.reference == "champion" and gate.estimate.value is not None]
    parts = _decided((against or [gate for gate in gates if not gate.waived] or list(gates))[0], result)
    odd = "".join(f" Note: {wording.because(remark)}." for remark in result.remarks)
    return [*parts, f" {_count(gates)}{_on(result)}.{odd}"]


def _decided(gate: GateResult, result: EvaluateResult) -> Parts:
    """Say what one gate saw."""
    slice_ = wording.deciding_slice(gate)
    if slice_ is not None:
        return _for_slice(gate, slice_, result)
    if gate.estimate.value is None:
        why = wording.reason(gate) or "no interval on these rows"
        return [Text(f"{wording.in_words(gate)[:1].upper()}{wording.in_words(gate)[1:]}", "strong"), f" {_not(why)}."]
    row = next((row for row in result.metrics if row.metric == gate.metric), None)
    parts = _against(gate, row, result) if wording.is_difference(gate) else _level(gate, row, result)
    passes = gate.verdict is Verdict.PASS
    note = wording.refusal(gate.estimate)
    if note:
        return [*parts, f" There is no interval: {note}."]
    if gate.reason and not passes:
        return [*parts, f" Of its slices: {wording.because(gate.reason)}."]
    return parts


def _not(why: str) -> str:
    return f"could not be judged: {why}"


def _against(gate: GateResult, row: MetricRow | None, result: EvaluateResult) -> Parts:
    """Return ``roc_auc 0.9024 → 0.9083 (+0.0059, 95% CI +0.0039 to +0.0079)``, and what that means."""
    plain_difference = not wording.is_contrast(gate)
    new, old = gate.challenger, gate.reference_level
    difference: Estimate | None = gate.estimate if plain_difference else None
    if not plain_difference and row is not None and gate.reference == "champion":
        new, old, difference = row.challenger, row.champion, row.difference
    places = numbers.scale(
        [new.value, None if old is None else old.value], wording.ends(difference), margin=gate.margin
    )  # fmt: skip
    whose = "" if gate.reference == "champion" else f" against the {gate.reference.replace('-', ' ')}"
    levels = numbers.metric(new.value, places)
    if old is not None and old.value is not None:
        levels = f"{numbers.metric(old.value, places)} → {levels}"
    parts: Parts = [Text(f"{gate.metric} {levels}", "strong"), whose]
    if difference is not None and difference.value is not None:
        shown = numbers.metric(difference.value, places, signed=True)
        asked = "" if gate.verdict is Verdict.PASS or not plain_difference else f"; needs {wording.needs(gate)}"
        parts.append(f" ({shown}{_interval(difference, places, result, signed=True)}{asked})")
    if not plain_difference:
        over = wording.over_least(gate)
        return [*parts, f": {over}."]
    meaning = wording.effect(gate) or ("" if gate.higher_is_better else "lower is better")
    if wording.surely_worse(gate):
        return [*parts, ". It is worse for certain; whether by more than is allowed is open."]
    return [*parts, f": {meaning}." if meaning else "."]


def _level(gate: GateResult, row: MetricRow | None, result: EvaluateResult) -> Parts:
    """Return ``recall 0.4102 (95% CI 0.3800 to 0.4400; needs ≥ 0.5)``."""
    estimate = gate.estimate
    places = numbers.scale([estimate.value, estimate.low, estimate.high])
    before = None if row is None or row.champion is None else row.champion.value
    shown = numbers.metric(estimate.value, places)
    if before is not None:
        shown = f"{numbers.metric(before, places)} → {shown}"
    inside = f"{_interval(estimate, places, result)}; needs {wording.needs(gate)}".removeprefix(", ").removeprefix("; ")
    return [Text(f"{gate.metric} {shown}", "strong"), f" ({inside})."]


def _for_slice(gate: GateResult, row: SliceRow, result: EvaluateResult) -> Parts:
    """Return ``Worse for carrier = FL: accuracy −0.2321 (…; allowed −0.01)``, and how all rows are."""
    found, signed = wording.judged(row), wording.is_difference(gate)
    levels = [row.challenger.value, None if row.reference is None else row.reference.value] if signed else [found.value]
    places = numbers.scale(levels, wording.ends(found) if signed else (), margin=gate.margin)
    lead = "Worse for" if signed else "Too low for" if wording.passes_above(gate) else "Too high for"
    shown = numbers.metric(found.value, places, signed=signed)
    limit = f"allowed {wording.allowed(gate)}" if signed else f"needs {wording.needs(gate)}"
    inside = f"{_interval(found, places, result, signed=signed)}; {limit}".removeprefix(", ").removeprefix("; ")
    parts: Parts = [Text(f"{lead} ", "strong"), Code(f"{row.column} = {row.value}"), ": ",
                    Text(f"{gate.metric} {shown}", "strong"), f" ({inside})"]  # fmt: skip
    others = sum(each.verdict is Verdict.FAIL for each in gate.slices) - 1
    of = f", beyond chance among {numbers.plural(len(gate.slices), 'slice')}" if len(gate.slices) > 1 else ""
    more = f", and {numbers.plural(others, 'more slice')}" if others > 0 else ""
    parts.append(f"{of}{more}.")
    total = gate.estimate
    if total.value is None:
        return parts
    value = numbers.metric(total.value, places, signed=signed)
    if not signed:
        return [*parts, f" All rows: {value}."]
    better = (total.value > 0) == gate.higher_is_better and total.value != 0
    hides = "it is better" if better else "it is within what is allowed"
    return [*parts, f" On average {hides} ({value}), so the total hides it."]


def _interval(found: Estimate, places: int, result: EvaluateResult, *, signed: bool = False) -> str:
    if found.low is None or found.high is None:
        return ""
    low, high = (numbers.metric(end, places, signed=signed) for end in (found.low, found.high))
    about = "≈ " if found.approximate else ""
    return f", {numbers.percent(result.confidence)} CI {about}{low} to {high}"


def _count(gates: Sequence[GateResult]) -> str:
    """``3 of 3 gates passed``, and what became of the others."""
    waived = sum(bool(gate.waived) for gate in gates)
    open_ = sum(gate.allowed and gate.verdict is Verdict.INCONCLUSIVE and not gate.waived for gate in gates)
    passed = sum(gate.verdict is Verdict.PASS and not gate.waived for gate in gates)
    text = f"{numbers.count(passed)} of {numbers.plural(len(gates), 'gate')} passed"
    others = [gate.verdict for gate in gates if gate.counted is not Verdict.PASS]
    words = {Verdict.FAIL: "failed", Verdict.INCONCLUSIVE: "undecided", Verdict.ERROR: "could not be judged"}
    rest = [f"{others.count(kind)} {words[kind]}" for kind in sorted(set(others), key=SEVERITY.__getitem__)]
    rest += [f"{waived} waived"] if waived else []
    rest += [f"{open_} may stay undecided"] if open_ else []
    return ", ".join([text, *rest])


def _on(result: EvaluateResult) -> str:
    """`` on 84,059 rows of 92 days, 2013-07-01 to 2013-09-30``."""
    if result.unit in wording.SINGLE:
        text = f" on {numbers.units(result.test_rows, result.unit)}"
    else:
        text = f" on {numbers.units(result.test_rows, 'row')} of {numbers.units(result.test_units, result.unit)}"
    if result.labels_from:
        text += f", {numbers.day(result.labels_from)} to {numbers.day(result.labels_to)}"
    return text
