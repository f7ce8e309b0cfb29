"""Text of records, files and names on its way to a terminal: nothing in it steers the terminal."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.core.terminal import visible
from modelyard.records.envelope import write_record
from modelyard.records.results import EvaluateResult
from tests import desk
from tests.unit.test_report_hostile import poisoned

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
HOSTILE = "p\r::error::x\x1b[31m\x1b]8;;https://evil.example\x07\u202e\x9b2J"


@given(st.text())
def test_what_is_printed_holds_no_control_character_and_can_be_encoded(text: str) -> None:
    shown = visible(text)
    assert not STEERING.search(shown)
    assert len(shown) == len(text)
    shown.encode()


def test_a_file_with_a_hostile_name_is_told_in_plain_text(tmp_path: Path) -> None:
    folder = desk.repository(tmp_path / "repo", desk.QUICK)
    (folder / "data" / f"{HOSTILE.replace('/', '')}.csv").write_bytes(b"key,size\n\xff\xfe,1\n")
    done = desk.inside(folder, "run")
    assert done.code == 3
    assert "::error::x" in done.out + done.err
    assert not STEERING.search(done.out + done.err)


@pytest.mark.parametrize("command", [("why", "GATE"), ("why",)])
def test_a_hostile_record_is_told_in_plain_text(tmp_path: Path, command: tuple[str, ...]) -> None:
    folder = desk.repository(tmp_path / "repo", desk.QUICK)
    records = poisoned("hold", HOSTILE)
    for step, envelope in records.items():
        write_record(folder / "modelyard-run" / "records" / f"{step}.json", envelope.record)
    gate = records["evaluate"].record.read(EvaluateResult).gates[0].id
    done = desk.inside(folder, *(gate if word == "GATE" else word for word in command))
    assert "::error::x" in done.out + done.err
    assert not STEERING.search(done.out + done.err)
