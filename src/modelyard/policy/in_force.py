"""Whose rules judge this run: a pull request's base's, read from git before any of its code runs, else the checkout's.

There is no fall-back from the base's rules to the proposal's own: where the base cannot be read, the run ends and says
what to set.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from modelyard.config.load import Loaded, load
from modelyard.core.errors import ConfigError, Place
from modelyard.core.files import sha256_bytes, write_atomic
from modelyard.github.event import JUDGED_BY_BASE, Event
from modelyard.policy.change import Change, changes, judged
from modelyard.policy.digest import rule_files, rules_digest
from modelyard.policy.planted import refuse_link_at, refuse_links, refuse_moved
from modelyard.vcs import commits, tree

_CHECKOUT = "In the checkout step, leave `ref:` out and set `fetch-depth: 2`."


@dataclass(frozen=True)
class Rules:
    """The configuration in force, and where its rules come from.

    Attributes:
        loaded: the configuration that judges.
        own: the checkout's own configuration, where it proposes other rules than those in force.
        folder: where the base's files are, laid out as in the workspace; None where the checkout's own count.
        changes: the rules that the proposal would change.
        commit: the base's commit; its rules judge unless it has none yet.
        proposal: the base has no configuration yet, so nothing can be promoted by this run's verdict.
    """

    loaded: Loaded
    own: Loaded | None = None
    folder: Path | None = None
    changes: tuple[Change, ...] = ()
    commit: str = ""
    proposal: bool = False


def rules_in_force(own: Loaded, *, event: Event | None, reference: str, scratch: Path) -> Rules:
    """Find the rules of a run.

    Args:
        own: the checkout's configuration.
        event: what started the job; None where it runs locally.
        reference: ``--base`` of a local run, or an empty string.
        scratch: a folder outside the workspace, where the base's files are put.

    Raises:
        ConfigError: the base's rules are needed and cannot be read, or the proposal does not fit them.
    """
    commit = base_commit(own.root, event, reference)
    if commit is None:
        return Rules(own)
    refuse_links(own, [_in_workspace(own, name) for name in rule_files(own.config)])
    refuse_link_at(own.root, commit, own.file)
    folder = scratch / f"base-{commit}"
    text = commits.file_at(own.root, commit, own.file)
    if text is None:
        refuse_moved(own.root, own.file, own.config.model.name, commit)
        return Rules(own, commit=commit, proposal=True)
    write_atomic(folder / own.file, text)
    try:
        base = load(Path(own.file), root=folder)
    except ConfigError as error:
        raise ConfigError(
            f"the configuration at the base {commit[:12]} cannot be used: {error}",
            code="config/broken-base",
            hint="Fix it on the base branch first; a pull request is judged by the rules of its base.",
        ) from error
    named = [_in_workspace(own, name) for name in rule_files(base.config)]
    refuse_links(own, named)
    for path in named:
        _export(own.root, commit, path, folder)
    found = (*changes(base.config, own.config, _file_changes(base, own, folder)), *_row_changes(base, own.root, commit))
    return Rules(
        judged(base, own),
        own=own if found else None,
        folder=folder,
        changes=found,
        commit=commit,
    )


def digest_of_rules(rules: Rules) -> str:
    """Return the digest of the rules in force with the files that they name."""
    config, home = rules.loaded.config, rules.folder or rules.loaded.root
    files = {name: _digest(home / _in_workspace(rules.loaded, name)) or "none" for name in rule_files(config)}
    return rules_digest(config, files)


def _in_workspace(loaded: Loaded, name: str) -> str:
    """Return a path of the configuration, relative to the workspace, as git would write it."""
    path = Path(os.path.normpath(loaded.path.parent.relative_to(loaded.root) / name))
    if path.is_absolute() or ".." in path.parts:
        raise ConfigError(
            f"{name!r} leads outside the workspace", code="config/outside-workspace", place=Place(loaded.file)
        )
    return path.as_posix()


def base_commit(root: Path, event: Event | None, reference: str) -> str | None:
    """Return the commit whose rules judge; None where the checkout's own do.

    Args:
        root: the workspace.
        event: what started the job; None where it runs locally.
        reference: ``--base`` of a local run, or an empty string.

    Raises:
        ConfigError: the base is needed and cannot be read.
    """
    if event is not None and event.trigger in JUDGED_BY_BASE:
        _need_git(root)
        return _merge_group_base(root, event) if event.trigger == "merge-group" else _merge_base(root, event)
    if not reference:
        return None
    _need_git(root)
    found = commits.resolve(root, reference)
    if found is None:
        raise ConfigError(
            f"--base: unknown commit {reference[:80]!r}",
            code="git/unknown-commit",
            hint="Name a branch, a tag or a commit.",
        )
    return found


def _need_git(root: Path) -> None:
    if tree.toplevel(root) is None:
        raise ConfigError(
            "the rules of the base are needed, and this is no git checkout",
            code="git/no-checkout",
            hint=f"Check out first. {_CHECKOUT}",
        )


def _merge_base(root: Path, event: Event) -> str:
    """Return the first parent of the merge commit that GitHub made for the pull request."""
    head = tree.head_commit(root)
    known = commits.parents(root, head) if head else None
    if head is None or known is None:
        raise ConfigError("the checkout has no commit", code="git/no-commit", hint=_CHECKOUT)
    if len(known) != 2:
        raise ConfigError(
            f"HEAD is {head[:12]} with {len(known)} parent{'' if len(known) == 1 else 's'}; a pull request is judged "
            "at its merge commit, whose first parent is the base",
            code="git/not-a-merge-commit",
            hint=_CHECKOUT,
        )
    base, merged = known
    if merged != event.head:
        raise ConfigError(
            f"HEAD merges {merged[:12]}, but the pull request's head is {(event.head or 'unknown')[:12]}",
            code="git/other-head",
            hint=f"Run the workflow again for the newest commit. {_CHECKOUT}",
        )
    if commits.parents(root, base) is None:
        message = f"the base {base[:12]} was not fetched: the checkout holds one commit only"
        raise ConfigError(message, code="git/base-not-fetched", hint=_CHECKOUT)
    return base


def _merge_group_base(root: Path, event: Event) -> str:
    base = event.base or ""
    if commits.parents(root, base) is None:
        raise ConfigError(
            f"the merge group's base {base[:12]} was not fetched",
            code="git/base-not-fetched",
            hint="In the checkout step set `fetch-depth: 0` for merge_group; a group may hold several commits.",
        )
    return base


def _export(root: Path, commit: str, path: str, folder: Path) -> None:
    refuse_link_at(root, commit, path)
    data = commits.file_at(root, commit, path)
    if data is None:
        raise ConfigError(
            f"the rules of the base {commit[:12]} name {path}, which is not a file there",
            code="config/missing-file",
            hint="Fix it on the base branch first; a pull request is judged by the rules of its base.",
        )
    write_atomic(folder / path, data)


def _file_changes(base: Loaded, own: Loaded, folder: Path) -> Mapping[str, tuple[str | None, str | None]]:
    names = sorted({*rule_files(base.config), *rule_files(own.config)})
    paths = {name: _in_workspace(own, name) for name in names}
    return {name: (_digest(folder / path), _digest(own.root / path)) for name, path in paths.items()}


_WORDS = {"A": ("", "added"), "D": ("there", "removed")}


def _row_changes(base: Loaded, root: Path, commit: str) -> tuple[Change, ...]:
    """Return the files of test rows that this change would replace, as far as git knows them or their pointers."""
    data = base.config.data
    source = data.sets.get(data.split.of if data.split else "test", "")
    pattern = Path(os.path.normpath(base.path.parent.relative_to(base.root) / source)).as_posix()
    found = []
    for status, path in commits.changed_since(root, commit):
        named = path.removesuffix(".dvc")
        if fnmatch(named, pattern) or (path.endswith(".dvc") and pattern.startswith(f"{named}/")):
            old, new = _WORDS.get(status, ("as it was", "changed"))
            found.append(Change(f"test rows: {path}", old, new, "test rows"))
    return tuple(found)


def _digest(path: Path) -> str | None:
    return sha256_bytes(path.read_bytes()) if path.is_file() else None
