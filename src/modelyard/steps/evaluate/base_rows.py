"""The base's test rows: found in git where a change brings other ones, and judged on too, so that the worse counts."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import modelyard.records.results as r
from modelyard.config.configuration import Config
from modelyard.core.errors import ModelyardError
from modelyard.core.files import sha256_file, write_atomic
from modelyard.core.vocabulary import DATA_SUFFIXES
from modelyard.data.sources.files import FileSource, is_glob, is_lfs_pointer
from modelyard.evaluation.rulebook import Rulebook
from modelyard.evaluation.session import Judgement
from modelyard.models.adapters import adapter_of
from modelyard.registry.protocol import Version
from modelyard.steps import rows as test_rows
from modelyard.steps.context import CheckedOut
from modelyard.steps.data_view import DataView
from modelyard.steps.evaluate.contenders import challenger_of, reference_of
from modelyard.steps.evaluate.scoring import session_of
from modelyard.vcs import commits
from modelyard.vcs.commits import Entry

_LARGEST = 1 << 30
"""Bytes of the base's data that are read beside today's."""


@dataclass(frozen=True)
class _Unreadable(Exception):  # noqa: N818 - it carries a reason within this module and is no error of anybody's
    why: r.WhyUnreadable


def judge(
    context: CheckedOut,
    facts: r.TrainResult,
    versions: Mapping[str, Version],
    book: Rulebook,
    today: Judgement,
    seed: int,
) -> r.BaseRows | None:
    """Judge on the test rows of the base, where a change is judged by its rules and brings other rows.

    Args:
        context: the run.
        facts: what training wrote.
        versions: the references by role.
        book: the rules in force.
        today: what they say of the change's own test rows.
        seed: of resamples.

    Returns:
        What came of it, or why these rows cannot be read; None where the test rows are the base's.
    """
    rules = context.policy.rules
    if not rules.commit or rules.proposal:
        return None
    try:
        return _judged(context, facts, versions, book, today, seed)
    except _Unreadable as found:
        return r.BaseRows(why=found.why)


def _judged(
    context: CheckedOut,
    facts: r.TrainResult,
    versions: Mapping[str, Version],
    book: Rulebook,
    today: Judgement,
    seed: int,
) -> r.BaseRows | None:
    with tempfile.TemporaryDirectory(dir=context.run_dir, prefix=".base.") as temporary:
        folder = Path(temporary)
        if not _export(context, folder / "data"):
            return None
        try:
            parts, name = _read(context, folder / "data"), context.data.split().id
        except ModelyardError as error:
            raise _Unreadable("damaged") from error
        now = test_rows.load(context)
        then, named = parts.test, context.config.data.columns.id is not None
        compared = _compare(then, now.test, name, named=named)
        kept = _never_trained_on(parts, now.train, name, named=named)
        known = {**compared, "rows": len(kept), "trained_on": len(then) - len(kept)}
        if not any(compared.values()):
            return None
        if 2 * len(kept) < len(then):
            return r.BaseRows(why="trained-on", **known)
        if not adapter_of(facts.adapter, "the challenger").rescorable:
            return r.BaseRows(why="predictions", **known)
        context.console.say(f"  the base's {len(kept):,} test rows are judged on too")
        (folder / "scored").mkdir()
        try:
            challenger = challenger_of(context, facts, kept, folder / "scored", {})
            references = {
                role: reference_of(context, role, version, kept, folder / "scored", challenger.signature)
                for role, version in versions.items()
            }
            session = session_of(context, facts, kept, challenger, references, versions, seed)
            judged = session.judge(book.unadjusted())  # what is left of them was dealt by no chance
        except ModelyardError as error:
            context.console.say(f"  they cannot be scored: {error.message}")
            return r.BaseRows(why="not-scored", **known)
    return r.BaseRows(
        verdict=judged.verdict,
        gates=judged.gates,
        metric=book.primary.name,
        champion_then=_champion(judged, book.primary.name),
        champion_now=_champion(today, book.primary.name),
        **known,
    )


def _champion(judged: Judgement, metric: str) -> r.Estimate | None:
    return next((row.champion for row in judged.metrics if row.metric == metric), None)


def _source(config: Config) -> tuple[str, str]:
    """Return name and source of the set that test rows come from."""
    name = config.data.split.of if config.data.split else "test"
    return name, config.data.sets[name]


def _export(context: CheckedOut, folder: Path) -> bool:
    """Write the base's files of the set into a folder, laid out as in the workspace; False where they are today's.

    Raises:
        _Unreadable: they are not in git, a pointer stands there, or they are too large.
    """
    root, rules = context.root, context.policy.rules
    name, source = _source(context.config)
    today = context.data.sources()[name]
    fixed = _fixed_part(context, source)
    held = [each for each in commits.entries(root, rules.commit) if _is_below(each.path, fixed)]
    data = [each for each in held if each.path.endswith(DATA_SUFFIXES) and each.mode != commits.LINK]
    if not isinstance(today, FileSource) or not data:
        if any(path for _, path in commits.changed_since(root, rules.commit) if _is_below(path, fixed)):
            raise _Unreadable("pointer")
        if _differs_from_champions(context, name):
            raise _Unreadable("not-in-git")
        return False
    now = set(today.list())
    changed = {path for _, path in commits.changed_since(root, rules.commit)}
    if now <= {each.path for each in data} and not any(each.path in changed for each in data):
        return False
    if sum(each.size for each in data) > _LARGEST:
        raise _Unreadable("too-large")
    for entry in data:
        _write(context, entry, folder / entry.path)
    return True


def _write(context: CheckedOut, entry: Entry, path: Path) -> None:
    (content,) = commits.contents(context.root, [entry])
    if is_lfs_pointer(content):
        content = _pointed_at(context.root, entry, content)
    write_atomic(path, content)


def _pointed_at(root: Path, entry: Entry, pointer: bytes) -> bytes:
    """Return the file that a pointer of Git LFS names by its digest: today's, or one that was fetched.

    Raises:
        _Unreadable: neither is here.
    """
    oid = next((line[11:] for line in pointer.decode("utf-8", "replace").splitlines() if line.startswith("oid ")), "")
    places = [root / entry.path, root / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4] / oid]
    for place in places:
        if oid.isalnum() and place.is_file() and not place.is_symlink() and sha256_file(place) == f"sha256:{oid}":
            return place.read_bytes()
    raise _Unreadable("pointer")


def _fixed_part(context: CheckedOut, source: str) -> PurePosixPath:
    """Return the part of a source before its first wildcard, relative to git's top level."""
    parts = PurePosixPath(source).parts
    first = next((at for at, part in enumerate(parts) if is_glob(part)), len(parts))
    here = context.policy.base.relative_to(context.root)
    return PurePosixPath(os.path.normpath(PurePosixPath(here.as_posix()).joinpath(*parts[:first])))


def _is_below(path: str, fixed: PurePosixPath) -> bool:
    """Return whether a path is a file of a source's fixed part, or DVC's pointer to it."""
    known = PurePosixPath(path.removesuffix(".dvc"))
    return str(fixed) == "." or known == fixed or fixed in known.parents


def _differs_from_champions(context: CheckedOut, name: str) -> bool:
    """Return whether a set is not what the champion was made from; without a champion nobody can tell."""
    detect = context.records.find_result("detect", r.DetectResult)
    if detect is None or detect.champion is None:
        return False
    return any(each.name == name and (each.added or each.modified or each.removed) for each in detect.sets)


def _read(context: CheckedOut, folder: Path) -> test_rows.Rows:
    """Read and split the base's rows by the base's rules; test rows are named as today's are."""
    config = context.config
    name, source = _source(config)
    data = config.data.model_copy(update={"sets": {name: source}})
    alone = config.model_copy(update={"data": data})
    view = DataView(alone, folder, folder / context.policy.base.relative_to(context.root))
    parts = view.split()
    return replace(parts, test=parts.test.rename({parts.id: context.data.split().id}))


def _compare(then: Any, now: Any, name: str, *, named: bool) -> dict[str, int]:
    """Count the rows that were added, changed and removed; without ids a changed row is one of each."""
    import polars as pl

    shared = [each for each in then.columns if each in now.columns and each != name]
    if not named:
        old, new = then.select(pl.col(shared).cast(pl.String)), now.select(pl.col(shared).cast(pl.String))
        counted = old.group_by(shared).len("old").join(
            new.group_by(shared).len("new"), on=shared, how="full", nulls_equal=True
        )  # fmt: skip
        gone = pl.col("old").fill_null(0).cast(pl.Int64) - pl.col("new").fill_null(0).cast(pl.Int64)
        more = counted.select(removed=gone.clip(0).sum(), added=(-gone).clip(0).sum()).row(0, named=True)
        return {"added": more["added"], "changed": 0, "removed": more["removed"]}
    old, new = _as_text(then, name, shared), _as_text(now, name, shared)
    both = old.join(new, on=name, how="inner", suffix=" now")
    differ = [pl.col(each).ne_missing(pl.col(f"{each} now")) for each in shared]
    changed = both.filter(pl.any_horizontal(differ)).height if differ else 0
    if set(then.columns) != set(now.columns):
        changed = both.height
    return {"added": now.height - both.height, "changed": changed, "removed": then.height - both.height}


def _as_text(frame: Any, name: str, columns: list[str]) -> Any:
    import polars as pl

    return frame.select(pl.col([name, *columns]).cast(pl.String))


def _never_trained_on(parts: test_rows.Rows, train: Any, name: str, *, named: bool) -> Any:
    """Return the base's test rows that are no training rows now, neither by their id nor by all their values.

    Rows that have an equal among the base's own training rows had it before, and stay.
    """
    import polars as pl

    then = parts.test
    shared = [each for each in then.columns if each in train.columns and each != name]
    here = then.with_row_index(" at").select(" at", pl.col(shared).cast(pl.String))
    equal = here.join(_values(train, shared), on=shared, how="semi", nulls_equal=True)
    if set(shared) <= set(parts.train.columns):
        equal = equal.join(_values(parts.train, shared), on=shared, how="anti", nulls_equal=True)
    trained_on = then.with_row_index(" at")[" at"].is_in(equal[" at"].implode())
    if named:
        ids = train[name].cast(pl.String)
        trained_on |= then[name].cast(pl.String).is_in(ids.implode())
    return then.filter(~trained_on)


def _values(frame: Any, columns: list[str]) -> Any:
    import polars as pl

    return frame.select(pl.col(columns).cast(pl.String)).unique()
