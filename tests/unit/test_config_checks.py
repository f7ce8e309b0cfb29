"""What needs no data to be wrong is found by `modelyard config check`, at its line."""

from pathlib import Path

import pytest

from modelyard.config.checks import check, in_order
from modelyard.config.load import load
from modelyard.core.errors import ConfigError
from modelyard.evaluation.gates import misuse, waivers

GOOD = """\
model: {name: churn, task: binary}
data:
  sets: {all: data/*.csv}
  split: {of: all, by: stratified}
  columns: {target: churned}
train:
  candidates:
    - {estimator: sklearn.linear_model.LogisticRegression, params: {C: [0.1, 1]}}
evaluate:
  gates:
    - {metric: roc_auc, at_least: 0.8}
    - {metric: roc_auc, no_worse_than: champion, margin: 0.005}
"""
COMMANDS = """\
model: {name: churn, task: binary}
data:
  sets: {all: data/*.csv}
  split: {of: all, by: stratified}
  columns: {target: churned}
train:
  command: python train.py --data {train} --model-dir {model_dir}
evaluate:
  predict: {command: "python predict.py {model_dir} {rows_csv} {predictions_csv}"}
"""


def problems_of(folder: Path, text: str) -> list[ConfigError]:
    (folder / "modelyard.yml").write_text(text, "utf-8")
    loaded = load(folder / "modelyard.yml", root=folder)
    problems = check(
        loaded,
        root=folder,
        estimator_problem=lambda name: None if name.startswith("sklearn.") else f"no estimator {name!r}",
    )
    problems = in_order([*problems, *misuse.problems(loaded), *waivers.problems(loaded, folder)])
    assert all(problem.exit_code == 2 for problem in problems)
    assert all(f" [{problem.code}]" in str(problem) for problem in problems)
    return problems


def found(folder: Path, text: str) -> list[str]:
    """What a user reads, without the codes."""
    return [str(problem).replace(f" [{problem.code}]", "") for problem in problems_of(folder, text)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("train.py", "predict.py"):
        (tmp_path / name).touch()
    return tmp_path


def test_a_sound_configuration_has_no_problems(folder: Path) -> None:
    assert found(folder, GOOD) == []
    assert found(folder, COMMANDS) == []


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("roc_acu", "Did you mean 'roc_auc'?"),
        ("AUC", "Did you mean 'roc_auc'?"),
        ("neg_log_loss", "Did you mean 'log_loss'?"),
        ("brier", "Did you mean 'brier_score'?"),
    ],
)
def test_an_unknown_metric_is_named_with_its_nearest_spelling(name: str, hint: str, folder: Path) -> None:
    (said,) = found(folder, GOOD.replace("{metric: roc_auc, at_least: 0.8}", f"{{metric: {name}, at_least: 0.8}}"))
    assert said.startswith(f"modelyard.yml:11: evaluate.gates[0].metric: unknown metric {name!r}; for a binary task: ")
    assert "average_precision" in said
    assert "r2" not in said
    assert said.endswith(f"\n  hint: {hint}")


def test_a_metric_of_another_task_is_refused(folder: Path) -> None:
    (said,) = found(folder, GOOD.replace("task: binary", "task: binary, metric: r2"))
    assert said.startswith("modelyard.yml:1: model.metric: r2 is a metric for regression, and this task is binary\n")


def test_rows_that_time_dealt_adjust_nothing(folder: Path) -> None:
    text = with_gate("{metric: accuracy, at_least: 0.5, adjust_by: size}")
    by_time = text.replace("by: stratified", "by: time").replace("target: churned", "target: churned, time: day")
    assert by_time != text
    assert codes(folder, by_time) == ["config/adjusted-without-chance"]


def test_a_metric_that_is_to_be_near_a_number_is_no_primary_one(folder: Path) -> None:
    text = with_gate("{metric: r2, at_least: 0.1}", "regression")
    found_codes = codes(folder, text.replace("task: regression", "task: regression, metric: quantile_coverage_90"))
    assert found_codes == ["config/primary-with-aim"]


def test_an_own_metric_cannot_be_the_primary_one(folder: Path) -> None:
    text = GOOD.replace("task: binary", "task: binary, metric: mine")
    text += "  metrics: {mine: {costs: [{actual: true, predicted: false, cost: 1}]}}\n"
    (said,) = found(folder, text)
    assert said.startswith(
        "modelyard.yml:1: model.metric: mine is a custom metric, and the primary one has to be built in\n"
    )


def test_an_unknown_estimator_is_refused_in_the_words_of_whoever_knows(folder: Path) -> None:
    (said,) = found(folder, GOOD.replace("sklearn.linear_model.LogisticRegression", "skl.Logistic"))
    assert said == "modelyard.yml:8: train.candidates[0].estimator: no estimator 'skl.Logistic'"


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("{train}", "{trian}", 7, "train.command: nothing fills in {trian}; known here: {train}, {test}"),
        ("--model-dir {model_dir}", "", 7, "train.command: the command names no {model_dir}"),
        ("{model_dir}\n", "{model_dir} && rm x\n", 7, "train.command: && means nothing here: no shell is involved"),
        ("--data", "'--data", 7, "train.command: the command holds a quote that is not closed"),
        ("python train", "python trian", 7, "train.command: the script 'trian.py' does not exist\n  hint: Did you"),
        ("{rows_csv}", "rows.csv", 9, "evaluate.predict.command: the command names no {rows_csv} or {rows}"),
        ("{predictions_csv}", "{preds}", 9, "evaluate.predict.command: nothing fills in {preds}"),
        ("python predict", "python ../predict", 9, "evaluate.predict.command: the script '../predict.py' leads"),
    ],
)  # fmt: skip
def test_a_command_that_could_not_work_is_refused(old: str, new: str, line: int, said: str, folder: Path) -> None:
    assert old in COMMANDS
    assert any(
        message.startswith(f"modelyard.yml:{line}: {said}") for message in found(folder, COMMANDS.replace(old, new, 1))
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            "requirements: requirments.txt\n",
            "requirements: requirements 'requirments.txt' does not exist\n  hint: Did you mean",
        ),
        ("requirements: folder\n", "requirements: requirements 'folder' is a folder\n  hint: Name a file."),
        ("requirements: ../r.txt\n", "requirements: requirements '../r.txt' leads outside the workspace"),
        ("requirements: out.txt\n", "requirements: requirements 'out.txt' leads outside the workspace"),
        ("validate: {suites: {all: s/all.json}}\n", "validate.suites.all: the suite 's/all.json' does not exist"),
    ],
)
def test_files_are_there_and_inside_the_workspace(more: str, said: str, tmp_path: Path) -> None:
    folder = tmp_path / "workspace"
    (folder / "folder").mkdir(parents=True)
    (folder / "requirements.txt").touch()
    (tmp_path / "out.txt").touch()
    (folder / "out.txt").symlink_to(tmp_path / "out.txt")
    (message,) = found(folder, GOOD + more)
    assert message.startswith(f"modelyard.yml:13: {said}")


def test_what_train_names_is_looked_at_too(folder: Path) -> None:
    text = COMMANDS.replace("evaluate:", "  environment: x.lock\n  metrics: ../m.json\n  python-path: [src]\nevaluate:")
    said = found(folder, text)
    assert [message.splitlines()[0].split("'")[0] for message in said] == [
        "modelyard.yml:8: train.environment: the environment ",
        "modelyard.yml:9: train.metrics: the metrics file ",
        "modelyard.yml:10: train.python-path[0]: the folder ",
    ]


def test_predictions_may_come_later_but_not_from_outside(folder: Path) -> None:
    text = GOOD[: GOOD.index("train:")] + "evaluate: {challenger: later.csv, champion: ../champion.csv}\n"
    (said,) = found(folder, text)
    assert said.startswith("modelyard.yml:6: evaluate.champion: the prediction file '../champion.csv' leads outside")


def test_all_problems_come_in_the_order_of_lines(folder: Path) -> None:
    text = GOOD.replace("task: binary", "task: binary, metric: r2").replace("at_least: 0.8", "at_least: 0.8, by: [a]")
    said = found(folder, text.replace("no_worse_than", "better_than").replace("roc_auc", "auc") + "requirements: x\n")
    assert [message.split(":")[1] for message in said] == ["1", "11", "12", "13"]


def codes(folder: Path, text: str) -> list[str]:
    return [problem.code for problem in problems_of(folder, text)]


def with_gate(gate: str, task: str = "binary", more: str = "") -> str:
    head = GOOD[: GOOD.index("    - {metric: roc_auc, at_least: 0.8}")].replace("task: binary", f"task: {task}")
    head = head.replace("by: stratified", "by: hash, column: id") if task == "regression" else head
    return f"{head}    - {gate}\n{more}"


COSTS = "  metrics: {mine: {costs: [{actual: a, predicted: b, cost: 1}]}}\n"
MADE = "  metrics: {mine: {metric: NAMED}}\n"
FUNCTION = "  metrics: {mine: {function: 'train:fit', higher_is_better: true, needs: NEEDS}}\n"


@pytest.mark.parametrize(
    ("gate", "task", "more", "code"),
    [
        ("{metric: recall, better_than: baseline}", "binary", "", "config/senseless-gate"),
        ("{metric: recall, no_worse_than: baseline, margin: 0.01}", "binary", "", "config/senseless-gate"),
        ("{metric: accuracy, between: [0.5, 1.2]}", "binary", "", "config/senseless-gate"),
        ("{metric: roc_auc, at_least: 80}", "binary", "", "config/senseless-gate"),
        ("{metric: log_loss, at_most: -0.1}", "multiclass", "", "config/senseless-gate"),
        ("{metric: r2, at_least: 1.5}", "regression", "", "config/senseless-gate"),
        ("{metric: accuracy, no_worse_than: champion, margin: 5}", "binary", "", "config/senseless-gate"),
        ("{metric: r2, at_least: 0.5}", "binary", "", "config/metric-of-another-task"),
        ("{metric: mine, at_most: 1}", "regression", COSTS, "config/metric-of-another-task"),
        (
            "{metric: mine, at_least: 1}",
            "regression",
            FUNCTION.replace("NEEDS", "label"),
            "config/metric-of-another-task",
        ),
        ("{metric: mine, at_least: 1}", "binary", FUNCTION.replace("NEEDS", "value"), "config/metric-of-another-task"),
        ("{metric: r2, at_least: 0.5, adjust_by: size}", "regression", "", "config/senseless-gate"),
        ("{metric: quantile_coverage_90, better_than: champion}", "regression", "", "config/senseless-gate"),
        ("{metric: mean_tweedie_deviance, at_most: 1}", "regression", "", "config/unknown-metric"),
        (
            "{metric: mine, at_most: 1}",
            "regression",
            MADE.replace("NAMED", "mean_tweedie_deviance, power: 0.5"),
            "config/metric-parameter",
        ),
        (
            "{metric: mine, at_most: 1}",
            "regression",
            MADE.replace("NAMED", "mean_tweedie_deviance, k: 3"),
            "config/metric-parameter",
        ),
        (
            "{metric: mine, at_least: 1}",
            "multiclass",
            MADE.replace("NAMED", "top_k_accuracy"),
            "config/metric-parameter",
        ),
        (
            "{metric: mine, at_least: 1}",
            "multiclass",
            MADE.replace("NAMED", "log_loss, k: 3"),
            "config/metric-without-parameter",
        ),
    ],
)
def test_a_gate_that_could_never_be_judged_is_found_before_training(
    folder: Path, gate: str, task: str, more: str, code: str
) -> None:
    """``{metric: recall, better_than: baseline}`` passed the check, trained, and ended with exit 2."""
    assert codes(folder, with_gate(gate, task, more)) == [code]


@pytest.mark.parametrize(
    "gate",
    [
        "{metric: recall, no_worse_than: champion, margin: 10 % of gain}",
        "{metric: accuracy, between: [0, 1]}",
        "{metric: r2, at_least: -3}",
        "{metric: mean_absolute_error, no_worse_than: champion, margin: 5000}",
        "{metric: quantile_coverage_90, between: [0.88, 0.92]}",
        "{metric: accuracy, at_least: 0.5, adjust_by: size}",
    ],
)
def test_a_gate_that_can_be_judged_is_left_alone(folder: Path, gate: str) -> None:
    task = "regression" if any(each in gate for each in ("r2", "error", "quantile")) else "binary"
    assert found(folder, with_gate(gate, task)) == []


@pytest.mark.parametrize(
    ("gate", "code"),
    [
        ("roc-auc-at-least", ""),
        ("roc-auc-at-most", "waiver/unknown-gate"),
        ("roc_auc at least 0.8", "waiver/gate-by-words"),
        ("3", "config/bad-value"),
    ],
)
def test_a_waiver_of_no_gate_is_found_before_training(folder: Path, gate: str, code: str) -> None:
    (folder / "w.yml").write_text(f"waivers: [{{gate: {gate}, reason: r, owner: o, expires: 2027-01-01}}]\n", "utf-8")
    assert codes(folder, GOOD + "  waivers: w.yml\n") == ([code] if code else [])
    if code == "":
        default = GOOD[: GOOD.index("  gates:")] + "  waivers: w.yml\n"
        assert codes(folder, default) == ["waiver/unknown-gate"]
