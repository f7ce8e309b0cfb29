"""detect, presented: what differs from the champion."""

import json
from typing import Any

from modelyard.core.canonical import digest
from modelyard.records.envelope import Envelope
from modelyard.records.results import DetectResult
from modelyard.report import columns
from modelyard.steps.presenter import Plain


class DetectPresenter(Plain[DetectResult]):
    """What differs, and the digests that workflows go by."""

    def facts(self, result: DetectResult) -> str:
        """Return what differs."""
        if not result.changed:
            return f"unchanged since {result.champion}"
        held = f"; the last run judged exactly this: {result.held}" if result.held else ""
        return f"changed: {', '.join(result.reasons)}{held}"

    def lines(self, envelope: Envelope, result: DetectResult) -> list[str]:
        """Return the first of each kind of change, and the columns whose type is not what one would expect."""
        del envelope
        changes = [f"  {reason}: {detail}" for reason, details in result.details.items() for detail in details[:20]]
        told = [each for each in result.columns if columns.worth_telling(each)]
        changes = [f"  a message told of {result.told}", *changes] if result.told else changes
        return changes + [f"  column {each.name}: {columns.why(each)}" for each in told[:20]]

    def outputs(self, envelope: Envelope, result: DetectResult) -> dict[str, Any]:
        """Return whether and what, the data's digest, and the model."""
        return {
            "changed": result.changed,
            "reasons": ",".join(result.reasons),
            "data-digest": digest({part.name: part.digest for part in result.sets}),
            "rules-digest": result.rules_digest or "",
            "model": envelope.record.model,
            "models": json.dumps([envelope.record.model]),
            "held": str(result.held or ""),
        }

    def unchanged_since(self, result: DetectResult) -> str:
        """Return the champion that everything is the same as for."""
        return "" if result.changed else result.champion or ""
