"""Workflow files as data with lines, and edits that change one thing and keep the rest to the byte."""

from pathlib import Path

import pytest

from modelyard.core.errors import ConfigError
from modelyard.workflows.edit import Drop, Edit, Put, applied
from modelyard.workflows.workflow import read, read_file

FLOW = """\
# a comment
name: CI   # its name
on: [push, pull_request]
permissions: {contents: read} # why
jobs:
  build:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v7 # v7.0.1
      - name: Say
        run: |
          echo "${{ github.ref }}"
"""


def test_a_workflow_is_read_with_its_lines() -> None:
    workflow = read(FLOW, "ci.yml")
    (job,) = workflow.jobs
    assert (workflow.name, list(workflow.triggers), workflow.problems) == ("CI", ["push", "pull_request"], [])
    assert (job.runners, job.grants.level("contents"), job.grants.level("issues")) == (
        ("ubuntu-24.04",),
        "read",
        "none",
    )
    uses = job.steps[0].uses
    assert uses is not None
    assert (uses.repository, uses.ref, uses.comment, uses.pinned) == ("actions/checkout", "v7", "v7.0.1", False)
    assert workflow.line((*job.steps[1].path, "run")) == 11
    assert workflow.line((*job.steps[0].path, "with", "fetch-depth")) == 9


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a workflow is a mapping"),
        ("- a\n", "a workflow is a mapping"),
        ("a: [", "not valid YAML"),
        ("a: &x [*x]\n" * 1, None),
        ("on: push\njobs: [a]\n", None),
        ("x: 1\n" + "#" * 4_000_000, "too large"),
    ],
)
def test_what_is_no_workflow_is_said_and_never_a_traceback(text: str, said: str | None, tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    path.write_text(text, "utf-8")
    if said is None:
        assert read_file(path, "x.yml").problems
        return
    with pytest.raises(ConfigError, match=said):
        read_file(path, "x.yml")


@pytest.mark.parametrize(
    "text",
    [
        "on: push\njobs:\n  a:\n", "on: push\njobs:\n  a: {steps: 1}\n",
        "on: push\njobs:\n  a: {steps: [1, null, a]}\n",
        "on: 1\njobs: {}\n", "jobs:\n  a: {runs-on: x, steps: []}\n", "on: push\non: push\njobs: {}\n",
    ],
)  # fmt: skip
def test_a_half_edited_file_is_read_as_far_as_it_goes(text: str) -> None:
    workflow = read(text, "x.yml")
    assert workflow.problems
    assert all(problem.place is not None and problem.place.line for problem in workflow.problems)
    for job in workflow.jobs:
        assert job.needs == ()


def test_anchors_and_merges_are_followed() -> None:
    text = "on: push\nx: &env {A: '1'}\njobs:\n  a: {runs-on: x, env: *env, steps: [{run: a}]}\n"
    assert read(text, "x.yml").get(("jobs", "a", "env", "A")) == "1"


AT = ("jobs", "build", "steps")


@pytest.mark.parametrize(
    ("edit", "old", "new"),
    [
        (Put((*AT, 0, "uses"), "actions/checkout@v8"), "checkout@v7 # v7.0.1", "checkout@v8 # v7.0.1"),
        (Put((*AT, 0, "uses"), "a/b@v8", "v8.0"), "actions/checkout@v7 # v7.0.1", "a/b@v8 # v8.0"),
        (Put((*AT, 0, "with", "fetch-depth"), 2, "why"), "# v7.0.1\n",
         "# v7.0.1\n        with:\n          fetch-depth: 2 # why\n"),
        (Put((*AT, 1, "id"), "say", after="name"), "Say\n", "Say\n        id: say\n"),
        (Put(("jobs", "build", "timeout-minutes"), 60), "24.04\n", "24.04\n    timeout-minutes: 60\n"),
        (Put(("permissions", "issues"), "write"), "{contents: read} # why", "{contents: read, issues: write} # why"),
        (Put(("jobs", "build", "permissions", "issues"), "write"), "24.04\n",
         "24.04\n    permissions:\n      issues: write\n"),
        (Put(("name",), "yes: no"), "CI   # its name", '"yes: no"   # its name'),
        (Put(("name",), "on"), "CI   # its name", '"on"   # its name'),
        (Drop(("jobs", "build", "runs-on")), "    runs-on: ubuntu-24.04\n", ""),
    ],
)  # fmt: skip
def test_an_edit_changes_one_thing(edit: Edit, old: str, new: str) -> None:
    assert applied(FLOW, [edit]) == FLOW.replace(old, new, 1)
    windows = FLOW.replace("\n", "\r\n")
    assert applied(windows, [edit]) == windows.replace(old.replace("\n", "\r\n"), new.replace("\n", "\r\n"), 1)


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        (FLOW, Put(("jobs", "build"), "x")),
        (FLOW, Put((*AT, 1, "run"), "x")),
        (FLOW, Put((*AT, 7, "id"), "x")),
        (FLOW, Put(("a", "b", "c", "d"), "x")),
        (FLOW, Drop((*AT, 0, "uses"))),
        (FLOW, Drop((*AT, 1, "name"))),
        ("a: &x {k: 1}\nb: *x\n", Put(("b", "k"), 2)),
        ("a: &x\n  k: 1\nb: *x\n", Put(("b", "m"), 2)),
        ("a:\n  - {b: 1}\n  c\n", Put(("a",), 2)),
        ("a: [", Put(("a",), 2)),
        ("", Put(("a",), 2)),
        ("a:\n", Put(("a", "b", "c", "d"), 2)),
    ],
)
def test_what_cannot_be_proved_is_not_done(text: str, edit: Edit) -> None:
    assert applied(text, [edit]) is None


def test_one_edit_that_cannot_be_made_leaves_all_of_them() -> None:
    assert applied(FLOW, [Put(("name",), "x"), Put(("a", "b", "c", "d"), 1)]) is None
