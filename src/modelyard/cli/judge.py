"""``modelyard judge``: judge what a harness found of each case, by a configuration of ``task: outcomes``."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from modelyard.cli import annotations, output, runner
from modelyard.cli.flags import Command
from modelyard.cli.session import scratch, workspace
from modelyard.core import files, terminal
from modelyard.core.errors import OK, ConfigError
from modelyard.github.event import read_event
from modelyard.steps.presenter import Places
from modelyard.usecases.judge_outcomes import Asked, judge


def run(_command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Judge; returns 0 where every gate passes."""
    named = Path(given.get("config", "modelyard.yml"))
    root = workspace(named.parent if named.parent.is_dir() else Path.cwd()).resolve()
    files.inside(root, Path.cwd() / named, what="the configuration")
    config = Path(os.path.relpath(Path.cwd() / named, root)).as_posix()  # as it was named: a link stays one
    run_dir = files.inside(root, given.get("run-dir", "modelyard-judge"), what="run-dir")
    if files.first_link(root, run_dir) is not None:
        raise ConfigError(
            "the run folder is a link, or lies behind one",
            code="environment/planted-folder",
            hint="Remove the link, or name another folder with --run-dir.",
        )
    asked = Asked(
        config,
        run_dir,
        base=given.get("base", ""),
        first=given.get("first") == "true",
        keep=given.get("keep") == "true",
    )
    envelope, kept = judge(root, asked, event=read_event(os.environ), scratch=scratch(root, os.environ))
    verdict = envelope.record.verdict
    code = verdict.exit_code
    told = {
        "verdict": verdict.value,
        "exit-code": code,
        "run-dir": str(run_dir),
        "record-digest": envelope.digest,
        "report-path": str(run_dir / "report.md"),
        "kept": "" if kept is None else str(kept),
    }
    runner.outputs(told)
    runner.summary((run_dir / "report.md").read_text("utf-8"))
    runner.annotate(annotations.of_record(envelope, Places(asked.config), red=code != OK))
    if given.get("json") == "true":
        terminal.data(json.dumps(told))
        return code
    lines = [f"verdict: {verdict} ({verdict.words})", *output.details(envelope)]
    lines += [f"kept: {kept}"] if kept is not None else []
    terminal.put("\n".join([*lines, f"report: {run_dir / 'report.html'}"]))
    return code
