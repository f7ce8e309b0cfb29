"""Text files of data: their columns, their cells as they are written, and a layout that is not what was said."""

import codecs
import csv
import gzip
import io
import re
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from modelyard.config.sections.data import ReadAs
from modelyard.core.errors import DataError
from modelyard.data.opened import AGAIN, kind, readable

if TYPE_CHECKING:
    import polars as pl

_CHUNK = 1 << 20
_LOOKED_AT = 20
"""Lines that tell a file's layout."""
_BLANKS = "blanks"
_SEPARATORS = {";": "a semicolon", "\t": "a tab", "|": "a bar", ",": "a comma"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_QUOTED = r'("(?:[^"]|"")*")'


def header(path: Path, name: str, how: ReadAs) -> list[str]:
    """Return the names of the columns.

    Raises:
        DataError: no line, two columns of one name, or a first line that shows another layout than was said.
    """
    try:
        with readable(name, "not readable as CSV"):
            with closing(_lines(path, how)) as written:
                lines = list(islice(written, _LOOKED_AT))
            rows = [row for row in csv.reader(lines, delimiter=_separator(path, how)) if row]
    except UnicodeError:
        _refuse_other_encoding(path, name, how)
        raise
    except csv.Error as error:
        raise DataError(f"{name}: not readable as CSV: {error}", code="data/not-csv", hint=AGAIN) from error
    if not rows:
        raise DataError(f"{name}: holds nothing, not even a header", code="data/empty-file", hint=AGAIN)
    _refuse_other_layout(lines, rows, name, how)
    if not how.header:
        return _given_names(len(rows[0]), name, how)
    repeated = [column for column, count in Counter(rows[0]).items() if count > 1]
    if repeated:
        raise DataError(
            f"{name}: two columns have one name: {', '.join(map(repr, repeated))}",
            code="data/duplicate-column",
            hint="Rename one in the header.",
        )
    return rows[0]


def cells(path: Path, name: str, how: ReadAs) -> "pl.DataFrame":
    """Return the cells of a file as they are written; what is declared missing, and what is empty, is null.

    Raises:
        DataError: an encoding, quotation marks or rows that are not what they should be.
    """
    import polars as pl

    source: Path | bytes = path
    try:
        with readable(name, "not readable as CSV: quotation marks do not hold through the file"):
            if how.encoding != "utf-8" or len(how.separator or "") > 1:
                source = "".join(_lines(path, how)).encode()
            frame = pl.read_csv(
                source,
                separator=_separator(path, how),
                has_header=how.header,
                null_values=list(how.null) or None,
                comment_prefix=how.comment,
                infer_schema=False,
                glob=False,
            )
    except (DataError, UnicodeError):
        _refuse_other_encoding(path, name, how)
        _refuse_long_row(path, name, how)
        raise
    if not how.header:
        frame.columns = _given_names(frame.width, name, how)
    if how.comment is None:
        _refuse_comments(frame, name)
    return frame


def _separator(path: Path, how: ReadAs) -> str:
    if how.separator is None:
        return "\t" if kind(path) == ".tsv" else ","
    return " " if how.separator == _BLANKS else how.separator[0]


def _open_bytes(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path, "rb")) if kind(path) == ".csv.gz" else path.open("rb")


def _lines(path: Path, how: ReadAs) -> Generator[str]:
    """Yield the lines that hold data, with one sign between cells."""
    between = re.escape(how.separator[0]) if how.separator else ""
    blanks = re.compile(f"{_QUOTED}|[ \\t]+" if how.separator == _BLANKS else f"{_QUOTED}|{between}[ \\t]+")
    single = " " if how.separator == _BLANKS else (how.separator or "")[:1]
    encoding = "utf-8-sig" if how.encoding == "utf-8" else how.encoding
    with _open_bytes(path) as stream, io.TextIOWrapper(stream, encoding=encoding, newline="") as text:
        for line in text:
            if how.comment and line.startswith(how.comment):
                continue
            if how.separator == _BLANKS:
                line = line.strip(" \t\r\n") + "\n"
            yield blanks.sub(lambda found: found[1] or single, line) if len(how.separator or "") > 1 else line


def _given_names(width: int, name: str, how: ReadAs) -> list[str]:
    if how.names and len(how.names) != width:
        raise DataError(
            f"{name}: rows have {width} cells, and data.read names {len(how.names)} columns",
            code="data/other-width",
            hint="Name each column once, in the order of the file.",
        )
    return list(how.names) or [f"column_{at}" for at in range(1, width + 1)]


def _advise(advice: str) -> str:
    return f"Write data.read: {{<set>: {{{advice}}}}}, or make the file again with commas."


def _refuse_other_layout(lines: Sequence[str], rows: Sequence[Sequence[str]], name: str, how: ReadAs) -> None:
    """Raise where the first lines show a separator, comment, blanks or want of a header that nobody spoke of."""
    first = rows[0]
    widths = {len(row) for row in rows[1:]}
    if lines[0].startswith("#") and how.comment is None and widths and len(first) not in widths:
        raise DataError(
            f"{name}: line 1 is a comment, which begins with '#'",
            code="data/comment-line",
            hint=_advise('comment: "#"'),
        )
    if len(first) == 1 and how.separator is None:
        _refuse_other_separator(lines, name)
    indented = sum(cell[:1] in (" ", "\t") for cell in first[1:])
    if how.header and indented * 2 > len(first) - 1 > 0:
        raise DataError(
            f"{name}: blanks follow the separators: {indented} of {len(first)} names of columns would begin with one",
            code="data/blanks-after-separator",
            hint=_advise('separator: ", "'),
        )
    numbers = [cell for cell in first if _NUMBER.fullmatch(cell.strip())]
    values = any("." in cell for cell in numbers) or len(set(numbers)) < len(numbers)
    if how.header and len(numbers) * 2 >= len(first) and values:
        raise DataError(
            f"{name}: it has no header: {len(numbers)} of the {len(first)} names in line 1 are numbers",
            code="data/no-header",
            hint="Add a line with the names of the columns. For a data set, data.read: {<set>: {header: false, "
            "names: […]}} says them.",
        )


def _refuse_other_separator(lines: Sequence[str], name: str) -> None:
    for sign, called in _SEPARATORS.items():
        rows = [row for row in csv.reader(lines, delimiter=sign) if row]
        widths = {len(row) for row in rows}
        if len(widths) == 1 and widths.pop() > 1:
            comma = sign != "," and any(re.fullmatch(r"[+-]?\d*,\d+", cell) for row in rows for cell in row)
            written = '"\\t"' if sign == "\t" else f'"{sign}"'
            advice = f"separator: {written}" + (', decimal: ","' if comma else "")
            raise DataError(
                f"{name}: the separator is {called}, not what its suffix says",
                code="data/other-separator",
                hint=_advise(advice),
            )
    widths = {len(line.split()) for line in lines if line.strip()}
    if len(lines) > 1 and len(widths) == 1 and widths.pop() > 1:
        raise DataError(
            f"{name}: the separator is blanks, not what its suffix says",
            code="data/other-separator",
            hint=_advise("separator: blanks"),
        )


def _refuse_comments(frame: "pl.DataFrame", name: str) -> None:
    """Raise where lines within the file begin with # and hold nothing but that."""
    import polars as pl

    if frame.width < 2 or not frame.to_series(0).str.starts_with("#").any():
        return
    alone = frame.filter(pl.first().str.starts_with("#") & pl.all_horizontal(pl.nth(range(1, frame.width)).is_null()))
    if len(alone):
        raise DataError(
            f"{name}: {len(alone):,} lines are comments, which begin with '#'",
            code="data/comment-line",
            hint=_advise('comment: "#"'),
        )


def _refuse_other_encoding(path: Path, name: str, how: ReadAs) -> None:
    """Raise where the file is not in its encoding, with the first bad byte's offset (from 0) and line (from 1)."""
    decoder = codecs.getincrementaldecoder(how.encoding)()
    offset, line = 0, 1
    with readable(name, "not readable"), _open_bytes(path) as stream:
        while True:
            chunk = stream.read(_CHUNK)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeError as error:
                raise _other_encoding(error, name, how, offset - pending, line) from error
            if not chunk:
                return
            offset += len(chunk)
            line += chunk.count(b"\n")


def _other_encoding(error: UnicodeError, name: str, how: ReadAs, offset: int, line: int) -> DataError:
    called = "UTF-8" if how.encoding == "utf-8" else how.encoding
    if not isinstance(error, UnicodeDecodeError):
        return DataError(f"{name}: not {called}", code="data/not-utf8", hint="Name its encoding in data.read.")
    line += error.object[: error.start].count(b"\n")
    likely = "utf-16" if error.object[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "latin1"
    return DataError(
        f"{name}: not {called}: byte 0x{error.object[error.start]:02x} at offset {offset + error.start:,}, "
        f"line {line:,}",
        code="data/not-utf8",
        hint=f"Save it as UTF-8, for example: iconv -f {likely} -t utf-8 OLD > NEW. Or name its encoding: data.read: "
        f"{{<set>: {{encoding: {likely}}}}}.",
    )


def _refuse_long_row(path: Path, name: str, how: ReadAs) -> None:
    """Raise where a row has more fields than the header, with its line."""
    with readable(name, "not readable"), closing(_lines(path, how)) as written:
        rows = csv.reader(written, delimiter=_separator(path, how))
        width = 0
        try:
            for row in rows:
                width = width or len(row)
                if len(row) > width:
                    raise DataError(
                        f"{name}: line {rows.line_num:,} has {len(row)} fields, the header has {width}",
                        code="data/long-row",
                        hint="Quote values that hold the separator, or fix that line.",
                    )
        except csv.Error:
            return
