"""What the columns of a log are that ``Writer`` did not write: a mapping, or a layout that is known."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

from modelyard.core.catalogue import Catalogue
from modelyard.core.errors import ConfigError, DataError, nearest
from modelyard.log.schema import FEATURE, OF_A_CLASS, PREDICTION, PROBABILITY

if TYPE_CHECKING:
    import polars as pl

_MILLISECONDS = "timestamp_ms"
_REQUEST_TIME = "request_time"
_FIELDS = ("id", "time", "model", PREDICTION, PROBABILITY, "label", "label_time", "sample", "features")


class Layout(Protocol):
    """What the columns are."""

    @property
    def name(self) -> str:
        """Return the name by which the configuration knows it."""

    @property
    def id(self) -> str:
        """Return the column that is read as text, whatever it looks like."""

    @property
    def brings_labels(self) -> bool:
        """Say whether labels stand beside predictions."""

    def time_in(self, there: Sequence[str], place: str) -> str:
        """Return the column of times, of those that are there."""

    def moments(self, times: "pl.Series") -> "pl.Series":
        """Return its values in UTC."""

    def wanted(self, only: frozenset[str] | None) -> list[str] | None:
        """Return the columns to read for those of a log that are wanted; None: all that are there."""

    def rows(self, theirs: "pl.DataFrame", place: str) -> "tuple[pl.DataFrame, pl.DataFrame, int]":
        """Return predictions, labels, and how many rows are no predictions since the request failed."""


@dataclass(frozen=True)
class Columns:
    """A mapping: column of the files by column of a log.

    Attributes:
        theirs: the mapping.
        model: the version of all rows, where no column says it.
        zone: in which times without a zone are meant.
    """

    theirs: Mapping[str, str]
    model: str
    zone: ZoneInfo | None
    name: str = "columns"

    @property
    def id(self) -> str:
        """Return the column of ids."""
        return self.theirs["id"]

    @property
    def brings_labels(self) -> bool:
        """Labels are a column, if they are there at all."""
        return True

    def time_in(self, there: Sequence[str], place: str) -> str:
        """Return the column of times."""
        del there, place
        return self.theirs["time"]

    def moments(self, times: "pl.Series") -> "pl.Series":
        """Return times in UTC."""
        return utc(times, "time", self.zone)

    def wanted(self, only: frozenset[str] | None) -> list[str] | None:
        """Return the mapped columns."""
        return list(dict.fromkeys(their for our, their in self.theirs.items() if only is None or our in only))

    def rows(self, theirs: "pl.DataFrame", place: str) -> "tuple[pl.DataFrame, pl.DataFrame, int]":
        """Return predictions and the labels that are there."""
        import polars as pl

        del place
        named = [pl.col(their).alias(our) for our, their in self.theirs.items() if their in theirs.columns]
        wide = theirs.select(named)
        if self.model:
            wide = wide.with_columns(model=pl.lit(self.model))
        for name in ("time", "label_time"):
            if name in wide.columns:
                wide = wide.with_columns(utc(wide[name], name, self.zone))
        labels = pl.DataFrame()
        if "label" in wide.columns:
            if wide["label"].dtype.is_float():
                wide = wide.with_columns(pl.col("label").fill_nan(None))
            of_labels = [name for name in ("id", "label", "label_time") if name in wide.columns]
            labels = wide.select(of_labels).filter(pl.col("label").is_not_null())
        return wide.drop("label", "label_time", strict=False), labels, 0


@dataclass(frozen=True)
class LabelsAlone:
    """A mapping of what holds labels and no predictions.

    Attributes:
        theirs: column of the files by ``id``, ``label`` and ``label_time``.
        zone: in which times without a zone are meant.
    """

    theirs: Mapping[str, str]
    zone: ZoneInfo | None
    name: str = "labels"
    brings_labels: bool = True

    @property
    def id(self) -> str:
        """Return the column of ids."""
        return self.theirs["id"]

    def time_in(self, there: Sequence[str], place: str) -> str:
        """Return the column of times."""
        del there
        if "label_time" not in self.theirs:
            raise ConfigError(
                f"{place}: labels in a table need the time at which each became known",
                code="log/missing-field",
                hint="Say under monitor.log.labels.columns.time which column it is.",
            )
        return self.theirs["label_time"]

    def moments(self, times: "pl.Series") -> "pl.Series":
        """Return times in UTC."""
        return utc(times, "label_time", self.zone)

    def wanted(self, only: frozenset[str] | None) -> list[str] | None:
        """Return the mapped columns."""
        return [their for our, their in self.theirs.items() if only is None or our in only]

    def rows(self, theirs: "pl.DataFrame", place: str) -> "tuple[pl.DataFrame, pl.DataFrame, int]":
        """Return the labels that are there."""
        import polars as pl

        del place
        labels = theirs.select(pl.col(their).alias(our) for our, their in self.theirs.items())
        if "label_time" in labels.columns:
            labels = labels.with_columns(self.moments(labels["label_time"]))
        if labels["label"].dtype.is_float():
            labels = labels.with_columns(pl.col("label").fill_nan(None))
        return pl.DataFrame(), labels.filter(pl.col("label").is_not_null()), 0


LAYOUTS: "Catalogue[NamedLayout]" = Catalogue("layout of a log", "log/unknown-layout")


class NamedLayout(Protocol):
    """A layout that the configuration knows by name."""

    @property
    def name(self) -> str:
        """Return the name."""

    def of(self, model: str, zone: ZoneInfo | None) -> Layout:
        """Return it for a log whose rows name no version, or whose times name no zone."""


@dataclass(frozen=True)
class InferenceTable:
    """The payload tables of MLflow model serving on Databricks: a row is a request with one or more predictions.

    Both published layouts are known: ``timestamp_ms`` with ``request_metadata``, and ``request_time`` with
    ``served_entity_id``. The id is the client's, else the server's; in a request with several rows ``-0``, ``-1``, …
    is added. Requests that failed or whose payload was too large to be logged are no predictions.

    Attributes:
        model: the version of all rows; empty: as the table says.
    """

    model: str = ""
    name: str = "inference-table"
    id: str = "databricks_request_id"
    brings_labels: bool = False

    def of(self, model: str, zone: ZoneInfo | None) -> "InferenceTable":
        """Return the layout of a log whose rows are of one version."""
        del zone
        return InferenceTable(model)

    def wanted(self, only: frozenset[str] | None) -> list[str] | None:
        """Return None: which columns there are tells which layout it is."""
        del only
        return None

    def rows(self, theirs: "pl.DataFrame", place: str) -> "tuple[pl.DataFrame, pl.DataFrame, int]":
        """Return a row for each prediction of each request."""
        import polars as pl

        missing = [name for name in (self.id, "status_code", "request", "response") if name not in theirs.columns]
        if missing:
            raise DataError(
                f"{place}: no column {missing[0]}",
                code="log/missing-column",
                hint="Export the payload table with all its columns.",
            )
        times = self.moments(theirs[self.time_in(theirs.columns, place)])
        found: list[dict[str, Any]] = []
        failed = 0
        for at, row in enumerate(theirs.iter_rows(named=True)):
            if row["status_code"] != 200 or row["request"] is None or row["response"] is None:
                failed += 1
                continue
            base = {
                "id": row.get("client_request_id") or row[self.id],
                "time": times[at],
                "model": self.model or _version(row, place),
            }
            share = row.get("sampling_fraction")
            if share is not None and float(share) < 1:
                base["sample"] = float(share)
            found += _of_request(row, base, f"{place}: request {row[self.id]!s:.60}")
        names = list(dict.fromkeys(name for row in found for name in row))
        columns = {}
        for name in names:
            values = [row.get(name) for row in found]
            columns[name] = (
                pl.Series(name, values, pl.Datetime("us", "UTC")) if name == "time" else as_series(name, values)
            )
        return pl.DataFrame(columns), pl.DataFrame(), failed

    def time_in(self, there: Sequence[str], place: str) -> str:
        """Return which of the two columns of times is there."""
        found = next((name for name in (_MILLISECONDS, _REQUEST_TIME) if name in there), None)
        if found is None:
            raise DataError(
                f"{place}: no column {_MILLISECONDS} or {_REQUEST_TIME}",
                code="log/missing-column",
                hint="Export the payload table with all its columns.",
            )
        return found

    def moments(self, times: "pl.Series") -> "pl.Series":
        """Return times in UTC; Databricks' timestamps are, and exports to Parquet leave the zone out."""
        import polars as pl

        if times.dtype.is_integer():
            return times.cast(pl.Int64).cast(pl.Datetime("ms")).dt.replace_time_zone("UTC").dt.cast_time_unit("us")
        return utc(times, "time", ZoneInfo("UTC"))


LAYOUTS.register(InferenceTable())


def _version(row: Mapping[str, Any], place: str) -> str:
    told = row.get("request_metadata")
    if isinstance(told, str):
        told = _json(told, place)
    if isinstance(told, list):  # a map, as Parquet has it
        told = {each["key"]: each["value"] for each in told}
    version = (told or {}).get("model_version") or row.get("served_entity_id")
    if not version:
        raise DataError(
            f"{place}: a request that names no version",
            code="log/missing-value",
            hint="Say in monitor.log.version which version served it.",
        )
    return str(version)


def _json(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place}: a payload that is not JSON", code="log/damaged", hint="Export it again.") from error


def _of_request(row: Mapping[str, Any], base: Mapping[str, Any], place: str) -> "list[dict[str, Any]]":
    answer = _json(row["response"], place)
    told = answer.get("predictions") if isinstance(answer, dict) else answer
    if isinstance(told, dict):  # a column to its values
        told = [dict(zip(told, each, strict=True)) for each in zip(*told.values(), strict=False)]
    given = list(_inputs(_json(row["request"], place), place))
    if not isinstance(told, list) or len(told) != len(given):
        raise DataError(
            f"{place}: {len(given)} rows were asked for and {len(told) if isinstance(told, list) else 'no list of'} "
            "predictions answered",
            code="log/unlike-payload",
            hint="Read such a table with columns=, one prediction a row.",
        )
    several = len(told) > 1
    return [
        {
            **base,
            **({"id": f"{base['id']}-{at}"} if several else {}),
            **_predicted(each, place),
            **{f"{FEATURE}{name}": value for name, value in inputs.items()},
        }
        for at, (each, inputs) in enumerate(zip(told, given, strict=True))
    ]


def _predicted(told: Any, place: str) -> dict[str, Any]:
    if isinstance(told, list) and len(told) == 1:
        told = told[0]
    if isinstance(told, str | bool | int | float):
        return {PREDICTION: told}
    if isinstance(told, dict):
        found = {
            name: value
            for name, value in told.items()
            if name in (PREDICTION, PROBABILITY) or name.startswith(OF_A_CLASS)
        }
        if found:
            return found
        raise DataError(
            f"{place}: a prediction with {', '.join(map(str, told))[:100] or 'nothing'}, none of which is prediction, "
            f"probability or {OF_A_CLASS}<class>",
            code="log/unlike-payload",
            hint="Let the model answer with columns of these names.",
        )
    raise DataError(
        f"{place}: a prediction that is a {type(told).__name__}, of which no class is known",
        code="log/unlike-payload",
        hint=f"Let the model answer with a label, a number, or an object with {PROBABILITY} or {OF_A_CLASS}<class>.",
    )


def _inputs(asked: Any, place: str) -> Iterator[dict[str, Any]]:
    """Yield the features of each row of a request, in the four forms that MLflow's scoring server takes."""
    if isinstance(asked, dict):
        if isinstance(split := asked.get("dataframe_split"), dict):
            names = [str(name) for name in split.get("columns", ())]
            yield from (dict(zip(names, values, strict=False)) for values in split.get("data", ()))
            return
        for key in ("dataframe_records", "instances", "inputs"):
            given = asked.get(key)
            if isinstance(given, dict):
                listed = {name: value if isinstance(value, list) else [value] for name, value in given.items()}
                yield from (dict(zip(listed, values, strict=True)) for values in zip(*listed.values(), strict=False))
                return
            if isinstance(given, list):
                yield from (each if isinstance(each, dict) else {} for each in given)
                return
    raise DataError(
        f"{place}: a request without dataframe_split, dataframe_records, instances or inputs",
        code="log/unlike-payload",
        hint="Read such a table with columns=, one prediction a row.",
    )


def as_series(name: str, values: list[Any]) -> "pl.Series":
    """Return values as a column; objects, lists and values of several kinds as text."""
    import polars as pl

    kinds = {"number" if type(value) in (int, float) else type(value).__name__ for value in values if value is not None}
    if len(kinds) > 1 or kinds & {"dict", "list"}:
        values = [
            value if value is None or isinstance(value, str) else json.dumps(value, default=str) for value in values
        ]
        return pl.Series(name, values, dtype=pl.String)
    return pl.Series(name, values, strict=False)


def layout_of(columns: Mapping[str, str | Sequence[str]] | str | None, model: str, zone: str) -> Layout | None:
    """Return what the columns of a log are; None for those that ``Writer`` writes.

    Raises:
        ConfigError: an unknown field, layout or zone, or a field missing.
    """
    known_zone = zone_of(zone)
    if columns is None:
        return None
    if isinstance(columns, str):
        return LAYOUTS.get(columns).of(model, known_zone)
    return Columns(_asked(columns, model), model, known_zone)


def _asked(columns: Mapping[str, str | Sequence[str]], model: str) -> dict[str, str]:
    """Return column of the files by column of a log."""
    asked: dict[str, str] = {}
    for name, given in columns.items():
        if name not in _FIELDS and not (name.startswith(OF_A_CLASS) and len(name) > len(OF_A_CLASS)):
            raise ConfigError(
                f"columns: unknown field {str(name)[:60]!r}; allowed: {', '.join(_FIELDS)}, {OF_A_CLASS}<class>",
                code="log/unknown-field",
                hint=nearest(str(name), _FIELDS),
            )
        if name == "features" and not isinstance(given, str):
            asked.update({f"{FEATURE}{each}": each for each in given})
        elif isinstance(given, str) and name != "features":
            asked[name] = given
        else:
            raise ConfigError(
                f"columns: {name} is not {'a list' if name == 'features' else 'the name of a column'}",
                code="log/bad-field",
                hint='Write {"id": "request_id", "features": ["hour"]}.',
            )
    needs = {"id": "id" in asked, "time": "time" in asked, "model": bool(model) or "model" in asked}
    needs["prediction or probability"] = any(
        name in (PREDICTION, PROBABILITY) or name.startswith(OF_A_CLASS) for name in asked
    )
    for name, there in needs.items():
        if not there:
            raise ConfigError(
                f"columns: no field {name}",
                code="log/missing-field",
                hint="Say which column it is; model=… gives one version for all rows.",
            )
    if model and "model" in asked:
        raise ConfigError("the model is given, and a column of it too", code="log/bad-field", hint="Keep one of them.")
    if "label_time" in asked and "label" not in asked:
        raise ConfigError("columns: label_time without label", code="log/missing-field", hint="Say which column it is.")
    return asked


def zone_of(zone: str) -> ZoneInfo | None:
    """Return a time zone; None for none.

    Raises:
        ConfigError: an unknown one.
    """
    if not zone:
        return None
    try:
        return ZoneInfo(zone)
    except (KeyError, OSError, ValueError) as error:
        raise ConfigError(
            f"unknown time zone {zone[:60]!r}", code="log/unknown-zone", hint="Example: Europe/Paris."
        ) from error


def utc(times: "pl.Series", name: str, zone: ZoneInfo | None) -> "pl.Series":
    """Return times in UTC."""
    import polars as pl

    from modelyard.data.types import as_moments

    found = times
    if times.dtype == pl.String:
        found = as_moments(times)
    if times.dtype != pl.Null and (not isinstance(found.dtype, pl.Datetime) or found.null_count() > times.null_count()):
        raise DataError(
            f"{name}: values that are no times as ISO 8601 writes them, or some with a zone and some without",
            code="log/bad-time",
            hint="Write 2026-01-31T05:00:00Z, or use a column of timestamps.",
        )
    if times.dtype == pl.Null:
        return times.cast(pl.Datetime("us", "UTC"))
    if getattr(found.dtype, "time_zone", None) is not None:
        return found.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    if zone is None:
        raise DataError(
            f"{name}: times without a time zone",
            code="log/naive-times",
            hint='State the zone in which they are meant: zone="UTC".',
        )
    try:
        local = found.dt.replace_time_zone(zone.key, ambiguous="raise", non_existent="raise")
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"{name}: a time that {zone.key} has twice or never, where the clock was changed",
            code="log/ambiguous-time",
            hint="Log times in UTC.",
        ) from error
    return local.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
