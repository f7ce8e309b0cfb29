"""What is refused before a version is scored, and that every adapter of the vocabulary is there."""

import sys
from pathlib import Path
from typing import Any

import pytest

from modelyard.core.errors import DataError
from modelyard.core.vocabulary import ADAPTERS as NAMES
from modelyard.models.adapters import ADAPTERS, adapter_of
from modelyard.models.environment import current_environment, environment_text, this_interpreter
from modelyard.models.scorer import Scorer, Workbench
from modelyard.records.manifest import Content
from modelyard.records.results import Feature, Signature

SIGNATURE = Signature(features=(Feature(name="size", kind="numeric"),), task="regression")
DIGEST = f"sha256:{'0' * 64}"


def version(adapter: Any) -> Any:
    return Content(
        model="tiny", model_digest=DIGEST, adapter=adapter, signature=SIGNATURE, environment_digest=DIGEST,
        evidence="none",
    )  # fmt: skip


def bench(folder: Path, *, allow_pickles: bool = False) -> Workbench:
    return Workbench(folder / "envs", this_interpreter, allow_pickles=allow_pickles, folder=folder)


def test_the_catalogue_holds_the_adapters_of_the_vocabulary() -> None:
    assert set(ADAPTERS.names()) == set(NAMES)


def test_an_unknown_adapter_is_an_error() -> None:
    with pytest.raises(DataError) as caught:
        adapter_of("sklaern", "v3")
    assert (caught.value.code, caught.value.hint) == ("model/unknown-adapter", "Did you mean 'sklearn'?")


@pytest.mark.parametrize(("adapter", "file"), [("sklearn", "model.joblib"), ("pyfunc", "MLmodel")])
def test_a_model_that_runs_code_is_scored_only_where_that_is_allowed(tmp_path: Path, adapter: str, file: str) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / file).write_bytes(b"")
    (tmp_path / "environment.txt").write_text(environment_text(current_environment()), "utf-8")
    with pytest.raises(DataError) as caught:
        Scorer.of_version(version(adapter), tmp_path, bench(tmp_path), who="v3")
    assert caught.value.code == "model/pickle-not-allowed"
    allowed = Scorer.of_version(version(adapter), tmp_path, bench(tmp_path, allow_pickles=True), who="v3")
    assert (allowed.adapter.name, allowed.python) == (adapter, Path(sys.executable))


def test_predictions_cannot_score_rows(tmp_path: Path) -> None:
    scorer = Scorer.of_version(version("predictions"), tmp_path, bench(tmp_path), who="v3")
    with pytest.raises(DataError) as caught:
        scorer.score({}, id_column="id", folder=tmp_path)
    assert caught.value.code == "model/not-rescorable"
