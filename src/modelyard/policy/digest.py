"""Which parts of the configuration are the gate's rules, the files that they name, and the digest of both.

A pull request is judged by the rules of its base, so everything that decides what passes is a rule: the whole
configuration, except what says how the challenger is made or scored, and how the champion is watched later.
"""

from collections.abc import Mapping
from typing import Any

from modelyard.config.configuration import Config
from modelyard.config.meaning import meaning
from modelyard.core.canonical import digest
from modelyard.core.documents import KeyPath

FREE: tuple[KeyPath, ...] = (
    ("train",),
    ("requirements",),
    ("monitor",),
    ("evaluate", "challenger"),
    ("evaluate", "predict"),
)
"""Keys that are no rules; a set that is named train is none either, where no set is split."""


def rules(config: Config) -> dict[str, Any]:
    """Return the part of the configuration that decides what passes.

    Everything but the free keys and the training set. A set is a training set where two sets are named train and test;
    a set that is split is the source of test rows too, so its path is a rule.
    """
    plain = meaning(config)
    for *parents, last in FREE:
        section = plain
        for key in parents:
            section = section[str(key)]
        del section[str(last)]
    if config.data.split is None:
        plain["data"]["sets"].pop("train", None)
    return plain


def rule_files(config: Config) -> tuple[str, ...]:
    """Return the files that the rules name, relative to modelyard.yml; their contents are rules as well."""
    named = set(config.validate_.suites.values()) if config.validate_ else set()
    named |= {path for path in (config.evaluate.waivers, config.evaluate.behaviour) if path}
    return tuple(sorted(named | set(config.evaluate.metric_files.values())))


def rules_digest(config: Config, files: Mapping[str, str]) -> str:
    """Return the digest of the rules.

    Args:
        config: the configuration.
        files: digest by path, for every path of ``rule_files``.

    Raises:
        ValueError: a digest is missing or one too many, so the result would not be the digest of these rules.
    """
    if set(files) != set(rule_files(config)):
        raise ValueError(f"digests of {sorted(files)} given, of {list(rule_files(config))} needed")
    return digest({"rules": rules(config), "files": dict(files)})
