"""Read a prediction log: what was predicted, the label that counts of each, and how mature the labels are."""

import glob
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from modelyard.core.errors import ConfigError, DataError, nearest
from modelyard.log.partitions import Read, json_lines, read_folder
from modelyard.log.schema import FEATURE, LABELS, OF_A_CLASS, PREDICTION, PREDICTIONS, PROBABILITY

if TYPE_CHECKING:
    import polars as pl

_FIELDS = ("id", "time", "model", PREDICTION, PROBABILITY, "label", "label_time", "sample", "features")
_TOLERANCE = 2e-3
"""How far from 1 logged probabilities may add up."""
_AGES = tuple(timedelta(days=days) for days in (1, 2, 3, 7, 14, 28))


@dataclass(frozen=True)
class Counts:
    """What was found in a log.

    Attributes:
        predictions: rows of the frame: one per id and model.
        models: predictions by version.
        duplicate_predictions: rows that repeat the prediction of an id by a model.
        changed_predictions: rows with another prediction of an id by a model; the first by time counts.
        torn_lines: last lines that were not written whole.
        labels: rows with a label.
        labelled: predictions with a label that counts.
        duplicate_labels: rows that repeat an id's label.
        changed_labels: ids whose labels differ; the last by its time counts.
        conflicting_labels: ids with different labels at their last time, of which none counts.
        unmatched_labels: ids with a label and no prediction.
        late_labels: predictions whose first label came later than asked.
        early_labels: predictions whose first label has a time before theirs.
        labels_without_time: rows with a label and no time of it.
    """

    predictions: int
    models: Mapping[str, int]
    duplicate_predictions: int
    changed_predictions: int
    torn_lines: int
    labels: int
    labelled: int
    duplicate_labels: int
    changed_labels: int
    conflicting_labels: int
    unmatched_labels: int
    late_labels: int
    early_labels: int
    labels_without_time: int


@dataclass(frozen=True)
class PredictionLog:
    """A log that was read.

    Attributes:
        frame: one row per id and model, by time: ``id``, ``time`` (UTC), ``model``; ``prediction``, ``probability``,
            ``probability_<class>`` and ``feature_<name>`` as logged; ``sample`` where the log is one; ``label``,
            ``label_time`` and ``first_label_time``, missing where no label counts.
        counts: what was found.
        until: the last time in the log.
    """

    frame: "pl.DataFrame" = field(repr=False)
    counts: Counts
    until: datetime

    def maturity(
        self, every: str = "1d", *, ages: Sequence[timedelta] = _AGES, as_of: datetime | None = None
    ) -> "pl.DataFrame":
        """Return how many predictions had a label at an age, by cohort.

        Args:
            every: stretch of time of a cohort, as Polars writes it: ``1h``, ``1d``, ``1w``, in UTC.
            ages: after how long to look.
            as_of: what is known until then; default: the last time in the log.

        Returns:
            ``cohort``, ``age``, ``predictions``, ``labelled``, ``share``; ``share`` is missing where the youngest of a
            cohort may not have that age yet.
        """
        import polars as pl

        now = as_of or self.until
        if now.utcoffset() is None:
            raise ConfigError(
                "as_of has no time zone", code="log/naive-argument", hint="Write datetime(2026, 1, 31, tzinfo=UTC)."
            )
        rows = self.frame.select(
            cohort=pl.col("time").dt.truncate(every),
            age=pl.when(pl.col("first_label_time") <= now).then(pl.col("first_label_time") - pl.col("time")),
            time="time",
        ).filter(pl.col("time") <= now)
        parts = [
            rows.group_by("cohort")
            .agg(
                pl.lit(age, dtype=pl.Duration("us")).first().alias("age"),
                pl.len().alias("predictions"),
                (pl.col("age") <= age).sum().alias("labelled"),
            )
            .with_columns(
                share=pl.when(pl.col("cohort").dt.offset_by(every) + age <= now).then(
                    pl.col("labelled") / pl.col("predictions")
                )
            )
            for age in ages
        ]
        return pl.concat(parts).sort("cohort", "age")


def read_log(
    source: str | Path | Sequence[str | Path],
    columns: Mapping[str, str | Sequence[str]] | None,
    *,
    model: str,
    zone: str,
    late_after: timedelta | None,
) -> PredictionLog:
    """Read a log; see ``modelyard.log.read``."""
    import polars as pl

    known_zone = _zone(zone)
    torn = 0
    if columns is None:
        found = _partitions(source)
        torn = sum(each.torn for each in found)
        predictions = _together(found, PREDICTIONS)
        labels = _together(found, LABELS)
        if not labels.is_empty():
            labels = labels.rename({"time": "label_time"})
    else:
        wide, torn = _mapped(source, columns, model)
        for name in ("time", "label_time"):
            if name in wide.columns:
                wide = wide.with_columns(_utc(wide[name], name, known_zone))
        labelled = [name for name in ("id", "label", "label_time") if name in wide.columns]
        labels = (
            wide.select(labelled).filter(pl.col("label").is_not_null()) if "label" in wide.columns else wide.clear()
        )
        predictions = wide.drop("label", "label_time", strict=False)
    if predictions.is_empty():
        raise DataError(
            "a log without predictions", code="log/no-rows", hint="Name the folder that the log is written to."
        )
    predictions = _checked(predictions)
    return _joined(predictions, _checked_labels(labels), torn, late_after)


# our own partitions


def _partitions(source: Any) -> list[Read]:
    folder = Path(source) if isinstance(source, str | Path) else None
    if folder is None or not folder.is_dir():
        raise DataError(
            f"{source!s:.200} is not a folder of a log",
            code="log/no-folder",
            hint="Name the folder that Writer wrote to; for other files say in columns= what is what.",
        )
    return read_folder(folder)


def _together(found: list[Read], kind: str) -> "pl.DataFrame":
    import polars as pl

    frames = [each.frame for each in found if each.kind == kind and not each.frame.is_empty()]
    if not frames:
        return pl.DataFrame()
    types: dict[str, set[str]] = {}
    for frame in frames:
        for name, dtype in frame.schema.items():
            if dtype != pl.Null:
                types.setdefault(name, set()).add("number" if dtype.is_numeric() else str(dtype.base_type()))
    mixed = [name for name, kinds in types.items() if len(kinds) > 1]
    return pl.concat([_as_text(frame, mixed) for frame in frames], how="diagonal_relaxed")


def _as_text(frame: "pl.DataFrame", names: list[str]) -> "pl.DataFrame":
    """Return columns that are of several types over the partitions as text."""
    import polars as pl

    def text(column: pl.Series) -> pl.Series:
        if column.dtype.is_nested():
            values = [None if value is None else json.dumps(value) for value in column.to_list()]
            return pl.Series(column.name, values, dtype=pl.String)
        return column.cast(pl.String)

    return frame.with_columns(text(frame[name]) for name in names if name in frame.columns)


# other files


def _mapped(source: Any, columns: Mapping[str, str | Sequence[str]], model: str) -> "tuple[pl.DataFrame, int]":
    """Return the rows of other files under our names, and how many last lines were torn."""
    import polars as pl

    theirs = _asked(columns, model)
    frames, torn = _files(_paths(source), list(dict.fromkeys(theirs.values())), theirs["id"])
    rows = pl.concat([frame.select(pl.col(their).alias(our) for our, their in theirs.items()) for frame in frames],
                     how="vertical_relaxed")  # fmt: skip
    if model:
        rows = rows.with_columns(model=pl.lit(model))
    if "label" in rows.columns and rows["label"].dtype.is_float():
        rows = rows.with_columns(pl.col("label").fill_nan(None))
    return rows, torn


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


def _paths(source: Any) -> list[Path]:
    found: list[Path] = []
    for each in [source] if isinstance(source, str | Path) else source:
        path = Path(each)
        if path.is_dir():
            matched = sorted(inner for inner in path.iterdir() if inner.is_file() and not inner.name.startswith("."))
        elif path.is_file():
            matched = [path]
        else:
            matched = sorted(map(Path, glob.glob(str(each), recursive=True)))  # noqa: PTH207 - absolute patterns too
        if not matched:
            raise DataError(f"{each!s:.200}: no such file", code="log/no-file", hint="Check the path or the pattern.")
        found += [inner for inner in matched if inner.is_file()]
    return found


def _files(paths: list[Path], wanted: list[str], id_: str) -> "tuple[list[pl.DataFrame], int]":
    from modelyard.config.sections.data import ReadAs
    from modelyard.core.vocabulary import DATA_SUFFIXES
    from modelyard.data.opened import kind
    from modelyard.data.reading import read, require_columns

    unknown = next((path for path in paths if not kind(path)), None)
    if unknown is not None:
        raise DataError(
            f"{unknown.name}: no known kind of file; known: {', '.join(DATA_SUFFIXES)}",
            code="log/unknown-kind",
            hint="Name the files of the log alone.",
        )
    frames, torn = [], 0
    for path in (path for path in paths if kind(path) in (".jsonl", ".ndjson")):
        frame, cut = _growing(path)
        torn += cut
        if frame.is_empty():
            continue
        require_columns(frame.columns, dict.fromkeys(wanted, "columns"), path.name)
        frames.append(frame)
    others = [path for path in paths if kind(path) not in (".jsonl", ".ndjson")]
    by_kind = {kind(path): [each for each in others if kind(each) == kind(path)] for path in others}
    frames += [read(each, wanted, how=ReadAs.model_validate({"types": {id_: "text"}})) for each in by_kind.values()]
    if not frames:
        raise DataError("files without a row", code="log/no-rows", hint="Name the files of the log.")
    return frames, torn


def _growing(path: Path) -> "tuple[pl.DataFrame, bool]":
    """Return the rows of JSON lines that may be written to just now: a last line that is not whole is left out."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path.name}: it cannot be read ({error.strerror})", code="log/unreadable", hint="Check its permissions."
        ) from error
    at = data.rfind(b"\n") + 1
    try:
        whole = not data[at:].strip() or isinstance(json.loads(data[at:]), dict)
    except ValueError:
        whole = False
    return json_lines(data if whole else data[:at], path.name), not whole


def _zone(zone: str) -> ZoneInfo | None:
    if not zone:
        return None
    try:
        return ZoneInfo(zone)
    except (KeyError, OSError, ValueError) as error:
        raise ConfigError(
            f"unknown time zone {zone[:60]!r}", code="log/unknown-zone", hint="Example: Europe/Paris."
        ) from error


def _utc(times: "pl.Series", name: str, zone: ZoneInfo | None) -> "pl.Series":
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


# what holds for all logs


def _checked(rows: "pl.DataFrame") -> "pl.DataFrame":
    """Return predictions, whose ids, times, models and predictions are all there."""
    import polars as pl

    rows = rows.with_columns(pl.col("id").cast(pl.String), pl.col("model").cast(pl.String))
    for name, count in (
        ("id", rows["id"].null_count() + int((rows["id"] == "").sum())),
        ("time", rows["time"].null_count()),
        ("model", rows["model"].null_count()),
    ):
        if count:
            raise DataError(
                f"{count:,} of {len(rows):,} predictions have no {name}",
                code="log/missing-value",
                hint="Every prediction needs an id, a time and a model: fix what writes the log.",
            )
    by_class = [name for name in rows.columns if name.startswith(OF_A_CLASS)]
    told = [name for name in (PREDICTION, PROBABILITY) if name in rows.columns] + by_class
    none = rows.select(pl.all_horizontal(pl.col(told).is_null())).to_series() if told else pl.Series([True] * len(rows))
    bad = int(none.sum())
    for name in told:
        if rows[name].dtype.is_float():
            bad += len(rows) - rows[name].null_count() - int(rows[name].is_finite().sum())
    if bad:
        raise DataError(
            f"{bad:,} of {len(rows):,} predictions are missing, NaN or infinite",
            code="log/no-prediction",
            hint="A prediction that failed is none: do not log it.",
        )
    for name in told:
        if name == PREDICTION:
            continue
        numeric = rows[name].dtype.is_numeric() or rows[name].dtype == pl.Null
        if not numeric or not rows[name].cast(pl.Float64).is_between(0, 1).all():
            raise DataError(
                f"{name} has values outside 0 to 1",
                code="log/not-probabilities",
                hint="A score that is no probability is a prediction.",
            )
    if len(by_class) > 1:
        several = pl.sum_horizontal(pl.col(by_class).is_not_null()) > 1
        off = rows.filter(several & ((pl.sum_horizontal(by_class) - 1).abs() > _TOLERANCE))
        if len(off):
            raise DataError(
                f"probabilities of {len(off):,} of {len(rows):,} predictions do not add up to 1",
                code="log/not-probabilities",
                hint="Log the probabilities of all classes, or that of one.",
            )
    return rows


def _checked_labels(labels: "pl.DataFrame") -> "pl.DataFrame":
    """Return rows with a label: ``id``, ``label``, ``label_time``."""
    import polars as pl

    moment = pl.Datetime("us", "UTC")
    if labels.is_empty():
        return pl.DataFrame(schema={"id": pl.String, "label": pl.Null, "label_time": moment})
    if "label_time" not in labels.columns:
        labels = labels.with_columns(label_time=pl.lit(None, dtype=moment))
    labels = labels.select(pl.col("id").cast(pl.String), "label", "label_time")
    label = labels["label"]
    lost = labels["id"].null_count() + label.null_count()
    if label.dtype.is_float():
        lost += int((~label.is_finite()).sum())
    if lost:
        raise DataError(
            f"{lost:,} of {len(labels):,} labels have no id, or are missing, NaN or infinite",
            code="log/missing-label",
            hint="A label that is not known yet is not written.",
        )
    return labels


def _joined(
    predictions: "pl.DataFrame", labels: "pl.DataFrame", torn: int, late_after: timedelta | None
) -> PredictionLog:
    """Join each prediction with the label of its id that counts."""
    import polars as pl

    told = [name for name in predictions.columns if name in (PREDICTION, PROBABILITY) or name.startswith(OF_A_CLASS)]
    ordered = predictions.sort("time", maintain_order=True)
    first = ordered.unique(["id", "model"], keep="first", maintain_order=True)
    different = ordered.unique(["id", "model", *told], keep="first")
    counting = (
        labels.sort("label_time", nulls_last=False, maintain_order=True)
        .group_by("id", maintain_order=True)
        .agg(
            pl.col("label").last(),
            pl.col("label_time").last(),
            pl.col("label_time").min().alias("first_label_time"),
            pl.col("label").n_unique().alias("different"),
            pl.col("label")
            .filter(pl.col("label_time").eq_missing(pl.col("label_time").last()))
            .n_unique()
            .alias("last"),
        )
    )
    conflict = pl.col("last") > 1
    frame = first.join(
        counting.with_columns(
            pl.when(~conflict).then(pl.col(name)).alias(name) for name in ("label", "label_time", "first_label_time")
        ).drop("different", "last"),
        on="id",
        how="left",
        maintain_order="left",
    )
    waited = frame["first_label_time"] - frame["time"]
    counts = Counts(
        predictions=len(frame),
        models=dict(sorted(frame["model"].value_counts().iter_rows())),
        duplicate_predictions=len(predictions) - len(different),
        changed_predictions=len(different) - len(first),
        torn_lines=torn,
        labels=len(labels),
        labelled=len(frame) - frame["label"].null_count(),
        duplicate_labels=len(labels) - labels.select("id", "label").n_unique(),
        changed_labels=counting.filter(pl.col("different") > 1).height,
        conflicting_labels=counting.filter(conflict).height,
        unmatched_labels=counting.join(first, on="id", how="anti").height,
        late_labels=0 if late_after is None else int((waited > late_after).sum()),
        early_labels=int((waited < timedelta(0)).sum()),
        labels_without_time=labels["label_time"].null_count(),
    )
    times = [moment for moment in (frame["time"].max(), labels["label_time"].max()) if isinstance(moment, datetime)]
    return PredictionLog(frame, counts, max(times))
