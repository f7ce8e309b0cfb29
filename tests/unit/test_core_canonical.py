"""The canonical form is RFC 8785's, however it is written."""

from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.core.canonical import canonical

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53) + 1, 2**53 - 1)
EDGES = st.sampled_from(
    [-0.0, 1.0, 1e-4, 9.999e-5, 1e-7, 1e15, 1e16, 1e21, 2.0**53, 2.0**53 - 1, -(2.0**53), 5e-324, 0.1 + 0.2]
)
LEAVES = st.none() | st.booleans() | NUMBERS | EDGES | st.text()
PLAIN = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
@settings(max_examples=300, deadline=None)
def test_it_is_what_the_library_writes(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, {"a": [float("-inf")]}, {1: 2}, "\ud800"])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="canonical"):
        canonical(value)
