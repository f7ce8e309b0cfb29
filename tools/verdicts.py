"""Seven pull requests and what the comment on each says, from real runs: `python tools/verdicts.py [story …]`.

It writes docs/verdicts/<story>.md. Flights, models and numbers are real; links, commits and what was said of
earlier pushes stand for those of a pull request. Pictures of them: `python tools/pictures.py`.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from modelyard.core.verdict import Verdict
from modelyard.records.store import RunRecords
from modelyard.report.compose import About
from modelyard.report.renderers.markdown import render_markdown
from modelyard.steps.report.step import shown_records

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests import desk  # noqa: E402 - the repository's own tests
from tests.e2e.test_flights_verdicts import AHEAD, CHALLENGER, CHAMPION, GATES  # noqa: E402 - the repository's own tests

TARGET = ROOT / "docs" / "verdicts"
PAGES = "https://github.com/acme/flights"
COMMIT = "3f2a9c41d07be5628fa01c93d4e7b8a65c10f2ed"
PUSHES = ((Verdict.FAIL, "a1b2c3d4e5f6"), (Verdict.INCONCLUSIVE, "b2c3d4e5f6a1"))
REGRESSION = """\
model: {name: delay-minutes, task: regression, metric: mean_absolute_error}
data:
  sets: {all: data/*.parquet}
  split: {of: all, by: time, test: 3 months}
  columns: {target: arr_delay, id: flight_id, time: time_hour, unit: {every: day, zone: America/New_York},
            drop: [late, arr_time, air_time, tailnum%s]}
train:
  candidates:
    - {estimator: sklearn.%s}
evaluate:
  gates:
    - {metric: mean_absolute_error, at_most: 20}
    - {metric: mean_absolute_error, no_worse_than: champion, margin: 0.5}
"""
AIRPORTS = """\
model: {name: which-airport, task: multiclass, metric: accuracy}
data:
  sets: {all: data/*.parquet}
  split: {of: all, by: time, test: 3 months}
  columns: {target: origin, id: flight_id, time: time_hour, unit: {every: day, zone: America/New_York},
            drop: [late, arr_delay, arr_time, air_time, tailnum, dep_time, dep_delay, flight, distance%s]}
train:
  candidates:
    - {estimator: sklearn.%s}
evaluate:
  gates:
    - {metric: accuracy, at_least: 0.5}
    - {metric: accuracy, no_worse_than: champion, margin: 0.01}
    - {metric: f1_macro, no_worse_than: champion, margin: 0.01}
"""


class Flights:
    """The first half of 2013, and one story after the other on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "flights"
        ignored = shutil.ignore_patterns("data", "loop", ".modelyard", "modelyard-run")
        shutil.copytree(ROOT / "examples" / "flights", self.folder, ignore=ignored)
        desk.git(self.folder, "init", "-q")
        made = [sys.executable, "make_data.py", "--months", "1-6"]
        subprocess.run(made, cwd=self.folder, check=True, env=desk.environment(), capture_output=True)
        text = (self.folder / "modelyard.yml").read_text("utf-8")
        self.head, self.suites = text[: text.index("validate:")], text[text.index("validate:") : text.index("train:")]

    def run(self, config: str, *arguments: str) -> None:
        """Run a configuration; a hold is an end as good as another."""
        (self.folder / "modelyard.yml").write_text(config, "utf-8")
        done = desk.modelyard(self.folder, "run", *arguments)
        if done.code not in (0, 1):
            raise SystemExit(done.err)

    def comment(self, story: str, *, pushes: tuple[tuple[Verdict, str], ...] = ()) -> None:
        """Write what the comment on this run says."""
        about = About(
            report=f"{PAGES}/actions/runs/18233847201/artifacts/4117328801",
            run=f"{PAGES}/actions/runs/18233847201",
            run_id="18233847201",
            commit=COMMIT,
            commit_page=f"{PAGES}/commit/{COMMIT}",
            pushes=pushes,
        )
        records = shown_records(RunRecords(self.folder / "modelyard-run"))
        (TARGET / f"{story}.md").write_text(render_markdown(records, about=about), "utf-8")

    def mixed(self, carrier: str) -> None:
        """Write the challenger's predictions with those of one carrier shuffled."""
        found = pl.read_parquet(self.folder / "modelyard-run" / "predictions" / "challenger.parquet")
        rows = pl.read_parquet(self.folder / "data" / "*.parquet", columns=["flight_id", "carrier"])
        of = found.join(rows, on="flight_id", how="left", maintain_order="left")["carrier"]
        shuffled, chosen = found["probability"].to_numpy().copy(), (of == carrier).to_numpy()
        shuffled[chosen] = np.random.default_rng(1).permutation(shuffled[chosen])
        found.with_columns(pl.Series("probability", shuffled)).write_parquet(self.folder / "predictions.parquet")


def main(wanted: list[str]) -> None:
    """Run the stories, or those that are named."""
    with tempfile.TemporaryDirectory() as scratch:
        if not wanted or set(wanted) & {"better", "close", "worse", "carrier", "data-fault", "champion"}:
            _binary(Flights(Path(scratch) / "binary"))
        if not wanted or "regression" in wanted:
            made = ("", "linear_model.Ridge", "", "ensemble.HistGradientBoostingRegressor")
            _beside(Flights(Path(scratch) / "regression"), "regression", REGRESSION, *made)
        if not wanted or "multiclass" in wanted:
            made = ("", "ensemble.HistGradientBoostingClassifier", ", dest", "linear_model.LogisticRegression")
            _beside(Flights(Path(scratch) / "multiclass"), "multiclass", AIRPORTS, *made)


def _binary(flights: Flights) -> None:
    head = flights.head
    flights.run(head + CHAMPION + GATES, "--promote")
    flights.comment("champion")
    flights.run(head + CHALLENGER + GATES)
    flights.comment("better", pushes=PUSHES)
    flights.mixed("FL")
    flights.run(head + CHALLENGER + GATES + AHEAD)
    flights.comment("close")
    flights.run(head.replace("    drop:\n", "    drop:\n      - dep_delay\n      - dep_time\n") + CHALLENGER + GATES)
    flights.comment("worse")
    flights.run(head + GATES + "  challenger: predictions.parquet\n")
    flights.comment("carrier")
    june = flights.folder / "data" / "flights-2013-06.parquet"
    pl.read_parquet(june).with_columns(pl.col("dep_delay") // 60).write_parquet(june)
    flights.run(head + flights.suites + CHALLENGER + GATES)
    flights.comment("data-fault")


def _beside(flights: Flights, story: str, config: str, *made: str) -> None:
    old, new = made[:2], made[2:]
    flights.run(config % old, "--promote")
    flights.run(config % new)
    flights.comment(story)


if __name__ == "__main__":
    main(sys.argv[1:])
