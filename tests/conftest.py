"""What tests share for a whole session: servers that take long to start, workers, and a count by group."""

import os
from collections import Counter
from collections.abc import Iterator

import pytest

from tests import act
from tests.mlflow_server import QUIET, Running, mlflow_server


@pytest.fixture(autouse=True)
def _no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no width of the terminal around the test run, which a worker of it is told, decide what is printed."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="session")
def running_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A real MLflow server, one a process of the test run; tests empty it before they use it."""
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as running:
        yield running


@pytest.fixture
def mlflow_at(running_mlflow: Running, monkeypatch: pytest.MonkeyPatch) -> Running:
    """The server, for clients in this process: no retries, no telemetry, no credentials."""
    for name, value in QUIET.items():
        if name.startswith("MLFLOW_"):
            monkeypatch.setenv(name, value)
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return running_mlflow


def pytest_sessionfinish() -> None:
    """Each process of a run removes what its jobs shared."""
    act.clear()


def pytest_xdist_auto_num_workers() -> int:
    """Return the workers of ``-n auto``: one a core, and at least two, since tests also wait."""
    return max(2, os.cpu_count() or 1)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many tests of each group ran, and how they ended."""
    groups: dict[str, Counter[str]] = {}
    for outcome in ("passed", "failed", "error", "skipped", "xfailed", "xpassed"):
        for report in terminalreporter.stats.get(outcome, ()):
            folder = report.nodeid.split("/")[1] if "/" in report.nodeid else "."
            groups.setdefault(folder, Counter())[outcome] += 1
    if groups:
        terminalreporter.section("tests by group")
    for name, outcomes in sorted(groups.items()):
        ended = ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.items())
        terminalreporter.write_line(f"{name:<12} {ended}")
