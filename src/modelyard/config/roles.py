"""What the columns of a data set seem to be: target, task, id, time, group, and what is left out; each with why."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

from modelyard.config.discovery import TARGETS, Column, Source
from modelyard.core.errors import ConfigError, nearest
from modelyard.core.vocabulary import Task

FOLDS = 5
MANY_CLASSES = 20
"""Whole numbers with more different values than this are taken for quantities."""
_ROWS_A_CLASS = 5
"""Whole numbers that come more seldom than this, on average, are taken for quantities."""
_NAMES = 0.5
"""Text that differs in more rows than this share names rows, and no model can learn from it."""
_MOSTLY = 0.5
"""A column that is missing in more rows than this is taken for the target only where its name says so."""

_IDS = re.compile(
    r"(?i:(.*[_\s.-])?(id|uuid|guid|key|index|row|no)|(user|customer|client|patient|subject|person|member|account|"
    r"household|session|student|employee)(id|_?nr|_?no|_?num(ber)?)?)|[a-z].*ID|[a-z].*Id"
)
_NAMED_TIME = re.compile(r"(?i)(.*[_\s.-])?(time|date|timestamp|datetime|at|on|day|month)")
_NAMED_YEAR = re.compile(r"(?i)year|yyyymm|year_?month|yyyymmdd|date")
_TIME_PART = re.compile(
    r"(?i)(.*[_\s.-])?(year|quarter|month|week|day|dow|hour|hr|minute|min|second|sec)(_?of_?(year|month|week|day))?|weekday"
)
_BIRTH = re.compile(r"(?i).*birth.*|dob|born.*|.*[_\s.-]born")
_NAMED_TARGET = re.compile(r"(?i)(.*[_\s.-])?(target|label|outcome)")
_AT_AN_END = ("y", "class", "category", "default", "late", "type")
"""Names of targets that features often have too: taken only in the first or last column."""
_INDEX = re.compile(r"|Unnamed: ?\d+|__index_level_\d+__")


@dataclass(frozen=True)
class Asked:
    """What is known of the columns beside the data: what the user said, and what turned out not to work.

    ``without`` are roles (id, time, group) that are not to be guessed, ``drop`` columns that give the target away, each
    with how, and ``notes`` say what was tried.
    """

    target: str = ""
    task: str = ""
    time: str = ""
    group: str = ""
    without: frozenset[str] = frozenset()
    drop: tuple[tuple[str, str], ...] = ()
    folds: int = FOLDS
    notes: tuple[str, ...] = ()


NOTHING_ASKED = Asked()


@dataclass(frozen=True)
class Roles:
    """What the columns seem to be.

    ``why`` says it of each role, ``out`` of each column that is left out, ``dates`` how text writes times.
    """

    target: Column
    task: Task
    id: Column | None
    time: Column | None
    group: Column | None
    text_time: Column | None
    dates: dict[str, str]
    out: dict[str, str]
    why: dict[str, str]
    asked: Asked

    def told(self) -> tuple[str, ...]:
        """Return a line for each guess, for the terminal."""
        roles = {"target": self.target, "id": self.id, "group": self.group, "time": self.time}
        found = [f"{role}: {column.name!r} ({self.why[role]})" for role, column in roles.items() if column]
        found.insert(1, f"task: {self.task} ({self.why['task']})")
        found += [f"dates: {name!r} (written as {form})" for name, form in self.dates.items()]
        return (*found, *(f"left out: {name!r} ({why})" for name, why in self.out.items()))


def find_roles(source: Source, asked: Asked) -> Roles:
    """Return what the columns seem to be.

    Raises:
        ConfigError: no column could be the target, or none is beside it, or one that was asked for is not there.
    """
    usable = [column for column in source.columns if column.usable]
    named = {role: _named(usable, getattr(asked, role), role) for role in ("target", "time", "group")}
    index = {column.name: _index_why(column) for column in source.columns if _INDEX.fullmatch(column.name)}
    plain = [column for column in usable if column.name not in index]
    if len(plain) < 2:
        raise ConfigError(
            f"{source.path} has one column, and nothing to predict it from",
            code="data/one-column",
            hint="Name data with features beside it.",
        )
    numbered = [
        column for column in plain if column.name == asked.time or ("time" not in asked.without and _years(column))
    ]
    unique = _identity([column for column in plain if column not in numbered])
    target, target_why = (named["target"], "as asked") if named["target"] else _target(plain, unique)
    others = [column for column in plain if column is not target]
    taken = (target, named["time"], named["group"])
    key = None if unique in taken or "id" in asked.without else unique
    time = named["time"] or (None if "time" in asked.without else _time(others))
    group, group_why = (named["group"], "as asked") if named["group"] else _group(others, (key, time), asked)
    kept = (target, key, time, group)
    names = [] if "names" in asked.without else [each for each in others if each not in kept and _names_rows(each)]
    out = {column.name: _how_different(column) for column in names}
    out |= {column.name: _readings(column) for column in others if len(column.forms) > 1}
    task = _asked_task(asked)
    return Roles(
        target=target,
        task=task or _task(target),
        id=key,
        time=time,
        group=group,
        text_time=_first(others, lambda column: column.text and bool(_NAMED_TIME.fullmatch(column.name))),
        dates={column.name: column.forms[0] for column in usable if len(column.forms) == 1},
        out=index
        | out
        | {column.name: _readings(column) for column in others if len(column.forms) > 1}
        | dict(asked.drop),
        why={
            "target": target_why,
            "task": "as asked" if task else f"{target.values:,} different values, {_plain_type(target)}",
            "id": _DIFFERENT,
            "time": "as asked" if named["time"] else "when a row happened, by its values",
            "group": group_why,
        },
        asked=asked,
    )


def _plain_type(column: Column) -> str:
    return "text" if column.text else "whole numbers" if column.whole else column.dtype


def _readings(column: Column) -> str:
    return f"times in {len(column.forms)} readings, {' or '.join(column.forms)}; say which in data.read"


def _how_different(column: Column) -> str:
    return _DIFFERENT if column.unique else f"text that differs in {column.values:,} of {column.rows:,} rows"


_DIFFERENT = "different in every row"


def _named(columns: Sequence[Column], name: str, role: str) -> Column | None:
    found = _first(columns, lambda column: column.name == name)
    if name and found is None:
        names = [column.name for column in columns]
        raise ConfigError(
            f"--{role}: the data has no column {name!r}",
            code="config/unknown-column",
            hint=nearest(name, names) or f"Columns are {', '.join(names[:20])}.",
        )
    return found


def _asked_task(asked: Asked) -> Task | None:
    return next((task for task in get_args(Task) if task == asked.task), None)


def _first(columns: Iterable[Column], fits: Callable[[Column], bool]) -> Column | None:
    return next((column for column in columns if fits(column)), None)


# ids, times and groups


def _index_why(column: Column) -> str:
    if column.temporal:
        return "a column of times without a name; give it one in the header, so that it can be the time"
    return "an index without a name, as pandas and R write it"


def _identity(columns: Sequence[Column]) -> Column | None:
    """Return the column that names rows: unique, and named like an id, or counting rows, or text."""
    unique = [column for column in columns if column.unique and not column.temporal]
    by_name = _first(unique, lambda column: bool(_IDS.fullmatch(column.name)) and (column.whole or column.text))
    first = _first(columns[:1], lambda column: column.unique and column.whole and column.distinct > MANY_CLASSES)
    counts = _first(unique, lambda column: column.counts)
    return by_name or counts or first or _first(unique, lambda column: column.text and not column.prose)


def _names_rows(column: Column) -> bool:
    """Return whether text is a name for a row or few, and not what somebody wrote."""
    often = column.values > max(_NAMES * (column.rows - column.missing), MANY_CLASSES)
    return column.text and not column.prose and (column.unique or often)


def _time(columns: Sequence[Column]) -> Column | None:
    able = [column for column in columns if not column.missing and not _BIRTH.fullmatch(column.name)]
    return _first(able, lambda column: column.temporal) or _first(able, _years)


def _years(column: Column) -> bool:
    """Return whether it may hold years, months or days as numbers; whether it does, a trial shows."""
    return column.whole and not column.missing and bool(_NAMED_YEAR.fullmatch(column.name))


def _group(columns: Sequence[Column], taken: Sequence[Column | None], asked: Asked) -> tuple[Column | None, str]:
    """Return the column whose rows belong together, and why it seems so."""
    able = [column for column in columns if column not in taken and MANY_CLASSES < column.distinct < column.rows]
    able = [] if "group" in asked.without else [column for column in able if not column.missing]
    by_name = _first(able, lambda column: bool(_IDS.fullmatch(column.name)) and (column.whole or column.text))
    if by_name:
        return by_name, "an id whose values repeat"
    in_blocks = _first(able, lambda column: bool(column.settles))
    if in_blocks:
        return in_blocks, f"its values come in blocks of rows, and {in_blocks.settles!r} is the same in all of a block"
    even = _first(able, lambda column: column.even > 1)
    return (even, f"each of its {even.distinct:,} values has {even.even:,} rows") if even else (None, "")


# the target


def _target(columns: Sequence[Column], identity: Column | None) -> tuple[Column, str]:
    able = [column for column in columns if not column.temporal and column is not identity]
    for name in TARGETS:
        places = (able[:1] + able[-1:]) if name in _AT_AN_END else able
        for column in places:
            if column.name.lower() == name:
                return column, "a column of this name usually is the target"
    by_name = _first(able, lambda column: bool(_NAMED_TARGET.fullmatch(column.name)))
    if by_name:
        return by_name, "its name says so"
    # A part of a time, such as the minute, says when a row happened; it is what is predicted where nothing else can be.
    # In the plural it is a length of time, which is a fine target.
    parts = [column for column in able if _TIME_PART.fullmatch(column.name)]
    for column in (*reversed([column for column in able if column not in parts]), *reversed(parts)):
        if _could_be_target(column):
            return column, "the last column" if column is able[-1] else "the last column that can be one"
    raise ConfigError(
        "no column of the data could be the target",
        code="data/no-target",
        hint="Name it: modelyard init --target COLUMN.",
    )


def _could_be_target(column: Column) -> bool:
    """Return whether it varies, is there in most rows, and is no text of its own kind in many rows."""
    return (
        column.values > 1
        and column.missing <= _MOSTLY * column.rows
        and not (column.text and column.distinct > MANY_CLASSES)
    )


def _task(target: Column) -> Task:
    if target.dtype.lower().startswith("bool") or target.values <= 2:
        return "binary"
    often = target.rows - target.missing >= _ROWS_A_CLASS * target.values
    if target.text or (target.whole and target.values <= MANY_CLASSES and often):
        return "multiclass"
    return "regression"
