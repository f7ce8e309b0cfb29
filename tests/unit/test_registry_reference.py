"""How versions and aliases are named, and what a wrong name is told."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.core.errors import ConfigError
from modelyard.registry import reference as ref


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("v7", ref.ByNumber(7)),
        ("7", ref.ByNumber(7)),
        ("champion", ref.ByAlias("champion")),
        ("a1-b", ref.ByAlias("a1-b")),
        ("sha256:0123456789ab", ref.ByDigest("sha256:0123456789ab")),
        ("champion@2026-05-03", ref.ByMoment("champion", datetime(2026, 5, 3, 23, 59, 59, tzinfo=UTC))),
        ("champion@2026-05-03T12:00:00+00:00", ref.ByMoment("champion", datetime(2026, 5, 3, 12, tzinfo=UTC))),
        ("champion@2026-05-03T12:00:00Z", ref.ByMoment("champion", datetime(2026, 5, 3, 12, tzinfo=UTC))),
        ("champion@2026-05-03T12:00:00+02:00", ref.ByMoment("champion", datetime(2026, 5, 3, 10, tzinfo=UTC))),
    ],
)
def test_a_version_is_named_in_five_ways(text: str, meant: ref.Reference) -> None:
    assert ref.parse(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v0",
        "v-1",
        "v07",
        "V7",
        "v7 ",
        "Champion",
        "../v7",
        "champion/v7",
        "chаmpion",  # the third letter is Cyrillic
        "champion\n",
        "sha256:0123",
        "sha256:0123456789AB",
        "champion@",
        "champion@2026-13-01",
        "champion@yesterday",
        "champion@2026-05-03T12:00:00",
        "champion@9999-12-31T23:59:59-23:00",
        "@2026-05-03",
        "٧",
    ],
)
def test_anything_else_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ref.parse(text)
    assert "champion@2026-05-03" in caught.value.hint


@given(st.text(max_size=60))
def test_no_text_makes_reading_a_reference_crash(text: str) -> None:
    with suppress(ConfigError):
        ref.parse(text)


@pytest.mark.parametrize("alias", ["champion", "best-promoted", "a", "a" * 40])
def test_an_alias_may_be_called_so(alias: str) -> None:
    assert ref.check_alias(alias) == alias


@pytest.mark.parametrize(
    "alias",
    ["", "..", "a/b", "Champion", "1st", "-a", "a" * 41, "a.b", "chаmpion", "champion ", "a\n", "v7", "previous"],
)
def test_an_alias_may_not_be_called_so(alias: str) -> None:
    with pytest.raises(ConfigError):
        ref.check_alias(alias)


@pytest.mark.parametrize(
    ("number", "known", "hint"),
    [
        (9, [1, 2, 3], "The nearest is v3; there is v1 to v3."),
        (2, [5], "The nearest is v5; there is v5."),
        (4, [1, 3, 7], "The nearest is v3; there is v1 to v7."),
    ],
)
def test_an_unknown_version_is_told_the_nearest(number: int, known: list[int], hint: str) -> None:
    error = ref.unknown_number(number, known)
    assert str(number) in error.message
    assert error.hint == hint


def test_an_unknown_alias_is_told_the_nearest_spelling() -> None:
    assert ref.unknown_alias("chapion", ["champion", "best-promoted"]).hint == "Did you mean 'champion'?"
    assert ref.unknown_alias("x", ["champion"]).hint == "Aliases are champion."
    assert ref.unknown_alias("champion", []).hint == "Promote or adopt a model first."
