"""The configuration as plain data that is digested: what it means, and what of it makes a model."""

from typing import Any

from modelyard.config.configuration import Config

_HOW_IT_RUNS = ("jobs", "timeout")
"""Keys of ``train`` that change how long a fit takes, and nothing in it."""


def meaning(config: Config) -> dict[str, Any]:
    """Return the configuration as plain data with every default filled in, by the names that YAML uses.

    Canonical JSON writes 1.0 as 1, but to an estimator ``min_samples_leaf: 1`` is one row and ``1.0`` all of them. So
    whole floats among parameters become ``{"float": 1}``, and the two have different digests.
    """
    plain = config.model_dump(mode="json", by_alias=True)
    train = plain.get("train")
    if train:
        train["parameters"] = _exact(train["parameters"])
        for candidate in train["candidates"]:
            candidate["params"] = _exact(candidate["params"])
    return plain


def _exact(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    return {"float": int(value)} if isinstance(value, float) and value.is_integer() else value


def training_part(config: Config) -> dict[str, Any]:
    """Return what the configuration adds to a fit digest: with equal data, code and packages it makes equal models.

    It holds ``train`` without jobs and timeout, ``model`` without its name, the columns, the split, how files are read
    and what is done with missing targets. Paths of data and the gates are not in it: data enters a fit digest by its
    contents.
    """
    plain = meaning(config)
    train = plain["train"] or {}
    for key in _HOW_IT_RUNS:
        train.pop(key, None)
    del plain["model"]["name"]
    kept = {key: plain["data"][key] for key in ("columns", "split", "missing_target")}
    if config.data.read:
        kept["read"] = plain["data"]["read"]
    return {"train": train, "model": plain["model"], "data": kept}
