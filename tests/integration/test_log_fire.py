"""Writers of a prediction log are killed: no acknowledged row is lost, none is torn, and none is there twice."""

from pathlib import Path

from tests.log_fire import fire


def test_writers_killed_at_random_rows_lose_nothing(tmp_path: Path) -> None:
    found = fire(tmp_path, rounds=2, processes=3, seed=5)
    assert found.kills == 6
    assert found.read >= found.acknowledged > 500
    assert found.lost == found.wrong == found.twice == 0
    assert found.left > 0
