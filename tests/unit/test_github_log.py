"""Outputs, annotations and summaries: whatever the text holds, the runner reads it as what it is."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.core.errors import PlatformError
from modelyard.github.log import Annotation, annotation_lines, append, output_text, stop_commands, worst_first


def read_outputs(text: str) -> dict[str, str]:
    """The runner's own reading of its output file: name<<delimiter, lines, delimiter."""
    found: dict[str, str] = {}
    lines = text.split("\n")
    at = 0
    while at < len(lines) and lines[at]:
        name, _, delimiter = lines[at].partition("<<")
        end = lines.index(delimiter, at + 1)
        found[name] = "\n".join(lines[at + 1 : end])
        at = end + 1
    return found


@given(st.dictionaries(st.from_regex(r"\A[a-z][a-z-]{0,10}[a-z]\Z"), st.text().filter(lambda text: "\0" not in text)))
def test_outputs_come_back_as_they_were(values: dict[str, str]) -> None:
    assert read_outputs(output_text(values)) == values


@pytest.mark.parametrize("name", ["", "a=b", "a\nb", "a b", "a<<b"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(PlatformError, match="cannot be written"):
        output_text({name: "x"})


def test_an_annotation_cannot_become_another_command() -> None:
    hostile = "50% \r\n::error::forged\n::add-mask::x"
    (line,) = annotation_lines([Annotation("error", hostile, title="a: b, c\n", file="x,y:1.yml", line=3)])
    assert "\n" not in line
    assert "\r" not in line
    assert line == (
        "::error file=x%2Cy%3A1.yml,line=3,title=a%3A b%2C c%0A::50%25 %0D%0A::error::forged%0A::add-mask::x"
    )


def test_ten_of_a_level_are_shown_and_the_last_counts_the_rest() -> None:
    lines = annotation_lines([Annotation("error", f"e{at}") for at in range(48)] + [Annotation("notice", "n")])
    assert len(lines) == 11
    assert lines[9] == "::error::and 39 more; the report has them all"
    assert lines[10] == "::notice::n"
    assert len(annotation_lines([Annotation("warning", "w")] * 10)) == 10


def test_the_worst_come_first() -> None:
    levels = [each.level for each in worst_first([Annotation("notice", "n"), Annotation("error", "e")])]
    assert levels == ["error", "notice"]


def test_a_long_message_is_cut_below_the_runners_own_limit() -> None:
    (line,) = annotation_lines([Annotation("error", "x" * 10_000)])
    assert len(line) < 4096
    assert line.endswith("…")


def test_the_token_that_lets_commands_through_is_new_every_time() -> None:
    (stop, resume), (again, _) = stop_commands(), stop_commands()
    assert stop.removeprefix("::stop-commands::") == resume.strip(":")
    assert stop != again


def test_a_summary_that_would_be_dropped_whole_is_not_added(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    append(str(path), "first\n", limit=100)
    append(str(path), "x" * 200, limit=100)
    append(None, "nowhere", limit=100)
    assert path.read_text("utf-8") == "first\n"
