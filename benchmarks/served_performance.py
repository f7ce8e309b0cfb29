"""Performance of what serves, seen by labels and estimated without: ``python -m benchmarks.served_performance``.

Labels: lives of 26 windows. How often a rule calls a model that keeps its bound, and how many windows a fall takes,
beside each window's own 95 % interval. Without labels: how often the realised value lies in the estimate's interval,
under drift of features and under labels that follow other rules, beside NannyML's CBPE with its own limits (three times
its sampling error), where ``--nannyml`` names a Python that has it: an environment of its own, for the packages that it
asks for.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from scipy.special import expit

from modelyard.core.verdict import Verdict
from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.predictions import Predictions
from modelyard.monitoring.estimated import Estimator, reference_of
from modelyard.monitoring.levels import Rows, level_of
from modelyard.monitoring.realised import Rule, Watch
from modelyard.records.results import Signature

BINARY = Signature(features=(), task="binary", classes=("no", "yes"), positive="yes", threshold=0.5)
WATCHED = ("accuracy", "roc_auc", "log_loss")
ESTIMATED = ("roc_auc", "accuracy", "recall")
TEST_ROWS, WINDOWS = 6_000, 26
MARGIN, FALL = 0.02, 0.1
"""In each metric's unit."""

Drawn = tuple[np.ndarray, np.ndarray, np.ndarray]


def drawn(random: np.random.Generator, n: int, *, shift: float = 0.0, concept: float = 0.0, days: int = 0) -> Drawn:
    """Features, a model's scores, and labels; the model misses a square, and is too sure of itself."""
    x = random.normal(size=(n, 3))
    x[:, 0] += shift
    signal = 1.2 * x[:, 0] + 0.8 * x[:, 1] ** 2 - 1.5
    if days:
        shock, level = random.normal(size=days) * 0.35, 0.0
        for day in range(days):
            level = 0.5 * level + shock[day]
            shock[day] = level
        signal = signal + np.repeat(shock, n // days)[:n]
    true = expit(signal * (1 - concept))
    score = expit(1.6 * (1.2 * x[:, 0] + 0.6 * x[:, 1]) - 0.9)
    return x, score, (random.random(n) < true).astype(np.int64)


def predictions(score: np.ndarray) -> Predictions:
    """Return scores as a model gives them."""
    return Predictions(2, label=(score >= 0.5).astype(np.int64), probability=score)


def logged(rows: Drawn, *, labels: bool) -> pl.DataFrame:
    """Return rows as a log has them."""
    x, score, y = rows
    told = {"probability_yes": score, "probability_no": 1 - score, **{f"feature_{at}": x[:, at] for at in range(3)}}
    return pl.DataFrame(told | ({"label": np.where(y == 1, "yes", "no")} if labels else {}))


# labels


def truth(name: str, concept: float) -> float:
    """Return a metric's true value."""
    _, score, y = drawn(np.random.default_rng(0), 1_000_000, concept=concept)
    value = METRICS.get(name).value(y, predictions(score))
    assert value is not None
    return value


def worse_by(name: str, by: float) -> float:
    """Return the concept at which a model is truly worse by so much."""
    aim = truth(name, 0.0) + (by if not METRICS.get(name).higher_is_better else -by)
    low, high = 0.0, 1.5
    for _ in range(12):
        middle = (low + high) / 2
        better = (truth(name, middle) > aim) == METRICS.get(name).higher_is_better
        low, high = (middle, high) if better else (low, middle)
    return (low + high) / 2


def life(name: str, n: int, seed: int, concepts: Sequence[float], *, days: bool) -> tuple[list[bool], list[bool]]:
    """Return in which windows a rule called the model, and in which the window's own interval did."""
    random, metric = np.random.default_rng([seed, n]), METRICS.get(name)
    _, score, y = drawn(random, TEST_ROWS, days=60 if days else 0)
    unit = np.repeat(np.arange(60), TEST_ROWS // 60) if days else None
    level = level_of(metric, Rows(y, predictions(score), unit), ordered=days, baseline=0.5)
    watch = Watch(
        Rule(metric, "no_worse_than", margin=MARGIN), BINARY, () if level is None else (level,),
        unit="day" if days else "row", ordered=days,
    )  # fmt: skip
    called, own = [], []
    for at, concept in enumerate(concepts):
        frame = logged(drawn(random, n, concept=concept, days=7 if days else 0), labels=True)
        names = np.array([f"{at:03}-{day}" for day in np.repeat(np.arange(7), -(-n // 7))[:n]]) if days else None
        row = watch.look(frame, begin=f"{at:03}", end=f"{at + 1:03}", unit=names)[0]
        called.append(row.verdict is Verdict.FAIL)
        low, high, bound = row.window.low, row.window.high, row.bound or 0.0
        worse = None not in (low, high) and ((high or 0) < bound if metric.higher_is_better else (low or 0) > bound)
        own.append(bool(worse))
    return called, own


def by_labels(runs: int) -> None:
    """Print how often a model at its bound is called, and how soon one that falls is."""
    print("| metric | rows a window | at the margin: called ever | by its own window's interval | "
          "steady: called ever | fall of 0.1 in window 14: called | windows it took (median) |")  # fmt: skip
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name in WATCHED:
        edge, far = worse_by(name, MARGIN), worse_by(name, FALL)
        for n, days in ((200, False), (1_000, False), (700, True)):
            at_bound = [life(name, n, seed, [edge] * WINDOWS, days=days) for seed in range(runs)]
            steady = [life(name, n, seed + runs, [0.0] * WINDOWS, days=days) for seed in range(runs // 2)]
            falls = [life(name, n, seed + 2 * runs, [0.0] * 13 + [far] * 13, days=days) for seed in range(runs // 2)]
            delays = [called.index(True, 13) - 12 for called, _ in falls if any(called[13:])]
            shares = [float(np.mean([any(called) for called in group])) for group in zip(*at_bound, strict=True)]
            print(
                f"| {name} | {n:,}{' in 7 days that remember' if days else ''} | {shares[0]:.1%} | {shares[1]:.1%} | "
                f"{np.mean([any(called) for called, _ in steady]):.1%} | {len(delays) / len(falls):.0%} | "
                f"{np.median(delays) if delays else float('nan'):.0f} |",
                flush=True,
            )


# without labels

CASES: dict[str, dict[str, float]] = {
    "nothing changed": {"shift": 0.0},
    "features drift by 0.7 SD": {"shift": 0.7},
    "labels follow other rules": {"concept": 0.4},
}


def without_labels(runs: int, nannyml: str) -> None:
    """Print how often the realised value lies in the interval, by how much estimates are off, and how wide they are."""
    print("| window | rows | metric | test rows alone: off by | estimate: off by | in its interval | width | "
          "with matured rows: off by | in its interval | NannyML's CBPE: off by | in its limits | width |")  # fmt: skip
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    metrics = [METRICS.get(name) for name in ESTIMATED]
    for case, how in CASES.items():
        for n in (200, 1_000):
            windows, references = [], []
            found: dict[str, list[tuple[float | None, ...]]] = {name: [] for name in ESTIMATED}
            for seed in range(runs):
                random = np.random.default_rng([seed, n])
                test, earlier = drawn(random, TEST_ROWS), drawn(random, 4_000)
                kept = reference_of(metrics, test[2], predictions(test[1]), seed=seed)
                rows = drawn(random, n, shift=how.get("shift", 0.0), concept=how.get("concept", 0.0))
                plain = Estimator(kept, logged(rows, labels=False), signature=BINARY, seed=seed)
                weighted = Estimator(
                    kept, logged(rows, labels=False), signature=BINARY, matured=logged(earlier, labels=True), seed=seed
                )
                for metric in metrics:
                    realised = metric.value(rows[2], predictions(rows[1]))
                    on_test = metric.value(test[2], predictions(test[1]))
                    one, two = plain.estimate(metric).estimate, weighted.estimate(metric).estimate
                    found[metric.name].append(
                        (realised, on_test, one.value, one.low, one.high, two.value, two.low, two.high)
                    )
                windows.append(rows)
                references.append(test)
            peers = _nannyml(nannyml, references, windows) if nannyml else {}
            for name in ESTIMATED:
                table = np.array(found[name], dtype=float)
                true = table[:, 0]
                inside = [float(np.mean((table[:, at] <= true) & (true <= table[:, at + 1]))) for at in (3, 6)]
                off = [float(np.mean(np.abs(table[:, at] - true))) for at in (1, 2, 5)]
                peer = ["–", "–", "–"]
                if name in peers:
                    theirs = np.array(peers[name], dtype=float)
                    covered = float(np.mean((theirs[:, 1] <= true) & (true <= theirs[:, 2])))
                    peer = [f"{np.mean(np.abs(theirs[:, 0] - true)):.3f}", f"{covered:.0%}",
                            f"{np.mean(theirs[:, 2] - theirs[:, 1]):.3f}"]  # fmt: skip
                print(
                    f"| {case} | {n:,} | {name} | {off[0]:.3f} | {off[1]:.3f} | {inside[0]:.0%} | "
                    f"{np.mean(table[:, 4] - table[:, 3]):.3f} | {off[2]:.3f} | {inside[1]:.0%} | {' | '.join(peer)} |",
                    flush=True,
                )


_PEER = """
import json, sys, warnings
import pandas as pd
warnings.filterwarnings("ignore")
import nannyml as nml
folder, runs = sys.argv[1], int(sys.argv[2])
found = {"roc_auc": [], "accuracy": [], "recall": []}
for run in range(runs):
    test, window = (pd.read_csv(f"{folder}/{what}-{run}.csv") for what in ("test", "window"))
    cbpe = nml.CBPE(y_pred="label", y_pred_proba="score", y_true="y", metrics=list(found), chunk_size=len(window),
                    problem_type="classification_binary")
    result = cbpe.fit(test).estimate(window.drop(columns="y")).filter(period="analysis").to_df()
    for name in found:
        found[name].append([float(result[(name, part)].iloc[0]) for part in
                            ("value", "lower_confidence_boundary", "upper_confidence_boundary")])
json.dump(found, open(f"{folder}/found.json", "w"))
"""


def _nannyml(python: str, references: Sequence[Drawn], windows: Sequence[Drawn]) -> dict[str, list[list[float]]]:
    """Return NannyML's estimates with its limits of the same windows, from the same test rows."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for what, many in (("test", references), ("window", windows)):
            for run, (_, score, y) in enumerate(many):
                frame = pl.DataFrame({"score": score, "label": (score >= 0.5).astype(int), "y": y})
                frame.write_csv(folder / f"{what}-{run}.csv")
        (folder / "peer.py").write_text(_PEER, "utf-8")
        environ = {**os.environ, "NML_DISABLE_USAGE_LOGGING": "1"}
        subprocess.run([python, str(folder / "peer.py"), scratch, str(len(windows))], check=True, env=environ)
        found: dict[str, list[list[float]]] = json.loads((folder / "found.json").read_text("utf-8"))
    return found


def main() -> None:
    """Print both tables, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="lives, and windows of each kind")
    parser.add_argument("--only", choices=("labels", "without"), help="one of the tables")
    parser.add_argument("--nannyml", default="", help="a Python that has NannyML and statsmodels")
    given = parser.parse_args()
    started = time.perf_counter()
    if given.only != "without":
        by_labels(given.runs)
    if given.only != "labels":
        without_labels(given.runs, given.nannyml)
    print(f"\n{given.runs} runs, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
