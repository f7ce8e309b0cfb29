"""What monitoring saw: the windows, faults, performance over time, drift, and what could not be looked at."""

from collections.abc import Iterator, Sequence

from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope
from modelyard.records.results import Drift, Fault, MonitorResult, RealisedPerformance, Window
from modelyard.report import numbers, timeline, wording
from modelyard.report.conclusion import outcome, problem_of
from modelyard.report.document import (
    Badge,
    Block,
    Code,
    Column,
    Details,
    Figure,
    Headline,
    Line,
    Listing,
    Paragraph,
    Section,
    Table,
    Text,
    Tile,
    line,
)

_MOST_DRIFT = 30
_QUIET = ("nothing", "not-enough-yet")
"""Decisions that a chart leaves out."""


def sections(envelope: Envelope) -> tuple[Section, ...]:
    """Build the sections of a monitoring; nothing where it ended without a result."""
    result = outcome(envelope)
    if not isinstance(result, MonitorResult) or not result.windows:
        return ()
    found = [
        _faults(result), _performance(result), _windows(result), _drift(result), _track(result), _maturity(result),
        _open(result),
    ]  # fmt: skip
    return tuple(section for section in found if section is not None)


def headline(envelope: Envelope) -> Headline:
    """Return what the newest windows say, in one sentence."""
    result, verdict = outcome(envelope), envelope.record.verdict
    if not isinstance(result, MonitorResult):
        return Headline(verdict, "could not watch", problem_of(envelope))
    if not result.windows:
        text = f"No window of {result.champion} is complete yet; {numbers.plural(result.open_rows, 'prediction')} wait."
        return Headline(verdict, "nothing to see yet", text)
    last = result.windows[-1]
    if last.blocked:
        fault = next(fault for fault in last.faults if fault.blocks)
        return Headline(verdict, "a fault of the data", f"Window {last.key}: {fault_in_words(fault)}.")
    missed = next((each for each in _newest(result) if each.verdict is Verdict.FAIL), None)
    if missed is not None:
        return Headline(verdict, "performance missed", f"{result.champion}: {rule(missed)}: {since(missed)}.")
    drifted = [each.column for each in last.drift if each.persistent]
    if drifted:
        names = ", ".join(dict.fromkeys(drifted))
        return Headline(verdict, "drift, no harm known", f"Window {last.key}: {names} moved and stayed.")
    words = {Verdict.PASS: "quiet", Verdict.INCONCLUSIVE: "cannot tell yet"}.get(verdict, verdict.words)
    seen = next(_newest(result), None)
    text = f"{result.champion} over {numbers.plural(len(result.windows), 'window')}, the last one {last.key}"
    return Headline(
        verdict, words, f"{text}: {rule(seen)}: {since(seen)}." if seen else f"{text}; no labels to judge by."
    )


def tiles(result: MonitorResult, _others: object) -> Iterator[Tile]:
    """Return the few numbers at the head of the page."""
    if not result.windows:
        return
    last = result.windows[-1]
    seen = next(_newest(result), None)
    if seen is not None:
        value = numbers.metric(seen.window.value)
        yield Tile(f"{seen.metric} in the last mature window", value, wording.limits(seen.window))
    guessed = next((each for each in last.estimated), None)
    if guessed is not None:
        value = numbers.metric(guessed.estimate.value)
        yield Tile(f"{guessed.metric}, estimated without labels", value, wording.limits(guessed.estimate))
    faulty = sum(window.blocked for window in result.windows)
    yield Tile("windows with faults", f"{faulty} of {len(result.windows)}", f"last one {last.key}")
    alarms = len({each.column for each in last.drift if each.alarm})
    yield Tile("columns that drifted", str(alarms), f"in the last window, of {len(result.columns)}")


def fault_in_words(fault: Fault) -> str:
    """Return a fault with its column and the rows that it touches."""
    where = f"{fault.column}: " if fault.column else ""
    return f"{where}{wording.because(fault.reason)} ({numbers.plural(fault.rows, 'row')}, {fault.share:.0%})"


def rule(seen: RealisedPerformance) -> str:
    """Return what labels are held to, in words."""
    of = f" for {seen.slice}" if seen.slice else ""
    if seen.against:
        return f"{seen.metric}{of} no worse than on the test by {numbers.exact(seen.margin)}"
    return f"{seen.metric}{of} {seen.operator.replace('_', ' ')} {numbers.exact(seen.bound)}"


def since(seen: RealisedPerformance) -> str:
    """Return what is known of it, at all looks together."""
    if seen.looks == 0:
        return "no mature labels yet"
    limits = numbers.interval(seen.low, seen.high, numbers.decimals([seen.low, seen.high]))
    return f"{limits} over {numbers.plural(seen.looks, 'look')}, limit {bound(seen)}"


def bound(seen: RealisedPerformance) -> str:
    """Return what it must not fall beyond."""
    return numbers.NONE if seen.bound is None else numbers.metric(seen.bound, numbers.decimals([seen.bound]))


def _newest(result: MonitorResult) -> Iterator[RealisedPerformance]:
    """Go through the rules, each as it stood at its last look; what failed first."""
    last = {(each.metric, each.slice, each.operator): each for window in result.windows for each in window.realised}
    yield from sorted(last.values(), key=lambda each: (each.verdict is not Verdict.FAIL, bool(each.slice)))


def _faults(result: MonitorResult) -> Section | None:
    found = [(window, fault) for window in reversed(result.windows) for fault in window.faults]
    if not found:
        return None
    items = tuple(
        line(Code(window.key), " ", *_fault(fault), "" if fault.blocks else Text(" – told only", "muted"))
        for window, fault in found
    )
    now = result.windows[-1].blocked
    summary = f"{numbers.plural(len(found), 'fault')} in {len({window.key for window, _ in found})} windows"
    return Section("faults", "Faults of the data", summary, (Listing(items),), 95, folded=not now, after="rules")


def _fault(fault: Fault) -> Line:
    touched = Text(f" ({numbers.plural(fault.rows, 'row')}, {fault.share:.0%})", "muted")
    where = line(Code(fault.column), " ") if fault.column else ()
    return (*where, Text(wording.because(fault.reason)), touched)


def _performance(result: MonitorResult) -> Section | None:
    metrics = dict.fromkeys(
        [each.metric for window in result.windows for each in window.realised]
        + [each.metric for window in result.windows for each in window.estimated]
    )
    marks = [(each.window, each.action.replace("-", " ")) for each in result.marks if each.action not in _QUIET]
    charts = [(metric, timeline.performance(metric, result.windows, marks)) for metric in metrics]
    blocks: list[Block] = [
        Figure(plot, f"{metric}: filled marks are realised with labels, open ones estimated without; "
               "dashes are limits, shaded windows have faults of the data")
        for metric, plot in charts
        if plot is not None
    ]  # fmt: skip
    rows = list(_newest(result))
    if rows:
        columns = (
            Column("Held to", "lead"),
            Column("", "verdict"),
            Column("Last window", number=True),
            Column("All looks", number=True),
            Column("Limit", number=True),
            Column("Rows", number=True),
        )
        cells = tuple(
            (
                line(rule(each)),
                line(Badge(each.verdict)),
                line(wording.with_limits(each.window)),
                line(numbers.interval(each.low, each.high, numbers.decimals([each.low, each.high]))),
                line(bound(each)),
                line(numbers.count(each.n)),
            )
            for each in rows
        )
        table = Table("Performance", columns, cells, stacked=True, row_verdicts=tuple(each.verdict for each in rows))
        blocks.append(table)
        blocks += [Paragraph(line(Text(f"{rule(each)}: {wording.because(each.reason)}.", "muted")))
                   for each in rows if each.reason is not None]  # fmt: skip
    last = next((window for window in reversed(result.windows) if window.calibration is not None), None)
    if last is not None and last.calibration is not None and last.calibration.error.value is not None:
        found = last.calibration
        text = (
            f"Calibration in {last.key}: error {wording.with_limits(found.error)}, slope "
            f"{wording.with_limits(found.slope)}, intercept {wording.with_limits(found.intercept, signed=True)}."
        )
        blocks.append(Paragraph(line(Text(text, "muted"))))
    if not blocks:
        return None
    summary = "; ".join(f"{rule(each)}: {since(each)}" for each in rows[:1]) or "estimated without labels"
    return Section("performance", "Performance over time", summary, tuple(blocks), 90, folded=False, after="gates")


def _windows(result: MonitorResult) -> Section:
    columns = (
        Column("Window", "lead"),
        Column("By"),
        Column("Predictions", number=True),
        Column("Labels", number=True),
        Column("Faults", number=True),
        Column("Drifted", number=True),
        Column("Estimated", number=True),
        Column("Realised", number=True),
    )
    rows = tuple(_window(window) for window in reversed(result.windows))
    blocks: list[Block] = [Table("Windows, newest first", columns, rows, stacked=True)]
    if result.open_rows:
        blocks.append(
            Paragraph(line(f"{numbers.plural(result.open_rows, 'prediction')} of a window that is not over yet."))
        )
    counted = [f"{key.replace('_', ' ')}: {numbers.count(value)}" for key, value in result.counts.items() if value]
    if counted:
        blocks.append(Details("What the log's reader found", (Listing(tuple(line(each) for each in counted)),)))
    summary = f"{len(result.windows)} until {result.until[:10]}, {numbers.count(result.predictions)} predictions"
    return Section("windows", "Windows", summary, tuple(blocks), 80, folded=False, after="gates")


def _window(window: Window) -> tuple[Line, ...]:
    guessed = next(iter(window.estimated), None)
    seen = next((each for each in window.realised if not each.slice), None)
    labels = numbers.share(window.labelled, window.rows) + ("" if window.mature else ", not mature")
    return (
        line(Code(window.key)),
        line(window.version),
        line(numbers.count(window.rows)),
        line(labels),
        line(str(len(window.faults)) if window.faults else numbers.NONE),
        line(str(len({each.column for each in window.drift if each.alarm})) if window.drift else numbers.NONE),
        line(numbers.NONE if guessed is None else wording.with_limits(guessed.estimate)),
        line(numbers.NONE if seen is None else wording.with_limits(seen.window)),
    )


def _drift(result: MonitorResult) -> Section | None:
    furthest: dict[tuple[str, str], float] = {}
    for window in result.windows:
        for each in window.drift:
            key = (each.column, each.of)
            furthest[key] = max(furthest.get(key, 0.0), each.corrected / (each.limit or 1.0))
    if not furthest:
        return None
    shown = sorted(furthest, key=lambda key: -furthest[key])
    last = result.windows[-1]
    columns = (
        Column("Column", "lead"),
        Column("", "plot", header_plot=timeline.scale(result.windows), html_only=True),
        Column("Last window", number=True),
        Column("Alarms", number=True),
    )
    rows = tuple(
        (
            line(Code(column), Text(" (the prediction)", "muted") if of == "prediction" else ""),
            line(timeline.drift_row(column, of, result.windows)),
            line(_drifted(last.drift, column, of)),
            line(_alarms(result.windows, column, of)),
        )
        for column, of in shown[:_MOST_DRIFT]
    )
    caught = result.persistence
    text = (
        f"An alarm is a difference that is neither chance (Benjamini–Hochberg at 5 % within a window) nor small. It "
        f"counts in {caught.alarms} of {caught.windows} windows; chance alone would end there in at most "
        f"{caught.false_alarms:.2%} of windows."
    )
    blocks: tuple[Block, ...] = (
        Table("Drift", columns, rows, stacked=True, more=max(0, len(shown) - _MOST_DRIFT)),
        Paragraph(line(Text(text, "muted"))),
    )
    apart = last.separability
    if apart is not None and apart.auc.value is not None:
        told = (
            f"All columns together: a classifier tells the last window from earlier ones with an AUC of "
            f"{wording.with_limits(apart.auc)}"
        )
        blocks += (Paragraph(line(Text(f"{told}{_by(apart.columns)}.", "muted"))),)
    alarmed = list(dict.fromkeys(each.column for each in last.drift if each.alarm))
    summary = f"{', '.join(alarmed[:4])} in the last window" if alarmed else "none in the last window"
    return Section("drift", "Drift", summary, blocks, 70, folded=True, after="gates")


def _by(columns: Sequence[str]) -> str:
    return f", most by {', '.join(columns)}" if columns else ""


def _drifted(found: Sequence[Drift], column: str, of: str) -> str:
    each = timeline.furthest(found, column, of)
    if each is None:
        return numbers.NONE
    return f"{each.corrected:.3f} of {each.limit:g} ({each.statistic.replace('-', ' ')})"


def _alarms(windows: Sequence[Window], column: str, of: str) -> str:
    count = sum(
        any(each.alarm and (each.column, each.of) == (column, of) for each in window.drift) for window in windows
    )
    return f"{count} of {len(windows)}"


def _track(result: MonitorResult) -> Section | None:
    if not result.track:
        return None
    items = tuple(
        line(
            Code(each.metric),
            f": in {each.covered} of {numbers.plural(each.windows, 'window')} the realised value lay in the interval "
            f"of its estimate, mean error {numbers.metric(each.error)}; "
            + ("estimates count" if each.decides else "estimates inform and do not decide"),
        )
        for each in result.track
    )
    assumed = Text(
        "Estimates hold as long as the same features mean the same outcome. They cannot see a change of that.", "muted"
    )
    blocks: tuple[Block, ...] = (Listing(items), Paragraph(line(assumed)))
    return Section(
        "track", "How good the estimates were", numbers.plural(len(items), "metric"), blocks, 50, after="gates"
    )


def _maturity(result: MonitorResult) -> Section | None:
    known = [window for window in reversed(result.windows) if window.maturity]
    if not known:
        return None
    ages = [cohort.days for cohort in known[0].maturity]
    columns = (Column("Window", "lead"), *(Column(f"After {age:g} days", number=True) for age in ages))
    rows = tuple(
        (
            line(Code(window.key)),
            *(line("–" if each.share is None else f"{each.share:.0%}") for each in window.maturity),
        )
        for window in known
    )
    blocks: tuple[Block, ...] = (Table("Share of predictions with a label, by age", columns, rows),)
    share = known[0].maturity[-1].share
    summary = f"{0 if share is None else share:.0%} within {ages[-1]:g} days in the last mature window"
    return Section("maturity", "How labels arrive", summary, blocks, 48, folded=True, html_folded=True, after="gates")


def _open(result: MonitorResult) -> Section | None:
    found = dict.fromkeys(
        [(wording.because(reason), "") for reason in result.notes]
        + [(wording.because(reason), window.key) for window in result.windows for reason in window.not_looked_at]
    )
    if not found:
        return None
    by_text: dict[str, list[str]] = {}
    for text, key in found:
        by_text.setdefault(text, []).append(key)
    items = tuple(
        line(text, Text(f" ({_among(keys)})", "muted") if any(keys) else "") for text, keys in by_text.items()
    )
    summary = numbers.plural(len(items), "reason")
    return Section("open", "Not looked at", summary, (Listing(items),), 45, folded=True, after="gates")


def _among(keys: Sequence[str]) -> str:
    return ", ".join(keys) if len(keys) < 4 else f"{len(keys)} windows from {keys[0]} to {keys[-1]}"
