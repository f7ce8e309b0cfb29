"""Which registry a configuration means, at a desk and in GitHub Actions."""

import tomllib
from pathlib import Path

import pytest

from modelyard.config.sections.registry import Registry
from modelyard.core import credentials
from modelyard.core.catalogue import Catalogue
from modelyard.core.errors import ConfigError
from modelyard.core.processes import user_environment
from modelyard.core.vocabulary import REGISTRY_KINDS
from modelyard.registry import choose, kinds
from modelyard.registry.choose import open_registry
from modelyard.registry.github.registry import GitHubRegistry
from modelyard.registry.mlflow.registry import MlflowRegistry
from tests import memory_registry

SOURCE = Path(__file__).parents[2]
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
        (Registry(), ACTIONS, "", "says which repository this is"),
        (Registry(kind="github"), {}, "", "says which repository this is"),
        (Registry(kind="mlflow"), {}, "", "needs the address of its server"),
        (Registry(kind="mlflow", uri="/srv/mlruns"), {}, "", "'/srv/mlruns' is not the address of an MLflow server"),
        (
            Registry(kind="mlflow", uri="sqlite:///x.db"),
            {},
            "",
            "'sqlite:///x.db' is not the address of an MLflow server",
        ),
        (Registry(kind="mlflow"), {"MLFLOW_TRACKING_URI": "https://u:pw@m.test"}, "", "https://m.test holds a user"),
        (
            Registry(kind="mlflow", uri="https://a.test"),
            {"MLFLOW_TRACKING_URI": "https://u:pw@b.test"},
            "",
            "registry.uri says https://a.test, MLFLOW_TRACKING_URI says https://b.test",
        ),
        (Registry(), {}, "lokal", "unknown registry kind 'lokal'"),
    ],
)
def test_any_other_is_a_mistake_that_is_named(
    tmp_path: Path, section: Registry, environ: dict[str, str], override: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        open_registry(section, "flights-late", tmp_path, environ=environ, override=override)
    assert said in caught.value.message
    assert "pw" not in str(caught.value)
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("section", "environ", "repository", "token"),
    [
        (Registry(), {**ACTIONS, "GITHUB_REPOSITORY": "acme/demo", "MODELYARD_TOKEN": "ghs_1"}, "", "ghs_1"),
        (Registry(kind="github"), {"GH_TOKEN": "gho_2", "GITHUB_TOKEN": "gho_3"}, "acme/demo", "gho_2"),
        (Registry(kind="github"), {}, "acme/demo", ""),
    ],
)
def test_a_github_registry_is_opened_with_the_token_at_hand(
    tmp_path: Path, section: Registry, environ: dict[str, str], repository: str, token: str
) -> None:
    found = open_registry(section, "flights-late", tmp_path, environ=environ, repository=repository)
    assert isinstance(found, GitHubRegistry)
    client = found._releases.client
    assert (found.kind, client.repository, client.token) == ("github", "acme/demo", token)
    assert token not in repr(client) or not token
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("section", "environ", "override"),
    [
        (Registry(kind="mlflow", uri="https://mlflow.test/"), {}, ""),
        (Registry(kind="mlflow"), {"MLFLOW_TRACKING_URI": "https://mlflow.test"}, ""),
        (Registry(uri="https://mlflow.test"), {"MLFLOW_TRACKING_URI": "https://mlflow.test"}, "mlflow"),
        (Registry(kind="mlflow", uri="https://mlflow.test"), ACTIONS, ""),
    ],
)
def test_an_mlflow_registry_is_opened_without_asking_its_server(
    tmp_path: Path, section: Registry, environ: dict[str, str], override: str
) -> None:
    found = open_registry(section, "flights-late", tmp_path, environ=environ, override=override)
    assert isinstance(found, MlflowRegistry)
    assert (found.kind, found.model, found._server.address) == ("mlflow", "flights-late", "https://mlflow.test")
    assert list(tmp_path.iterdir()) == []


def test_a_kind_from_another_package_is_one_registration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "KINDS", known := Catalogue[kinds.Kind]("registry kind", "registry/unknown-kind"))
    monkeypatch.setattr(choose, "KINDS", known)
    monkeypatch.setattr(credentials, "_names", set(credentials._names))
    kinds.register(memory_registry.KIND)
    found = open_registry(Registry(), "flights-late", tmp_path, environ={}, override="memory")
    assert (found.kind, found.model, found.list()) == ("memory", "flights-late", ())
    assert user_environment({"MEMORY_REGISTRY_PIN": "1234"}) == {}
    with pytest.raises(ConfigError, match="gone when the job ends"):
        open_registry(Registry(), "flights-late", tmp_path, environ=ACTIONS, override="memory")


def test_the_vocabulary_of_the_configuration_is_the_catalogue_of_kinds() -> None:
    assert kinds.KINDS.names() == REGISTRY_KINDS


@pytest.mark.parametrize("kind", kinds.KINDS, ids=lambda kind: kind.name)
def test_no_users_code_gets_the_credentials_of_a_registry(kind: kinds.Kind) -> None:
    assert user_environment(dict.fromkeys(kind.credentials, "hunter2")) == {}


@pytest.mark.parametrize("kind", [kind for kind in kinds.KINDS if kind.extra], ids=lambda kind: kind.name)
def test_what_a_kind_needs_is_an_extra_with_locks(kind: kinds.Kind) -> None:
    project = tomllib.loads((SOURCE / "pyproject.toml").read_text("utf-8"))
    assert kind.extra in project["project"]["optional-dependencies"]
    for lock in ("carry", "ml"):
        assert (SOURCE / "requirements" / f"{lock}-{kind.extra}.txt").is_file()
