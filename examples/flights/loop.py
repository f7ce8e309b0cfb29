"""July to December of 2013: the promoted model serves, is watched, and is trained again where that helps.

    python loop.py                # the whole of it, in the folder loop/

Every month its flights are scored as they leave the gate and written to a prediction log; whether they were late is
known a week later. Then `modelyard monitor` looks, and `modelyard decide` says what follows. Two things happen to the
real flights of that year: from August on Frontier (F9) flies two of three flights of ExpressJet and Envoy, and takes 25
minutes longer, and in October the service that knows departure delays gives hours instead of minutes.
"""

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
from make_data import LATE_MINUTES, arrived, read_csv

from modelyard.log import Rotate, Writer

HERE = Path(__file__).parent
LOOP = HERE / "loop"
NEW_YORK = ZoneInfo("America/New_York")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
TAKEN_OVER, LONGER = 8, 25
OTHER_UNITS = 10


def modelyard(*command: str) -> str:
    """Run a command; returns what it says."""
    program = Path(sys.executable).with_name("modelyard")
    done = subprocess.run([str(program), *command], cwd=LOOP, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}modelyard {' '.join(command)} ended with exit code {done.returncode}")
    return done.stdout


def as_they_were(flights: pl.DataFrame, month: int) -> pl.DataFrame:
    """Return the month's flights, with what happens to them here."""
    known = arrived(flights.filter(pl.col("month") == month))
    if month < TAKEN_OVER:
        return known
    taken = pl.col("carrier").is_in(["EV", "MQ"]) & (pl.col("flight") % 3 != 0)
    delay = pl.col("arr_delay") + LONGER * taken
    return known.with_columns(
        arr_delay=delay, late=delay >= LATE_MINUTES, carrier=pl.when(taken).then(pl.lit("F9")).otherwise("carrier")
    )


def as_served(rows: pl.DataFrame, month: int) -> pl.DataFrame:
    """Return what the model is asked."""
    return rows.with_columns(pl.col("dep_delay") / 60) if month == OTHER_UNITS else rows


def train(*arguments: str) -> None:
    """Train, judge and promote on all months that are there; what is promoted serves from now on."""
    said = json.loads(modelyard("run", "--promote", *arguments, "--json"))
    promoted = said["outputs"]["promote"]["version"]
    shutil.rmtree(LOOP / "serving", ignore_errors=True)
    shutil.copytree(LOOP / "modelyard-run" / "model", LOOP / "serving")
    (LOOP / "serving" / "VERSION").write_text(promoted, "utf-8")
    print(
        f"           trained on {len(list((LOOP / 'data').iterdir()))} months, passed its gates, promoted: {promoted}"
    )


def serve(rows: pl.DataFrame) -> None:
    """Score each flight as it leaves, and log what was predicted; a week later, log what came true."""
    import skops.io

    file = LOOP / "serving" / "model.skops"
    model = skops.io.load(file, trusted=skops.io.get_untrusted_types(file=file))
    features = list(model.feature_names_in_)
    scores = model.predict_proba(rows.select(features).to_pandas())[:, 1]
    version = (LOOP / "serving" / "VERSION").read_text("utf-8")
    with Writer(LOOP / "predictions", model=version, format="parquet", rotate=Rotate(every=timedelta(days=1))) as log:
        for row, score in zip(rows.iter_rows(named=True), scores.tolist(), strict=True):
            asked = {name: row[name] for name in features}
            log.write(id=row["flight_id"], time=row["time_hour"], prediction={"True": score, "False": 1 - score},
                      features=asked)  # fmt: skip
        for name, late, left in rows.select("flight_id", "late", "time_hour").iter_rows():
            log.label(id=name, label=late, time=left + timedelta(days=7))


def watch(month: int, moment: datetime) -> None:
    """Look at everything until the month's end, decide, and do what follows."""
    as_of = ["--as-of", moment.isoformat()]
    modelyard("monitor", *as_of)
    said = modelyard("decide", *as_of).splitlines()[0].partition(" · ")[2]
    print(f"{MONTHS[month - 1]:<10} {said}", flush=True)
    if said.startswith("retrain"):
        decided = json.loads(modelyard("decide", *as_of, "--json"))  # asked again, the decision is the same one
        train("--decision", decided["decision"], "--reason", "make demo-loop")


def main() -> None:
    shutil.rmtree(LOOP, ignore_errors=True)
    (LOOP / "data").mkdir(parents=True)
    shutil.copy(HERE / "loop.yml", LOOP / "modelyard.yml")
    git = shutil.which("git") or sys.exit("git is not installed")
    subprocess.run([git, "init", "--quiet"], cwd=LOOP, check=True)  # a repository of its own, with its own registry
    flights = read_csv()
    for month in range(1, 7):
        as_they_were(flights, month).write_parquet(LOOP / "data" / f"{month:02}.parquet")
    print("June       the first champion")
    train()
    for month in range(7, 13):
        rows = as_they_were(flights, month)
        asked, looked = as_served(rows, month), datetime(2013, month, 9, tzinfo=NEW_YORK).astimezone(UTC)
        serve(asked.filter(pl.col("time_hour") < looked))
        if month > 7:
            watch(month - 1, looked)  # by now the labels of the month before are there
        serve(asked.filter(pl.col("time_hour") >= looked))
        rows.write_parquet(LOOP / "data" / f"{month:02}.parquet")
    watch(12, datetime(2014, 1, 9, tzinfo=NEW_YORK).astimezone(UTC))


if __name__ == "__main__":
    main()
