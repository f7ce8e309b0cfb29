"""A prediction log in a table of a real PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from modelyard.core.credentials import without_credentials
from modelyard.log import ConfigError, DataError, PlatformError, read, scan
from tests.postgresql import Postgres, postgresql

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
COLUMNS = {
    "id": "request", "time": "at", "model": "by", "prediction": "p%", "label": "late", "label_time": "known",
    "features": ["hour", "amount"],
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with postgresql(tmp_path_factory.mktemp("postgresql") / "data") as running:
        with running.connect() as connection:
            connection.execute("CREATE ROLE reader LOGIN PASSWORD 'long-enough-secret'")
            connection.execute("CREATE SCHEMA audit")
            connection.execute("GRANT USAGE ON SCHEMA audit TO reader")
            connection.execute(
                'CREATE TABLE audit.predictions (request uuid, at timestamptz, by text, "p%" boolean, late boolean,'
                " known timestamptz, hour smallint, amount numeric(10, 2), note jsonb)"
            )
            connection.execute(
                """INSERT INTO audit.predictions SELECT md5(n::text)::uuid, '2026-03-01T12:00Z'::timestamptz
                + n * interval '1 hour', 'v' || 7 + n / 72, n % 2 = 0, CASE WHEN n % 3 > 0 THEN n % 2 = 0 END,
                '2026-03-02T12:00Z'::timestamptz + n * interval '1 hour', n % 24, n / 4.0, '{}'
                FROM generate_series(0, 95) AS n"""
            )
            connection.execute("GRANT SELECT ON audit.predictions TO reader")
        yield running


@pytest.fixture
def reader(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the table, with all that is secret in the environment."""
    monkeypatch.setenv("PGHOST", server.socket)
    monkeypatch.setenv("PGUSER", "reader")
    monkeypatch.setenv("PGPASSWORD", "long-enough-secret")
    return "postgresql:///postgres#audit.predictions"


def test_a_table_is_read_and_scanned(reader: str) -> None:
    found = read(reader, COLUMNS)
    assert found.counts.models == {"v7": 72, "v8": 24}
    assert (found.counts.labelled, found.frame["time"][0]) == (64, NOON)
    assert found.frame["feature_amount"].to_list()[:3] == [0, 0.25, 0.5]
    assert found.frame["id"][0] == "cfcd2084-95d5-65ef-66e7-dff9f98764da"
    log = scan(reader, COLUMNS)
    assert [entry.piece.name for entry in log.entries] == [f"2026-03-0{day}" for day in range(1, 6)]
    part = log.between(NOON + 2 * DAY, NOON + 4 * DAY, version="v8").frame
    assert part.equals(found.frame.filter(found.frame["model"] == "v8").select(part.columns))


def test_nothing_can_be_written_and_the_password_stays_with_us(reader: str, server: Postgres) -> None:
    import psycopg

    from modelyard.log.sources.sql import Postgresql

    assert "PGPASSWORD" not in without_credentials({"PGPASSWORD": "long-enough-secret", "PATH": "/bin"})
    with (
        Postgresql({"user": server.user}).connect() as connection,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        connection.execute("DELETE FROM audit.predictions")
    assert read(reader, COLUMNS).counts.predictions == 96


def test_what_the_database_says_is_told_without_the_password(
    reader: str, server: Postgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r'relation "audit.prediction" does not exist.*log/database'):
        read("postgresql:///postgres#audit.prediction", COLUMNS)
    with pytest.raises(DataError, match="data/missing-column"):
        read(reader, {**COLUMNS, "label": "lat"})
    monkeypatch.setenv("PGHOST", str(tmp_path))
    with pytest.raises(PlatformError, match="log/unreachable") as raised:
        read(reader, COLUMNS)
    assert "long-enough-secret" not in str(raised.value)
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(ConfigError, match="log/no-driver"):
        read(reader, COLUMNS)
