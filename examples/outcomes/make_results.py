"""Stands for a harness: tries 600 questions twice and writes what came of each attempt, `make_results.py new 0.83`."""

import json
import random
import sys
from pathlib import Path

TOPICS = ("billing", "shipping", "returns")


def main(name: str, skill: float, seed: int) -> None:
    hardness = [random.Random(at).random() for at in range(600)]  # noqa: S311 - made up, and the same in every run
    draw = random.Random(seed)  # noqa: S311 - the same
    with Path(f"{name}.jsonl").open("w", encoding="utf-8") as file:
        for case, hard in enumerate(hardness):
            for attempt in (1, 2):
                passed = (draw.random() if draw.random() < 0.1 else hard) < skill
                row = {"case": f"q{case}", "attempt": attempt, "passed": passed, "topic": TOPICS[case % 3]}
                file.write(json.dumps(row | {"usd": round(0.002 + 0.001 * draw.random(), 6)}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), seed=len(sys.argv[1]))
