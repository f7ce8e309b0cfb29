"""What did not pass as SARIF 2.1.0, for code scanning and editors: a result at the line of its rule.

OASIS, Static Analysis Results Interchange Format Version 2.1.0.
"""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from modelyard.core.verdict import Verdict
from modelyard.report.cases import Case
from modelyard.report.escape import clean

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVEL = {Verdict.FAIL: "error", Verdict.ERROR: "error", Verdict.INCONCLUSIVE: "warning"}


def render_sarif(cases: Iterable[Case], *, model: str, version: str) -> str:
    """Return the file: one run, its rules, and a result for each case that did not pass."""
    found = [case for case in cases if case.verdict in _LEVEL]
    rules = sorted({case.rule for case in found})
    run = {
        "tool": {"driver": {"name": "modelyard", "version": version, "rules": [{"id": clean(rule)} for rule in rules]}},
        "automationDetails": {"id": f"modelyard/{clean(model)}/"},
        "results": [_result(case, rules) for case in found],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False) + "\n"


def _result(case: Case, rules: list[str]) -> dict[str, Any]:
    level = _LEVEL[case.verdict] if case.held_back else "note"
    text = f"{case.name}: {case.message or case.verdict.value}"
    place = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(case.file), "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": case.line},
        }
    }
    return {
        "ruleId": clean(case.rule),
        "ruleIndex": rules.index(case.rule),
        "level": level,
        "message": {"text": clean(text, longest=4000)},
        **({"locations": [place]} if case.file and case.line else {}),
        "partialFingerprints": {"rule/v1": f"{clean(case.group)}/{clean(case.name)}"},
    }
