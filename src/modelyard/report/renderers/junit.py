"""What a run judged as a JUnit file, for tools that show tests: a suite a step, a case a rule.

A rule that fails or cannot tell is a failure, one that could not be judged an error, one that does not apply skipped.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable

from modelyard.core.verdict import Verdict
from modelyard.report.cases import Case
from modelyard.report.escape import clean as visible

_NO_XML = re.compile("[\ufffe\uffff]")
_KIND = {Verdict.FAIL: "failure", Verdict.INCONCLUSIVE: "failure", Verdict.ERROR: "error"}


def render_junit(cases: Iterable[Case], *, model: str) -> str:
    """Return the file; text that XML does not take is replaced."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.group, []).append(case)
    root = ET.Element("testsuites", name=_text(model))
    for name, members in groups.items():
        suite = ET.SubElement(root, "testsuite", name=_text(name))
        suite.attrib.update(_counts(members))
        for case in members:
            element = ET.SubElement(suite, "testcase", name=_text(case.name), classname=f"{_text(model)}.{case.kind}")
            if case.file and case.line:
                element.set("file", _text(case.file))
                element.set("line", str(case.line))
            _ended(element, case)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _text(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", visible(text, longest=4000))


def _counts(members: list[Case]) -> dict[str, str]:
    ended = [_ends_as(case) for case in members]
    counted = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    return {"tests": str(len(members)), **{name: str(ended.count(kind)) for name, kind in counted.items()}}


def _ends_as(case: Case) -> str:
    if case.verdict is Verdict.PASS:
        return ""
    return _KIND.get(case.verdict, "skipped") if case.held_back else "skipped"


def _ended(element: ET.Element, case: Case) -> None:
    kind = _ends_as(case)
    if not kind:
        return
    ended = ET.SubElement(element, kind, message=_text(case.message or case.verdict.value))
    if kind != "skipped":
        ended.set("type", case.verdict.value)
