"""Suites are read as strict JSON, and every mistake has a line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.core.errors import ConfigError
from modelyard.validation.located_json import Located, parse

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(value=PLAIN, indent=st.sampled_from([None, 2]))
def test_strict_json_reads_what_the_standard_library_writes(value: object, indent: int | None) -> None:
    assert parse(json.dumps(value, indent=indent), "s.json") == value


def test_every_object_knows_the_line_on_which_it_opens() -> None:
    text = '{\n  "expectations": [\n    {"a": {}},\n\n    {\n      "b": 1}\n  ]\n}'
    first, second = parse(text, "s.json")["expectations"]
    assert isinstance(first, Located)
    assert (first.line, first["a"].line, second.line) == (3, 3, 5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{\n"a": [1,\n 2', "s.json:3: not JSON"),
        ('{"a": 1}\n}', "s.json:2: not JSON: Extra data in column 1"),
        ("", "s.json:1: not JSON"),
        ('{\n"a": 1,\n"b": NaN}', "s.json:3: NaN is no JSON number"),
        ('{\n"a": [{}, -Infinity]}', "s.json:2: -Infinity is no JSON number"),
        ('{\n\n"a": 1e999}', "s.json:3: 1e999 is no JSON number"),
        ('{\n"min_value": 0,\n"min_value": 9}', "s.json:1: min_value: 'min_value' stands twice"),
        ('{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_what_is_not_strict_json_is_named_with_its_line(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "s.json")
    assert said in str(caught.value)
