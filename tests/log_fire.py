"""Processes that write a prediction log are killed at random rows; what each was told to be written is compared."""

import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from modelyard.log import read
from modelyard.log.schema import FORMATS

CHILD = """
import os, sys
from modelyard.log import Rotate, Writer
folder, name, format = sys.argv[1:]
log = Writer(folder, model="v7", format=format, rotate=Rotate(size=3000))
at = 0
while True:
    log.write(id=f"{name}-{at}", prediction={"a": 0.25, "b": 0.75}, features={"at": at, "word": "x" * (at % 90 + 1)})
    os.write(1, f"{name}-{at}\\n".encode())
    at += 1
"""
"""Writes until it is killed; a row is acknowledged after write returned."""


@dataclass(frozen=True)
class Fire:
    """What was left of the kills.

    Attributes:
        kills: processes that were killed.
        acknowledged: rows that ``write`` had returned from.
        read: rows that were read.
        lost: acknowledged rows that were not read.
        wrong: rows that were read with other values than were written.
        twice: rows that were read more than once.
        torn: last lines that were not whole.
        left: partitions that were still written to.
    """

    kills: int
    acknowledged: int
    read: int
    lost: int
    wrong: int
    twice: int
    torn: int
    left: int


def fire(folder: Path, *, rounds: int, processes: int, seed: int, formats: Sequence[str] = FORMATS) -> Fire:
    """Kill so many rounds of processes, which write into one folder at a time, and read what they left."""
    chosen = random.Random(seed)  # noqa: S311 - when to kill is no secret
    acknowledged: set[str] = set()
    for each in range(rounds):
        children = []
        for child in range(processes):
            format_ = formats[(each * processes + child) % len(formats)]
            command = [sys.executable, "-c", CHILD, str(folder), f"{each}-{child}", format_]
            children.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        for process in children:
            assert process.stdout is not None
            for _ in range(chosen.randrange(1, 400)):
                acknowledged.add(process.stdout.readline().strip())
            process.kill()
            acknowledged.update(line.strip() for line in process.stdout if line.endswith("\n"))
            process.stdout.close()
            assert process.wait() == -9
    found = read(folder)
    at = pl.col("id").str.split("-").list.last().cast(pl.Int64)
    as_written = (
        (pl.col("feature_at") == at)
        & (pl.col("feature_word").str.len_chars() == at % 90 + 1)
        & (pl.col("probability_a") == 0.25)
        & (pl.col("probability_b") == 0.75)
    )
    return Fire(
        kills=rounds * processes,
        acknowledged=len(acknowledged),
        read=len(found.frame),
        lost=len(acknowledged - set(found.frame["id"])),
        wrong=len(found.frame) - len(found.frame.filter(as_written.fill_null(value=False))),
        twice=found.counts.duplicate_predictions + found.counts.changed_predictions,
        torn=found.counts.torn_lines,
        left=len(list(folder.glob("*.open"))),
    )
