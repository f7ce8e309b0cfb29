"""What `modelyard init` proposes: always a file that loads, each guess marked as one, nothing hostile let through."""

import re
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.config.discovery import Column, Outline
from modelyard.config.load import Loaded, load
from modelyard.config.scaffold import look, propose
from modelyard.core.errors import ConfigError, DataError

Columns = Sequence[tuple[str, str, int, int]]
"""Name, type, different values, missing ones; whole numbers without gaps where as many differ as there are rows."""

FLIGHTS: Columns = [
    ("flight_id", "String", 5000, 0),
    ("time_hour", "Datetime(time_unit='us', time_zone='UTC')", 900, 0),
    ("carrier", "String", 16, 0),
    ("distance", "Int64", 200, 12),
    ("late", "Boolean", 2, 0),
]
HOUSES: Columns = [("rooms", "Int64", 9, 0), ("area", "Float64", 380, 0), ("price", "Float64", 350, 3)]
TRAIN = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("-d", "--train-data", required=True)
parser.add_argument("--out", default="model.joblib")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--rounds", type=int, default=100)
open("reports/metrics.json", "w")
raise SystemExit("this file must never be run")
"""
PREDICT = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("--input")
parser.add_argument("--output")
pd.read_csv(x)
"""


def write(folder: Path, name: str, text: str = "x") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text), "utf-8")


def seen(columns: Columns) -> Outline:
    """What is seen of a file that has as many rows as its column of most values has values."""
    rows = max((distinct for _, _, distinct, _ in columns), default=0)
    return Outline(
        [
            Column(name, kind, count, missing, rows, whole=(whole := "Int" in kind), counts=whole and count == rows)
            for name, kind, count, missing in columns
        ]
    )


def init(folder: Path, columns: Columns = FLIGHTS) -> tuple[str, Loaded]:
    """The proposed text, and what the loader makes of it."""
    text = propose(folder, look(folder, lambda path: seen(columns)))
    (folder / "modelyard.yml").write_text(text, "utf-8")
    return text, load(folder / "modelyard.yml", root=folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "Late Flights (2013)"
    home.mkdir()
    return home


def test_partitions_with_a_time_and_an_id(folder: Path) -> None:
    for month in range(1, 4):
        write(folder, f"data/flights-2013-{month:02}.parquet")
    text, loaded = init(folder)
    config = loaded.config
    assert config.model.name == "late-flights-2013"
    assert config.model.task == "binary"
    assert config.data.sets == {"all": "data/*.parquet"}
    assert config.data.split is not None
    assert (config.data.split.by, config.data.split.test) == ("time", 0.2)
    assert (config.data.columns.target, config.data.columns.id, config.data.columns.time) == (
        "late", "flight_id", "time_hour",
    )  # fmt: skip
    assert config.train is not None
    assert len(config.train.candidates) == 2
    assert "target: late  # guessed: a column of this name usually is the target; check it" in text


def test_every_guess_says_that_it_is_one(folder: Path) -> None:
    write(folder, "data/a.csv")
    write(folder, "train.py", TRAIN)
    write(folder, "predict.py", PREDICT)
    write(folder, "requirements.txt", "pandas>=2\n")
    text, _ = init(folder)
    for key in ("name", "task", "all", "split", "target", "id", "time", "metrics", "requirements"):
        assert re.search(rf"^ *{key}: .*# guessed: .*; check it$", text, re.MULTILINE), key
    for key in ("command", "predict"):
        assert re.search(rf"^ *{key}: .*\n *# guessed: .*; check it$", text, re.MULTILINE), key
    assert max(map(len, text.splitlines())) <= 140


def test_a_quantity_is_a_regression_and_splits_without_classes(folder: Path) -> None:
    write(folder, "houses.csv")
    text, loaded = init(folder, HOUSES)
    assert loaded.config.model.task == "regression"
    assert loaded.config.data.split is not None
    assert (loaded.config.data.split.by, loaded.config.data.split.column) == ("random", None)
    assert loaded.config.data.missing_target == "drop"
    assert "3 rows have no target" in text
    assert "Ridge" in text


@pytest.mark.parametrize(
    ("target", "task"),
    [
        (("y", "Int64", 2, 0), "binary"),
        (("y", "Int64", 7, 0), "multiclass"),
        (("y", "String", 3, 0), "multiclass"),
        (("y", "Int64", 300, 0), "regression"),
        (("y", "Float64", 5, 0), "regression"),
        (("y", "Boolean", 2, 0), "binary"),
    ],
)
def test_the_task_follows_from_type_and_values(target: tuple[str, str, int, int], task: str, folder: Path) -> None:
    write(folder, "a.csv")
    _, loaded = init(folder, [("x", "Float64", 100, 0), target])
    assert loaded.config.model.task == task


@pytest.mark.parametrize(
    ("columns", "target"),
    [
        ([("Churn", "Boolean", 2, 0), ("x", "Float64", 9, 0)], "Churn"),
        ([("is_good_label", "Int64", 2, 0), ("x", "Float64", 9, 0)], "is_good_label"),
        ([("a", "Float64", 9, 0), ("b", "Int64", 2, 0)], "b"),
        ([("a", "Float64", 9, 0), ("b", "Int64", 2, 0), ("when", "Date", 9, 0)], "b"),
        ([("a", "Float64", 9, 0), ("b", "Int64", 2, 0), ("row_id", "Int64", 99, 0)], "b"),
    ],
)
def test_the_target_is_named_so_or_stands_last(columns: Columns, target: str, folder: Path) -> None:
    write(folder, "a.csv")
    assert init(folder, columns)[1].config.data.columns.target == target


def test_a_number_in_the_first_column_that_never_repeats_is_an_id(folder: Path) -> None:
    write(folder, "a.csv")
    _, loaded = init(folder, [("sample", "Int64", 569, 0), ("x", "Float64", 500, 0), ("y", "Int64", 2, 0)])
    assert loaded.config.data.columns.id == "sample"
    assert loaded.config.data.split is not None
    assert loaded.config.data.split.by == "hash"


def test_an_id_that_repeats_is_a_group(folder: Path) -> None:
    write(folder, "a.csv")
    text, loaded = init(folder, [("customer_id", "Int64", 50, 0), ("x", "Float64", 500, 0), ("y", "Int64", 2, 0)])
    assert loaded.config.data.columns.id is None
    assert loaded.config.data.columns.group == "customer_id"
    assert "group: customer_id  # guessed: an id whose values repeat" in text


def test_row_numbers_of_pandas_are_dropped_and_text_dates_pointed_out(folder: Path) -> None:
    write(folder, "a.csv")
    columns = [
        ("Unnamed: 0", "Int64", 9, 0),
        ("order_date", "String", 9, 0),
        ("x", "Float64", 30, 0),
        ("y", "Int64", 2, 0),
    ]
    text, loaded = init(folder, columns)
    assert loaded.config.data.columns.drop == ("Unnamed: 0",)
    assert loaded.config.data.columns.time is None
    assert "'order_date' may be one, but holds text" in text


def test_train_and_test_files_stay_two_sets(folder: Path) -> None:
    write(folder, "data/train.csv")
    write(folder, "data/test.csv")
    _, loaded = init(folder)
    assert loaded.config.data.sets == {"train": "data/train.csv", "test": "data/test.csv"}
    assert loaded.config.data.split is None


def test_a_test_file_without_the_target_is_no_test_set(folder: Path) -> None:
    write(folder, "data/train.csv")
    write(folder, "data/test.csv")
    found = look(folder, lambda path: seen(FLIGHTS if path.stem == "train" else FLIGHTS[:-1]))
    (folder / "modelyard.yml").write_text(propose(folder, found), "utf-8")
    assert load(folder / "modelyard.yml", root=folder).config.data.sets == {"all": "data/train.csv"}
    assert "# also here: 'data/test.csv'" in propose(folder, found)


def test_data_is_not_looked_for_in_environments_results_or_behind_links(folder: Path, tmp_path: Path) -> None:
    for name in ("venv/x.csv", ".cache/x.csv", "node_modules/x.csv", "modelyard-run/x.csv", "predictions.csv"):
        write(folder, name)
    write(tmp_path, "outside.csv")
    (folder / "link.csv").symlink_to(tmp_path / "outside.csv")
    with pytest.raises(ConfigError, match="found no data"):
        init(folder)


# scripts


def test_scripts_are_read_and_never_run(folder: Path) -> None:
    write(folder, "a.csv")
    write(folder, "src/train.py", TRAIN)
    write(folder, "src/predict.py", PREDICT)
    _, loaded = init(folder)
    assert loaded.config.train is not None
    assert loaded.config.train.command == (
        "python src/train.py --train-data {train} --out {model_dir}/model.joblib --seed {seed}"
    )
    assert loaded.config.train.metrics == "reports/metrics.json"
    assert loaded.config.evaluate.predict is not None
    assert loaded.config.evaluate.predict.command == (
        "python src/predict.py {model_dir} --input {rows_csv} --output {predictions_csv}"
    )


def test_a_script_that_reads_parquet_gets_parquet(folder: Path) -> None:
    write(folder, "a.csv")
    write(folder, "train.py", TRAIN)
    write(folder, "predict.py", PREDICT.replace("read_csv", "read_parquet"))
    predict = init(folder)[1].config.evaluate.predict
    assert predict is not None
    assert predict.command == "python predict.py {model_dir} --input {rows} --output {predictions}"


def test_click_options_are_read_too(folder: Path) -> None:
    write(folder, "a.csv")
    write(
        folder, "train.py", "@click.command()\n@click.option('--data')\n@click.option('--model-dir')\ndef main(): ...\n"
    )
    write(folder, "predict.py", PREDICT)
    train = init(folder)[1].config.train
    assert train is not None
    assert train.command == "python train.py --data {train} --model-dir {model_dir}"


@pytest.mark.parametrize(
    ("train", "predict", "said"),
    [
        (TRAIN, None, "add a script that scores rows (predict.py)"),
        (TRAIN, "print(1)", "were not all found in"),
        (TRAIN.replace("default=100", "required=True"), PREDICT, "it insists on '--rounds', which only you can fill"),
        ("import sys; print(sys.argv)", PREDICT, "no options for the data and for the model's folder were found"),
    ],
)
def test_a_script_that_is_not_understood_is_mentioned_and_not_used(
    train: str, predict: str | None, said: str, folder: Path
) -> None:
    write(folder, "a.csv")
    write(folder, "train.py", train)
    if predict:
        write(folder, "predict.py", predict)
    text, loaded = init(folder)
    assert said in text
    assert loaded.config.train is not None
    assert loaded.config.train.candidates


@pytest.mark.parametrize("text", ["def (:", "\x00", "(" * 5000, "x = '\\ud800'"])
def test_a_script_that_is_no_python_does_no_harm(text: str, folder: Path) -> None:
    write(folder, "a.csv")
    write(folder, "train.py", text)
    assert init(folder)[1].config.train is not None


# requirements, pointers, nothing


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("pandas>=2  # a comment\nlightgbm==4.6.0 \\\n    --hash=sha256:00\n\nnumpy; python_version < '4'\n", None),
        ("-r base.txt\n", "line 1 is an option"),
        ("pandas\n--index-url https://example.org/simple\n", "line 2 is an option"),
        ("thing @ https://example.org/thing.whl\n", "line 1 is an address"),
        ("./wheels/thing.whl\n", "line 1 is no requirement"),
    ],
)
def test_requirements_are_used_only_where_a_run_would_take_them(text: str, problem: str | None, folder: Path) -> None:
    write(folder, "a.csv")
    write(folder, "train.py", TRAIN)
    write(folder, "predict.py", PREDICT)
    write(folder, "requirements.txt", text)
    proposed, loaded = init(folder)
    assert loaded.config.requirements == (None if problem else "requirements.txt")
    assert problem is None or f"# requirements: requirements.txt  # not yet: {problem}" in proposed


def test_pointers_alone_say_what_to_fetch(folder: Path) -> None:
    write(folder, "data/a.csv.dvc", "outs:\n- md5: 0\n  path: a.csv\n")
    write(folder, "data/b.parquet", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(ConfigError) as caught:
        init(folder)
    assert str(caught.value) == (
        "there are pointers to data (data/a.csv.dvc, data/b.parquet) and no data [data/pointers-alone]\n"
        "  hint: Fetch it first: `dvc pull`, or `git lfs pull`; then run `modelyard init` again."
    )


def test_a_pointer_beside_data_is_pointed_out(folder: Path) -> None:
    write(folder, "data/a.csv")
    write(folder, "data/a.csv.dvc")
    assert "a pointer of DVC or Git LFS is beside this data" in init(folder)[0]


def test_nothing_at_all_says_what_was_looked_for(folder: Path) -> None:
    write(folder, "README.md")
    with pytest.raises(ConfigError, match=r"found no data: looked for \.parquet, .*\.dvc and Git LFS"):
        init(folder)


def test_data_that_cannot_be_read_is_passed_over_and_named_where_there_is_no_other(folder: Path) -> None:
    def peek(path: Path) -> Outline:
        if path.name == "bad.csv":
            raise DataError("bad.csv: not UTF-8")
        return seen(FLIGHTS)

    write(folder, "bad.csv", "x" * 100)
    with pytest.raises(DataError, match="not UTF-8"):
        look(folder, peek)
    write(folder, "good.csv")
    assert look(folder, peek).data.path == "good.csv"


def test_one_column_is_not_enough(folder: Path) -> None:
    write(folder, "a.csv")
    with pytest.raises(ConfigError, match="one column, and nothing to predict it from"):
        init(folder, [("y", "Int64", 2, 0)])


# hostile names

NAMES = st.text(min_size=1, max_size=12) | st.sampled_from(
    [
        "no",
        "null",
        "1",
        "a: b",
        "#x",
        "x\n#",
        "\u2028",
        "- y",
        "{z}",
        "'",
        '"',
        "*a",
        "&b",
        "!c",
        "%d",
        "@e",
        "<<",
        "~",
        "a\\b",
    ]
)


@settings(max_examples=200, deadline=None)
@given(
    names=st.lists(NAMES, min_size=2, max_size=5, unique=True),
    kinds=st.lists(st.sampled_from(["Int64", "Float64", "String", "Boolean", "Date"]), min_size=5, max_size=5),
    distinct=st.lists(st.integers(0, 60), min_size=5, max_size=5),
)
def test_whatever_the_columns_are_called_the_proposal_loads(
    names: list[str], kinds: list[str], distinct: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    write(folder, "a.csv")
    columns = [(name, kind, count, 0) for name, kind, count in zip(names, kinds, distinct, strict=False)]
    try:
        _, loaded = init(folder, columns)
    except ConfigError as error:
        expected = ("one column, and nothing", "no column of the data could", "have no columns")
        if not any(part in str(error) for part in expected):
            raise
        return
    assert loaded.config.data.columns.target in names


@pytest.mark.parametrize("name", ["da ta/a b.csv", "naïve.csv", "on.csv", "1.csv", "a#b.csv", "a: b.csv", "'q'.csv"])
def test_whatever_the_file_is_called_the_proposal_names_it(name: str, folder: Path) -> None:
    write(folder, name)
    assert init(folder)[1].config.data.sets == {"all": name}


@pytest.mark.parametrize("name", ["a[1].csv", "a*.csv", "a\nb.csv"])
def test_a_name_that_would_be_read_as_a_glob_is_not_proposed(name: str, folder: Path) -> None:
    write(folder, name)
    with pytest.raises(ConfigError, match="found no data"):
        init(folder)
