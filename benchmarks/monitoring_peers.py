"""What Evidently and River make of the same rows: run by ``benchmarks.monitoring`` with an environment of their own.

Imports nothing of modelyard. ``evidently REFERENCE CURRENT …`` prints, for each pair of Parquet files, how many of the
columns its default preset calls drifted; ``river FILE`` reads streams and prints when each detector first alarms.
"""

import json
import sys
from pathlib import Path
from typing import Any


def evidently(pairs: list[str]) -> None:
    """Print drifted columns of each pair, a line of JSON."""
    import pandas as pd
    from evidently import Report  # type: ignore[import-not-found]  # of its own environment
    from evidently.presets import DataDriftPreset  # type: ignore[import-not-found]  # as above

    found = []
    for reference, current in zip(pairs[::2], pairs[1::2], strict=True):
        report = Report([DataDriftPreset()]).run(pd.read_parquet(current), pd.read_parquet(reference))
        told = report.dict()["metrics"][0]["value"]
        found.append(int(told["count"]))
    print(json.dumps(found))


def river(path: str) -> None:
    """Print the first alarm of each detector and setting in each stream of (columns, rows); null: there is none."""
    import numpy as np
    from river import drift  # type: ignore[import-not-found]  # of its own environment

    asked: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
    makers = {
        "ADWIN": lambda setting: drift.ADWIN(delta=setting),
        "Page-Hinkley": lambda setting: drift.PageHinkley(min_instances=30, delta=0.1, threshold=setting, mode="both"),
    }
    makers["Page-Hinkley, 0.01"] = lambda setting: drift.PageHinkley(min_instances=30, delta=0.01, threshold=setting)
    streams = np.load(asked["streams"])
    found: list[list[int | None]] = []
    for name, setting in asked["detectors"]:
        found.append([])
        for stream in streams:
            first = None
            for column in stream.tolist():
                detector = makers[name](setting)
                for at, value in enumerate(column[:first]):
                    detector.update(value)
                    if detector.drift_detected and at >= asked["from"]:
                        first = at
                        break
            found[-1].append(first)
    print(json.dumps(found))


if __name__ == "__main__":
    if sys.argv[1] == "evidently":
        evidently(sys.argv[2:])
    else:
        river(sys.argv[2])
