"""What modelyard adds to a pull request's job: the template under act, a line a step, cold and from the cache.

The repository is tiny (600 rows, three candidates, three folds), so nearly all of a job is ours. *Work* is what the
same stages take in a process that has imported everything, on the second run there. *Cold* makes the environment with
uv's cache of packages filled, *from the cache* finds it as actions/cache restores it. GitHub's own actions are
stand-ins, so that what they take (checkout, downloads, uploads) is not in here; see tests/stubs. Both kinds alternate;
medians, of whole seconds, as the runner's log has them.
"""

import argparse
import os
import platform
import statistics
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from tests import act, desk, payloads
from tests.act import Runner
from tests.e2e.conftest import COMMENT, READ, WRITE
from tests.e2e.test_templates import commit, propose, template
from tests.hub import Hub, hub

STAGES = ("detect", "train", "evaluate", "report")
NUMBER = 7
TOGETHER = "the whole job"
DEEPEST = 2
"""Parts of the path of a step: one of the job's, and one of the action's within it."""


def prepared(folder: Path, github: Hub, cache: Path) -> tuple[Path, dict[str, Any]]:
    """Return a repository with a champion and a pull request checked out, and its event; the cache is filled."""
    made = desk.repository(folder / "repo", desk.QUICK)
    (made / ".gitignore").write_text("", "utf-8")
    desk.git(made, "add", "-A")
    desk.git(made, "commit", "-qm", "with data")
    desk.git(made, "branch", "-M", "main")
    github.push(made)
    runner = Runner(folder, api_url=github.url, token=WRITE, fresh=True, cache=cache)
    pushed = payloads.push(commit(made))
    pushed["repository"]["default_branch"] = "main"
    run = runner.run(made, template("ml-train-promote"), "push", pushed)
    assert run.jobs == {"evaluate": "success", "promote": "success"}, run.last
    assert run.calls("actions/cache/save"), "nothing was kept"
    desk.edit(made / "modelyard.yml", "C: [0.1, 1]", "C: [0.1, 1, 10]")
    head = propose(made)
    github.push(made)
    github.pulls[NUMBER] = {"number": NUMBER, "state": "open", "head": {"sha": head}}
    return made, payloads.pull_request(NUMBER, head)


def job(folder: Path, github: Hub, repository: Path, payload: dict[str, Any], cache: Path | None) -> dict[str, float]:
    """Return the seconds of each step of the template's two jobs, by job and step."""
    runner = Runner(folder, api_url=github.url, token=COMMENT, fresh=True, cache=cache)
    run = runner.run(repository, template("ml-pull-request"), "pull_request", payload)
    assert run.jobs == {"evaluate": "success", "comment": "success"}, run.last
    took: dict[str, float] = {}
    first: dict[str, datetime] = {}
    for each in run.records:
        if "jobID" not in each or "time" not in each or len(each.get("stepID") or ()) > DEEPEST:
            continue
        when, path = datetime.fromisoformat(each["time"]), tuple(each.get("stepID") or ())
        names = [f"{each['jobID']}: {TOGETHER}", *([f"{each['jobID']}: {' · '.join(path)}"] if path else [])]
        for name in names:
            took[name] = (when - first.setdefault(name, when)).total_seconds()
    return took


def work(folder: Path) -> dict[str, float]:
    """Return what the stages take where everything is imported already."""
    found: dict[str, float] = {}
    for name in ("warm-up", "timed"):
        made = desk.repository(folder / name, desk.QUICK)
        done = desk.inside(made, "run")
        assert done.code == 0, done.err
        found = {stage: float(desk.record(made, stage)["circumstances"]["seconds"]) for stage in STAGES}
    return found


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory() as name, hub(Path(name) / "github") as github:
        folder = Path(name)
        github.tokens[WRITE], github.tokens[COMMENT], github.tokens[READ] = {"contents"}, {"pull-requests"}, set()
        repository, payload = prepared(folder, github, folder / "cache")
        seen: dict[str, list[dict[str, float]]] = {"cold": [], "from the cache": []}
        for _ in range(times):
            for kind, cache in (("cold", None), ("from the cache", folder / "cache")):
                seen[kind].append(job(folder, github, repository, payload, cache))
        own = work(folder)
    act.clear()
    print(f"n = {times} each, alternating; {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| job: step | cold, s | from the cache, s |\n|---|--:|--:|")
    steps = list(dict.fromkeys(step for kind in seen.values() for took in kind for step in took))
    for step in steps:
        row = [statistics.median(took.get(step, 0.0) for took in seen[kind]) for kind in seen]
        print(f"| {step} | {row[0]:.1f} | {row[1]:.1f} |")
    total = sum(own.values())
    row = [statistics.median(took[f"evaluate: {TOGETHER}"] for took in seen[kind]) - total for kind in seen]
    print(f"| **evaluate, beyond its work of {total:.1f} s** | {row[0]:.1f} | {row[1]:.1f} |")


if __name__ == "__main__":
    main()
