"""What changed since the champion, in a comment: features, configuration, parameters, data, packages, code."""

import json
from collections.abc import Sequence
from typing import Any

from modelyard.core.documents import as_written
from modelyard.records.envelope import Envelope
from modelyard.records.results import DataSet, DetectResult, KeyChange, TrainResult
from modelyard.report import numbers
from modelyard.report.conclusion import outcome
from modelyard.report.document import Block, Code, Inline, Line, Listing, Paragraph, Section, Table, line
from modelyard.report.registry import Results
from modelyard.report.sections import detect

Parts = list[Inline | str]
NAMED = 6
"""Names of one kind in a line."""
MOST = 40
"""Changes of one kind in the fold."""
_LONGEST = 80


def sections(envelope: Envelope, results: Results) -> tuple[Section, ...]:
    """Build the fold *What changed*; nothing where the step has no result."""
    result = outcome(envelope)
    if not isinstance(result, DetectResult):
        return ()
    trained = _trained(results)
    blocks: list[Block] = []
    items = [line(*parts) for parts in _all(result, trained)]
    if items:
        blocks.append(Listing(tuple(items[:MOST]), more=max(0, len(items) - MOST)))
    elif not result.champion:
        blocks.append(Paragraph(line("There is no champion yet, so there is nothing to compare with.")))
    else:
        blocks.append(Paragraph(line("Data, features, configuration, parameters, packages and code are the same.")))
    blocks += [_sets(result.sets)] if result.sets else []
    blocks += [detect.columns_of(result.columns)] if result.columns else []
    since = f" since {result.champion}" if result.champion else ""
    return (Section("changed", f"What changed{since}", in_short(result, trained), tuple(blocks), 60),)


def _trained(results: Results) -> TrainResult | None:
    found = results.get("train")
    return found if isinstance(found, TrainResult) else None


def in_short(result: DetectResult, trained: TrainResult | None) -> str:
    """Return ``data, 2 files added; features 11 → 9``: kinds and counts alone."""
    if not result.champion:
        return "no champion yet"
    parts = []
    gone, come = features(result, trained)
    if gone or come:
        assert result.made_from is not None  # noqa: S101 - features differ from it
        now = len(result.made_from.features) - len(gone) + len(come)
        parts.append(f"features {len(result.made_from.features)} → {now}")
    if result.keys:
        parts.append(f"configuration, {numbers.plural(len(result.keys), 'key')}")
    elif "configuration" in result.reasons:
        parts.append("configuration")
    counts = {how: sum(len(getattr(data, how)) for data in result.sets) for how in ("added", "modified", "removed")}
    files = [f"{numbers.plural(count, 'file')} {how}" for how, count in counts.items() if count]
    if files:
        parts.append(f"data, {', '.join(files)}")
    elif "data" in result.reasons:
        parts.append("data")
    if result.packages:
        parts.append(numbers.plural(len(result.packages), "package"))
    elif "packages" in result.reasons:
        parts.append("packages")
    parts += ["code"] if "code" in result.reasons else []
    return "; ".join(parts) or "nothing"


def likeliest(result: DetectResult, trained: TrainResult | None) -> Parts:
    """Return the first few changes, those that are likeliest to move a metric first: features, keys, then data."""
    found = _all(result, trained)
    parts: Parts = []
    for index, each in enumerate(found[:3]):
        parts += ["; ", *each] if index else each
    return [*parts, f"; and {numbers.count(len(found) - 3)} more"] if len(found) > 3 else parts


def features(result: DetectResult, trained: TrainResult | None) -> tuple[list[str], list[str]]:
    """Return the features that the champion has and the challenger has not, and the other way round."""
    if result.made_from is None or trained is None or trained.signature is None or not result.made_from.features:
        return [], []
    old, new = result.made_from.features, [each.name for each in trained.signature.features]
    if not new:
        return [], []
    return [name for name in old if name not in new], [name for name in new if name not in old]


def _all(result: DetectResult, trained: TrainResult | None) -> list[Parts]:
    if not result.champion:
        return []
    found: list[Parts] = []
    gone, come = features(result, trained)
    if (gone or come) and result.made_from is not None:
        before = len(result.made_from.features)
        parts: Parts = [f"features {before} → {before - len(gone) + len(come)} ("]
        parts += ["gone: ", *_names(gone)] if gone else []
        parts += [", "] if gone and come else []
        parts += ["new: ", *_names(come)] if come else []
        found.append([*parts, ")"])
    found += [_key(change) for change in sorted(result.keys, key=_likelihood)]
    if "configuration" in result.reasons and not result.keys:
        found.append(["configuration: ", *_names(result.details.get("configuration", ()))])
    found += _parameters(result, trained)
    for data in result.sets:
        for how in ("removed", "modified", "added"):
            names: Sequence[str] = getattr(data, how)
            if names:
                found.append(
                    ["data ", Code(data.name), f": {numbers.plural(len(names), 'file')} {how} (", *_names(names), ")"]
                )
    found += [
        ["package ", Code(change.key), f" {change.old or 'not there'} → {change.new or 'not there'}"]
        for change in result.packages
    ]
    if "packages" in result.reasons and not result.packages:
        found.append(["packages that the model can import"])
    if "code" in result.reasons:
        found.append(["training code"])
    return found


def _parameters(result: DetectResult, trained: TrainResult | None) -> list[Parts]:
    """Return the parameters of the winner that are not the champion's."""
    winner = next((row for row in trained.candidates if row.winner), None) if trained is not None else None
    if result.made_from is None or winner is None or not result.made_from.candidate:
        return []
    old: dict[str, Any] = {"estimator": result.made_from.candidate.partition("(")[0], **result.made_from.parameters}
    new: dict[str, Any] = {"estimator": winner.name.partition("(")[0], **winner.params}
    names = [name for name in dict.fromkeys((*old, *new)) if as_written(old.get(name)) != as_written(new.get(name))]
    if "estimator" in names and any(change.key.endswith(".estimator") for change in result.keys):
        return []
    if "estimator" in names:
        return [["estimator ", Code(old["estimator"]), " → ", Code(new["estimator"])]]
    return [["parameter ", Code(name), f" {as_written(old.get(name))} → {as_written(new.get(name))}"] for name in names]


def _likelihood(change: KeyChange) -> int:
    """Return the place of a key among those that move a metric: columns, then the challenger, then its training."""
    heads = ("data.columns", "evaluate.challenger", "train", "data", "requirements")
    return next((at for at, head in enumerate(heads) if change.key.startswith(head)), len(heads))


def _key(change: KeyChange) -> Parts:
    """Return a key of the configuration: what a list gained and lost, else old → new."""
    gained = _list_change(change)
    if gained:
        return [Code(change.key), *gained]
    old, new = (_cut(text[1:-1] if text.startswith('"') else text) for text in (change.old, change.new))
    if not old:
        return [Code(change.key), " set to ", Code(new)]
    if not new:
        return [Code(change.key), " removed (was ", Code(old), ")"]
    return [Code(change.key), " ", Code(old), " → ", Code(new)]


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _list_change(change: KeyChange) -> Parts:
    try:
        old, new = (json.loads(text) if text else [] for text in (change.old, change.new))
    except (ValueError, RecursionError):
        return []
    if not (isinstance(old, list) and isinstance(new, list) and all(isinstance(each, str) for each in (*old, *new))):
        return []
    gone, come = [each for each in old if each not in new], [each for each in new if each not in old]
    parts: Parts = [", "]
    parts += ["gone: ", *_names(gone)] if gone else []
    parts += [", "] if gone and come else []
    parts += ["new: ", *_names(come)] if come else []
    return parts if gone or come else []


def _names(names: Sequence[str]) -> Parts:
    parts: Parts = []
    for index, name in enumerate(names[:NAMED]):
        parts += [", ", Code(name)] if index else [Code(name)]
    return [*parts, f" and {numbers.count(len(names) - NAMED)} more"] if len(names) > NAMED else parts


def _sets(sets: Sequence[DataSet]) -> Table:
    return detect.sets_of(sets)


def first_line(result: DetectResult, trained: TrainResult | None) -> Line:
    """Return what changed for the second line of a comment."""
    return line(f"changed: {in_short(result, trained)}") if result.champion else line("no champion yet")
