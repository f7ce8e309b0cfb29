"""Records with thousands of gates and slices: what is shown of them is bounded, and so is the work."""

from typing import Any

import pytest

from modelyard.core.reasons import because
from modelyard.records.envelope import Envelope, Step
from modelyard.records.results import CheckResult, EvaluateResult
from modelyard.report import charts, escape
from modelyard.report.document import MOST_ROWS
from modelyard.report.renderers.html import render_html
from modelyard.report.renderers.markdown import render_markdown
from modelyard.report.sections.evaluate import MOST_GATES
from tests import report_samples as samples


def run_with(**changes: Any) -> dict[Step, Envelope]:
    run = samples.run("hold")
    record = run["evaluate"].record
    result = record.read(EvaluateResult).model_copy(update=changes)
    plain = result.model_dump(mode="json", by_alias=True)
    return {**run, "evaluate": Envelope.seal(record.model_copy(update={"result": plain}))}


def with_gates(count: int) -> dict[Step, Envelope]:
    return run_with(gates=tuple([samples.failing_gate().model_copy(update={"slices": ()})] * count))


def with_slices(count: int, gates: int = 1) -> dict[Step, Envelope]:
    row = samples.carriers()[0]
    rows = tuple(row.model_copy(update={"value": f"v{at}"}) for at in range(count // gates))
    return run_with(gates=tuple([samples.failing_gate().model_copy(update={"slices": rows})] * gates))


@pytest.mark.parametrize(
    ("make", "shown"),
    [(lambda: with_gates(3000), "2,000 more"), (lambda: with_slices(12_000), "2,000 more"),
     (lambda: with_slices(3000, gates=1500), "500 more gates are in the record")],
    ids=["gates", "slices", "slices-of-gates"],
)  # fmt: skip
def test_thousands_of_rows_are_counted_and_not_drawn(make: Any, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    escaped, drawn = [0], [0]
    clean, gate = escape.clean, charts.gate

    def counted_clean(*arguments: Any, **named: Any) -> str:
        escaped[0] += 1
        return clean(*arguments, **named)

    def counted_gate(*arguments: Any, **named: Any) -> Any:
        drawn[0] += 1
        return gate(*arguments, **named)

    monkeypatch.setattr(escape, "clean", counted_clean)
    monkeypatch.setattr(charts, "gate", counted_gate)
    run = make()
    page, text = render_html(run), render_markdown(run, budget=59_000)
    assert shown in page
    assert len(page) < 8_000_000
    assert len(text.encode()) <= 59_000
    assert drawn[0] <= 2 * MOST_GATES
    assert escaped[0] < 12 * MOST_ROWS


def test_other_tables_and_lists_are_bounded_too() -> None:
    check = CheckResult(name="behaviour", subject="one", gate=True, verdict="fail", finding=because("no-estimate"))
    many = run_with(checks=(check,) * 12_000)
    page = render_html(many)
    assert "2,000 more" in page
    assert page.count("<tr") < 1.1 * MOST_ROWS
    assert len(render_markdown(many, budget=59_000).encode()) <= 59_000
