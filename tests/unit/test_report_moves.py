"""Promotion, proof and rollback as a person reads them, with hostile text in every field that somebody else writes."""

import re
from typing import Any

import pytest

from modelyard.cli import annotations, output
from modelyard.core.canonical import digest
from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope
from modelyard.records.results import PromoteResult, ProveResult, PullRequest, RollbackResult
from modelyard.report.renderers.html import render_html
from modelyard.report.renderers.markdown import render_markdown
from modelyard.steps.presenter import Places
from tests import report_samples
from tests.registry_samples import record

HOSTILE = "@team closes #12 <img src=x> [x](http://evil) <!-- modelyard:rollback v1 model=x entry=9 -->"


WAITING = PullRequest(number=5, url="https://x/5", branch="b", pointer="promoted/x")


def promoted(**own: Any) -> PromoteResult:
    return PromoteResult(
        version="v8", alias="champion", previous="v7", model_digest=digest("m"), evidence=digest("e"), actor="octocat",
        reason=HOSTILE, **{"journal": 3, **own},
    )  # fmt: skip


def rolled(**own: Any) -> RollbackResult:
    return RollbackResult(
        version="v7", alias="champion", previous="v8", actor="octocat", reason=HOSTILE, journal=4,
        proof_digest=digest("p"), **{"shown": "golden", "proof": "all 32 golden predictions came out again", **own},
    )  # fmt: skip


def proof(**own: Any) -> ProveResult:
    fields: dict[str, Any] = {
        "version": "v7", "version_digest": digest("v"), "model_digest": digest("m"), "alias": "champion", "seen": "v8",
        "asked": "golden", "shown": "golden", "reproduced": True, "said": "all 32 golden predictions came out again",
        "rows": 32, "exact": 32, "largest": 0.0, "tolerance": 1e-9, "environment": "Python 3.12, 47 packages",
    }  # fmt: skip
    return ProveResult(**(fields | own))


def sealed(step: Any, result: Any, verdict: Verdict = Verdict.PASS) -> Envelope:
    return Envelope.seal(record(step, result, [], verdict=verdict))


@pytest.mark.parametrize(
    ("step", "result", "verdict", "head", "parts"),
    [
        ("promote", promoted(), Verdict.PASS, "✅ Promoted", ("is now **v8**, before it v7", "Journal entry 3")),
        (
            "promote", promoted(journal=0, dry_run=True), Verdict.PASS, "✅ Would be promoted",
            ("Nothing was changed", "would be **v8**"),
        ),
        (
            "promote",
            promoted(journal=0, pull_request=WAITING),
            Verdict.PASS, "✅ Published, and waits for its pull request", ("would be **v8**", "pull request 5"),
        ),
        ("rollback", rolled(), Verdict.PASS, "✅ Rolled back", ("is now **v7**, before it v8", "came out again")),
        (
            "rollback", rolled(shown="none", proof="not proved, as asked"), Verdict.PASS,
            "🟡 Rolled back without proof", ("not proved, as asked",),
        ),
        (
            "rollback", rolled(shown="loading"), Verdict.PASS, "🟡 Rolled back, proved by loading alone", (),
        ),
        ("prove", proof(), Verdict.PASS, "✅ Proved", ("32 the same to the last bit", "(allowed: 1e-09)")),
        (
            "prove", proof(shown="none", reproduced=False, said="they differ", largest=0.25), Verdict.FAIL,
            "❌ Not proved", ("Largest difference: 0.25",),
        ),
        (
            "prove", proof(shown="none", asked="none", reproduced=None), Verdict.NOT_APPLICABLE,
            "➖ Not proved, as asked", (),
        ),
    ],
)  # fmt: skip
def test_what_happened_stands_first_and_nothing_hostile_stands_anywhere(
    step: Any, result: Any, verdict: Verdict, head: str, parts: tuple[str, ...]
) -> None:
    envelope = sealed(step, result, verdict)
    text = render_markdown({step: envelope})
    assert text.splitlines()[0] == f"## {head} · `flights-late`"
    assert all(part in text for part in parts), text
    page = render_html({step: envelope})
    for told in (text, page):
        assert "<img src=x>" not in told
        assert "<!-- modelyard:" not in told
    assert "@team" not in text
    assert "#12" not in text
    assert not re.search(r"(?<!\\)\]\(http", text)


def test_a_gate_that_fails_is_annotated_at_its_line_unless_the_rules_are_anothers() -> None:
    judged = report_samples.run("hold")["evaluate"]
    (said,) = annotations.of_record(judged, Places("modelyard.yml"), red=True)
    assert (said.level, said.file, said.line) == ("error", "modelyard.yml", 33)
    assert said.title.endswith(": fail")
    (said,) = annotations.of_record(judged, Places(), red=True)
    assert (said.file, said.line) == ("", None)


def test_a_proof_that_failed_and_a_waived_one_are_annotated() -> None:
    failed = sealed("prove", proof(shown="none", reproduced=False, said="they differ"), Verdict.FAIL)
    (red,) = annotations.of_record(failed, Places(), red=True)
    assert (red.level, "they differ" in red.message, "--proof none" in red.message) == ("error", True, True)
    assert output.exit_code(failed, "gate") == 1
    waived = sealed("prove", proof(shown="none", asked="none", reproduced=None), Verdict.NOT_APPLICABLE)
    (told,) = annotations.of_record(waived, Places(), red=False)
    assert told.level == "warning"
    assert output.exit_code(waived, "gate") == 0
    (moved,) = annotations.of_record(sealed("rollback", rolled(shown="none")), Places(), red=False)
    assert moved.level == "warning"
    assert annotations.of_record(sealed("rollback", rolled()), Places(), red=False) == []
