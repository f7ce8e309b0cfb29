"""What gc would remove: every rule that keeps a version, alone and together, and the bytes that would be freed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.core.canonical import digest
from modelyard.records.manifest import FileEntry, Manifest, model_digest
from modelyard.records.results import Evaluation, HeldOut
from modelyard.registry.journal import JournalEntry, format_time
from modelyard.registry.protocol import Orphan, Version
from modelyard.registry.retention import Kept, Policy, plan
from tests.registry_samples import SIGNATURE

NOW = datetime(2026, 5, 3, 12, tzinfo=UTC)
NONE = Policy(versions=0, days=0)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def version(number: int, *, days: float = 1000, model: str = "", size: int = 100) -> Version:
    """A version that was published so many days ago; all have one file in common."""
    own = FileEntry(path="model/model.bin", digest=digest(model or f"model {number}"), size=size)
    common = FileEntry(path="environment.txt", digest=digest("environment"), size=7)
    files = (common, own)
    manifest = Manifest.model_validate(
        {
            "model": "flights-late",
            "model_digest": model_digest(files),
            "adapter": "sklearn",
            "signature": SIGNATURE,
            "environment_digest": digest("environment"),
            "evidence": "none",
            "number": number,
            "created": format_time(ago(days)),
            "size": size + 7,
            "files": files,
        }
    )
    return Version(manifest, manifest.digest)


def moves(*steps: tuple[int, float], alias: str = "champion", after: int = 0) -> list[JournalEntry]:
    """Moves of an alias: to which version, how many days ago."""
    found: list[JournalEntry] = []
    for number, days in steps:
        found.append(entry(after + len(found) + 1, days, kind="promoted", alias=alias, to=f"v{number}"))
    return found


def entry(seq: int, days: float, **own: Any) -> JournalEntry:
    fields = {"seq": seq, "previous": None, "at": format_time(ago(days)), "actor": "octocat", "reason": "", **own}
    if "to" in fields:
        fields["to_digest"] = digest(fields["to"])
    return JournalEntry.model_validate(fields)


def kept(
    versions: list[Version], entries: list[JournalEntry], policy: Policy = NONE, now: datetime = NOW
) -> dict[str, list[str]]:
    found = plan(versions, entries, (), policy, now, shared=True)
    names = [*(each.version.name for each in found.kept), *(each.version.name for each in found.remove)]
    assert sorted(names) == sorted(each.name for each in versions)
    return {each.version.name: [why.rule for why in each.reasons] for each in found.kept}


def said(found: tuple[Kept, ...]) -> dict[str, list[str]]:
    return {each.version.name: [why.said for why in each.reasons] for each in found}


def test_an_alias_keeps_what_it_points_at_and_what_it_pointed_at_before() -> None:
    versions = [version(number) for number in range(1, 6)]
    entries = [*moves((1, 900), (2, 800), (3, 700)), *moves((2, 650), alias="best-promoted", after=3)]
    found = plan(versions, entries, (), NONE, NOW, shared=True)
    assert said(found.kept) == {
        "v2": ["best-promoted points at it", "champion pointed at it before"],
        "v3": ["champion points at it"],
    }
    assert [(each.version.name, each.said) for each in found.remove] == [
        ("v1", "last served as champion, until 2024-02-23"),
        ("v4", "published on 2023-08-07, never served"),
        ("v5", "published on 2023-08-07, never served"),
    ]


def test_a_rollback_keeps_what_was_rolled_back_and_an_alias_moved_to_itself_has_no_before() -> None:
    versions = [version(number) for number in range(1, 4)]
    assert kept(versions, moves((1, 900), (2, 800), (1, 700))) == {"v1": ["alias"], "v2": ["previous"]}
    assert kept(versions, moves((3, 900), (3, 800))) == {"v3": ["alias"]}


def test_the_last_versions_that_served_stay_by_the_order_of_the_journal_and_not_of_numbers() -> None:
    versions = [version(number) for number in range(1, 7)]
    entries = moves((6, 900), (5, 800), (4, 700), (3, 600), (2, 500))
    assert kept(versions, entries, policy=Policy(versions=3, days=0)) == {
        "v2": ["alias", "served"],
        "v3": ["previous", "served"],
        "v4": ["served"],
    }


@pytest.mark.parametrize(
    ("days", "names"), [(500, {"v3", "v4"}), (501, {"v2", "v3", "v4"}), (701, {"v1", "v2", "v3", "v4"})]
)
def test_what_served_within_the_days_stays_until_they_are_over(days: int, names: set[str]) -> None:
    versions = [version(number) for number in range(1, 5)]
    entries = moves((1, 900), (2, 700), (3, 500), (4, 400))
    assert set(kept(versions, entries, policy=Policy(versions=0, days=days))) == names


def test_what_an_evaluation_of_the_last_thirty_days_may_need_stays() -> None:
    versions = [version(1), version(2), version(3), version(4, days=30), version(5, days=30.1), version(6), version(7)]
    look = Evaluation(
        test_set=HeldOut(rows=1, digest=digest("rows")),
        model=versions[5].manifest.model_digest,
        rules=digest("rules"),
    )
    entries = [
        *moves((1, 900), (2, 40), (3, 25), (7, 20)),
        entry(5, 29, kind="evaluated", evaluation=look),
    ]
    assert kept(versions, entries) == {
        "v2": ["approval"],
        "v3": ["previous", "approval"],
        "v4": ["approval"],
        "v6": ["approval"],
        "v7": ["alias"],
    }
    later = kept(versions, entries, now=NOW + timedelta(days=31))
    assert later == {"v3": ["previous"], "v7": ["alias"]}


def test_a_clock_that_was_ahead_keeps_more_and_never_less() -> None:
    versions = [version(1, days=-400), version(2), version(3), version(4)]
    assert kept(versions, moves((2, 900), (3, -400), (4, 800))) == {
        "v1": ["approval"],
        "v2": ["approval"],
        "v3": ["previous"],
        "v4": ["alias"],
    }


def test_only_bytes_that_no_kept_version_shares_are_freed() -> None:
    versions = [version(1, model="same"), version(2, model="same"), version(3, model="same"), version(4, size=1000)]
    entries = moves((3, 900))
    assert plan(versions, entries, (), NONE, NOW, shared=True).freed == 1000
    assert plan(versions, entries, (), NONE, NOW, shared=False).freed == 107 + 107 + 1007
    assert plan(versions, (), (), NONE, NOW, shared=True).freed == 100 + 1000 + 7


def test_leftovers_wait_a_day_and_those_of_removed_versions_do_not() -> None:
    found = [
        Orphan("tmp/b", "temporary", 10, ago(1.01)),
        Orphan("tmp/a", "temporary", 10, ago(0.99)),
        Orphan("draft", "draft", 20, ago(2)),
        Orphan("future", "unnamed", 40, ago(-2)),
        Orphan("blob", "removed", 80, ago(0)),
    ]
    planned = plan((), (), found, NONE, NOW, shared=True)
    assert [each.name for each in planned.discard] == ["blob", "draft", "tmp/b"]
    assert [each.name for each in planned.wait] == ["future", "tmp/a"]
    assert planned.freed == 110


@given(
    targets=st.lists(st.tuples(st.integers(1, 8), st.integers(-50, 900)), max_size=12),
    policy=st.builds(Policy, st.integers(0, 5), st.integers(0, 400)),
    more=st.tuples(st.integers(0, 3), st.integers(0, 300)),
)
def test_no_alias_loses_its_version_and_a_longer_policy_keeps_what_a_shorter_one_does(
    targets: list[tuple[int, int]], policy: Policy, more: tuple[int, int]
) -> None:
    versions = [version(number) for number in range(1, 9)]
    entries = moves(*targets)
    short = kept(versions, entries, policy=policy)
    assert not targets or f"v{targets[-1][0]}" in short
    longer = kept(versions, entries, policy=Policy(policy.versions + more[0], policy.days + more[1]))
    assert set(short) <= set(longer)
    assert len(longer) >= min(policy.versions, len({number for number, _ in targets}))
