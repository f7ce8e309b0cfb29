"""Which parts of the configuration are the gate's rules, which make a model, and the digest of each.

A pull request is judged by the rules of its base, so everything that decides what passes is a rule: the whole
configuration, except what says how the challenger is made or scored.
"""

from collections.abc import Mapping
from typing import Any

import rfc8785

from modelyard.config.configuration import Config
from modelyard.config.sections.train import Candidate
from modelyard.core.files import sha256_bytes

_HOW_IT_RUNS = ("jobs", "timeout")
"""Keys of ``train`` that change how long a fit takes, and nothing in it."""


def digest(value: Any) -> str:
    """``sha256:<hex>`` of the canonical JSON (RFC 8785) of plain data."""
    return sha256_bytes(rfc8785.dumps(value))


def meaning(config: Config) -> dict[str, Any]:
    """The configuration as plain data with every default filled in, by the names that YAML uses.

    Canonical JSON writes 1.0 as 1, but to an estimator ``min_samples_leaf: 1`` is one row and ``1.0`` all of them. So
    whole floats among parameters become ``{"float": 1}``, and the two have different digests.
    """
    plain = meaning_with_defaults(config)
    train = plain.get("train")
    if train:
        train["parameters"] = _exact(train["parameters"])
        for candidate in train["candidates"]:
            candidate["params"] = _exact(candidate["params"])
    return plain


def meaning_with_defaults(config: Config) -> dict[str, Any]:
    """The configuration as plain data that reads back as the same configuration."""
    return config.model_dump(mode="json", by_alias=True)


def _exact(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    return {"float": int(value)} if isinstance(value, float) and value.is_integer() else value


def rules(config: Config) -> dict[str, Any]:
    """The part of the configuration that decides what passes.

    Everything except ``train``, ``requirements``, ``evaluate.challenger``, ``evaluate.predict`` and the training set.
    A set is a training set where two sets are named train and test; a set that is split is the source of test rows
    too, so its path is a rule.
    """
    plain = meaning(config)
    del plain["train"], plain["requirements"]
    for key in ("challenger", "predict"):
        del plain["evaluate"][key]
    if config.data.split is None:
        plain["data"]["sets"].pop("train", None)
    return plain


def rule_files(config: Config) -> tuple[str, ...]:
    """The files that the rules name, relative to modelyard.yml; their contents are rules as well."""
    named = set(config.validate_.suites.values()) if config.validate_ else set()
    named |= {path for path in (config.evaluate.waivers, config.evaluate.behaviour) if path}
    return tuple(sorted(named | set(metric_files(config).values())))


def metric_files(config: Config) -> dict[str, str]:
    """The file of each metric that is a function of the user's, relative to modelyard.yml, by the metric's name."""
    named = {name: own.function for name, own in config.evaluate.metrics.items()}
    return {name: f"{function.partition(':')[0].replace('.', '/')}.py" for name, function in named.items() if function}


def rules_digest(config: Config, files: Mapping[str, str]) -> str:
    """Digest of the rules.

    Args:
        config: the configuration.
        files: digest by path, for every path of ``rule_files``.

    Raises:
        ValueError: a digest is missing or one too many, so the result would not be the digest of these rules.
    """
    if set(files) != set(rule_files(config)):
        raise ValueError(f"digests of {sorted(files)} given, of {list(rule_files(config))} needed")
    return digest({"rules": rules(config), "files": dict(files)})


def training_part(config: Config, candidate: Candidate | None = None) -> dict[str, Any]:
    """What the configuration adds to a fit digest: equal parts and equal data, code and packages make equal models.

    It holds ``train`` without jobs and timeout, ``model`` without its name, the columns, the split and what is done
    with missing targets. Paths of data and the gates are not in it: data enters a fit digest by its contents.

    Args:
        config: the configuration.
        candidate: one of the candidates, for the digest of its own fits: then the others are left out, so that adding
            one refits none of them.
    """
    plain = meaning(config)
    train = plain["train"] or {}
    for key in _HOW_IT_RUNS:
        train.pop(key, None)
    if candidate is not None:
        train["candidates"] = [_exact(candidate.model_dump(mode="json", by_alias=True))]
    del plain["model"]["name"]
    data = plain["data"]
    kept = {key: data[key] for key in ("columns", "split", "missing_target")}
    return {"train": train, "model": plain["model"], "data": kept}
