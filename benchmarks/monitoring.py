"""Alarms without drift, power, faults, delay and speed of monitoring, beside Evidently, River and NannyML's rule.

`python -m benchmarks.monitoring --runs 500`; `--only alarms power faults follow delay falls speed size` for some of it.
Evidently and River are installed from benchmarks/monitoring.txt into .tools/monitoring, an environment of their own.
"""

import argparse
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelyard.monitoring.contract import faults
from modelyard.monitoring.drift import drift, persistent
from modelyard.monitoring.profile import Reference, Summary, merge
from modelyard.monitoring.reference import reference_of
from modelyard.monitoring.summary import summarise
from modelyard.records.results.monitor import Drift
from modelyard.stats import change
from tests.decisions import screamed
from tests.statistics import monitoring, served

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".tools" / "monitoring"
SIZES = (50, 200, 1_000, 10_000, 100_000)
CHUNKS = 10
LENGTH, BEGIN = 8_000, 4_000
"""Rows of a stream, and before its shift."""
OURS = ((50, 2, 3), (100, 2, 3), (250, 1, 1))
"""Rows of a window, and in how many windows of so many an alarm counts."""


def peers(*arguments: str) -> Any:
    """Run the other tools in their environment, made where it is not there; returns what they print."""
    python = PEERS / "bin" / "python"
    if not python.exists():
        subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, str(PEERS)], check=True)
        packages = ["-r", str(ROOT / "benchmarks" / "monitoring.txt")]
        subprocess.run(["uv", "pip", "install", "--quiet", "--python", str(python), *packages], check=True)
    command = [str(python), str(ROOT / "benchmarks" / "monitoring_peers.py"), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | {"DO_NOT_TRACK": "1"})
    return json.loads(done.stdout.splitlines()[-1])


def three_sigma(reference: pl.DataFrame, window: pl.DataFrame) -> bool:
    """NannyML's rule with its default distance: above mean + 3 sd (ddof 0) of ten chunks of the reference, anywhere."""
    for name in (each for each in reference.columns if each.startswith("feature_")):
        codes = _coded(reference[name], window[name])
        usual, now = codes[: len(reference)], codes[len(reference) :]
        size, most = len(usual) // CHUNKS, int(codes.max()) + 1
        parts = [usual[at * size : (at + 1) * size] for at in range(CHUNKS)]
        *chunks, found = (_jensen(usual, part, most) for part in (*parts, now))
        if found > np.mean(chunks) + 3 * np.std(chunks):
            return True
    return False


def _coded(reference: pl.Series, window: pl.Series) -> NDArray[np.int64]:
    both = pl.concat([reference, window])
    if both.dtype == pl.String:
        return np.unique(both.to_numpy(), return_inverse=True)[1].astype(np.int64)
    edges = np.histogram_bin_edges(reference.to_numpy(), bins="doane")
    return np.searchsorted(edges, both.to_numpy()).astype(np.int64)


def _jensen(usual: NDArray[np.int64], now: NDArray[np.int64], most: int) -> float:
    one, other = (np.bincount(each, minlength=most) / len(each) for each in (usual, now))
    middle = (one + other) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(each > 0, each * np.log2(each / middle), 0).sum() / 2 for each in (one, other)]
    return float(np.sqrt(sum(parts)))


def _pair(stream: monitoring.Stream, draw: np.random.Generator, n: int, days: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    seconds = np.concatenate(
        (monitoring.moments(draw, 10_000, 0, 91), monitoring.moments(draw, n, 91, days))
    )  # fmt: skip
    frame = monitoring.frame_of(stream.latent(draw, seconds), seconds)
    return frame.head(10_000), frame.tail(n)


def alarms(runs: int, others: int, seed: int, scratch: Path) -> None:
    """A/A: windows with any alarm, of drift and of faults, of ours and of the others (of fewer windows)."""
    head = ("stream", "window", "n", "drift", "faults", "Evidently, any column", "three sigma")
    print(f"\n| {' | '.join(head)} |\n|---|---|---:|---:|---:|---:|---:|")
    for days in (7, 1):
        for stream in monitoring.STREAMS:
            for n in SIZES:
                draw, found, wrong, sigma, files = np.random.default_rng((seed, n, days)), 0, 0, 0, []
                for run in range(runs):
                    reference, window = _pair(stream, draw, n, days)
                    of = monitoring.reference(reference)
                    seen = summarise(window, of, key=monitoring.KEY)
                    found += any(each.alarm for each in drift(of, seen))
                    wrong += bool(faults(of, seen, before=(), expected=served.facts(13, whole=False)))
                    if run < others and days == 7:
                        sigma += three_sigma(reference, window)
                    if run < others // 5 and days == 7 and n <= 1_000:
                        for name, frame in (("reference", reference), ("current", window)):
                            files.append(str(scratch / f"{name}-{run}.parquet"))
                            frame.select(pl.exclude("time", "probability")).write_parquet(files[-1])
                drifted = [count > 0 for count in peers("evidently", *files)] if files else []
                evidently = f"{sum(drifted)} of {len(drifted)}" if drifted else ""
                rule = f"{sigma} of {min(runs, others)}" if days == 7 and others else ""
                stretch = f"{days} day{'s' if days > 1 else ''}"
                print(f"| {stream.name} | {stretch} | {n:,} | {found} of {runs} | {wrong} of {runs} | {evidently} "
                      f"| {rule} |", flush=True)  # fmt: skip


def power(runs: int) -> None:
    """Windows with an alarm at n = 1,000, where one of 18 columns drifts."""
    print("\n| stream | shift of 0.5 SD | 10 points of mass |\n|---|---:|---:|")
    for stream in monitoring.STREAMS:
        found = [
            monitoring.alarms(stream, 1_000, runs, change=change) for change in (monitoring.shifted, monitoring.moved)
        ]
        print(f"| {stream.name} | {found[0]} of {runs} | {found[1]} of {runs} |", flush=True)


def injected(runs: int, seed: int) -> None:
    """Faults of data in flights-like weeks, found with three weeks before and without any, and what decide makes of it.

    It decides where everything but faults asks for a retraining; see ``tests.decisions.screamed``.
    """
    found: dict[tuple[str, str], list[int]] = {}
    said: dict[tuple[str, str], Counter[str]] = {}
    for run in range(runs):
        draw = np.random.default_rng((seed, run))
        of = served.reference(served.flights(draw, 0, served.WEEKS))
        weeks = (served.flights(draw, served.WEEKS + each, 1) for each in range(3))
        before = [served.summary(served.log_of(week), of) for week in weeks]
        quiet = [drift(of, each) for each in before]
        now = served.WEEKS + 3
        frames = {("fault", name): fault(served.flights(draw, now, 1), draw) for name, fault in served.FAULTS.items()}
        frames |= {("drift", name): served.flights(draw, now, 1, change=each) for name, each in served.DRIFTS.items()}
        for key, frame in frames.items():
            seen = served.summary(served.log_of(frame), of)
            told = [faults(of, seen, before=each, expected=served.facts(now)) for each in (before, ())]
            counts, drifted = found.setdefault(key, [0, 0, 0]), drift(of, seen)
            for at, each in enumerate(told):
                counts[at] += any(one.blocks for one in each)
            counts[2] += any(each.alarm for each in drifted)
            said.setdefault(key, Counter())[screamed(quiet, told[0], drifted).action] += 1
    head = ("injected", "a fault, weeks before known", "not known", "drift alone would alarm", "decide says")
    print(f"\n| {' | '.join(head)} |\n|---|---:|---:|---:|---|")
    for (kind, name), (known, fresh, alone) in found.items():
        says = ", ".join(f"{action} {count}" for action, count in said[kind, name].most_common())
        print(f"| {kind}: {name} | {known} of {runs} | {fresh} of {runs} | {alone} of {runs} | {says} |", flush=True)


def follow(runs: int, seed: int) -> None:
    """Logs that are followed: in how many any column ever alarms, and rows until it does where one column moved.

    Rows come in batches of 500, each row a value; of streams whose rows depend on each other a value is a day.
    """
    head = ("stream", "a value is", "values", "without drift, ever", "0.5 SD: median rows; found")
    print(f"\n| {' | '.join(head)} |\n|---|---|---:|---:|---:|")
    for stream in monitoring.STREAMS:
        by_day = stream is not monitoring.STREAMS[0]
        draw, days = np.random.default_rng((seed, by_day)), 182
        quiet = [monitoring.followed(stream, draw, days=days, by_day=by_day) for _ in range(runs)]
        moved = [
            monitoring.followed(stream, draw, days=days, by_day=by_day, change=monitoring.shifted)
            for _ in range(runs // 5)
        ]
        late = [math.inf if each is None else each for each in moved]
        print(
            f"| {stream.name} | {'day' if by_day else 'row'} | {days if by_day else 20_000:,} "
            f"| {sum(each is not None for each in quiet)} of {runs} "
            f"| {statistics.median(late):,.0f}; {sum(map(math.isfinite, late))} of {len(late)} |",
            flush=True,
        )


def _shift(kind: str) -> NDArray[np.float64]:
    """Half a standard deviation: at once, over 2,000 rows, or on and off every 500 rows."""
    at = np.arange(LENGTH) - BEGIN
    if kind == "abrupt":
        return np.where(at >= 0, 0.5, 0.0)
    if kind == "gradual":
        return np.asarray(np.clip(at / 2_000, 0, 1) * 0.5)
    return np.where((at >= 0) & (at // 500 % 2 == 0), 0.5, 0.0) if kind == "recurring" else np.zeros(LENGTH)


def delay(runs: int, scratch: Path) -> None:
    """Rows from the shift of one of 18 columns to the first alarm, at settings that alarm as often without one."""
    kinds = ("none", "abrupt", "gradual", "recurring")
    draw = np.random.default_rng(5)
    latent = draw.standard_normal((len(kinds), runs, 18, LENGTH))
    for at, kind in enumerate(kinds):
        latent[at, :, 4] += _shift(kind)
    of = _reference(draw.standard_normal((18, 10_000)))
    ours = [
        np.array([[_first(of, latent[at, run], *each) for run in range(runs)] for at in range(len(kinds))])
        for each in OURS
    ]
    np.save(scratch / "streams.npy", latent.reshape(-1, 18, LENGTH))
    detectors = [["ADWIN", each] for each in (1e-4, 1e-6, 1e-8)]
    detectors += [["Page-Hinkley", each] for each in (30.0, 45.0, 60.0)]
    asked = {"streams": str(scratch / "streams.npy"), "detectors": detectors, "from": BEGIN}
    (scratch / "asked.json").write_text(json.dumps(asked), "utf-8")
    theirs = np.array(peers("river", str(scratch / "asked.json")), dtype=float).reshape(-1, len(kinds), runs)
    named = [
        (f"modelyard, windows of {rows} rows, {count} of {last}", each)
        for (rows, count, last), each in zip(OURS, ours, strict=True)
    ]
    named += [(f"{name}, {setting:g}", each) for (name, setting), each in zip(detectors, theirs, strict=True)]
    _delays(named, kinds, runs)


def falls(runs: int, scratch: Path) -> None:
    """Predictions from the fall of an accuracy of 0.9 by 0.1 to the first alarm, looked at every 50 predictions.

    Ours is the detector of ``monitoring.realised`` with half of a rule's error, held to 0.9 and to 0.02 less.
    """
    kinds = ("none", "abrupt", "gradual", "recurring")
    draw = np.random.default_rng(3)
    right = np.stack([(draw.random((runs, LENGTH)) < 0.9 - 0.2 * _shift(kind)).astype(float) for kind in kinds])
    named = [
        (
            f"modelyard, held to {bound:g}",
            np.array([[_fall(right[at, run], bound) for run in range(runs)] for at in range(4)]),
        )
        for bound in (0.9, 0.88)
    ]
    np.save(scratch / "streams.npy", right.reshape(-1, 1, LENGTH))
    detectors = [["ADWIN", each] for each in (1e-3, 1e-4, 1e-6)] + [
        ["Page-Hinkley, 0.01", each] for each in (10, 20, 40)
    ]
    asked = {"streams": str(scratch / "streams.npy"), "detectors": detectors, "from": BEGIN}
    (scratch / "asked.json").write_text(json.dumps(asked), "utf-8")
    theirs = np.array(peers("river", str(scratch / "asked.json")), dtype=float).reshape(-1, len(kinds), runs)
    named += [(f"{name}, {setting:g}", each) for (name, setting), each in zip(detectors, theirs, strict=True)]
    _delays(named, kinds, runs)


def _fall(right: NDArray[np.float64], bound: float) -> float:
    """Return the last prediction of the look at which the detector first alarms; looks before the fall count too."""
    state = change.begin(0, 1, bound, alpha=0.0125)
    for begin in range(0, LENGTH, 50):
        state = change.look(state, right[begin : begin + 50])
        if change.fell(state):
            return begin + 49
    return math.nan


def _delays(named: Sequence[tuple[str, Any]], kinds: Sequence[str], runs: int) -> None:
    """Print a row a detector: alarms without a change, and rows from each other kind of change to the alarm."""
    told = [f"{each}: median rows; found" for each in kinds[1:]]
    head = ("detector", f"alarms without a shift, {LENGTH - BEGIN:,} rows", *told)
    print(f"\n| {' | '.join(head)} |\n|---|---:|---:|---:|---:|")
    for name, first in named:
        without = int(np.isfinite(first[0]).sum())
        cells = []
        for each in first[1:]:
            late = np.where(np.isfinite(each), each - BEGIN, np.inf)
            cells.append(f"{np.median(late):,.0f}; {int(np.isfinite(late).sum())} of {runs}")
        print(f"| {name} | {without} of {runs} | {' | '.join(cells)} |", flush=True)


_NAMES = [f"feature_{at}" for at in range(18)]


def _reference(base: NDArray[np.float64]) -> Reference:
    features = pl.DataFrame({name.removeprefix("feature_"): each for name, each in zip(_NAMES, base, strict=True)})
    said = pl.select(prediction=pl.repeat(0.0, base.shape[1]))
    return reference_of(features, said, None, task="regression")


def _first(reference: Reference, stream: NDArray[np.float64], rows: int, alarms: int, of: int) -> float:
    """Return the last row of the first window from the shift on that alarms, and alarmed in as many before."""
    seen: list[tuple[Drift, ...]] = []
    for begin in range(BEGIN - (of - 1) * rows, LENGTH - rows + 1, rows):
        window = pl.DataFrame(dict(zip(_NAMES, stream[:, begin : begin + rows], strict=True)))
        seen.append(drift(reference, summarise(window, reference)))
        if begin >= BEGIN and any(each.persistent for each in persistent(seen, alarms, of)):
            return begin + rows - 1
    return float("nan")


def speed(rows: int, rounds: int, scratch: Path) -> None:
    """Whole processes, alternating: two Parquet files in, drift of 18 columns out."""
    draw = np.random.default_rng(1)
    for name in ("reference", "current"):
        seconds = monitoring.moments(draw, rows, 0, 91)
        frame = monitoring.frame_of(monitoring.STREAMS[0].latent(draw, seconds), seconds)
        frame.select(pl.exclude("time", "probability")).write_parquet(scratch / f"{name}.parquet")
    files = [str(scratch / f"{name}.parquet") for name in ("reference", "current")]
    peers("river", _nothing(scratch))
    commands = {
        "modelyard": [sys.executable, "-m", "benchmarks.monitoring_once", *files],
        "Evidently": [str(PEERS / "bin" / "python"), "benchmarks/monitoring_peers.py", "evidently", *files],
    }  # fmt: skip
    took: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, cwd=ROOT, capture_output=True, env=os.environ | {"DO_NOT_TRACK": "1"})
            took[name].append(time.perf_counter() - started)
    middle = {name: statistics.median(each) for name, each in took.items()}
    print(f"\n{rows:,} against {rows:,} rows x 18 columns, whole process, n = {rounds} each, alternating:")
    for name, each in took.items():
        print(f"* {name}: median {middle[name]:.2f} s ({min(each):.2f} to {max(each):.2f})")
    print(f"* ratio of medians {middle['Evidently'] / middle['modelyard']:.1f}", flush=True)


def _nothing(scratch: Path) -> str:
    """Return a question to River without a stream: it makes the environment."""
    np.save(scratch / "none.npy", np.zeros((0, 1, 1)))
    path = scratch / "none.json"
    path.write_text(json.dumps({"streams": str(scratch / "none.npy"), "detectors": [], "from": 0}), "utf-8")
    return str(path)


def size(rows: int, at_once: int) -> None:
    """Partitions counted one after the other and merged: time and memory as rows grow."""
    draw = np.random.default_rng(1)
    seconds = monitoring.moments(draw, at_once, 0, 7)
    frame = monitoring.frame_of(monitoring.STREAMS[0].latent(draw, seconds), seconds)
    of = monitoring.reference(frame.head(500_000))
    print("\n| rows | seconds counting and merging | peak MiB | summary KiB |\n|---:|---:|---:|---:|")
    whole, spent, done, told = Summary(), 0.0, 0, 1
    while done < rows:
        part = frame.with_columns(feature_n0=pl.col("feature_n0") + 1e-6 * done)
        started = time.perf_counter()
        whole = merge(whole, summarise(part, of, key=monitoring.KEY))
        spent += time.perf_counter() - started
        done += len(part)
        if done >= told * rows // 4:
            told += 1
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            kept = len(whole.model_dump_json()) / 1024
            print(f"| {done:,} | {spent:.1f} | {peak:,.0f} | {kept:,.0f} |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument(
        "--others", type=int, default=100, help="windows that the other tools look at; Evidently a fifth"
    )
    parser.add_argument("--rows", type=int, default=500_000, help="of either side, for speed")
    parser.add_argument("--size", type=int, default=50_000_000, help="rows that are counted by partitions")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1, help="of windows without drift, and of weeks with a fault")
    parser.add_argument(
        "--only", nargs="+", default=["alarms", "power", "faults", "follow", "delay", "falls", "speed", "size"]
    )
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, n = {given.runs} runs")
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for name in given.only:
            if name == "alarms":
                alarms(given.runs, given.others, given.seed, scratch)
            elif name == "power":
                power(min(given.runs, 200))
            elif name == "faults":
                injected(min(given.runs, 100), given.seed)
            elif name == "follow":
                follow(min(given.runs, 200), given.seed)
            elif name == "delay":
                delay(min(given.runs, 30), scratch)
            elif name == "falls":
                falls(min(given.runs, 100), scratch)
            elif name == "speed":
                speed(given.rows, given.rounds, scratch)
            else:
                size(given.size, min(given.size // 4, 1_000_000))


if __name__ == "__main__":
    main()
