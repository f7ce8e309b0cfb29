"""A repository in which almost everything is wrong that ``modelyard doctor`` looks for; docs/doctor.md shows it.

``python -m tests.broken_repository`` writes that block of the page anew.
"""

import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.desk import Done, git, modelyard

PAGE = Path(__file__).parents[1] / "docs" / "doctor.md"
_BLOCK = re.compile(r"(<!-- broken repository -->\n```text\n)(.*?)(```\n<!-- end -->)", re.DOTALL)

FILES: Mapping[str, str] = {
    "modelyard.yml": """\
model: {name: churn, task: binary}
data:
  sets: {all: data/churn.parquet}
  split: {of: all, by: stratified}
  columns: {target: churned}
requirements: requirements.txt
train:
  candidates:
    - {estimator: sklearn.linear_model.LogisticRegression}
registry:
  kind: local
""",
    "data/churn.parquet.dvc": "outs:\n- md5: 0123456789abcdef0123456789abcdef\n  path: churn.parquet\n",
    "requirements.txt": "scikit-learn\nnumpy==2.4.1\n",
    "old.yml": "model: {name: old, task: binray}\n",
    ".modelyard/key": "committed by mistake\n",
    ".github/workflows/ml-pull-request.yml": """\
name: ML checks
on:
  pull_request:
    paths: ["src/**"]
permissions:
  contents: read
  pull-requests: write
jobs:
  evaluate:
    runs-on: [self-hosted, linux]
    env:
      KEY: ${{ secrets.DATA_KEY }}
    steps:
      - uses: actions/checkout@v7
        with:
          ref: ${{ github.event.pull_request.head.sha }}
      - run: echo "${{ github.event.pull_request.title }}"
      - uses: somebody/notify@main
      - uses: modelyard/modelyard@v1
        with:
          comment: "false"
      - uses: actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0
        with:
          name: modelyard-records-${{ steps.modelyard.outputs.model }}
          path: modelyard-run/records
          retention-days: 7
  comment:
    needs: evaluate
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    permissions:
      contents: write
    steps:
      - uses: modelyard/modelyard/actions/report@v1
        with:
          part: comment
""",
    ".github/workflows/ml-train-promote.yml": """\
name: ML train and promote
on:
  push:
    branches: [$default-branch]
  schedule:
    - cron: "17 4 * * 1"
permissions: {}
concurrency:
  group: ml
  cancel-in-progress: true
jobs:
  evaluate:
    runs-on: ubuntu-24.04
    timeout-minutes: 60
    permissions:
      contents: write
    steps:
      - uses: modelyard/modelyard/actions/evaluate@v1
        id: evaluate
        with:
          config: old.yml
  promote:
    needs: evaluate
    runs-on: ubuntu-24.04
    timeout-minutes: 30
    permissions:
      contents: read
    steps:
      - uses: modelyard/modelyard/actions/promote@v1
      - uses: modelyard/modelyard/actions/deploy@v1
""",
    ".github/workflows/ml-comment.yml": """\
name: ML comment
on:
  workflow_run:
    workflows: [ML check]
    types: [completed]
permissions: write-all
jobs:
  comment:
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          ref: ${{ github.event.workflow_run.head_sha }}
          persist-credentials: false
      - uses: modelyard/modelyard/actions/report@v1
        with:
          part: comment
""",
    ".github/workflows/nightly.yml": """\
name: nightly
on:
  workflow_dispatch:
permissions: {}
jobs:
  monitor:
    uses: ./.github/workflows/shared.yml
  gone:
    uses: ./.github/workflows/gone.yml
""",
    ".github/workflows/shared.yml": """\
name: shared
on:
  workflow_call:
jobs:
  monitor:
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    permissions:
      contents: read
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with: {persist-credentials: false}
      - uses: modelyard/modelyard/actions/monitor@3d3c42e5aac5ba805825da76410c181273ba90b1 # v1.0.0
""",
    ".github/workflows/target.yml": """\
name: target
on: [pull_request_target]
jobs:
  run:
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    name: twice
    name: the same key
    steps:
      - uses: modelyard/modelyard@main
""",
}


def make(folder: Path, files: Mapping[str, str] = FILES) -> Path:
    """Write the repository and commit it; returns its folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "--force", ".")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "as it is")
    return folder


def doctor(folder: Path, *flags: str) -> Done:
    """Run ``modelyard doctor`` in a folder."""
    return modelyard(folder, "doctor", *flags)


def page(text: str, said: str) -> str:
    """Return the page with what the doctor says in its block."""
    return _BLOCK.sub(lambda found: found[1] + said + found[3], text)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        told = doctor(make(Path(scratch))).out
    PAGE.write_text(page(PAGE.read_text("utf-8"), told), "utf-8")
    subprocess.run(["git", "diff", "--stat", str(PAGE)], check=True)
