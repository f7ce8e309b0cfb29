"""JUnit XML, as pytest (``pytest --junitxml=results.xml``) and most test runners write it."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar
from xml.etree import ElementTree as ET

from modelyard.core.errors import DataError
from modelyard.core.vocabulary import OutcomeFormat
from modelyard.evaluation.outcomes.attempts import Attempt, number_of
from modelyard.evaluation.outcomes.formats.format import Ask, Format, other_shape, tags_of, text_of


class JUnit(Format):
    """Test cases: a failure fails, an error is no outcome, and what was skipped was not asked."""

    name: ClassVar[OutcomeFormat] = "junit"
    suffixes: ClassVar[tuple[str, ...]] = (".xml",)

    def read(self, path: Path, ask: Ask, where: str) -> list[Attempt]:
        """Read a file."""
        text = text_of(path, where)
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise DataError(
                f"{where}: it declares a document type", code="outcomes/unreadable", hint="Test runners write none."
            )
        try:
            root = ET.fromstring(text)  # noqa: S314 - a document type, which entities need, is refused above # nosec B314
        except ET.ParseError as error:
            raise DataError(
                f"{where}: not XML, or cut short", code="outcomes/unreadable", hint="Run the tests again."
            ) from error
        if root.tag not in ("testsuites", "testsuite"):
            raise other_shape(where, "a list of test suites")
        return list(_attempts(root, ask, where))


def _attempts(root: ET.Element, ask: Ask, where: str) -> Iterator[Attempt]:
    for suite in root.iter("testsuite"):
        for test in suite.findall("testcase"):
            if test.find("skipped") is not None:
                continue
            passed = None if test.find("error") is not None else test.find("failure") is None
            named = {each.get("name", ""): each.get("value", "") for each in test.iter("property")}
            yield Attempt(
                "::".join(filter(None, (test.get("classname"), test.get("name")))),
                passed=passed,
                score=None if passed is None else float(passed),
                cost=_seconds(test.get("time"), where),
                tags=tags_of([named, {"suite": suite.get("name"), "classname": test.get("classname")}], ask.tags),
            )


def _seconds(text: str | None, where: str) -> float | None:
    try:
        return None if text is None else number_of(float(text.replace(",", "")), where)
    except ValueError:
        return None
