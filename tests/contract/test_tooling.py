"""What make, pre-commit and CI run: checks write nothing, hooks watch what they check, benchmarks are reached."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.__main__ import QUICK
from modelyard.generate import write as generate

ROOT = Path(__file__).parents[2]
HOOKS: list[dict[str, Any]] = [
    hook
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    for hook in repository["hooks"]
]


def _hook(name: str) -> dict[str, Any]:
    (hook,) = [hook for hook in HOOKS if hook["id"] == name]
    return hook


def _tracked(*paths: str) -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z", *paths], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name]


def _make(target: str) -> str:
    """Return the commands of a target, and of the scripts of tools/ that it runs."""
    command = ["make", "--dry-run", "--always-make", "--old-file", ".venv/.stamp", target]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    scripts = re.findall(r"tools/\w+", done.stdout)
    return "\n".join([done.stdout, *((ROOT / script).read_text("utf-8") for script in scripts)])


def test_the_hook_for_generated_files_watches_what_generation_reads_and_writes() -> None:
    written = [path.relative_to(ROOT).as_posix() for path in generate.generated()]
    assert "action.yml" in written
    watched = re.compile(_hook("generated")["files"])
    assert [name for name in [*written, *_tracked("src/modelyard")] if not watched.search(name)] == []


@pytest.mark.parametrize("target", ["check", "lint"])
def test_a_check_writes_nothing(target: str) -> None:
    commands = _make(target)
    assert "ruff" in commands
    writing = re.compile(r"--fix\b|--write\b|ruff\"? format(?! --check)")
    assert writing.findall(commands) == []


def test_format_is_the_target_that_writes() -> None:
    commands = _make("format")
    assert "ruff format" in commands
    assert "check --fix" in commands


def test_a_commit_is_checked_with_what_make_check_runs() -> None:
    names = re.findall(r"^    (\w+)\) ", (ROOT / "tools" / "check").read_text("utf-8"), flags=re.MULTILINE)
    assert {hook["id"] for hook in HOOKS} == set(names)


def test_make_bench_runs_every_benchmark() -> None:
    scripts = [path for path in (ROOT / "benchmarks").glob("*.py") if not path.name.startswith("__")]
    runnable = {
        path.stem
        for path in scripts
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in ast.parse(path.read_text()).body)
    }
    assert set(QUICK) == runnable
    assert "python -m benchmarks" in _make("bench")


def test_make_test_runs_every_group() -> None:
    groups = {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/*/test_*.py")}
    named = set(re.findall(r"tests/\w+", (ROOT / "tools" / "test").read_text("utf-8")))
    assert groups == named


def test_ci_runs_what_a_developer_runs() -> None:
    assert "exec make test" in (ROOT / ".ci" / "run").read_text("utf-8")
    (job,) = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]


def _release() -> dict[Any, Any]:
    document: dict[Any, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8"))
    return document


def test_a_release_grants_each_job_what_it_needs_and_no_more() -> None:
    assert {name: job["permissions"] for name, job in _release()["jobs"].items()} == {
        "build": {"contents": "read"},
        "attest": {"id-token": "write", "attestations": "write"},
        "publish": {"id-token": "write"},
        "announce": {"contents": "write"},
    }


def test_a_rehearsal_of_a_release_publishes_nothing() -> None:
    document = _release()
    assert set(document[True]) == {"push", "workflow_dispatch"}
    assert list(document[True]["push"]) == ["tags"]
    for name, job in document["jobs"].items():
        assert (job.get("if") == "${{ github.event_name == 'push' }}") == (name != "build"), name
    assert document["jobs"]["publish"]["environment"] == "release"


def test_only_the_job_that_builds_sees_the_code_and_it_has_no_identity() -> None:
    jobs = _release()["jobs"]
    assert [name for name, job in jobs.items() if "actions/checkout" in yaml.safe_dump(job)] == ["build"]
    (script,) = [step["run"] for step in jobs["build"]["steps"] if "run" in step]
    assert "--require-hashes" in script
    assert "tools/build.py" in script
    assert "secrets." not in yaml.safe_dump(jobs)


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/bug.yml"),
        ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/proposal.yml"),
        ("vendor.github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
        ("vendor.dependabot", ".github/dependabot.yml"),
    ],
)
def test_forms_and_updates_are_what_github_reads(schema: str, path: str) -> None:
    tool = Path(sys.executable).parent / "check-jsonschema"
    command = [str(tool), "--builtin-schema", schema, str(ROOT / path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
