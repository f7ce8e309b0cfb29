"""Every action and workflow under every linter, with no finding, or an ignore with its reason beside it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.generate.actions import ROOT_OUTPUTS
from modelyard.steps.catalogue import commands
from modelyard.usecases.actions import action_specs
from tests import action_lint

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
ACTIONS = [ROOT / "action.yml", *sorted(ROOT.glob("actions/*/action.yml"))]
TEMPLATES = sorted(ROOT.glob("workflows-templates/*.yml"))
WORKFLOWS = [*TEMPLATES, *sorted(ROOT.glob(".github/workflows/*.yml"))]
STEP_OUTPUTS = {
    "python": {"python-path", "python-version", "cache-hit"},
    "environment": {"python"},
    "conclude": {"verdict", "exit-code"},
}

SPECS = {spec.name: spec for spec in action_specs()}
STEP = {step.name: step for step in commands()}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def outputs_of(step: str) -> set[str]:
    return {info.alias or name for name, info in SPECS[step].outputs.model_fields.items()}


def check(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", ACTIONS, ids=named)
def test_our_own_lint_of_an_action(path: Path) -> None:
    step = path.parent.name
    known = {**STEP_OUTPUTS, "run": outputs_of(step)} if step in SPECS else {
        **STEP_OUTPUTS, **{name: outputs_of(name) for name in STEP}, "comment": outputs_of("report"),
    }  # fmt: skip
    assert action_lint.action(path.read_text("utf-8"), known) == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_our_own_lint_of_a_workflow(path: Path) -> None:
    assert action_lint.workflow(path.read_text("utf-8")) == []


def test_schemas_of_actions_and_workflows() -> None:
    check(str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.github-actions", *map(str, ACTIONS))
    check(str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS))


def installed(folder: Path) -> list[Path]:
    """Copies of all workflows and templates, where a repository has them."""
    workflows = folder / ".github" / "workflows"
    workflows.mkdir(parents=True)
    return [Path(shutil.copy(path, workflows / path.name)) for path in WORKFLOWS]


def test_actionlint_with_shellcheck(tmp_path: Path) -> None:
    copies = installed(tmp_path)
    (tmp_path / ".git").mkdir()  # it looks for workflows that are called in the repository around them
    check(str(ROOT / ".tools" / "actionlint"), "-shellcheck", str(BIN / "shellcheck"), *map(str, copies))


def test_zizmor_at_its_strictest(tmp_path: Path) -> None:
    installed(tmp_path)
    shutil.copy(ROOT / ".github" / "dependabot.yml", tmp_path / ".github")
    for path in ACTIONS:
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    options = ["--offline", "--no-progress", "--strict-collection", "--persona=pedantic"]
    check(str(BIN / "zizmor"), *options, str(tmp_path))


@pytest.mark.parametrize("path", ACTIONS, ids=named)
def test_every_script_in_an_action_passes_shellcheck(path: Path, tmp_path: Path) -> None:
    scripts = [step["run"] for step in yaml.safe_load(path.read_text("utf-8"))["runs"]["steps"] if "run" in step]
    assert len(scripts) >= 2
    for at, script in enumerate(scripts):
        (tmp_path / f"{at}.sh").write_text(f"#!/usr/bin/env bash\nset -eo pipefail\n{script}", "utf-8")
    check(str(BIN / "shellcheck"), *map(str, sorted(tmp_path.glob("*.sh"))))


@pytest.mark.parametrize("path", ACTIONS, ids=named)
def test_every_input_reaches_the_step_by_its_variable_alone(path: Path) -> None:
    document = yaml.safe_load(path.read_text("utf-8"))
    variables = [pair for step in document["runs"]["steps"] for pair in (step.get("env") or {}).items()]
    reached = {name: value for name, value in variables if str(value).startswith("${{ inputs.")}
    expected = {
        f"MODELYARD_{name.upper().replace('-', '_')}": f"${{{{ inputs.{name} }}}}"
        for name in document["inputs"]
        if name not in ("python-version", "python", "cache")
    }
    assert reached.pop("MODELYARD_INTERPRETER") == "${{ inputs.python || steps.python.outputs.python-path }}"
    assert {name: value for name, value in reached.items() if name != "MODELYARD_COMMENT_WANTED"} == expected


def test_the_token_reaches_only_the_stages_that_need_it() -> None:
    steps = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["runs"]["steps"]
    with_token = [step["id"] for step in steps if "MODELYARD_TOKEN" in (step.get("env") or {})]
    assert with_token == ["detect", "evaluate", "promote", "comment"]
    assert "MODELYARD_TOKEN" not in (ROOT / "actions" / "train" / "action.yml").read_text("utf-8")


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_a_template_uses_our_actions_as_they_are(path: Path) -> None:
    document = yaml.safe_load(path.read_text("utf-8"))
    outputs: dict[str, dict[str, set[str]]] = {}
    for name, job in document["jobs"].items():
        outputs[name] = {}
        if "uses" in job:
            called = yaml.safe_load((path.parent / Path(job["uses"]).name).read_text("utf-8"))[True]["workflow_call"]
            assert set(job.get("with") or {}) <= set(called["inputs"]), job["uses"]
        for step in job.get("steps", ()):
            used = str(step.get("uses", ""))
            if not used.startswith("modelyard/"):
                continue
            folder = used.partition("@")[0].removeprefix("modelyard/modelyard").strip("/")
            action = yaml.safe_load((ROOT / folder / "action.yml").read_text("utf-8"))
            assert set(step.get("with") or {}) <= set(action["inputs"]), used
            if "id" in step:
                outputs[name][step["id"]] = set(action["outputs"])
    text = json.dumps(document)
    for name, known in outputs.items():
        for step, has in known.items():
            for output in action_lint._STEP.findall(json.dumps(document["jobs"][name])):
                if output[0] == step and output[2]:
                    assert output[2] in has, f"{name}: {step} has no output {output[2]}"
    for job, output in re.findall(r"needs\.([\w-]+)\.outputs\.([\w-]+)", text):
        assert output in document["jobs"][job]["outputs"], f"{job} has no output {output}"


def test_the_templates_permissions_are_exactly_these() -> None:
    found = {
        (path.stem, name): job["permissions"]
        for path in TEMPLATES
        for name, job in yaml.safe_load(path.read_text("utf-8"))["jobs"].items()
    }
    assert found == {
        ("ml-comment", "comment"): {"contents": "read", "actions": "read", "pull-requests": "write"},
        ("ml-commands", "answer"): {"actions": "write", "pull-requests": "write"},
        ("ml-pull-request", "evaluate"): {"contents": "read"},
        ("ml-pull-request", "comment"): {"pull-requests": "write"},
        ("ml-train-promote", "evaluate"): {"contents": "read"},
        ("ml-train-promote", "promote"): {"contents": "write"},
        ("ml-train-promote", "attest"): {"id-token": "write", "attestations": "write"},
        ("ml-data-change", "fork"): {},
        ("ml-data-change", "look"): {"contents": "read"},
        ("ml-data-change", "evaluate"): {"contents": "read"},
        ("ml-data-change", "promote"): {"contents": "write"},
        ("ml-pipeline", "evaluate"): {"contents": "read"},
        ("ml-pipeline", "promote"): {"contents": "write"},
        ("ml-monorepo", "models"): {"contents": "read"},
        ("ml-monorepo", "pipeline"): {"contents": "write"},
        ("ml-monorepo", "comment"): {"pull-requests": "write"},
        ("ml-monorepo", "verdict"): {},
        ("ml-promotion-merged", "move"): {"contents": "write"},
        ("ml-rollback", "prove"): {"contents": "read"},
        ("ml-rollback", "move"): {"contents": "write", "issues": "write"},
        ("ml-monitor", "monitor"): {"contents": "read"},
        ("ml-monitor", "decide"): {"contents": "write", "issues": "write", "actions": "write"},
    }


def test_a_promotion_that_runs_is_never_cancelled_and_waits_for_its_environment() -> None:
    document = yaml.safe_load((ROOT / "workflows-templates" / "ml-train-promote.yml").read_text("utf-8"))
    assert document["concurrency"]["cancel-in-progress"] is False
    assert document["jobs"]["promote"]["environment"] == "production"
    trigger = yaml.safe_load((ROOT / "workflows-templates" / "ml-pull-request.yml").read_text("utf-8"))[True]
    assert trigger == {"pull_request": None, "merge_group": None}


def test_the_comment_for_forks_follows_the_runs_of_pull_requests_alone() -> None:
    document = yaml.safe_load((ROOT / "workflows-templates" / "ml-comment.yml").read_text("utf-8"))
    judging = [
        yaml.safe_load((ROOT / "workflows-templates" / f"{name}.yml").read_text("utf-8"))["name"]
        for name in ("ml-pull-request", "ml-monorepo")
    ]
    assert document[True] == {"workflow_run": {"workflows": judging, "types": ["completed"]}}
    (job,) = document["jobs"].values()
    assert job["if"] == "${{ github.event.workflow_run.event == 'pull_request' }}"
    assert not [step for step in job["steps"] if "actions/" in step["uses"] and "modelyard/" not in step["uses"]]


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_a_template_is_described_and_has_its_icon(path: Path) -> None:
    told = json.loads(path.with_suffix(".properties.json").read_text("utf-8"))
    assert told["name"] == yaml.safe_load(path.read_text("utf-8"))["name"]
    assert (path.parent / f"{told['iconName']}.svg").is_file()
    assert told["description"]
    assert told["categories"]


def test_the_root_action_has_the_outputs_that_every_action_has() -> None:
    assert {"verdict", "exit-code", "run-dir", "record-digest", "report-path"} <= set(ROOT_OUTPUTS)


GOOD: dict[str, Any] = {
    "inputs": {"config": {}},
    "outputs": {"verdict": {"value": "${{ steps.run.outputs.verdict }}"}},
    "runs": {"using": "composite", "steps": [
        {"name": "Run", "id": "run", "shell": "bash", "env": {"X": "${{ inputs.config }}"}, "run": "true"},
    ]},
}  # fmt: skip


def broken(**step: Any) -> dict[str, Any]:
    more = {"name": "More", "shell": "bash", "run": "true", **step}
    kept = {key: value for key, value in more.items() if value is not None}
    return {**GOOD, "runs": {**GOOD["runs"], "steps": [*GOOD["runs"]["steps"], kept]}}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (broken(run="echo ${{ inputs.config }}"), "pasted into its script"),
        (broken(run="echo $INPUT_CONFIG"), "INPUT_*"),
        (broken(run='echo x >> "$GITHUB_ENV"'), "changes the user's environment"),
        (broken(run='echo x >> "$GITHUB_PATH"'), "changes the user's environment"),
        (broken(shell=None), "names no shell"),
        (broken(name=None), "has no name"),
        (broken(id="run"), "there twice"),
        (broken(env={"X": "${{ inputs.missing }}"}), "no input missing"),
        (broken(env={"X": "${{ steps.later.outputs.x }}"}), "no step later ran before"),
        (broken(env={"X": "${{ steps.run.outputs.nothing }}"}), "no output nothing"),
        (broken(**{"if": "github.event.issue.pull_request != null"}), "true for what is missing"),
        (broken(uses="actions/setup-python@v7", run=None, shell=None), "is not at"),
        (broken(uses="actions/upload-artifact@v7", run=None, shell=None), "needs the input path"),
        (broken(uses="actions/checkout@v7", run=None, shell=None, **{"with": {"dept": 1}}), "no input dept"),
        (broken(uses="other/action@v1", run=None, shell=None), "has no pin"),
        ({**GOOD, "outputs": {"x": {"value": "${{ steps.run.outputs.nothing }}"}}}, "no output nothing"),
    ],
)
def test_the_lint_of_actions_finds_what_it_is_for(document: dict[str, Any], said: str) -> None:
    outputs = {"run": {"verdict"}}
    assert action_lint.action(yaml.safe_dump(GOOD), outputs) == []
    assert said in "\n".join(action_lint.action(yaml.safe_dump(document), outputs))


FLOW = """\
permissions: {}
concurrency: {group: x}
jobs:
  promote:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions:
      contents: write # a reason
    steps:
      - name: Promote
        uses: modelyard/modelyard/actions/promote@v1 # zizmor: ignore[unpinned-uses] -- a reason
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("permissions: {}\nconcurrency", "concurrency", "to every job"),
        ("concurrency: {group: x}\n", "", "may overlap"),
        ("    timeout-minutes: 5\n", "", "timeout-minutes is not set"),
        (" # a reason\n    steps", "\n    steps", "no reason beside"),
        ("actions/promote@v1", "actions/train@v1", "runs user code with contents: write"),
        (" # zizmor: ignore[unpinned-uses] -- a reason", "", "needs its reason"),
        ("      - name: Promote\n", "      - {name: C, uses: actions/checkout@x}\n      - name: P\n", "checks out"),
    ],
)  # fmt: skip
def test_the_lint_of_workflows_finds_what_it_is_for(old: str, new: str, said: str) -> None:
    assert action_lint.workflow(FLOW) == []
    assert old in FLOW
    assert said in "\n".join(action_lint.workflow(FLOW.replace(old, new)))
