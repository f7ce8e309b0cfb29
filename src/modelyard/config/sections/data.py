"""``data``: which data, what its columns mean, and how it is split."""

from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, model_validator

from modelyard.core.errors import nearest
from modelyard.core.sections import Name, Section, Text, worded, wrong
from modelyard.core.vocabulary import DeclaredType, MissingTarget, SplitMethod, TimeUnit

Stretch = Annotated[str, worded(r"^[1-9][0-9]{0,5} (hour|day|week|month)s?$", "a stretch such as 90 days or 3 months")]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:  # unknown, a folder of zones, or no name at all
        hint = nearest(name, available_timezones())
        raise wrong(
            f"unknown time zone {name[:60]!r}", code="config/unknown-time-zone", hint=hint or "Example: Europe/Paris."
        ) from error
    return name


KnownZone = Annotated[str, AfterValidator(_known_zone)]


def _known_encoding(name: str) -> str:
    try:
        "".encode(name)
    except (LookupError, ValueError) as error:  # unknown, or of no text
        raise wrong(
            f"unknown encoding {name[:60]!r}", code="config/unknown-encoding", hint="Examples: latin-1, cp1252, utf-16."
        ) from error
    return name


class UnitEvery(Section):
    """Rows of one stretch of the time column depend on each other."""

    every: TimeUnit
    """Length of the stretch."""
    zone: KnownZone = "UTC"
    """IANA time zone in which the stretches begin."""


class UnitColumn(Section):
    """Rows with one value of a column depend on each other."""

    column: Text
    """Name of the column."""


class Columns(Section):
    """What the columns mean."""

    target: Text
    """The column to predict."""
    id: Text | None = None
    """Names a row. Default: the row's number."""
    time: Text | None = None
    """When the row happened; splits and folds by time follow it."""
    unit: UnitEvery | UnitColumn | Text | None = None
    """What is independent: {every: day, zone: …} or {column: store}. Default: the day of the time, else the row."""
    group: Text | None = None
    """Rows of one group never fall on both sides of a split."""
    weight: Text | None = None
    """Weight of a row in training and judging."""
    personal: tuple[Text, ...] = ()
    """Columns with personal data; their values appear nowhere."""
    protected: tuple[Text, ...] = ()
    """Columns that the model may not use, kept for slices."""
    drop: tuple[str, ...] = ()
    """Columns that the challenger may not use, such as the target in disguise; "" is one without a name."""

    @model_validator(mode="after")
    def _roles_go_together(self) -> Self:
        for role in ("id", "time", "group", "weight"):
            if getattr(self, role) == self.target:
                raise wrong(
                    f"{self.target!r} is the target already",
                    code="config/column-with-two-roles",
                    at=(role,),
                    hint="Name another column, or remove the key.",
                )
        for role in ("personal", "protected", "drop"):
            named = getattr(self, role)
            if role != "personal" and self.target in named:
                raise wrong(
                    f"{self.target!r} is the target, which no model sees anyway",
                    code="config/column-with-two-roles",
                    at=(role, named.index(self.target)),
                    hint="Remove it from the list.",
                )
        if isinstance(self.unit, UnitEvery) and self.time is None:
            raise wrong(
                f"a unit of every {self.unit.every} needs a time column",
                code="config/needs-time-column",
                at=("unit",),
                hint="Name time: too.",
            )
        return self


class Split(Section):
    """How one data set becomes training and test rows."""

    of: Text
    """Name of the set to split."""
    by: SplitMethod
    """time: the newest rows are the test; random: at random, within each class where there are classes, in whole groups
    where there are groups; hash: by a column's value; stratified: at random within each class."""
    test: Stretch | Annotated[float, Field(gt=0, lt=1)] = 0.2
    """A stretch such as "3 months" (by time), or a share of the rows."""
    column: Text | None = None
    """The column whose hashed value decides (by hash). Default: the group, else the unit's column, else the id."""
    seed: int = 0
    """Changes which rows a hash, stratified or random split picks."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.by != "time" and isinstance(self.test, str):
            raise wrong(
                f"a split by {self.by} takes a share of the rows, not {self.test!r}",
                code="config/split-option",
                at=("test",),
                hint="Write 0.2, say.",
            )
        if self.by != "hash" and self.column is not None:
            raise wrong(
                f"a split by {self.by} takes no column",
                code="config/split-option",
                at=("column",),
                hint="Remove it, or write by: hash.",
            )
        return self


class Overlap(Section):
    """Sets that are known to share rows, ids, groups, units or times."""

    allow: Text
    """Why this is meant; shown in the report."""


class ReadAs(Section):
    """How the files of one set are read, where that is not as they seem."""

    separator: Annotated[str, worded(r"^([^\sA-Za-z0-9\"'] ?|\t| |blanks)$", 'one sign, ", " or blanks')] | None = None
    """What stands between cells: one sign; with a blank after it, any blanks after it belong to it; blanks: any run of
    blanks. Default: a comma, in .tsv a tab."""
    decimal: Literal[".", ","] = "."
    """The sign before decimals."""
    null: tuple[Text, ...] = ()
    """Cells that are missing, in every column, beside those that are empty."""
    encoding: Annotated[Text, AfterValidator(_known_encoding)] = "utf-8"
    """How text is encoded, such as latin-1 or utf-16."""
    header: bool = True
    """Whether the first line holds the names of the columns."""
    names: tuple[Text, ...] = ()
    """Names of the columns of files without a header. Default: column_1, column_2, …"""
    comment: Text | None = None
    """What lines begin with that hold no data."""
    types: dict[str, DeclaredType] = Field(default_factory=dict)
    """Types of columns; a value that is of another is an error."""
    dates: dict[str, Text] = Field(default_factory=dict)
    """How columns write their times, such as "%d.%m.%Y"; a value that is written otherwise is an error."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.names and self.header:
            raise wrong(
                "the names of columns are those of the header",
                code="config/read-option",
                at=("names",),
                hint="Remove names, or write header: false where the first line holds values.",
            )
        if len(set(self.names)) < len(self.names):
            raise wrong(
                "two columns have one name",
                code="config/read-option",
                at=("names",),
                hint="Give each a name of its own.",
            )
        twice = sorted(set(self.types) & set(self.dates))
        if twice:
            raise wrong(
                f"{twice[0]!r} has a type already, and dates says that it is a time",
                code="config/read-option",
                at=("dates", twice[0]),
                hint="Keep one of them.",
            )
        return self

    @property
    def about_text(self) -> str:
        """Return the first key that files which tell columns and types have no use for; empty where there is none."""
        keys = ("separator", "decimal", "null", "encoding", "header", "names", "comment")
        return next((key for key in keys if getattr(self, key) != type(self).model_fields[key].default), "")


AS_USUAL = ReadAs()


class Data(Section):
    """Which data, and what it means."""

    sets: Annotated[dict[Name, Text], Field(min_length=1)]
    """Named data sets: a path or glob of Parquet or CSV files, relative to this file, or an address: s3://, gs://, az://,
    hf://datasets/, https://."""
    read: dict[str, ReadAs] = Field(default_factory=dict)
    """How the files of a set are read, by the set's name, where that is not as they seem."""
    columns: Columns
    """What the columns mean."""
    split: Split | None = None
    """How to make training and test rows of one set; or name two sets train and test."""
    missing_target: MissingTarget = "error"
    """What to do with rows that have no target."""
    overlap: Overlap | None = None
    """Why the sets train and test may share rows, ids, groups, units or times. Default: they may not."""

    @model_validator(mode="after")
    def _sets_are_apart(self) -> Self:
        train, test = self.sets.get("train"), self.sets.get("test")
        if self.split is None and self.overlap is None and train is not None and train == test:
            raise wrong(
                f"the sets train and test are the same file, {train!r}: a model would be judged by rows it knows",
                code="config/same-set-twice",
                at=("sets", "test"),
                hint="Name one set, and split: {of: that set, by: random, test: 0.2}. If this is meant, say why: "
                'overlap: {allow: "the reason"}.',
            )
        if self.split is not None and self.overlap is not None:
            raise wrong(
                "overlap is about two sets named train and test, and here one set is split",
                code="config/split-option",
                at=("overlap",),
                hint="Remove it.",
            )
        return self

    @model_validator(mode="after")
    def _reads_its_sets(self) -> Self:
        for name in self.read:
            if name not in self.sets:
                raise wrong(
                    f"there is no data set {name!r}; sets are {', '.join(self.sets)}",
                    code="config/unknown-data-set",
                    at=("read", name),
                    hint=nearest(name, self.sets) or "Name one of them.",
                )
        return self

    @model_validator(mode="after")
    def _split_names_a_set(self) -> Self:
        if self.split and self.split.of not in self.sets:
            raise wrong(
                f"there is no data set {self.split.of!r}; sets are {', '.join(self.sets)}",
                code="config/unknown-data-set",
                at=("split", "of"),
                hint=nearest(self.split.of, self.sets) or "Name one of them.",
            )
        if self.split is None and not {"train", "test"} <= set(self.sets) and set(self.sets) != {"test"}:
            raise wrong(
                f"nothing says which rows are for training and which for the test; sets are {', '.join(self.sets)}",
                code="config/no-test-rows",
                hint="Name how to split one set, such as split: {of: "
                f"{next(iter(self.sets))}, by: random, test: 0.2}}, or name two sets train and test.",
            )
        if self.split and self.split.by == "time" and self.columns.time is None:
            raise wrong(
                "a split by time needs a time column",
                code="config/needs-time-column",
                at=("split", "by"),
                hint="Name columns.time, or split by hash.",
            )
        if (
            self.split
            and self.split.by == "hash"
            and not any((self.split.column, self.columns.group, self.columns.unit, self.columns.id))
        ):
            raise wrong(
                "a split by hash needs a column whose value decides",
                code="config/needs-split-column",
                at=("split", "by"),
                hint="Name split.column, columns.group or columns.id, or split by: random.",
            )
        if self.split and self.split.column == self.columns.target:
            raise wrong(
                f"a split by hash of the target {self.columns.target!r} puts whole values of it on one side",
                code="config/split-by-target",
                at=("split", "column"),
                hint="Remove column and write by: random, or name a column that says what belongs together.",
            )
        return self
