"""A proposal is judged by the rules that stand before it: the base's rules with the proposal's way of training."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from modelyard.config import rules
from modelyard.config.load import Loaded
from modelyard.config.models import Config
from modelyard.config.source import KeyPath
from modelyard.errors import ConfigError, Place


@dataclass(frozen=True)
class Change:
    """One rule that a proposal would change, as text on one line each; an empty text is "not there"."""

    rule: str
    old: str
    new: str


def judged(base: Loaded, own: Loaded) -> Loaded:
    """The configuration that judges a proposal: the base's, with what is no rule (see ``rules``) from the proposal.

    Args:
        base: the configuration at the base.
        own: the proposal's.

    Raises:
        ConfigError: the proposal's training part does not fit the base's rules.
    """
    plain = rules.meaning_with_defaults(base.config)
    proposed = rules.meaning_with_defaults(own.config)
    for path in _free(base.config, own.config):
        _put(plain, path, _get(proposed, path))
    try:
        config = Config.model_validate_json(json.dumps(plain), strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigError(
            f"what this change proposes does not fit the rules of its base: {first['msg']}",
            do="Change the rules in a pull request of its own first; until it is merged, the base's rules hold.",
            place=Place(own.file),
        ) from error
    free = _free(base.config, own.config)
    lines = {path: line for path, line in base.lines.items() if not _below(path, free)}
    lines |= {path: line for path, line in own.lines.items() if _below(path, free)}
    return replace(own, config=config, lines=lines, digest=rules.digest(rules.meaning(config)))


def changes(base: Config, own: Config, files: Mapping[str, tuple[str | None, str | None]]) -> tuple[Change, ...]:
    """Every rule that differs, in the order of the configuration, then the files that rules name.

    Args:
        base: the base's configuration.
        own: the proposal's.
        files: path to its digest at the base and in the proposal; None where it is not there.
    """
    old, new = dict(_leaves(rules.rules(base))), dict(_leaves(rules.rules(own)))
    found = [
        Change(name, old.get(name, ""), new.get(name, ""))
        for name in dict.fromkeys([*old, *new])
        if old.get(name, "") != new.get(name, "")
    ]
    for path, (before, after) in sorted(files.items()):
        if before != after:
            found.append(Change(path, _short(before), _short(after)))
    return tuple(found)


def _free(base: Config, own: Config) -> tuple[KeyPath, ...]:
    """The keys that are no rules."""
    paths: tuple[KeyPath, ...] = (("train",), ("requirements",), ("evaluate", "challenger"), ("evaluate", "predict"))
    if base.data.split is None and "train" in own.data.sets:
        paths += (("data", "sets", "train"),)
    return paths


def _below(path: KeyPath, heads: tuple[KeyPath, ...]) -> bool:
    return any(path[: len(head)] == head for head in heads)


def _get(plain: Mapping[str, Any], path: KeyPath) -> Any:
    found: Any = plain
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _put(plain: dict[str, Any], path: KeyPath, value: Any) -> None:
    for key in path[:-1]:
        plain = plain[str(key)]
    plain[str(path[-1])] = value


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _leaves(part, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for at, part in enumerate(value):
            yield from _leaves(part, f"{name}[{at}]")
    elif value not in (None, {}, []):
        yield name, json.dumps(value, ensure_ascii=False)


def _short(digest: str | None) -> str:
    return "" if digest is None else digest[:19]
