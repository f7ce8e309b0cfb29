"""The desk, from a first run to a rollback, through the real command line on a tiny repository."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from tests import desk
from tests.desk import edit, record
from tests.desk import inside as modelyard

QUICK = desk.CONFIG.replace("validate:\n  suites: {all: suite.json}\n", "")
FIT = """\
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

STRENGTH = 1.0

def fit(data, parameters, seed):
    chosen = make_column_transformer(("passthrough", ["size"]))
    return make_pipeline(chosen, LogisticRegression(C=STRENGTH)).fit(data.features, data.target)
"""
ENTRYPOINT = QUICK.replace(
    QUICK[QUICK.index("train:\n") : QUICK.index("evaluate:\n")],
    'train: {entrypoint: "own:fit", python-path: [src]}\n',
).replace('metric: roc_auc}', 'metric: roc_auc, format: joblib}', 1)  # fmt: skip


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = desk.repository(tmp_path_factory.mktemp("story") / "tiny", QUICK)
    done = modelyard(folder, "run", "--promote", "--reason", "the first")
    assert done.code == 0, done.out + done.err
    return folder


@pytest.fixture
def tiny(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first, tmp_path / "tiny"))


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def more_rows(folder: Path, seed: int = 3) -> None:
    desk.rows(200, seed=seed, first=1000 * seed).write_csv(folder / "data" / f"part-{seed}.csv")


def reasons(folder: Path) -> list[str]:
    done = modelyard(folder, "detect", "--json")
    assert done.code == 0, done.err
    return [reason for reason in done.json["reasons"].split(",") if reason]


def test_the_whole_pipeline_with_its_suite(tmp_path: Path) -> None:
    folder = desk.repository(tmp_path / "tiny")
    done = desk.modelyard(folder, "run", "--promote", "--json")
    assert done.code == 0, done.err
    assert [stage["step"] for stage in done.json["stages"]] == [
        "detect", "validate", "train", "evaluate", "report", "promote",
    ]  # fmt: skip
    assert record(folder, "validate")["result"]["suites"][0]["rows"] == desk.ROWS
    shown = desk.modelyard(folder, "verify", "--version", "v1")
    assert (shown.code, "verified" in shown.out) == (0, True)


def test_a_version_carries_its_profile_and_golden_rows(tiny: Path) -> None:
    import polars as pl

    run = tiny / "modelyard-run"
    inputs, predictions = (pl.read_parquet(run / "golden" / f"{name}.parquet") for name in ("inputs", "predictions"))
    assert (len(inputs), len(predictions)) == (32, 32)
    assert set(inputs["colour"].unique()) <= {"red", "green", "blue"}
    assert predictions["probability"].is_between(0, 1).all()
    assert "answer" not in inputs.columns
    profile = json.loads((run / "profile" / "profile.json").read_bytes())
    assert "red" not in json.dumps(profile), "no key, no categories"
    manifest = next((tiny / ".modelyard" / "registry" / "tiny" / "versions").glob("v1*")).read_text("utf-8")
    for path in ("golden/inputs.parquet", "golden/predictions.parquet", "profile/profile.json", "environment.txt"):
        assert path in manifest


def test_a_second_run_finds_nothing_to_do_and_touches_nothing(tiny: Path) -> None:
    before = files(tiny / "modelyard-run")
    done = desk.modelyard(tiny, "run")
    assert done.code == 0
    assert "nothing to do" in done.out
    assert "v1" in done.out
    for stage in ("train", "evaluate", "report"):
        assert f"{stage}: not run, because nothing changed since v1" in done.err
    assert files(tiny / "modelyard-run") == before
    assert desk.modelyard(tiny, "verify").code == 0


def test_detect_names_data_and_its_partitions(tiny: Path) -> None:
    assert reasons(tiny) == []
    more_rows(tiny)
    edit(tiny / "data" / "part-1.csv", "k7,", "k7x,")
    assert reasons(tiny) == ["data"]
    found = record(tiny, "detect")["result"]["sets"][0]
    assert (found["added"], found["modified"]) == (["data/part-3.csv"], ["data/part-1.csv"])


def test_detect_names_the_configuration_but_not_its_comments(tiny: Path) -> None:
    path = tiny / "modelyard.yml"
    path.write_text("# a comment\n" + path.read_text("utf-8"), "utf-8")
    assert reasons(tiny) == []
    edit(path, "at_least: 0.6", "at_least: 0.61")
    assert reasons(tiny) == ["configuration"]


def test_detect_names_packages(tiny: Path) -> None:
    edit(tiny / "modelyard.yml", "evaluate:\n", "requirements: requirements.txt\nevaluate:\n")
    (tiny / "requirements.txt").write_text("lightgbm\n", "utf-8")
    assert reasons(tiny) == ["configuration", "packages"]


def test_detect_names_the_code_of_an_entrypoint(tmp_path: Path) -> None:
    folder = desk.repository(tmp_path / "tiny", ENTRYPOINT)
    (folder / "src").mkdir()
    (folder / "src" / "own.py").write_text(FIT, "utf-8")
    assert reasons(folder) == ["first-run"]
    done = modelyard(folder, "run", "--promote")
    assert done.code == 0, done.out + done.err
    assert reasons(folder) == []
    edit(folder / "src" / "own.py", "STRENGTH = 1.0", "STRENGTH = 0.5")
    assert reasons(folder) == ["code"]
    again = modelyard(folder, "run")
    assert again.code == 1, "both rank every pair alike, so nothing can be told"
    assert "the champion v1 scores the same rows" in again.err


def test_promote_promote_rollback_and_the_history(tiny: Path) -> None:
    more_rows(tiny)
    assert desk.modelyard(tiny, "run", "--promote", "--reason", "more rows").code == 0
    back = desk.modelyard(tiny, "rollback", "--reason", "errors since the morning")
    assert back.code == 0, back.err
    assert "all 32 golden predictions came out again, the same to the last bit" in back.out
    moves = desk.modelyard(tiny, "history", "--json").json
    assert [(move["kind"], move["from"], move["to"], move["reason"]) for move in moves] == [
        ("promoted", None, "v1", "the first"),
        ("promoted", "v1", "v2", "more rows"),
        ("rolled-back", "v2", "v1", "errors since the morning"),
    ]
    assert all(move["actor"] and move["at"] and move["evidence"].startswith("sha256:") for move in moves)
    assert "data" in reasons(tiny)


def test_one_candidate_added_costs_its_own_folds(tiny: Path) -> None:
    edit(tiny / "modelyard.yml", "C: [0.1, 1]", "C: [0.1, 1, 0.00001]")
    assert modelyard(tiny, "run").code in (0, 1)
    result = record(tiny, "train")["result"]
    assert (result["fits"], result["fits_from_cache"]) == (3, 7)
    assert [row["cached"] for row in result["candidates"]] == [True, True, False]


def test_a_challenger_that_is_held_is_not_trained_again(tiny: Path) -> None:
    edit(tiny / "modelyard.yml", "at_least: 0.6", "at_least: 0.99")
    held = modelyard(tiny, "run", "--promote")
    assert held.code == 1
    assert "verdict: fail (hold)" in held.out
    assert "promote: not run, because evaluate did not pass" in held.err
    again = modelyard(tiny, "run")
    assert again.code == 1
    assert "train: unchanged" in again.err
    assert "evaluate: unchanged" in again.err
    assert [move["to"] for move in modelyard(tiny, "history", "--json").json] == ["v1"]


def test_a_gate_just_out_of_reach_explains_itself_and_reproduces(tiny: Path) -> None:
    high = record(tiny, "evaluate")["result"]["gates"][0]["estimate"]["high"]
    edit(tiny / "modelyard.yml", "at_least: 0.6", f"at_least: {high - 0.001:.3f}")
    done = modelyard(tiny, "run", "--json")
    assert (done.code, done.json["verdict"]) == (1, "inconclusive")
    gate = record(tiny, "evaluate")["result"]["gates"][0]
    shown = ["roc_auc at least", f"{gate['estimate']['value']:.4f}", f"{gate['estimate']['low']:.4f}"]
    shown += [f"{gate['estimate']['high']:.4f}", f"{gate['bound']:g}", "242 rows", "modelyard evaluate"]
    for report in ("report.md", "report.html"):
        text = (tiny / "modelyard-run" / report).read_text("utf-8")
        for part in shown:
            assert part in text, f"{part} is not in {report}"
    again = modelyard(tiny, "evaluate", "--json")
    assert again.code == 1
    assert again.json["result-digest"] == done.json["outputs"]["evaluate"]["result-digest"]


def refused(folder: Path, *arguments: str) -> str:
    """What promote says when it refuses; the history must not grow."""
    before = modelyard(folder, "history", "--json").json
    done = modelyard(folder, "promote", *arguments)
    assert done.code in (1, 2, 3), done.out
    assert modelyard(folder, "history", "--json").json == before
    return done.err


@pytest.fixture(scope="module")
def second(first: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(first, tmp_path_factory.mktemp("judged") / "tiny"))
    more_rows(folder)
    assert modelyard(folder, "run").code == 0
    return folder


@pytest.fixture
def judged(second: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(second, tmp_path / "tiny"))


def test_evidence_for_another_model_is_refused(judged: Path) -> None:
    path = judged / "modelyard-run" / "model" / "model.skops"
    path.write_bytes(path.read_bytes() + b"x")
    said = refused(judged)
    assert said.count("sha256:") == 2


def test_evidence_for_another_configuration_is_refused(judged: Path) -> None:
    edit(judged / "modelyard.yml", "at_least: 0.6", "at_least: 0.5")
    assert "configuration" in refused(judged) or "tree" in refused(judged)


def test_evidence_for_other_data_is_refused(judged: Path) -> None:
    more_rows(judged, seed=4)
    assert "data" in refused(judged)


def test_evidence_for_another_tree_is_refused(judged: Path) -> None:
    (judged / "notes.txt").write_text("new", "utf-8")
    assert "tree" in refused(judged)


def test_evidence_against_an_older_champion_is_refused(judged: Path) -> None:
    edit(judged / "modelyard.yml", "at_least: 0.6", "at_least: 0.61")
    assert modelyard(judged, "run", "--promote", "--run-dir", "other-run").code == 0
    edit(judged / "modelyard.yml", "at_least: 0.61", "at_least: 0.6")
    assert "Evaluate again against v2" in refused(judged)


def test_promoting_the_same_evidence_again_does_nothing_and_says_where_it_stands(judged: Path) -> None:
    shutil.copytree(judged / "modelyard-run", judged / "other-run")
    (judged / "other-run" / ".gitignore").write_text("*\n", "utf-8")
    first = modelyard(judged, "promote", "--json").json
    again = modelyard(judged, "promote", "--run-dir", "other-run", "--json").json
    assert (first["version"], again["version"], again["exit-code"]) == ("v2", "v2", 0)
    assert len(modelyard(judged, "history", "--json").json) == 2


def test_evidence_that_did_not_pass_is_refused_with_the_products_answer(judged: Path) -> None:
    edit(judged / "modelyard.yml", "at_least: 0.6", "at_least: 0.99")
    assert modelyard(judged, "run").code == 1
    done = modelyard(judged, "promote")
    assert done.code == 1
    assert "only pass is promoted" in done.err


def test_evidence_of_another_run_is_refused(judged: Path) -> None:
    assert "evidence named" in refused(judged, "--evidence-digest", "sha256:" + "0" * 64)


def test_evidence_without_its_detect_record_is_refused(judged: Path) -> None:
    (judged / "modelyard-run" / "records" / "detect.json").unlink()
    assert "detect" in refused(judged)


def test_edited_evidence_is_refused(judged: Path) -> None:
    path = judged / "modelyard-run" / "records" / "evaluate.json"
    envelope = json.loads(path.read_bytes())
    envelope["record"]["verdict"] = "pass" if envelope["record"]["verdict"] != "pass" else "fail"
    path.write_text(json.dumps(envelope), "utf-8")
    assert "changed after it was written" in refused(judged)


def test_report_only_says_loudly_what_would_have_happened(tiny: Path) -> None:
    edit(tiny / "modelyard.yml", "at_least: 0.6", "at_least: 0.99")
    edit(tiny / "modelyard.yml", "model: {", "mode: report-only\nmodel: {")
    done = modelyard(tiny, "run", "--promote")
    assert done.code == 0
    assert "would have ended with exit code 1" in done.out
    assert [move["to"] for move in modelyard(tiny, "history", "--json").json] == ["v1"]


def test_two_folders_agree_on_what_they_found(tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        folder = desk.repository(tmp_path / name, QUICK.replace("jobs: 1", f"jobs: {1 if name == 'one' else 2}"))
        done = modelyard(folder, "run", "--json")
        assert done.code == 0, done.err
        outputs = done.json["outputs"]
        found = record(folder, "evaluate")["result"]
        for each in found["diagnostics"]["footprints"]:  # what took how long is all that may differ
            assert each.pop("training_seconds") > 0
            assert each.pop("scoring_seconds") > 0
        digests.append((outputs["train"]["model-digest"], found))
    assert digests[0] == digests[1]


def test_an_adopted_model_is_a_first_champion_and_marked(tiny: Path, tmp_path: Path) -> None:
    folder = desk.repository(tmp_path / "new", QUICK)
    model = tiny / "modelyard-run" / "model" / "model.skops"
    done = modelyard(folder, "adopt", str(model), "--reason", "what serves today")
    assert done.code == 0, done.err
    assert modelyard(folder, "adopt", str(model)).code == 2
    again = modelyard(folder, "run")
    assert again.code == 0, again.out + again.err
    assert "the champion v1 scores the same rows" in again.err
    assert "adopted without evidence" in (folder / "modelyard-run" / "report.md").read_text("utf-8")


TASKS = {
    "regression": (
        "model: {name: tiny, task: regression}",
        "target: size, id: key",
        "sklearn.linear_model.Ridge, params: {alpha: [1]}",
    ),
    "multiclass": (
        "model: {name: tiny, task: multiclass}",
        "target: colour, id: key",
        "sklearn.linear_model.LogisticRegression, params: {C: [1]}",
    ),
}


@pytest.mark.parametrize("task", TASKS)
def test_other_tasks_reach_a_verdict_with_the_default_gates(tmp_path: Path, task: str) -> None:
    model, columns, estimator = TASKS[task]
    text = QUICK[: QUICK.index("evaluate:\n")]
    text = text.replace('model: {name: tiny, task: binary, positive: "yes", metric: roc_auc}', model)
    text = text.replace("target: answer, id: key", columns)
    text = text.replace("sklearn.linear_model.LogisticRegression, params: {C: [0.1, 1]}", estimator)
    done = modelyard(desk.repository(tmp_path / "tiny", text), "run", "--json")
    assert done.code in (0, 1), done.err
    assert done.json["verdict"] in ("pass", "fail", "inconclusive")
    assert "no worse" not in done.json["verdict"]


@pytest.mark.parametrize("split", ["by: stratified, test: 0.4", "by: hash, column: colour, test: 0.5"])
def test_other_splits_run(tmp_path: Path, split: str) -> None:
    folder = desk.repository(tmp_path / "tiny", QUICK.replace("by: hash, test: 0.4", split))
    assert modelyard(folder, "run").code in (0, 1)


def test_train_and_test_as_two_sets(tmp_path: Path) -> None:
    text = QUICK.replace("sets: {all: data/*.csv}", "sets: {train: data/part-1.csv, test: data/part-3.csv}")
    folder = desk.repository(tmp_path / "tiny", text.replace("  split: {of: all, by: hash, test: 0.4}\n", ""))
    more_rows(folder)
    assert modelyard(folder, "run").code in (0, 1)
    assert record(folder, "evaluate")["result"]["test_rows"] == 200


def test_predictions_alone_can_be_judged(tiny: Path, tmp_path: Path) -> None:
    import polars as pl

    text = QUICK[: QUICK.index("train:\n")] + QUICK[QUICK.index("evaluate:\n") :]
    text = text.replace("evaluate:\n", "evaluate:\n  challenger: predictions.csv\n")
    text = text.replace("sets: {all: data/*.csv}", "sets: {test: data/*.csv}")
    folder = desk.repository(tmp_path / "new", text.replace("  split: {of: all, by: hash, test: 0.4}\n", ""))
    frame = pl.read_csv(folder / "data" / "part-1.csv")
    frame.select("key", probability=1 / (1 + (-pl.col("size")).exp())).write_csv(folder / "predictions.csv")
    done = modelyard(folder, "run", "--promote")
    assert done.code == 0, done.out + done.err
