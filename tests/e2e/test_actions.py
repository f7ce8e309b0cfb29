"""The actions on a real runner: what a user pastes, what the run's page shows, and what ends red."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests import desk
from tests.act import PYTHON, Run, Runner

REGISTRY = "registry: {kind: local, durable: true}\n"
LOCAL, WITH_SUITE = desk.QUICK + REGISTRY, desk.CONFIG + REGISTRY
PUSH = {"ref": "refs/heads/main", "repository": {"default_branch": "main", "full_name": "acme/demo"}}

ROOT_ACTION = f"""\
on: [push, pull_request]
permissions: {{}}
jobs:
  model:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v7
      - id: modelyard
        uses: modelyard/modelyard@v1
        with: {{promote: "true", comment: "false", python-version: "{PYTHON}"}}
      - if: ${{{{ always() }}}}
        id: seen
        shell: bash
        env:
          CODE: "${{{{ steps.modelyard.outputs.exit-code }}}}"
          RUN_DIR: "${{{{ steps.modelyard.outputs.run-dir }}}}"
        run: |
          echo "code=$CODE" >> "$GITHUB_OUTPUT"
          if [[ -d "$RUN_DIR" ]]; then cp -r "$RUN_DIR" "$STUB_DIR/kept"; fi
"""


def repository(folder: Path, config: str = LOCAL) -> Path:
    """The tiny repository with its data committed, on main."""
    made = desk.repository(folder / "repo", config)
    (made / ".gitignore").write_text("", "utf-8")
    desk.git(made, "add", "-A")
    desk.git(made, "commit", "-qm", "with data")
    desk.git(made, "branch", "-M", "main")
    return made


def commit(folder: Path, name: str = "HEAD") -> str:
    done = subprocess.run(["git", "rev-parse", name], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def kept(run: Run, step: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run.folder / "kept" / "records" / f"{step}.json").read_text("utf-8"))
    return found


def test_the_root_action_runs_the_whole_pipeline_and_promotes_on_push(tmp_path: Path) -> None:
    runner = Runner(tmp_path, fresh=True, cache=tmp_path / "cache")
    run = runner.run(repository(tmp_path, WITH_SUITE), ROOT_ACTION, "push", PUSH)
    assert run.jobs == {"model": "success"}, run.last
    looked, saved = run.calls("actions/cache/restore"), run.calls("actions/cache/save")
    assert [call["with"]["lookup-only"] for call in looked] == ["true"]
    (environment,) = (tmp_path / "cache").iterdir()
    assert environment.name == saved[0]["with"]["key"]
    assert environment.name.startswith("modelyard-ml-")
    assert next(environment.rglob("polars/__pycache__"), None), "it is kept compiled"
    outputs = run.outputs("modelyard")
    assert {name: outputs[name] for name in ("verdict", "exit-code", "changed", "reasons", "version", "model")} == {
        "verdict": "pass", "exit-code": "0", "changed": "true", "reasons": "first-run", "version": "v1",
        "model": "tiny",
    }  # fmt: skip
    assert (
        outputs["record-digest"]
        == kept(run, "evaluate")["digest"]
        == run.outputs("modelyard", "evaluate")["record-digest"]
    )
    report = next(text for text in run.summaries if text.startswith("## "))
    assert report.startswith("## ✅ Promote · `tiny`")
    assert report.strip() == (run.folder / "kept" / "report.md").read_text("utf-8").strip()
    assert run.annotations == []
    assert run.calls("actions/setup-python")[0]["with"] == {"python-version": PYTHON, "update-environment": "false"}
    circumstances = kept(run, "evaluate")["record"]["circumstances"]
    assert (circumstances["event"], circumstances["actor"]) == ("push", "octocat")


def test_a_data_fault_makes_the_job_red_with_exit_code_3_and_is_still_reported(tmp_path: Path) -> None:
    repo = repository(tmp_path)
    (repo / "data" / "part-1.csv").write_text("", "utf-8")
    run = Runner(tmp_path).run(repo, ROOT_ACTION, "push", PUSH)
    assert run.jobs == {"model": "failure"}
    assert run.outputs("seen") == {"code": "3"}
    assert run.outputs("modelyard")["verdict"] == "error"
    (said,) = run.annotations
    assert "data/part-1.csv is empty (0 bytes)" in said
    assert any("Could not judge" in text and "is empty" in text for text in run.summaries), run.summaries


def merge(repo: Path) -> dict[str, Any]:
    """Commit what was changed as a pull request, merge it as GitHub does, and return the event."""
    desk.git(repo, "checkout", "-qb", "topic")
    desk.git(repo, "commit", "-qam", "proposal")
    head = commit(repo)
    desk.git(repo, "checkout", "-q", "--detach", "main")
    desk.git(repo, "merge", "-q", "--no-ff", "-m", "merge", "topic")
    pull = {"number": 7, "head": {"sha": head, "ref": "topic", "repo": {"full_name": "acme/demo"}}}
    return {**PUSH, "number": 7, "pull_request": {**pull, "base": {"ref": "main", "sha": "0" * 40}}}


HITS = """\
def hits(actual, predicted):
    return float((actual == predicted).mean())
"""
OWN = "  metrics:\n    hits: {function: 'scoring:hits', higher_is_better: true}\n"


def test_a_pull_request_that_loosens_its_own_gate_is_judged_by_the_base(tmp_path: Path) -> None:
    """It also edits the code of a metric that gates, and swaps test rows: a line for each, and none of them counts."""
    gates = "    - {metric: hits, at_least: 0.9}\n"
    config = LOCAL.replace("evaluate:\n", f"evaluate:\n{OWN}").replace("  gates:\n", f"  gates:\n{gates}")
    assert gates in config
    repo = repository(tmp_path, config.replace("at_least: 0.6", "at_least: 0.95"))
    (repo / "scoring.py").write_text(HITS, "utf-8")
    desk.git(repo, "add", "-A")
    desk.git(repo, "commit", "-qm", "a metric of our own")
    desk.edit(repo / "modelyard.yml", "at_least: 0.95", "at_least: 0.1")
    desk.edit(repo / "scoring.py", "float((actual == predicted).mean())", "1.0")
    desk.rows(600, seed=8).write_csv(repo / "data" / "part-1.csv")
    run = Runner(tmp_path).run(repo, ROOT_ACTION, "pull_request", merge(repo))
    assert run.jobs == {"model": "failure"}
    assert run.outputs("seen") == {"code": "1"}
    result = kept(run, "evaluate")["record"]["result"]
    gate = {each["id"]: each for each in result["gates"]}
    assert gate["hits-at-least"]["estimate"]["value"] < 0.9, "the base's metric counts, not the one that says 1"
    assert gate["roc-auc-at-least"]["verdict"] != "pass"
    changes = {(each["kind"], each["rule"], each["old"], each["new"]) for each in result["rule_changes"]}
    assert ("loosened", "evaluate.gates[1].at_least", "0.95", "0.1") in changes
    assert {(kind, rule) for kind, rule, _, _ in changes} == {
        ("loosened", "evaluate.gates[1].at_least"),
        ("metric code", "scoring.py"),
        ("test rows", "test rows: data/part-1.csv"),
    }
    report = (run.folder / "kept" / "report.md").read_text("utf-8")
    assert "| **loosened** | `evaluate.gates[1].at_least` | `0.95` | `0.1` |" in report
    assert "| **metric code** | `scoring.py` | `sha256:" in report
    assert "| **test rows** | `test rows: data/part-1.csv` | `as it was` | `changed` |" in report
    assert result["reproduce"] == f"modelyard evaluate --base {commit(repo, 'main')}"
    assert "Promote" not in run.steps()
    assert all("file=modelyard.yml" not in said for said in run.annotations)


CHAIN = f"""\
on: push
permissions: {{}}
jobs:
  train:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v7
      - id: detect
        uses: modelyard/modelyard/actions/detect@v1
        with: {{python-version: "{PYTHON}"}}
      - uses: modelyard/modelyard/actions/validate@v1
        with: {{python-version: "{PYTHON}"}}
      - id: train
        if: ${{{{ steps.detect.outputs.changed == 'true' }}}}
        uses: modelyard/modelyard/actions/train@v1
        with: {{python-version: "{PYTHON}"}}
      - uses: actions/upload-artifact@v7
        with: {{name: handed-over, path: modelyard-run}}
  evaluate:
    needs: train
    runs-on: ubuntu-24.04
    outputs: {{record-digest: "${{{{ steps.evaluate.outputs.record-digest }}}}"}}
    steps:
      - uses: actions/checkout@v7
      - uses: actions/download-artifact@v8
        with: {{name: handed-over, path: modelyard-run}}
      - id: evaluate
        uses: modelyard/modelyard/actions/evaluate@v1
        with: {{python-version: "{PYTHON}"}}
      - id: report
        uses: modelyard/modelyard/actions/report@v1
        with: {{python-version: "{PYTHON}"}}
      - id: promote
        uses: modelyard/modelyard/actions/promote@v1
        with:
          python-version: "{PYTHON}"
          reason: by hand
          evidence-digest: "${{{{ steps.evaluate.outputs.record-digest }}}}"
"""


def test_single_actions_hand_their_records_over_from_job_to_job(tmp_path: Path) -> None:
    run = Runner(tmp_path).run(repository(tmp_path, WITH_SUITE), CHAIN, "push", PUSH)
    assert run.jobs == {"train": "success", "evaluate": "success"}, run.last
    assert run.outputs("detect")["stages"] == "validate,train,evaluate,report"
    assert run.outputs("evaluate")["verdict"] == "pass"
    assert run.outputs("promote")["version"] == "v1"
    assert run.outputs("train")["model-digest"].startswith("sha256:")


HOSTILE_MODULES = (
    "json", "venv", "pip", "uv", "yaml", "requests", "re", "site", "encodings", "sitecustomize", "usercustomize",
    "tempfile", "subprocess", "polars", "skops", "sklearn", "filelock", "jinja2", "modelyard", "threadpoolctl", "tqdm",
    "joblib", "pydantic", "numpy", "great_expectations", "scipy", "pandas", "resource_tracker",
)  # fmt: skip
FIT = """\
import json, os, pathlib
from joblib import Parallel, delayed
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

def look():
    return dict(os.environ)

def fit(data, parameters, seed):
    seen = pathlib.Path(parameters["seen"])
    (seen / "fit.json").write_text(json.dumps(look()))
    for at, each in enumerate(Parallel(n_jobs=2)(delayed(look)() for _ in range(2))):
        (seen / f"worker-{at}.json").write_text(json.dumps(each))
    keep = ColumnTransformer([("size", "passthrough", ["size"])])
    return make_pipeline(keep, LogisticRegression()).fit(data.features, data.target)
"""
SEEING = """\
import json, os, pathlib

def hits(actual, predicted):
    pathlib.Path("SEEN", "metric.json").write_text(json.dumps(dict(os.environ)))
    return float((actual == predicted).mean())
"""


def test_a_hostile_workspace_is_never_imported_and_no_user_code_sees_a_token(tmp_path: Path) -> None:
    """n_jobs=2, so that pools start workers too; PYTHON* variables are set by an earlier step."""
    canaries = tmp_path / "canaries"
    canaries.mkdir()
    repo = repository(tmp_path, WITH_SUITE.replace("jobs: 1", "jobs: 2"))
    for name in HOSTILE_MODULES:
        text = f"open({str(canaries / name)!r}, 'w').write('x')\nraise SystemExit({name!r})\n"
        if name in ("joblib", "pydantic", "numpy", "great_expectations", "scipy", "pandas"):
            (repo / name).mkdir()
            (repo / name / "__init__.py").write_text(text, "utf-8")
        else:
            (repo / f"{name}.py").write_text(text, "utf-8")
    (repo / "pyproject.toml").write_text('[tool.uv]\nrequired-version = "==0.0.1"\nno-binary = true\n', "utf-8")
    (repo / "uv.toml").write_text('required-version = "==0.0.1"\n', "utf-8")
    (repo / "pip.conf").write_text("[global]\nindex-url = http://127.0.0.1:9\n", "utf-8")
    (repo / ".python-version").write_text("2.7\n", "utf-8")
    desk.git(repo, "add", "-A")
    desk.git(repo, "commit", "-qm", "hostile")
    poison = """\
      - shell: bash
        run: |
          echo "PYTHONPATH=$GITHUB_WORKSPACE" >> "$GITHUB_ENV"
          echo "PYTHONSTARTUP=$GITHUB_WORKSPACE/json.py" >> "$GITHUB_ENV"
          echo "PYTHONHOME=/nowhere" >> "$GITHUB_ENV"
"""
    workflow = ROOT_ACTION.replace("      - id: modelyard\n", f"{poison}      - id: modelyard\n")
    run = Runner(tmp_path).run(repo, workflow, "push", PUSH)
    assert run.jobs == {"model": "success"}, run.last
    assert run.outputs("modelyard")["version"] == "v1"
    assert sorted(path.name for path in canaries.iterdir()) == []


def test_no_user_code_sees_a_token_or_can_speak_to_the_runner(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    seen.mkdir()
    config = LOCAL[: LOCAL.index("train:")] + (
        f"train:\n  entrypoint: own.model:fit\n  python-path: [src]\n  parameters: {{seen: {seen}}}\n"
    ) + LOCAL[LOCAL.index("evaluate:") :].replace("evaluate:\n", f"evaluate:\n{OWN}").replace(
        "  gates:\n", "  gates:\n    - {metric: hits, at_least: 0.5}\n"
    )  # fmt: skip
    repo = repository(tmp_path, config)
    (repo / "src" / "own").mkdir(parents=True)
    (repo / "src" / "own" / "__init__.py").write_text("", "utf-8")
    (repo / "src" / "own" / "model.py").write_text(FIT, "utf-8")
    (repo / "scoring.py").write_text(SEEING.replace("SEEN", str(seen)), "utf-8")
    desk.git(repo, "add", "-A")
    desk.git(repo, "commit", "-qm", "own model")
    token = "ghs_" + "x" * 36
    run = Runner(tmp_path, token=token).run(repo, ROOT_ACTION, "push", PUSH)
    assert run.jobs == {"model": "success"}, run.last
    assert sorted(path.name for path in seen.iterdir()) == ["fit.json", "metric.json", "worker-0.json", "worker-1.json"]
    forbidden = ("MODELYARD_", "GITHUB_TOKEN", "GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE", "ACTIONS_")
    for path in seen.iterdir():
        environ: Mapping[str, str] = json.loads(path.read_text("utf-8"))
        assert token not in json.dumps(dict(environ)), path.name
        assert [name for name in environ if name.startswith(forbidden)] == [], path.name
    told = [run.text, *run.summaries, *(json.dumps(run.outputs("modelyard", step)) for step in ("detect", "evaluate"))]
    assert [text for text in told if token in text] == []
    files = [path for path in (run.folder / "kept").rglob("*") if path.is_file()]
    assert files
    assert [path.name for path in files if token.encode() in path.read_bytes()] == []


STEPS = """\
on: push
permissions: {}
jobs:
  model:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v7
"""
HOSTILE_INPUTS = [
    "two words.yml", "it's.yml", 'say "x".yml', "$(touch CANARY).yml", "`touch CANARY`.yml", "a;touch CANARY",
    "-rf", "--help", "line one\\nline two", "../outside.yml", "/etc/passwd", "x" * 100_000,
]  # fmt: skip


def test_inputs_are_text_whatever_they_hold(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    steps = "".join(
        f"""\
      - id: s{at}
        continue-on-error: true
        uses: modelyard/modelyard/actions/detect@v1
        with: {{python-version: "{PYTHON}", config: {json.dumps(text.replace("CANARY", str(canary)))}}}
"""
        for at, text in enumerate(HOSTILE_INPUTS)
    )
    run = Runner(tmp_path).run(repository(tmp_path), f"{STEPS}{steps}", "push", PUSH)
    assert not canary.exists()
    for at, text in enumerate(HOSTILE_INPUTS):
        outputs = run.outputs(f"s{at}")
        assert (outputs.get("verdict"), outputs.get("exit-code")) == ("error", "2"), (text[:40], outputs)


def test_a_boolean_is_true_or_false_and_nothing_else(tmp_path: Path) -> None:
    values = ("yes", "True", "1")
    steps = "".join(
        f"""\
      - id: s{at}
        continue-on-error: true
        uses: modelyard/modelyard@v1
        with: {{python-version: "{PYTHON}", promote: "{value}"}}
"""
        for at, value in enumerate(values)
    )
    run = Runner(tmp_path).run(repository(tmp_path), f"{STEPS}{steps}", "push", PUSH)
    assert [run.outputs(f"s{at}").get("exit-code") for at in range(3)] == ["2", "2", "2"], run.last
    assert run.annotations == [
        f"::error title=modelyard::input 'promote' is '{value}'%0AAllowed: true or false." for value in values
    ]


WRITING = """\
from sklearn.dummy import DummyClassifier

def fit(data, parameters, seed):
    open("scores.txt", "w").write("0.9")
    return DummyClassifier().fit(data.features, data.target)
"""


def test_a_training_that_writes_into_the_checkout_is_told_which_files_stand_in_the_way(tmp_path: Path) -> None:
    parts = LOCAL[: LOCAL.index("train:")], LOCAL[LOCAL.index("evaluate:") :]
    config = f"{parts[0]}train:\n  entrypoint: own.model:fit\n  python-path: [src]\n{parts[1]}"
    repo = repository(tmp_path, config.replace("at_least: 0.6", "at_least: 0.4"))
    (repo / "src" / "own").mkdir(parents=True)
    (repo / "src" / "own" / "__init__.py").write_text("", "utf-8")
    (repo / "src" / "own" / "model.py").write_text(WRITING, "utf-8")
    desk.git(repo, "add", "-A")
    desk.git(repo, "commit", "-qm", "own model")
    run = Runner(tmp_path).run(repo, ROOT_ACTION, "push", PUSH)
    assert (run.jobs, run.outputs("seen")) == ({"model": "failure"}, {"code": "2"}), run.last
    (said,) = run.annotations
    assert "The checkout differed from its commit in 'scores.txt'." in said
