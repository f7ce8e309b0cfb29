"""The files of data sets as a script finds them: which rows stay, in every file, for every way to split."""

from pathlib import Path
from typing import Any

import polars as pl

from modelyard.config.configuration import Config
from modelyard.steps.data_view import DataView


def view(root: Path, data: dict[str, Any]) -> DataView:
    config = Config.model_validate(
        {
            "model": {"name": "tiny", "task": "regression"},
            "data": {"columns": {"target": "y"}, **data},
            "train": {"candidates": [{"estimator": "sklearn.linear_model.Ridge"}]},
        }
    )
    return DataView(config, root, root)


def written(root: Path, name: str, first: int, rows: int, **more: Any) -> Path:
    frame = pl.DataFrame({"id": range(first, first + rows), "y": [first + at / 2 for at in range(rows)], **more})
    frame.write_csv(root / name)
    return root / name


def test_rows_of_several_files_stay_where_they_are(tmp_path: Path) -> None:
    paths = [written(tmp_path, f"{at}.csv", 10 * at, 10) for at in range(3)]
    data = {"sets": {"all": "*.csv"}, "split": {"of": "all", "by": "random", "test": 0.4}, "columns":
            {"target": "y", "id": "id"}}  # fmt: skip
    found = view(tmp_path, data)
    train = set(found.split().train["id"])
    copies = found.training_files()
    assert [copy.path for copy in copies] == paths
    for copy, path in zip(copies, paths, strict=True):
        assert copy.keep is not None
        assert copy.keep.tolist() == [each in train for each in pl.read_csv(path)["id"]]


def test_without_an_id_rows_are_known_by_their_place_also_after_rows_without_a_target(tmp_path: Path) -> None:
    lines = [f"{at}.5,{'' if at % 3 == 0 else at}" for at in range(30)]
    (tmp_path / "a.csv").write_text("x,y\n" + "\n".join(lines) + "\n", "utf-8")
    data = {"sets": {"all": "a.csv"}, "split": {"of": "all", "by": "random", "test": 0.4}, "missing_target": "drop"}
    found = view(tmp_path, data)
    (copy,) = found.training_files()
    assert copy.keep is not None
    kept = [float(at) for at in range(30) if copy.keep[at]]
    assert kept == found.split().train["y"].to_list()
    assert not any(at % 3 == 0 for at in map(int, kept))


def test_a_test_file_becomes_a_training_file_or_holds_no_row(tmp_path: Path) -> None:
    train = written(tmp_path, "train.csv", 0, 20)
    test = written(tmp_path, "test.csv", 100, 8)
    data = {"sets": {"train": "train.csv", "test": "test.csv"}}
    copies = {copy.path: copy for copy in view(tmp_path, data).training_files()}
    assert (copies[test].like, copies[test].hides, copies[train].hides) == (train, True, False)
    written(tmp_path, "test.csv", 100, 8, z=[1] * 8)
    copy = next(copy for copy in view(tmp_path, data).training_files() if copy.path == test)
    assert copy.like is None
    assert copy.keep is not None
    assert not copy.keep.any()


def test_a_file_of_another_set_is_as_it_is_unless_it_is_split(tmp_path: Path) -> None:
    paths = [written(tmp_path, f"{at}.csv", 10 * at, 10) for at in range(2)]
    other = written(tmp_path, "weather.tsv.csv", 0, 3)
    data = {"sets": {"all": "[01].csv", "first": "0.csv", "weather": other.name}, "columns": {"target": "y"},
            "split": {"of": "all", "by": "random", "test": 0.4}}  # fmt: skip
    copies = {copy.path: copy for copy in view(tmp_path, data).training_files()}
    assert set(copies) == {*paths, other}
    assert copies[paths[0]].hides
    assert copies[other].keep is None


def test_a_set_that_holds_test_rows_too_loses_them(tmp_path: Path) -> None:
    written(tmp_path, "train.csv", 0, 20)
    test = written(tmp_path, "test.csv", 100, 8)
    both = pl.concat([pl.read_csv(tmp_path / "train.csv"), pl.read_csv(test)])
    both.write_csv(tmp_path / "both.csv")
    data = {"sets": {"train": "train.csv", "test": "test.csv", "both": "both.csv"}}
    for columns in ({"target": "y", "id": "id"}, {"target": "y"}):
        copies = {copy.path.name: copy for copy in view(tmp_path, {**data, "columns": columns}).training_files()}
        keep = copies["both.csv"].keep
        assert keep is not None
        assert keep.tolist() == [True] * 20 + [False] * 8
        assert copies["both.csv"].hides


def test_another_set_loses_test_rows_also_where_a_column_is_called_row(tmp_path: Path) -> None:
    written(tmp_path, "all.csv", 0, 20, row=list(range(7, 27)))
    other = written(tmp_path, "copy.csv", 0, 20, row=list(range(7, 27)))
    data = {"sets": {"all": "all.csv", "copy": "copy.csv"}, "split": {"of": "all", "by": "random", "test": 0.4}}
    found = view(tmp_path, data)
    copy = next(each for each in found.training_files() if each.path == other)
    assert copy.keep is not None
    assert sorted(pl.read_csv(other).filter(pl.Series(copy.keep))["id"]) == sorted(found.split().train["id"])
