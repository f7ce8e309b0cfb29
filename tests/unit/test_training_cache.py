"""The cache of fits: whole entries or none, and a damaged one is none."""

from pathlib import Path

import pytest

from modelyard.core.errors import PlatformError
from modelyard.training.cache import FitCache, Scores

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


@pytest.fixture
def cache(tmp_path: Path) -> FitCache:
    return FitCache(tmp_path / "fits")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_bytes(b"1")
    return tmp_path / "model"


def test_scores_come_back_as_they_were(cache: FitCache) -> None:
    assert cache.scores(DIGEST) is None
    cache.put_scores(DIGEST, [0.1 + 0.2, 1e-12], 1.5)
    assert cache.scores(DIGEST) == Scores((0.1 + 0.2, 1e-12), 1.5)
    assert cache.scores(OTHER) is None


def test_a_model_comes_back_with_its_facts(cache: FitCache, model: Path) -> None:
    cache.put_model(DIGEST, model, {"auc": 0.5})
    found = cache.model(DIGEST)
    assert found is not None
    assert (found[0] / "weights").read_bytes() == b"1"
    assert found[1] == {"auc": 0.5}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"digest": "other", "scores": [1.0], "seconds": 1}',
             f'{{"digest": "{DIGEST}", "scores": [], "seconds": 1}}',
             f'{{"digest": "{DIGEST}", "scores": [NaN], "seconds": 1}}',
             f'{{"digest": "{DIGEST}", "scores": ["x"], "seconds": 1}}']
)  # fmt: skip
def test_an_entry_that_does_not_read_back_is_absent(cache: FitCache, tmp_path: Path, text: str) -> None:
    cache.put_scores(DIGEST, [1.0], 1)
    (tmp_path / "fits" / ("a" * 64) / "entry.json").write_text(text, "utf-8")
    assert cache.scores(DIGEST) is None
    cache.put_scores(DIGEST, [2.0], 1)
    assert cache.scores(DIGEST) == Scores((2.0,), 1.0)


@pytest.mark.parametrize("damage", ["changed", "added", "gone"])
def test_a_model_whose_bytes_are_not_those_that_were_kept_is_absent(
    cache: FitCache, model: Path, tmp_path: Path, damage: str
) -> None:
    cache.put_model(DIGEST, model)
    kept = tmp_path / "fits" / ("a" * 64) / "model" / "weights"
    if damage == "changed":
        kept.write_bytes(b"2")
    elif damage == "added":
        (kept.parent / "more").write_bytes(b"")
    else:
        kept.unlink()
    assert cache.model(DIGEST) is None


def test_a_write_that_is_cut_short_leaves_no_entry_and_no_litter(
    cache: FitCache, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(PlatformError, match="disk is full"):
        cache.put_model(DIGEST, model)
    assert cache.model(DIGEST) is None
    assert list((tmp_path / "fits").iterdir()) == []
