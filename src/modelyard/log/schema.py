"""The columns of a prediction log, the names of its partitions, and which ids a sample keeps."""

import hashlib
import re

PREDICTIONS = "predictions"
LABELS = "labels"
PREDICTION = "prediction"
PROBABILITY = "probability"
FEATURE = "feature_"
OF_A_CLASS = "probability_"
OF_PREDICTIONS = ("id", "time", "model", PREDICTION, PROBABILITY, "sample")
"""Columns of a partition of predictions, beside ``probability_<class>`` and ``feature_<name>``."""
OF_LABELS = ("id", "label", "time")
OPEN = ".jsonl.open"
"""How a partition ends that is still written to, or whose process was killed."""
FORMATS = ("jsonl", "parquet", "csv")
PARTITION = re.compile(
    rf"(?P<stem>(?P<kind>{PREDICTIONS}|{LABELS})-[\w.-]+?)\.(?P<suffix>jsonl\.open|jsonl|parquet|csv)"
)


def is_of_log(column: str) -> bool:
    """Say whether a partition of predictions may have this column."""
    return column in OF_PREDICTIONS or column.startswith((OF_A_CLASS, FEATURE))


def kept(id_: str, sample: float) -> bool:
    """Say whether a sample keeps an id: the same ids on every machine, and a larger sample keeps those of a smaller."""
    if sample >= 1:
        return True
    return (
        int.from_bytes(hashlib.blake2b(id_.encode("utf-8", "surrogatepass"), digest_size=8).digest()) < sample * 2**64
    )
