"""Numbers as a person reads them: metrics with their limits, signed differences, counts, durations, sizes."""

import math
import re
from collections.abc import Iterable

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(?=[ T]\d|$)")
_UNIT_WORDS = ("row", "case", "hour", "day", "week", "month", "unit")


def decimals(values: Iterable[float | None]) -> int:
    """Return how many decimals a group of numbers is shown with, so that an estimate and its limits line up.

    Four for anything of the size of a proportion; four significant digits above 1; for groups whose largest number is
    below 0.001, enough for three significant digits (at most nine).
    """
    sizes = [abs(value) for value in values if value is not None and math.isfinite(value) and value != 0]
    if not sizes:
        return 4
    largest = max(sizes)
    if largest > 1:
        return max(0, 3 - math.floor(math.log10(largest)))
    return 4 if largest >= 0.001 else min(9, 2 - math.floor(math.log10(largest)))


def scale(
    levels: Iterable[float | None], differences: Iterable[float | None] = (), *, margin: float | None = None
) -> int:
    """Return how many decimals levels and their differences are shown with, so that one is the other's subtraction.

    As many as the levels take; more where a margin has two digits beyond that, and without one where every difference
    would be shown as zero.
    """
    levels, differences = list(levels), list(differences)
    base = decimals(levels if any(levels) else differences)
    smallest = margin or max((abs(each) for each in differences if each and math.isfinite(each)), default=0.0)
    if not smallest or not math.isfinite(smallest):
        return base
    return min(9, max(base, (1 if margin else 0) - math.floor(math.log10(abs(smallest)))))


def metric(value: float | None, places: int = 4, *, signed: bool = False) -> str:
    """Return a number with fixed decimals, a real minus sign, thousands separators, and a plus sign where asked."""
    if value is None or not math.isfinite(value):
        return NONE
    text = f"{abs(value):,.{places}f}"
    zero = not text.strip("0.,")
    if value < 0 and not zero:
        return MINUS + text
    return f"+{text}" if signed and not zero else text


def interval(low: float | None, high: float | None, places: int = 4, *, signed: bool = False) -> str:
    """``[low, high]``; a dash where either is missing."""
    if low is None or high is None:
        return NONE
    return f"[{metric(low, places, signed=signed)}, {metric(high, places, signed=signed)}]"


def exact(value: float | None, *, signed: bool = False) -> str:
    """Return a number as it was configured: no more digits than it takes, and a real minus sign."""
    if value is None:
        return NONE
    text = f"{abs(value):.10g}"
    if "e-" in text:  # 2e-05, as nobody wrote it
        text = f"{abs(value):.15f}".rstrip("0").rstrip(".") or text
    if value < 0:
        return MINUS + text
    return f"+{text}" if signed and value > 0 else text


def count(value: int) -> str:
    """``84,059``."""
    return f"{value:,}".replace("-", MINUS)


def units(number: int, unit: str) -> str:
    """``92 days``, ``1 row``; a unit named after a column stays as it is: ``40 units of store``."""
    if unit in _UNIT_WORDS:
        return f"{count(number)} {unit}{'' if number == 1 else 's'}"
    return f"{count(number)} unit{'' if number == 1 else 's'} of {unit}"


def plural(number: int, word: str, many: str = "") -> str:
    """``1 gate``, ``3 gates``."""
    return f"{count(number)} {word if number == 1 else many or word + 's'}"


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 5 s``, ``1 h 20 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(number: int) -> str:
    """Bytes in binary units: ``512 B``, ``1.4 MiB``."""
    value = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:,.1f} TiB"


def share(part: int, whole: int) -> str:
    """``3.1%``; a part that is not nothing never shows as 0, nor one that is not all as 100%."""
    if whole <= 0:
        return NONE
    percent = 100 * part / whole
    if 0 < percent < 0.01:
        return "under 0.01%"
    if part < whole and percent >= 99.5:
        return f"{percent:.1f}%" if percent < 99.95 else "over 99.9%"
    return f"{percent:.2g}%" if percent < 10 else f"{percent:.0f}%"


def percent(share: float) -> str:
    """``95%``, ``99.5%``: a share as it was configured."""
    return f"{100 * share:g}%"


def p_value(value: float) -> str:
    """``0.03``, ``under 0.0001``: no power of ten."""
    return "under 0.0001" if value < 0.0001 else f"{value:.2g}"


def day(moment: str) -> str:
    """Return the day of a time as ISO writes it: ``2013-04-01``; any other text as it is."""
    return moment[:10] if _TIME.match(moment) else moment
