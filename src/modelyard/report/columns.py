"""Words for what a column is and why, from detect's record."""

from modelyard.records.results import ColumnType


def why(column: ColumnType) -> str:
    """Return why a column has its type; nothing where its values say it."""
    present = f"{column.rows - column.missing:,}"
    if column.why == "not-all-numbers":
        some = f", such words as {', '.join(column.words)}" if column.words else ""
        return f"text: {column.not_numbers:,} of {present} values are no number{some}"
    if column.why == "codes":
        return "text: whole numbers with leading zeros are codes"
    if column.why == "folder":
        return f"{column.kind}, from the names of folders such as {column.name}=…"
    if column.why == "words":
        return f"text: {column.missing_words:,} of {present} values are words such as NA, kept as they are"
    if column.why == "no-value":
        return "no value tells a type"
    if column.missing_words:
        return f"{column.missing_words:,} words such as NA are missing values"
    return "as the file declares it" if column.why == "declared" else ""


def worth_telling(column: ColumnType) -> bool:
    """Return whether somebody should know this before training."""
    return column.missing_words > 0 or column.why in ("not-all-numbers", "codes", "no-value", "folder")
