"""A proposal is judged by the rules that stand before it: the base's rules with the proposal's way of training."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from pydantic import ValidationError

from modelyard.config.configuration import Config
from modelyard.config.load import Loaded
from modelyard.config.meaning import meaning
from modelyard.config.sections.gate import Gate
from modelyard.core.canonical import digest
from modelyard.core.documents import KeyPath
from modelyard.core.errors import ConfigError, Place
from modelyard.core.operators import Difference
from modelyard.core.vocabulary import RuleChangeKind
from modelyard.policy.digest import FREE, rules

MOST_SETTINGS, LONGEST_SETTING = 400, 300


@dataclass(frozen=True)
class Change:
    """One rule that a proposal would change, as text on one line each; an empty text is "not there"."""

    rule: str
    old: str
    new: str
    kind: RuleChangeKind = "changed"


def judged(base: Loaded, own: Loaded) -> Loaded:
    """Return the configuration that judges a proposal: the base's, with what is no rule from the proposal.

    Args:
        base: the configuration at the base.
        own: the proposal's.

    Raises:
        ConfigError: the proposal's training part does not fit the base's rules.
    """
    try:
        config = _with_free_keys(base.config, own.config)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigError(
            f"what this change proposes does not fit the rules of its base: {first['msg']}",
            code="config/does-not-fit-base",
            hint="Change the rules in a pull request of its own first; until it is merged, the base's rules hold.",
            place=Place(own.file),
        ) from error
    free = FREE + ((("data", "sets", "train"),) if _trains_on_own_set(base.config, own.config) else ())
    lines = {path: line for path, line in base.lines.items() if not _below(path, free)}
    lines |= {path: line for path, line in own.lines.items() if _below(path, free)}
    return replace(own, config=config, lines=lines, digest=digest(meaning(config)))


def _with_free_keys(base: Config, own: Config) -> Config:
    """Return the base's configuration with what is no rule from the proposal; the sections are checked together."""
    sections = {name: getattr(base, name) for name in Config.model_fields}
    sections |= {"train": own.train, "requirements": own.requirements}
    named = {"challenger": own.evaluate.challenger, "predict": own.evaluate.predict}
    sections["evaluate"] = base.evaluate.model_copy(update=named)
    if _trains_on_own_set(base, own):
        sets = {**base.data.sets, "train": own.data.sets["train"]}
        sections["data"] = base.data.model_copy(update={"sets": sets})
    return Config(**sections)


def _trains_on_own_set(base: Config, own: Config) -> bool:
    """Return whether the proposal's training set is its own: no set is split, so no test row comes from it."""
    return base.data.split is None and "train" in own.data.sets


def changes(base: Config, own: Config, files: Mapping[str, tuple[str | None, str | None]]) -> tuple[Change, ...]:
    """Return every rule that differs, in the order of the configuration, then the files that rules name.

    Args:
        base: the base's configuration.
        own: the proposal's.
        files: path to its digest at the base and in the proposal; None where it is not there.
    """
    before, after = rules(base), rules(own)
    found = _gate_changes(base, own)
    del before["evaluate"]["gates"], after["evaluate"]["gates"]
    old, new = dict(_leaves(before)), dict(_leaves(after))
    found += [
        Change(name, old.get(name, ""), new.get(name, ""), _kind(name, old.get(name), new.get(name)))
        for name in dict.fromkeys([*old, *new])
        if old.get(name, "") != new.get(name, "")
    ]
    code = {*base.evaluate.metric_files.values(), *own.evaluate.metric_files.values()}
    for path, (was, now) in sorted(files.items()):
        if was != now:
            found.append(Change(path, _short(was), _short(now), "metric code" if path in code else "changed"))
    return tuple(found)


def settings(config: Config) -> dict[str, str]:
    """Return the configuration as it counts, a key a line, defaults left out: to tell later which keys differ.

    At most ``MOST_SETTINGS`` keys; a value longer than ``LONGEST_SETTING`` is cut, and its digest stands for the rest.
    """
    found = _leaves(config.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    return {name: _cut(text) for name, text in islice(found, MOST_SETTINGS)}


def _cut(text: str) -> str:
    if len(text) <= LONGEST_SETTING:
        return text
    return f"{text[: LONGEST_SETTING - 24]}… {digest({'text': text})[:19]}"


def _gate_changes(base: Config, own: Config) -> list[Change]:
    """Return the gates that differ. A gate is the same one where metric, operator, reference and slices are."""
    waiting = list(enumerate(own.evaluate.gates))
    found: list[Change] = []
    for at, gate in enumerate(base.evaluate.gates):
        named = f"evaluate.gates[{at}]"
        match = next((pair for pair in waiting if _identity(gate) == _identity(pair[1])), None)
        if match is None:
            found.append(Change(named, _summary(gate), "", "loosened"))
            continue
        waiting.remove(match)
        old, new = (each.model_dump(mode="json") for each in (gate, match[1]))
        for key in old:
            if old[key] != new[key]:
                kind = _gate_kind(gate, key, old[key], new[key])
                found.append(Change(f"{named}.{key}", _written(old[key]), _written(new[key]), kind))
    # Where the base has no gates, its defaults hold, and any list of gates takes their place.
    added: RuleChangeKind = "tightened" if base.evaluate.gates else "changed"
    found += [Change(f"evaluate.gates[{at}]", "", _summary(gate), added) for at, gate in waiting]
    return found


def _identity(gate: Gate) -> tuple[object, ...]:
    return gate.metric, gate.operator.name, gate.demand.reference, gate.columns


def _summary(gate: Gate) -> str:
    plain = gate.model_dump(mode="json", exclude_defaults=True)
    return ", ".join(f"{key}: {_written(value)}" for key, value in plain.items())


def _written(value: Any) -> str:
    return "" if value in (None, [], {}) else json.dumps(value, ensure_ascii=False)


def _gate_kind(gate: Gate, key: str, old: Any, new: Any) -> RuleChangeKind:
    """Return whether a key of a gate lets more through than before."""
    if key in ("inconclusive", "require"):
        return "loosened" if new in ("allow", "guard") else "tightened"
    if key == "by":
        return _by_kind(old, new)
    if key == gate.operator.name and old is not None and new is not None:
        return "loosened" if gate.operator.loosens(old, new) else "tightened"
    if key == "margin" and isinstance(gate.operator, Difference):
        return "loosened" if gate.operator.margin_loosens(old, new) else "tightened"
    if key == "slice_drop" and old is not None and new is not None:
        return "loosened" if new > old else "tightened"
    return "changed"


def _by_kind(old: Any, new: Any) -> RuleChangeKind:
    """Return whether fewer slices are named: each must be judged, so that one less lets more through."""
    was, now = ({json.dumps(each, sort_keys=True) for each in slices or ()} for slices in (old, new))
    return "tightened" if was <= now else "loosened"


def _kind(name: str, old: str | None, new: str | None) -> RuleChangeKind:
    """Return whether a rule beside the gates lets more through than before."""
    if name == "mode":
        return "loosened" if new == '"report-only"' else "tightened"
    if name == "evaluate.confidence" and old and new:
        return "loosened" if float(new) < float(old) else "tightened"
    if name.startswith("evaluate.checks.") and old and new:
        if old.startswith('"'):
            order = ['"off"', '"report"', '"gate"']
            return "loosened" if order.index(new) < order.index(old) else "tightened"
        return "loosened" if float(new) > float(old) else "tightened"
    if name.startswith(("data.sets.", "data.split.", "data.read.", "data.missing_target")):
        return "test rows"
    if name == "evaluate.waivers":
        return "loosened" if new else "tightened"
    if name == "evaluate.behaviour" or name.startswith("validate.suites"):
        return "changed" if new else "loosened"
    return "metric code" if name.startswith("evaluate.metrics.") else "changed"


def _below(path: KeyPath, heads: tuple[KeyPath, ...]) -> bool:
    return any(path[: len(head)] == head for head in heads)


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
