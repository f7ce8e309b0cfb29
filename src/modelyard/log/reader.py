"""Read a prediction log: what was predicted, the label that counts of each, and how mature the labels are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.core.errors import ConfigError, DataError
from modelyard.log.checks import checked, checked_labels, together, told_of
from modelyard.log.layouts import layout_of
from modelyard.log.source import Part, Want
from modelyard.log.sources import open_sources

if TYPE_CHECKING:
    import polars as pl

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
        failed_requests: rows that are no predictions, since the request failed.
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
    failed_requests: int = 0


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
    columns: Mapping[str, str | Sequence[str]] | str | None,
    *,
    model: str,
    zone: str,
    late_after: timedelta | None,
    root: Path | None = None,
) -> PredictionLog:
    """Read a log; see ``modelyard.log.read``; paths are relative to ``root``."""
    found = [
        each.read(piece, Want())
        for each in open_sources(source, layout_of(columns, model, zone), root)
        for piece in each.pieces()
    ]
    predictions = together([part.predictions for part in found])
    if predictions.is_empty():
        raise DataError(
            "a log without predictions", code="log/no-rows", hint="Name the folder that the log is written to."
        )
    labels = checked_labels(together([part.labels for part in found]))
    return joined(checked(predictions), labels, found, late_after)


def joined(
    predictions: "pl.DataFrame", labels: "pl.DataFrame", parts: Sequence[Part], late_after: timedelta | None
) -> PredictionLog:
    """Join each prediction with the label of its id that counts.

    Args:
        predictions: rows whose ids, times, models and predictions are there.
        labels: ``id``, ``label``, ``label_time``.
        parts: what they were read from.
        late_after: labels later than this after their prediction are counted as late.
    """
    import polars as pl

    keys = predictions.select("id", "model", "time", *(told := told_of(predictions.columns)))
    repeated = keys.select("id", "model").is_duplicated()
    again, changed = 0, 0
    first = predictions if keys["time"].is_sorted() else predictions.sort("time", maintain_order=True)
    if repeated.any():
        several = keys.filter(repeated)
        different = several.select("id", "model", *told).n_unique()
        versions = several.select("id", "model").n_unique()
        again, changed = len(several) - different, different - versions
        first = first.unique(["id", "model"], keep="first", maintain_order=True)
    counting = _counting(labels)
    conflict = pl.col("last") > 1
    known = counting.with_columns(
        pl.when(~conflict).then(pl.col(name)).alias(name) for name in ("label", "label_time", "first_label_time")
    ).drop("different", "last")
    frame = first.hstack(first.select("id").join(known, on="id", how="left", maintain_order="left").drop("id"))
    waited = frame["first_label_time"] - frame["time"]
    counts = Counts(
        predictions=len(frame),
        models=dict(sorted(frame["model"].value_counts().iter_rows())),
        duplicate_predictions=again,
        changed_predictions=changed,
        torn_lines=sum(part.torn for part in parts),
        labels=len(labels),
        labelled=len(frame) - frame["label"].null_count(),
        duplicate_labels=len(labels) - labels.select("id", "label").n_unique(),
        changed_labels=counting.filter(pl.col("different") > 1).height,
        conflicting_labels=counting.filter(conflict).height,
        unmatched_labels=counting.join(first.select("id"), on="id", how="anti").height,
        late_labels=0 if late_after is None else int((waited > late_after).sum()),
        early_labels=int((waited < timedelta(0)).sum()),
        labels_without_time=labels["label_time"].null_count(),
        failed_requests=sum(part.failed for part in parts),
    )
    times = [
        moment for moment in (predictions["time"].max(), labels["label_time"].max()) if isinstance(moment, datetime)
    ]
    return PredictionLog(frame, counts, max(times))


def _counting(labels: "pl.DataFrame") -> "pl.DataFrame":
    """Return the label of each id that counts, how many different ones there are, and how many at the last time."""
    import polars as pl

    several = labels["id"].is_duplicated()
    one = labels.filter(~several).with_columns(
        first_label_time="label_time",
        different=pl.lit(1, dtype=pl.UInt32),
        last=pl.lit(1, dtype=pl.UInt32),
    )
    if not several.any():
        return one
    last = pl.col("label_time").eq_missing(pl.col("label_time").last())
    more = (
        labels.filter(several)
        .sort("label_time", nulls_last=False, maintain_order=True)
        .group_by("id", maintain_order=True)
        .agg(
            pl.col("label").last(),
            pl.col("label_time").last(),
            pl.col("label_time").min().alias("first_label_time"),
            pl.col("label").n_unique().cast(pl.UInt32).alias("different"),
            pl.col("label").filter(last).n_unique().cast(pl.UInt32).alias("last"),
        )
    )
    return pl.concat([one, more])
