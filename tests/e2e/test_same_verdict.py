"""The same flights at a desk and in a runner: equal verdicts, digests and predictions."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests import desk, payloads
from tests.act import PYTHON, ROOT, Runner

WORKFLOW = f"""\
on: push
permissions: {{}}
jobs:
  model:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v7
      - uses: modelyard/modelyard@v1
        with: {{python-version: "{PYTHON}"}}
      - if: ${{{{ always() }}}}
        run: cp -r modelyard-run "$STUB_DIR/kept"
"""


def test_a_desk_and_a_runner_agree_to_the_last_digit(tmp_path: Path) -> None:
    folder = tmp_path / "flights"
    shutil.copytree(
        ROOT / "examples" / "flights", folder, ignore=shutil.ignore_patterns("data", "loop", "modelyard-run")
    )
    subprocess.run([sys.executable, "make_data.py", "--months", "1-3"], cwd=folder, check=True)
    desk.edit(folder / "modelyard.yml", "learning_rate: [0.05, 0.1], max_leaf_nodes: [31, 63]", "max_leaf_nodes: [31]")
    desk.edit(folder / "modelyard.yml", "test: 3 months", "test: 1 month")
    with (folder / "modelyard.yml").open("a", encoding="utf-8") as config:
        config.write("\nregistry: {kind: local, durable: true}\n")
    (folder / ".gitignore").write_text("", "utf-8")
    desk.git(folder, "init", "-q", "-b", "main")
    desk.git(folder, "add", "-A")
    desk.git(folder, "commit", "-qm", "flights")
    # Kernels of OpenBLAS and numbers of threads change last bits; where this environment says, the runner's does too.
    kernels = {name: value for name, value in os.environ.items() if name.startswith(("OPENBLAS_", "OMP_"))}
    run = Runner(tmp_path, environ=kernels).run(folder, WORKFLOW, "push", payloads.push("0" * 40))
    there, here = run.folder / "kept", folder / "modelyard-run"
    assert there.is_dir(), run.last
    code = desk.modelyard(folder, "run").code

    def record(where: Path, step: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((where / "records" / f"{step}.json").read_text("utf-8"))
        return found

    assert run.outputs("1")["exit-code"] == str(code)
    for step in ("detect", "validate", "train", "evaluate", "report"):
        ours, theirs = record(here, step), record(there, step)
        assert ours["result_digest"] == theirs["result_digest"], step
        assert ours["record"]["verdict"] == theirs["record"]["verdict"]
    for name in ("fit_digest", "model_digest", "environment_digest"):
        assert record(here, "evaluate")["record"][name] == record(there, "evaluate")["record"][name]
    same = [where / "predictions" / "challenger.parquet" for where in (here, there)]
    assert same[0].read_bytes() == same[1].read_bytes()
