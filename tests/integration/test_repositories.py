"""Repositories in the shape of public ones are gated as they are; benchmarks/repositories.py runs the heavier ones."""

import re
from pathlib import Path

import pytest
import yaml

from modelyard.config.configuration import Config
from tests import repositories
from tests.desk import record

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "your-script.md").read_text("utf-8")


@pytest.mark.parametrize(("name", "adapter"), [("network", "command"), ("notebook", "sklearn")])
def test_a_repository_is_promoted_and_its_scripts_stay_byte_identical(name: str, adapter: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    tried = repositories.run(name, folder)
    assert tried.done.code == 0, tried.done.out + tried.done.err
    assert record(folder, "promote")["result"]["version"] == "v1"
    assert record(folder, "train")["result"]["adapter"] == adapter
    before = repositories.scripts(repositories.HERE / name)
    assert {path: repositories.scripts(folder)[path] for path in before} == before


@pytest.mark.parametrize("name", repositories.NAMES)
def test_the_page_shows_the_configuration_of_each_repository(name: str) -> None:
    text = (repositories.HERE / name / "modelyard.yml").read_text("utf-8")
    assert f"```yaml\n{text}```" in PAGE
    assert "modelyard" not in "".join(path.read_text("utf-8") for path in (repositories.HERE / name).rglob("*.py")), (
        "its scripts know nothing of us"
    )


def test_every_configuration_of_the_page_is_valid() -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    whole = [yaml.safe_load(block) for block in blocks if block.startswith("model:")]
    assert len(whole) >= len(repositories.NAMES)
    for each in whole:
        Config.model_validate(each)
