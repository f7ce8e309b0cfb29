"""Bad input to the judgement, through the real command line: its exit code, its message, and never a pass."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests import desk
from tests.desk import Done, edit
from tests.desk import inside as modelyard

CONFIG = """\
model: {name: judged, task: binary, positive: "yes", threshold: 0.5}
data:
  sets: {test: data/test.csv}
  columns: {target: answer, id: key}
evaluate:
  challenger: challenger.csv
  gates:
    - {metric: roc_auc, at_least: 0.6}
"""
ROWS = 400


def rows(count: int = ROWS, seed: int = 1) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    return desk.rows(count, seed).with_columns(
        shop=pl.Series(draw.choice(["north", "south"], count)),
        weight=pl.Series(draw.uniform(0.5, 2.0, count)),
        day=pl.Series(np.arange(count) % 29),
    )


def scores(frame: pl.DataFrame, strength: float = 0.5, seed: int = 2) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    truth = (frame["answer"] == "yes").to_numpy()
    return frame.select("key", probability=pl.Series(strength * truth + (1 - strength) * draw.random(len(frame))))


def repository(folder: Path, config: str = CONFIG, frame: pl.DataFrame | None = None) -> Path:
    (folder / "data").mkdir(parents=True)
    known = rows() if frame is None else frame
    known.write_csv(folder / "data" / "test.csv")
    scores(known).write_csv(folder / "challenger.csv")
    (folder / "modelyard.yml").write_text(config, "utf-8")
    (folder / ".gitignore").write_text("data/\n", "utf-8")
    desk.commit(folder)
    return folder


def judged(folder: Path) -> dict[str, Any]:
    result: dict[str, Any] = desk.record(folder, "evaluate")["result"]
    return result


def gate(folder: Path, at: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = judged(folder)["gates"][at]
    return found


def says(done: Done, code: int, *words: str) -> None:
    assert done.code == code, done.out + done.err
    for word in words:
        assert word in done.err, f"{word!r} is not in:\n{done.err}"


def test_one_class_in_the_test_rows_cannot_be_told(tmp_path: Path) -> None:
    with_train = CONFIG.replace("{test: data/test.csv}", "{train: data/train.csv, test: data/test.csv}")
    folder = repository(tmp_path / "one", with_train, rows().filter(answer="yes"))
    rows(seed=3).with_columns(key="t" + pl.col("key")).write_csv(folder / "data" / "train.csv")
    says(modelyard(folder, "run"), 1)
    assert (gate(folder)["verdict"], gate(folder)["reason"]["code"]) == ("inconclusive", "classes-absent")
    assert gate(folder)["reason"]["values"] == {"classes": ["no"]}


def test_one_class_in_a_slice_is_listed_and_does_not_pass_by_itself(tmp_path: Path) -> None:
    frame = rows().with_columns(shop=pl.when(pl.col("answer") == "yes").then(pl.lit("a")).otherwise(pl.lit("b")))
    folder = repository(tmp_path / "slice", CONFIG.replace("0.6}", "0.6, by: [shop]}"), frame)
    says(modelyard(folder, "run"), 1)
    found = gate(folder)
    assert found["on_all_rows"] == "pass"
    assert {row["value"]: row["verdict"] for row in found["slices"]} == {"a": "inconclusive", "b": "inconclusive"}
    assert found["verdict"] == "inconclusive"


@pytest.mark.parametrize(
    ("slices", "verdict", "code"),
    [
        ("[{shop: north}]", "pass", ""),
        ("[{shop: [north, south]}, shop]", "pass", ""),
        ("[{shop: west}]", "error", "slice-absent"),
        ("[shop, {colour: pink}]", "error", "slice-absent"),
        ("[shop, {rare: true}]", "inconclusive", "slices-unjudged"),
    ],
)
def test_a_slice_that_is_named_must_be_judged(tmp_path: Path, slices: str, verdict: str, code: str) -> None:
    frame = rows(1500).with_columns(rare=pl.int_range(pl.len()) < 6)
    folder = repository(tmp_path / "named", CONFIG.replace("0.6}", f"0.6, by: {slices}}}"), frame)
    done = modelyard(folder, "run")
    assert gate(folder)["verdict"] == verdict, gate(folder)
    assert code == (gate(folder)["reason"] or {}).get("code", "")
    assert done.code == {"pass": 0, "error": 3, "inconclusive": 1}[verdict]


def test_constant_predictions_beat_no_baseline(tmp_path: Path) -> None:
    config = CONFIG.replace("{test: data/test.csv}", "{train: data/train.csv, test: data/test.csv}")
    folder = repository(tmp_path / "constant", config[: config.index("  gates:")])
    rows(seed=3).with_columns(key="t" + pl.col("key")).write_csv(folder / "data" / "train.csv")
    rows().select("key", probability=pl.lit(0.7)).write_csv(folder / "challenger.csv")
    says(modelyard(folder, "run"), 1)
    assert (gate(folder)["id"], gate(folder)["verdict"]) == ("roc-auc-better-than-baseline", "fail")


TWO = """\
    - {metric: roc_auc, no_worse_than: champion, margin: 0.01}
    - {metric: accuracy, no_worse_than: champion, margin: 0.01, by: [shop]}
    - {metric: f1, no_worse_than: champion, margin: 0.01}
    - {metric: log_loss, better_than: champion}
"""


def with_champion(folder: Path, gates: str = TWO, config: str = CONFIG) -> Path:
    repository(folder, config)
    says(modelyard(folder, "run", "--promote"), 0)
    (folder / "champion.csv").write_bytes((folder / "challenger.csv").read_bytes())
    edit(folder / "modelyard.yml", "  challenger:", "  champion: champion.csv\n  challenger:")
    edit(folder / "modelyard.yml", "    - {metric: roc_auc, at_least: 0.6}\n", gates)
    return folder


def test_identical_models_are_no_worse_and_not_better(tmp_path: Path) -> None:
    folder = with_champion(tmp_path / "same")
    says(modelyard(folder, "run"), 1)
    assert [each["verdict"] for each in judged(folder)["gates"]] == ["pass", "pass", "pass", "fail"]


def test_labels_that_agree_on_few_rows_are_not_the_same_model(tmp_path: Path) -> None:
    gates = "    - {metric: accuracy, no_worse_than: champion, margin: 0.005}\n"
    labels = CONFIG.replace("roc_auc, at_least", "accuracy, at_least")
    folder = repository(tmp_path / "labels", labels)
    given = scores(rows()).select("key", prediction=pl.when(pl.col("probability") < 0.5).then(pl.lit("no")).otherwise(
        pl.lit("yes")))  # fmt: skip
    given.write_csv(folder / "challenger.csv")
    says(modelyard(folder, "run", "--promote"), 0)
    given.write_csv(folder / "champion.csv")
    pl.concat([given, pl.DataFrame({"key": ["other"], "prediction": ["no"]})]).write_csv(folder / "challenger.csv")
    edit(folder / "modelyard.yml", "  challenger:", "  champion: champion.csv\n  challenger:")
    edit(folder / "modelyard.yml", "    - {metric: accuracy, at_least: 0.6}\n", gates)
    says(modelyard(folder, "run"), 1)
    found = gate(folder)
    assert (found["verdict"], found["estimate"]["method"][0]["code"]) == ("inconclusive", "tango")
    assert found["estimate"]["low"] < -0.005


def test_rows_out_of_order_are_joined_by_their_id(tmp_path: Path) -> None:
    folder = with_champion(tmp_path / "order")
    modelyard(folder, "run")
    before = judged(folder)["gates"]
    for name in ("challenger.csv", "champion.csv"):
        pl.read_csv(folder / name).sample(fraction=1, shuffle=True, seed=3).write_csv(folder / name)
    modelyard(folder, "run")
    assert [each["challenger"] for each in judged(folder)["gates"]] == [each["challenger"] for each in before]
    assert gate(folder)["verdict"] == "inconclusive" or gate(folder)["verdict"] == "pass"


def multiclass(sums: float) -> Any:
    def act(folder: Path) -> None:
        edit(folder / "modelyard.yml", 'task: binary, positive: "yes", threshold: 0.5', "task: multiclass")
        edit(folder / "modelyard.yml", "roc_auc, at_least", "accuracy, at_least")
        known = rows()
        truth = (known["answer"] == "yes").to_numpy()
        known.select(
            "key", probability_no=pl.Series(sums * np.where(truth, 0.2, 0.9)), probability_yes=pl.Series(
                sums * np.where(truth, 0.8, 0.1))
        ).write_csv(folder / "challenger.csv")  # fmt: skip

    return act


def column(name: str, values: pl.Expr) -> Any:
    def act(folder: Path) -> None:
        path = folder / "challenger.csv"
        pl.read_csv(path).with_columns(values.alias(name)).write_csv(path)

    return act


def numbered(folder: Path) -> None:
    known = rows().with_columns(key=pl.int_range(1, pl.len() + 1))
    known.write_csv(folder / "data" / "test.csv")
    given = scores(known).with_columns(key=pl.col("key").cast(pl.String))
    twice = given.head(1).with_columns(key=pl.lit("1.0"))
    pl.concat([given, twice]).write_parquet(folder / "challenger.parquet")
    edit(folder / "modelyard.yml", "challenger.csv", "challenger.parquet")


def weights(value: float) -> Any:
    def act(folder: Path) -> None:
        rows().with_columns(weight=pl.when(pl.col("key") == "k3").then(value).otherwise("weight")).write_csv(
            folder / "data" / "test.csv"
        )
        edit(folder / "modelyard.yml", "id: key", "id: key, weight: weight")

    return act


def units(folder: Path) -> None:
    edit(folder / "modelyard.yml", "id: key", "id: key, unit: {column: day}")


def no_rows(folder: Path) -> None:
    rows().head(0).write_csv(folder / "data" / "test.csv")


def no_targets(folder: Path) -> None:
    rows().with_columns(answer=pl.lit(None, dtype=pl.String)).write_csv(folder / "data" / "test.csv")
    edit(folder / "modelyard.yml", "data:\n", "data:\n  missing_target: drop\n")


def missing_ids(folder: Path) -> None:
    rows().with_columns(key=pl.when(pl.col("size") > 1).then(None).otherwise("key")).write_csv(
        folder / "data" / "test.csv"
    )


CASES: dict[str, tuple[Any, int, tuple[str, ...]]] = {
    "rows of probabilities that do not sum to 1": (multiclass(0.5), 3, ("400 rows of probabilities do not sum to 1",)),
    "a negative probability": (column("probability", pl.col("probability") - 0.5), 3, ("outside 0 to 1",)),
    "NaN": (column("probability", pl.lit(float("nan"))), 3, ("predictions are NaN, missing or infinite",)),
    "no probability, no prediction": (
        lambda f: edit(f / "challenger.csv", "probability", "probabilty"), 3, ("neither probability nor prediction",),
    ),
    "no id": (lambda f: edit(f / "challenger.csv", "key,", "ky,"), 3, ("no column 'key'", "'ky'")),
    "labels that are no class": (
        lambda f: rows().select("key", prediction=pl.lit("perhaps")).write_csv(f / "challenger.csv"), 3,
        ("400 predicted labels are none of the 2 classes",),
    ),
    "no predictions": (
        lambda f: scores(rows()).head(0).write_csv(f / "challenger.csv"), 3, ("challenger.csv holds no predictions",),
    ),
    "missing ids in the data": (missing_ids, 3, ("data.columns.id", "are missing")),
    "a row without a prediction in fifty": (
        lambda f: scores(rows()).gather_every(2).write_csv(f / "challenger.csv"), 3, ("have no prediction", "1 %"),
    ),
    "zero rows": (no_rows, 3, ("no rows",)),
    "zero rows after rows without target are dropped": (no_targets, 3, ("no target",)),
    "a negative weight": (weights(-1.0), 3, ("negative",)),
    "a missing weight": (weights(float("nan")), 3, ("weight",)),
    "a gate by a column that is not there": (
        lambda f: edit(f / "modelyard.yml", "0.6}", "0.6, by: [shp]}"), 3, ("shp", "'shop'"),
    ),
    "a named slice of a column that is not there": (
        lambda f: edit(f / "modelyard.yml", "0.6}", "0.6, by: [{shp: north}]}"), 3, ("shp", "'shop'"),
    ),
    "a threshold to be chosen where nothing is trained": (
        lambda f: edit(f / "modelyard.yml", "threshold: 0.5", "threshold: {maximise: f1}"), 2,
        ("model.threshold", "[train/threshold-without-folds]"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_bad_input_to_the_judgement_has_its_answer(tmp_path: Path, name: str) -> None:
    act, code, words = CASES[name]
    folder = repository(tmp_path / "bad")
    act(folder)
    says(modelyard(folder, "run"), code, *words)


def test_ids_that_become_one_number_are_duplicates(tmp_path: Path) -> None:
    folder = repository(tmp_path / "numbers")
    numbered(folder)
    done = modelyard(folder, "run")
    assert done.code in (0, 3), "1.0 is no integer, so that it is left out; as 01 it is the number 1"
    given = pl.read_parquet(folder / "challenger.parquet").with_columns(
        key=pl.when(pl.col("key") == "1.0").then(pl.lit("01")).otherwise("key")
    )
    given.write_parquet(folder / "challenger.parquet")
    says(modelyard(folder, "run"), 3, "1 predictions repeat an id")


def test_29_units_are_too_few_for_a_level(tmp_path: Path) -> None:
    folder = repository(tmp_path / "units")
    units(folder)
    says(modelyard(folder, "run"), 1)
    assert (gate(folder)["verdict"], gate(folder)["reason"]["code"]) == ("inconclusive", "too-few-units")
    assert gate(folder)["estimate"]["n"] == 29


COMMAND = """\
train:
  command: python train.py {train} {model_dir}
"""
FINE = (
    "r = pl.read_csv(sys.argv[1])\n"
    "r.select('key', probability=1 / (1 + (-pl.col('size')).exp())).write_csv(sys.argv[2])\n"
)


def by_command(folder: Path, scoring: str, timeout: str = "1h") -> Path:
    config = desk.QUICK.replace(desk.QUICK[desk.QUICK.index("train:\n") : desk.QUICK.index("evaluate:\n")], COMMAND)
    predict = f'  predict: {{command: "python predict.py {{rows_csv}} {{predictions_csv}}", timeout: {timeout}}}\n'
    desk.repository(folder, config.replace("evaluate:\n", "evaluate:\n" + predict))
    (folder / "train.py").write_text(
        "import pathlib, sys\npathlib.Path(sys.argv[2], 'model.txt').write_text('m')\n", "utf-8"
    )
    (folder / "predict.py").write_text("import pathlib, sys, time, polars as pl\n" + scoring, "utf-8")
    return folder


@pytest.mark.parametrize(
    ("scoring", "words"),
    [
        ("time.sleep(60)\n", ("evaluate.predict.command", "2s")),
        ("print('no such weights')\nsys.exit(7)\n", ("evaluate.predict.command", "7", "logs/predict-")),
        ("import os\nos.kill(os.getpid(), 9)\n", ("evaluate.predict.command",)),
        ("pass\n", ("wrote no predictions",)),
        (FINE.replace("r.select", "r.head(100).select"), ("have no prediction", "allowed: 1 %")),
    ],
    ids=["hangs", "fails", "dies", "writes nothing", "returns fewer rows"],
)
def test_a_predict_command_that_does_not_do_its_work(tmp_path: Path, scoring: str, words: tuple[str, ...]) -> None:
    folder = by_command(tmp_path / "command", scoring, "2s")
    done = modelyard(folder, "run")
    says(done, 3, "the challenger", *words)
    assert "no such weights" not in done.out + done.err, "what it printed may hold values of rows"


def test_a_champion_that_no_longer_loads_is_never_a_first_run(tmp_path: Path) -> None:
    weights = tmp_path / "weights.txt"
    weights.write_text("1.0", "utf-8")
    folder = by_command(
        tmp_path / "gone", f"pathlib.Path({str(weights)!r}).is_file() or sys.exit('no weights')\n" + FINE
    )
    says(modelyard(folder, "run", "--promote"), 0)
    weights.unlink()
    (folder / "predict.py").write_text("import sys, polars as pl\n" + FINE, "utf-8")
    done = modelyard(folder, "run")
    says(done, 3, "the champion v1", "exit status 1", "modelyard adopt MODEL --replace")
    (log,) = (folder / ".modelyard" / "logs").glob("*champion-v1.log")
    assert (log.read_text("utf-8").strip(), log.name in done.err) == ("no weights", True)


def test_classes_that_the_champion_never_saw_are_an_error(tmp_path: Path) -> None:
    config = desk.QUICK.replace('task: binary, positive: "yes", metric: roc_auc', "task: multiclass, metric: log_loss")
    start = config.index("  gates:\n")
    config = config[:start] + "  gates:\n    - {metric: log_loss, at_most: 2}\n"
    folder = desk.repository(tmp_path / "classes", config)
    data = folder / "data" / "part-1.csv"
    three = pl.read_csv(data).with_columns(
        answer=pl.when(pl.col("size") > 0.8).then(pl.lit("maybe")).otherwise("answer")
    )
    says(modelyard(folder, "run", "--promote"), 0)
    three.write_csv(data)
    says(modelyard(folder, "run"), 3, "the champion v1 knows other classes than today's rows have: not maybe")
