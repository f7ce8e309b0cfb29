"""Which registry a configuration means, at a desk and in GitHub Actions."""

from pathlib import Path

import pytest

from modelyard.config.models import Registry
from modelyard.errors import ConfigError
from modelyard.registry.choose import open_registry

ACTIONS = {"GITHUB_ACTIONS": "true", "RUNNER_ENVIRONMENT": "github-hosted"}
OWN_RUNNER = {"GITHUB_ACTIONS": "true", "RUNNER_ENVIRONMENT": "self-hosted"}


@pytest.mark.parametrize(
    ("section", "environ", "override"),
    [
        (Registry(), {}, ""),
        (Registry(kind="local"), {}, ""),
        (Registry(kind="mlflow"), {}, "local"),
        (Registry(kind="local"), OWN_RUNNER, ""),
        (Registry(kind="local", durable=True), ACTIONS, ""),
    ],
)
def test_a_local_registry_is_opened(tmp_path: Path, section: Registry, environ: dict[str, str], override: str) -> None:
    found = open_registry(section, "flights-late", tmp_path, environ=environ, override=override)
    assert (found.kind, found.model) == ("local", "flights-late")


@pytest.mark.parametrize(
    ("section", "environ", "override", "said"),
    [
        (Registry(kind="local"), ACTIONS, "", "gone when the job ends"),
        (Registry(kind="local"), {"GITHUB_ACTIONS": "true"}, "", "gone when the job ends"),
        (Registry(), ACTIONS, "local", "gone when the job ends"),
        (Registry(), ACTIONS, "", "has no github registry"),
        (Registry(kind="mlflow"), {}, "", "has no mlflow registry"),
        (Registry(), {}, "lokal", "'lokal' is no registry"),
    ],
)
def test_any_other_is_a_mistake_that_is_named(
    tmp_path: Path, section: Registry, environ: dict[str, str], override: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        open_registry(section, "flights-late", tmp_path, environ=environ, override=override)
    assert said in caught.value.found
    assert caught.value.do
    assert list(tmp_path.iterdir()) == []
