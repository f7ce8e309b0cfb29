"""`modelyard init` tries what it proposes; what does not run changes the guess and is told."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from modelyard.config.configuration import Config
from modelyard.config.load import load
from modelyard.config.roles import Asked
from modelyard.core.errors import ConfigError, DataError
from modelyard.usecases.propose_configuration import propose_configuration
from modelyard.usecases.try_proposal import try_configuration

N = 240
DRAW = np.random.default_rng(5)
X = DRAW.normal(size=N).round(3)
NOISE = DRAW.normal(size=N)
LABEL = (X + NOISE > 0).astype(int)


def init(folder: Path, frame: dict[str, Any], **asked: str) -> tuple[Config, str, tuple[str, ...]]:
    """The proposal for a table, which runs, its text, and what was told."""
    pl.DataFrame(frame).write_csv(folder / "table.csv")
    said: dict[str, Any] = {**asked}
    notes = propose_configuration(folder / "modelyard.yml", Asked(**said)).notes
    config = load(folder / "modelyard.yml", root=folder).config
    try_configuration(config, folder)
    return config, (folder / "modelyard.yml").read_text("utf-8"), notes


def split_of(config: Config) -> str:
    assert config.data.split is not None
    return config.data.split.by


def test_a_number_without_an_id_is_split_at_random(tmp_path: Path) -> None:
    config, text, _ = init(tmp_path, {"citric acid": X, "amount_paid": X * 2 + NOISE, "quality": X + NOISE})
    assert (config.model.task, split_of(config), config.data.columns.id) == ("regression", "random", None)
    assert "at_most: 0.5" not in text
    assert config.data.columns.group is None


@pytest.mark.parametrize("name", ["amount_paid", "citric acid", "humid", "paid"])
def test_a_name_that_ends_in_id_is_no_id(name: str, tmp_path: Path) -> None:
    config, _, _ = init(tmp_path, {"x": X, name: [row % 97 for row in range(N)], "y": LABEL})
    assert (config.data.columns.id, config.data.columns.group) == (None, None)


@pytest.mark.parametrize("name", ["patient_id", "customerId", "id"])
def test_ids_that_repeat_are_a_group_and_those_that_do_not_an_id(name: str, tmp_path: Path) -> None:
    repeated, _, _ = init(tmp_path, {"x": X, name: [row // 3 for row in range(N)], "y": LABEL})
    assert (repeated.data.columns.group, repeated.data.columns.id, split_of(repeated)) == (name, None, "random")
    (tmp_path / "modelyard.yml").unlink()
    unique, _, _ = init(tmp_path, {"x": X, name: range(N), "y": LABEL})
    assert (unique.data.columns.group, unique.data.columns.id) == (None, name)


def test_classes_that_come_one_after_another_are_not_split_by_time(tmp_path: Path) -> None:
    days = [date(2024, 1, 1) + timedelta(days=row) for row in range(N)]
    config, text, notes = init(tmp_path, {"day": days, "x": X, "y": [int(row > N // 2) for row in range(N)]})
    assert (config.data.columns.time, split_of(config)) == (None, "random")
    assert len(notes) == 1
    assert "one class" in notes[0]
    assert f"# tried: {notes[0]}" in text


def test_few_rows_have_few_folds(tmp_path: Path) -> None:
    days = [date(2024, 1, 1 + row // 60) for row in range(N)]
    config, _, notes = init(tmp_path, {"day": days, "x": X, "y": LABEL})
    assert notes
    assert config.train is not None


@pytest.mark.parametrize("weight", ["bwt", "copy"])
def test_a_column_that_determines_the_target_is_named_and_dropped(weight: str, tmp_path: Path) -> None:
    values = 2900 + 500 * NOISE
    column = values.round() if weight == "bwt" else [f"c{int(value < 2500)}" for value in values]
    config, text, notes = init(tmp_path, {"x": X, weight: column, "low": (values.round() < 2500).astype(int)})
    assert config.data.columns.drop == (weight,)
    assert f"'{weight}' tells the target 'low' alone" in notes[0]
    assert "it alone gives the target 'low' away" in text


def test_a_number_in_another_unit_determines_a_number(tmp_path: Path) -> None:
    config, _, _ = init(tmp_path, {"x": X, "minutes": NOISE * 60, "exp": np.exp(NOISE), "hours": NOISE})
    assert config.data.columns.drop == ("minutes", "exp")


def test_numbers_that_add_up_to_the_target_are_named(tmp_path: Path) -> None:
    casual, registered = DRAW.poisson(20, N), DRAW.poisson(90, N)
    frame = {"x": X, "casual": casual, "registered": registered, "rented": casual + registered}
    config, text, notes = init(tmp_path, frame)
    assert config.data.columns.drop == ("casual", "registered")
    assert len(notes) == 1
    assert "a weighted sum of 'casual', 'registered' is the target 'rented' in every row" in notes[0]
    assert f"# tried: {notes[0]}" in text


def test_what_tells_a_rare_class_by_chance_is_kept(tmp_path: Path) -> None:
    rare = [int(row % 16 == 7) for row in range(64)]
    frame = {"x": X[:64], "most": [90.0 + row if y else 0.1 * row for row, y in enumerate(rare)], "y": rare}
    config, _, notes = init(tmp_path, frame)
    assert config.data.columns.drop == ()
    assert config.train is not None
    assert config.train.search.folds < 5 or not notes


def test_what_the_user_says_is_taken_and_not_changed(tmp_path: Path) -> None:
    frame = {
        "year": [2000 + row // 20 for row in range(N)],
        "y": LABEL,
        "shop": [row // 20 for row in range(N)],
        "x": X,
    }
    config, text, _ = init(tmp_path, frame, target="y", task="binary", time="year", group="shop")
    columns = config.data.columns
    assert (columns.target, columns.time, columns.group, config.model.task) == ("y", "year", "shop", "binary")
    assert "target: y  # guessed: as asked" in text or "as asked" in text


def test_a_column_that_is_asked_for_and_not_there_gets_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no column 'labl'") as caught:
        init(tmp_path, {"x": X, "label": LABEL}, target="labl")
    assert "label" in caught.value.hint
    with pytest.raises(ConfigError, match="unknown task"):
        init(tmp_path, {"x": X, "label": LABEL}, task="binar")


def test_a_test_file_that_repeats_the_training_file_is_not_used(tmp_path: Path) -> None:
    for name in ("train.csv", "test.csv"):
        pl.DataFrame({"x": X, "y": LABEL}).write_csv(tmp_path / name)
    notes = propose_configuration(tmp_path / "modelyard.yml").notes
    config = load(tmp_path / "modelyard.yml", root=tmp_path).config
    assert config.data.sets == {"all": "train.csv"}
    assert "not apart" in notes[0]


def test_nothing_is_written_where_nothing_runs(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        init(tmp_path, {"x": X[:3], "y": [0, 1, 0]})
    assert not (tmp_path / "modelyard.yml").exists()


def test_pins_of_other_tools_are_not_required_of_candidates(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("black==24.1.0\n", "utf-8")
    config, text, _ = init(tmp_path, {"x": X, "y": LABEL})
    assert config.requirements is None
    assert "# requirements: requirements.txt  # not needed by candidates" in text


@pytest.mark.parametrize(("first", "time"), [(1990, "year"), (70, None)])
def test_whole_numbers_are_times_by_their_values(first: int, time: str | None, tmp_path: Path) -> None:
    config, _, _ = init(tmp_path, {"year": [first + row // 20 for row in range(N)], "x": X, "y": LABEL})
    assert (config.data.columns.time, split_of(config)) == (time, "time" if time else "random")


def test_a_target_that_every_column_tells_leaves_something_to_learn_from(tmp_path: Path) -> None:
    config, _, _ = init(
        tmp_path, {"a": range(N), "b": [2 * row for row in range(N)], "y": [int(r > 99) for r in range(N)]}
    )
    assert config.data.columns.drop == ()


def test_a_file_as_pandas_writes_it_leaves_the_index_out(tmp_path: Path) -> None:
    config, text, _ = init(tmp_path, {"": range(N), "x": X, "y": sorted(LABEL)})
    assert config.data.columns.drop == ("",)
    assert '"",  # an index without a name, as pandas and R write it' in text


def test_sets_of_files_with_an_index_are_read_and_compared(tmp_path: Path) -> None:
    for name, rows in (("train", slice(0, 200)), ("test", slice(200, N))):
        frame = {"": range(len(X[rows])), "x": X[rows], "z": NOISE[rows], "y": LABEL[rows]}
        pl.DataFrame(frame).write_csv(tmp_path / f"{name}.csv")
    propose_configuration(tmp_path / "modelyard.yml")
    config = load(tmp_path / "modelyard.yml", root=tmp_path).config
    assert config.data.sets == {"train": "train.csv", "test": "test.csv"}
    assert config.data.columns.drop == ("",)
    try_configuration(config, tmp_path)


def test_few_years_have_few_folds_and_stay_in_the_order_of_time(tmp_path: Path) -> None:
    config, _, notes = init(tmp_path, {"year": [2019 + row // 48 for row in range(N)], "x": X, "y": X + NOISE})
    assert (config.data.columns.time, split_of(config)) == ("year", "time")
    assert config.train is not None
    assert config.train.search.folds == 3
    assert len(notes) == 1
    assert notes[0].endswith("so there are fewer folds")


def test_parts_that_are_all_there_is_are_named_and_kept(tmp_path: Path) -> None:
    parts = {name: DRAW.normal(size=N) for name in "abcde"}
    config, _, notes = init(tmp_path, {**parts, "total": sum(parts.values())})
    assert config.data.columns.drop == ()
    assert "name under data.columns.drop what is known only after the event" in notes[0]


def test_what_nearly_adds_up_is_named_and_kept(tmp_path: Path) -> None:
    rate, real = 5 + NOISE, 2 + X
    frame = {"x": X[::-1], "rate": rate, "real": real, "inflation": rate - real + 0.02 * NOISE[::-1]}
    config, _, notes = init(tmp_path, frame)
    assert config.data.columns.drop == ()
    assert "a weighted sum of 'rate', 'real' is nearly the target 'inflation'; name under" in notes[0]


def test_a_series_of_one_number_says_what_to_derive(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing to learn from") as caught:
        init(tmp_path, {"YEAR": range(1770, 1770 + N), "SUNACTIVITY": NOISE})
    assert "the value before" in caught.value.hint


def test_text_that_writes_times_is_declared_and_split_by(tmp_path: Path) -> None:
    days = [(date(2024, 1, 1) + timedelta(days=row)).strftime("%d.%m.%Y") for row in range(N)]
    config, text, _ = init(tmp_path, {"day": days, "x": X, "y": X + NOISE})
    assert (config.data.columns.time, split_of(config)) == ("day", "time")
    assert 'all: {dates: {day: "%d.%m.%Y"}}' in text


def test_a_file_with_semicolons_and_decimal_commas_is_read_as_it_is(tmp_path: Path) -> None:
    lines = [f"{at};{x:.3f};{int(y)}".replace(".", ",") for at, x, y in zip(range(N), X, LABEL, strict=True)]
    (tmp_path / "table.csv").write_text("\n".join(["id;x;y", *lines]) + "\n", "utf-8")
    propose_configuration(tmp_path / "modelyard.yml")
    config = load(tmp_path / "modelyard.yml", root=tmp_path).config
    assert (config.data.read["all"].separator, config.data.read["all"].decimal) == (";", ",")
    assert (config.data.columns.id, config.data.columns.target) == ("id", "y")


def test_few_rows_whose_ids_put_a_class_on_one_side_are_split_within_classes(tmp_path: Path) -> None:
    frame = {"OBS": range(1, 33), "x": X[:32], "grade": [int(row % 8 == 1) for row in range(32)]}
    config, _, notes = init(tmp_path, frame)
    assert (config.data.columns.id, split_of(config)) == ("OBS", "random")
    assert any("so the split is at random within classes" in note for note in notes)


def test_free_text_is_tried_as_candidates_take_it(tmp_path: Path) -> None:
    words = ["dull", "bright", "slow", "warm"]
    reviews = [f"the film number {row} was {words[row * 7 % 4]} and rather {words[row % 4]}" for row in range(N)]
    config, _, notes = init(tmp_path, {"review": reviews, "liked": LABEL})
    assert (config.data.columns.id, config.data.columns.drop, notes) == (None, (), ())
