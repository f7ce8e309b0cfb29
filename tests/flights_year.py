"""The second half of the flights' year on a real runner and a GitHub with state: what is decided, and every call.

    .venv/bin/python -m tests.flights_year

The templates run as they are, with the configuration of examples/flights/loop.yml. Since a runner's clock cannot be
set, months are four weeks, and the log's times are moved so that the last of them ended when windows last did.
"""

import importlib
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from modelyard.config.sections.registry import Registry
from modelyard.log import Writer
from modelyard.monitoring.windows import begin_of
from modelyard.registry.choose import open_registry
from tests import desk, payloads
from tests.e2e.test_templates import commit, run
from tests.hub import Hub, hub

sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "flights"))
loop: Any = importlib.import_module("loop")

TOKEN = "ghs_loop"
MONTH = timedelta(weeks=4)
FIRST = datetime(2013, 7, 1, tzinfo=UTC)
MONTHS = 6
CONFIG = (
    (loop.HERE / "loop.yml")
    .read_text("utf-8")
    .replace("window: 1 month", "window: 4 weeks")
    .replace("labels: 7 days", "labels: 1 day")
    .replace("  zone: America/New_York\n", "")
)


def months(flights: pl.DataFrame) -> list[tuple[pl.DataFrame, pl.DataFrame]]:
    """Return what happened in each of six times four weeks, and what the model was asked."""
    whole = [loop.as_they_were(flights, month) for month in range(7, 13)]
    asked = [loop.as_served(rows, month) for month, rows in enumerate(whole, start=7)]

    def between(rows: list[pl.DataFrame], begin: datetime) -> pl.DataFrame:
        span = pl.col("time_hour").is_between(begin, begin + MONTH, closed="left")
        return pl.concat(rows, how="vertical_relaxed").filter(span)

    begins = [FIRST + at * MONTH for at in range(MONTHS)]
    return [(between(whole, begin), between(asked, begin)) for begin in begins]


def scored(github: Hub, version: str, rows: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """Return rows with the probability that a version from the registry gives them."""
    import skops.io

    environ = {"GITHUB_API_URL": github.url, "MODELYARD_TOKEN": TOKEN}
    registry = open_registry(
        Registry(), "flights-loop", folder / ".registry", environ=environ, override="github", repository=github.name
    )
    home = folder / version
    if not home.exists():
        registry.fetch(registry.resolve(version), home)
    file = home / "model" / "model.skops"
    model = skops.io.load(file, trusted=skops.io.get_untrusted_types(file=file))
    asked = rows.select(list(model.feature_names_in_))
    return rows.with_columns(score=model.predict_proba(asked.to_pandas())[:, 1], version=pl.lit(version))


def write_log(served: list[pl.DataFrame], target: Path) -> None:
    """Write the log anew, moved so that the last month ended when windows last did."""
    shutil.rmtree(target, ignore_errors=True)
    now = begin_of(datetime.now(UTC) - timedelta(days=1), "4 weeks", ZoneInfo("UTC"))
    moved = now - (FIRST + len(served) * MONTH)
    features = [name for name in served[0].columns if name in FEATURES]
    with Writer(target, format="parquet") as log:
        for rows in served:
            for row in rows.iter_rows(named=True):
                moment, score = row["time_hour"] + moved, row["score"]
                log.write(id=row["flight_id"], time=moment, model=row["version"],
                          prediction={"True": score, "False": 1 - score},
                          features={name: row[name] for name in features})  # fmt: skip
                log.label(id=row["flight_id"], label=row["late"], time=moment + timedelta(hours=8))


FEATURES = {"dep_time", "sched_dep_time", "dep_delay", "sched_arr_time", "carrier", "flight", "origin", "dest",
            "distance", "hour", "minute"}  # fmt: skip


def train(github: Hub, repo: Path, scratch: Path, event: str, payload: dict[str, Any]) -> str:
    """Run ml-train-promote; returns what came of it."""
    found = run(scratch, github, repo, "ml-train-promote", event, payload, TOKEN)
    return f"{found.jobs}, {found.outputs('modelyard', 'promote').get('version') or champion(github)}"


def champion(github: Hub) -> str:
    state = json.loads(github.run("show", "modelyard-state:flights-loop/state.json"))
    return str(state["journal"]["aliases"]["champion"])


def told(github: Hub) -> str:
    """Return the calls that changed something since the last time, with how often."""
    calls = Counter(f"{call.operation} {call.status}" for call in github.writes)
    github.calls.clear()
    return ", ".join(f"{count} × {name}" if count > 1 else name for name, count in calls.items()) or "none"


def main() -> None:
    """Go through the half year."""
    flights = loop.read_csv()
    with tempfile.TemporaryDirectory(prefix="flights-year.") as home, hub(Path(home) / "github") as github:
        folder = Path(home)
        github.tokens[TOKEN] = {"contents", "issues", "actions"}
        github.workflows["ml-train-promote.yml"] = {"decision", "reason"}
        repo = folder / "repo"
        (repo / "data").mkdir(parents=True)
        for month in range(1, 7):
            loop.as_they_were(flights, month).write_parquet(repo / "data" / f"{month:02}.parquet")
        (repo / "modelyard.yml").write_text(CONFIG, "utf-8")
        (repo / ".gitignore").write_text("modelyard-run/\n", "utf-8")
        desk.commit(repo)
        desk.git(repo, "branch", "-M", "main")
        github.push(repo)
        github.run("symbolic-ref", "HEAD", "refs/heads/main")
        github.clock = lambda: datetime.now(UTC) - timedelta(days=30)
        print("June    ml-train-promote (push):", train(github, repo, folder, "push", payloads.push(commit(repo))))
        print("        calls:", told(github))
        github.clock = lambda: datetime.now(UTC)
        served: list[pl.DataFrame] = []
        for number, (rows, asked) in enumerate(months(flights), start=1):
            served.append(scored(github, champion(github), asked, folder))
            write_log(served, repo / "predictions")
            rows.write_parquet(repo / "data" / f"{6 + number:02}.parquet")
            desk.git(repo, "add", "-A")
            desk.git(repo, "commit", "-qm", f"month {number}")
            before, began = set(github.runs), time.monotonic()
            found = run(folder, github, repo, "ml-monitor", "schedule", payloads.schedule(), TOKEN)
            issues = [f"{issue['state']}: {issue['title']}" for issue in github.issues.values()]
            print(f"month {number} ml-monitor (schedule): {found.jobs}, {found.outputs('decide').get('action')}, "
                  f"{time.monotonic() - began:.0f} s")  # fmt: skip
            print("        issues:", "; ".join(issues) or "none")
            print("        calls:", told(github))
            for name in sorted(set(github.runs) - before):
                started = github.runs[name]
                inputs = started["inputs"]
                payload = payloads.workflow_dispatch(**inputs)
                print(f"        {started['workflow']} (workflow_dispatch, decision {inputs['decision'][:19]}…):",
                      train(github, repo, folder, "workflow_dispatch", payload))  # fmt: skip
                print("        calls:", told(github))
        print("violations of the published description:", github.violations or "none")


if __name__ == "__main__":
    main()
