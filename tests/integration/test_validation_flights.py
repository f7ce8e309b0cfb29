"""The flights example on its real data: made twice alike, its suite passes, and breaks when the data breaks."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import yaml

from modelyard.config.configuration import Config
from modelyard.core.files import sha256_file
from modelyard.core.verdict import Verdict
from modelyard.records.results import SuiteResult
from modelyard.report import expectations
from modelyard.validation.engines.gx import GX
from modelyard.validation.judge import judge_suite
from modelyard.validation.suite import Suite, load_suite

FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"


def make_data(folder: Path, *options: str) -> str:
    command = [sys.executable, str(FLIGHTS / "make_data.py"), "--out", str(folder), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flights") / "data"
    assert "data: 327,346 flights of 12 months, a file each; 9,430 without an arrival delay" in make_data(folder)
    return folder


@pytest.fixture(scope="module")
def half_year(data: Path) -> pl.DataFrame:
    return pl.concat(pl.read_parquet(data / f"flights-2013-{month:02}.parquet") for month in range(1, 7))


@pytest.fixture(scope="module")
def suite() -> Suite:
    return load_suite("expectations/flights.json", FLIGHTS, GX)


def judged(suite: Suite, frame: pl.DataFrame) -> SuiteResult:
    return judge_suite(suite, frame, GX, set_name="all", suite_path="expectations/flights.json")


def not_passed(result: SuiteResult) -> set[tuple[str, str, str]]:
    return {
        (found.state, expectations.subject(found), found.type.removeprefix("expect_").removeprefix("column_"))
        for found in result.expectations
        if found.state != "passed"
    }


def test_months_arrive_one_by_one_as_the_same_bytes(data: Path, tmp_path: Path) -> None:
    make_data(tmp_path, "--months", "1-2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flights-2013-01.parquet", "flights-2013-02.parquet"]
    before = {path.name: sha256_file(path) for path in tmp_path.iterdir()}
    make_data(tmp_path, "--months", "3")
    after = {path.name: sha256_file(path) for path in tmp_path.iterdir()}
    assert after.items() > before.items()
    assert after == {name: sha256_file(data / name) for name in after}


def test_a_month_that_is_none_is_refused() -> None:
    command = [sys.executable, str(FLIGHTS / "make_data.py"), "--months", "0-3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "'0-3' is not a month from 1 to 12 or a range such as 1-6" in done.stderr


def test_late_is_a_quarter_of_an_hour_or_more_and_ids_are_unique(data: Path) -> None:
    flights = pl.read_parquet(data / "*.parquet")
    assert flights.select((pl.col("late") == (pl.col("arr_delay") >= 15)).all()).item()
    assert flights["flight_id"].n_unique() == flights.height == 327_346
    assert flights.schema["time_hour"] == pl.Datetime("us", "UTC")
    local = flights["time_hour"].dt.convert_time_zone("America/New_York")
    assert (local.dt.hour() == flights["hour"]).all()


def test_the_suite_passes_on_the_half_year_and_on_the_whole(suite: Suite, half_year: pl.DataFrame, data: Path) -> None:
    for frame in (half_year, pl.read_parquet(data / "*.parquet")):
        result = judged(suite, frame)
        assert not_passed(result) == set()
        assert result.verdict is Verdict.PASS
        assert len(result.expectations) == 29


LAST_MONTH = pl.col("month") == 6
FIRST_TEN = pl.int_range(pl.len()) < 10


@pytest.mark.parametrize(
    ("breaks", "verdict", "named"),
    [
        pytest.param(
            lambda frame: frame.with_columns(pl.col("dep_delay") / 60),
            Verdict.FAIL,
            {("failed", "dep_delay", "quantile_values_to_be_between"), ("failed", "dep_delay", "values_to_be_between")},
            id="departure delay in hours",
        ),
        pytest.param(
            lambda frame: frame.with_columns(
                pl.when(LAST_MONTH).then(pl.col("dep_delay") / 60).otherwise(pl.col("dep_delay"))
            ),
            Verdict.FAIL,
            {("failed", "dep_delay", "values_to_be_between")},
            id="departure delay in hours in the newest month only",
        ),
        pytest.param(
            lambda frame: frame.with_columns(pl.when(~FIRST_TEN).then(pl.col("dep_delay"))),
            Verdict.FAIL,
            {("failed", "dep_delay", "values_to_not_be_null")},
            id="ten departure delays missing",
        ),
        pytest.param(
            lambda frame: frame.with_columns(pl.lit(None, pl.Int64).alias("dep_delay")),
            Verdict.ERROR,
            {
                ("failed", "dep_delay", "values_to_not_be_null"),
                ("vacuous", "dep_delay", "values_to_be_between"),
                ("vacuous", "dep_delay", "quantile_values_to_be_between"),
            },
            id="no departure delay at all",
        ),
        pytest.param(
            lambda frame: frame.with_columns(
                pl.when(FIRST_TEN).then(pl.lit("XX")).otherwise(pl.col("carrier")).alias("carrier")
            ),
            Verdict.FAIL,
            {("failed", "carrier", "values_to_be_in_set")},
            id="an unknown carrier",
        ),
        pytest.param(
            lambda frame: pl.concat([frame, frame.tail(3)]),
            Verdict.FAIL,
            {
                ("failed", "flight_id", "values_to_be_unique"),
                ("failed", "month, day, carrier, flight, origin", "compound_columns_to_be_unique"),
            },
            id="three flights twice",
        ),
        pytest.param(
            lambda frame: frame.rename({"distance": "dist"}),
            Verdict.ERROR,
            {
                ("failed", "table", "table_columns_to_match_set"),
                ("errored", "distance", "values_to_be_between"),
                ("errored", "distance", "mean_to_be_between"),
            },
            id="a renamed column",
        ),
        pytest.param(
            lambda frame: frame.with_columns(
                pl.when(LAST_MONTH).then(pl.col("distance") * 1.609).otherwise(pl.col("distance"))
            ),
            Verdict.FAIL,
            {("failed", "distance", "values_to_be_between")},
            id="kilometres in the newest month",
        ),
        pytest.param(
            lambda frame: frame.with_columns(~pl.col("late")),
            Verdict.FAIL,
            {("failed", "late", "mean_to_be_between"), ("failed", "arr_delay", "values_to_be_between")},
            id="the target turned round",
        ),
        pytest.param(
            lambda frame: pl.concat([frame.filter(LAST_MONTH), frame.filter(~LAST_MONTH)]),
            Verdict.FAIL,
            {("failed", "time_hour", "values_to_be_increasing")},
            id="months out of order",
        ),
        pytest.param(
            lambda frame: frame.filter(LAST_MONTH),
            Verdict.FAIL,
            {("failed", "table", "table_row_count_to_be_between")},
            id="one month only",
        ),
    ],
)
def test_broken_data_is_caught_by_the_expectation_that_is_about_it(
    suite: Suite,
    half_year: pl.DataFrame,
    breaks: Callable[[pl.DataFrame], pl.DataFrame],
    verdict: Verdict,
    named: set[tuple[str, str, str]],
) -> None:
    result = judged(suite, breaks(half_year))
    assert named <= not_passed(result)
    assert {subject for _, subject, _ in not_passed(result)} == {subject for _, subject, _ in named}
    assert result.verdict is verdict


def test_the_configuration_is_one_that_the_models_take() -> None:
    config = Config.model_validate(yaml.safe_load((FLIGHTS / "modelyard.yml").read_text("utf-8")))
    assert config.data.split is not None
    assert (config.model.name, config.data.split.test) == ("flights-late", "3 months")
    assert config.validate_ is not None
    assert (FLIGHTS / config.validate_.suites["all"]).is_file()
    assert config.train is not None
    assert len(config.train.candidates) == 2
