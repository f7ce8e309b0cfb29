"""JSON is read by the reader of YAML: strictly, with a line for every key, and every mistake at once."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.core.documents import Tree, collected, read
from modelyard.core.errors import ConfigError
from modelyard.core.nodes import Limits

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
ANY_INTEGER = Limits(integer=None)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(value=PLAIN, indent=st.sampled_from([None, 2]))
def test_strict_json_reads_what_the_standard_library_writes(value: object, indent: int | None) -> None:
    tree = read(json.dumps(value, indent=indent), "s.json", syntax="json", limits=ANY_INTEGER)
    assert (tree.data, tree.problems) == (value, [])


def test_every_key_and_item_knows_its_line() -> None:
    text = '{\n\t"expectations": [\n    {"a": {}},\n\n    {\n      "b": 1}\n  ]\n}'
    lines = read(text, "s.json", syntax="json").lines
    keys = [
        ("expectations",),
        ("expectations", 0),
        ("expectations", 0, "a"),
        ("expectations", 1),
        ("expectations", 1, "b"),
    ]
    assert [lines[key] for key in keys] == [2, 3, 3, 5, 6]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{\n"a": [1,\n 2', "s.json:3: not valid JSON: column 3: Expecting ',' delimiter"),
        ('{"a": 1}\n}', "s.json:2: not valid JSON: column 1: Extra data"),
        ("", "s.json:1: not valid JSON"),
        ('{"a": 1,}', "s.json:1: not valid JSON: column 9: Expecting property name"),
        ('{"a": tru}', "s.json:1: not valid JSON: column 7: Expecting value"),
        ('{"a": 012}', "s.json:1: not valid JSON: column 8"),
        ("{'a': 1}", "s.json:1: not valid JSON"),
        ('{\n"a": 1,\n"b": NaN}', "s.json:3: b: NaN is not a finite number"),
        ('{\n"a": [{}, -Infinity]}', "s.json:2: a[1]: -Infinity is not a finite number"),
        ('{\n\n"a": 1e999}', "s.json:3: a: '1e999' is too large"),
        ('{\n"min_value": 0,\n"min_value": 9}', "s.json:3: min_value: duplicate key 'min_value': on line 2"),
        ('{"a":' * 100_000, "nested more than 64 deep"),
    ],
)
def test_what_is_not_strict_json_is_named_with_its_line(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        raise_all(read(text, "s.json", syntax="json"))
    assert said in str(caught.value)


def raise_all(tree: Tree) -> None:
    if tree.problems:
        raise collected(tree.problems)


def test_all_mistakes_come_at_once() -> None:
    tree = read('{"a": NaN,\n"b": {"c": 1, "c": 2},\n"d": Infinity}', "s.json", syntax="json")
    assert [str(each.place) for each in tree.problems] == ["s.json:1: a", "s.json:2: b.c", "s.json:3: d"]
