"""Confidence sequences: misses at any of 1,000 looks, and widths: `python -m benchmarks.sequences --runs 2000`."""

import argparse

from tests.statistics.sequences import STREAMS, coverage, widths

SIZES = (100, 1_000, 10_000)


def main() -> None:
    """Print the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2_000, help="of each stream; widths are means of a hundredth")
    parser.add_argument("--values", type=int, default=10_000, help="of each run")
    given = parser.parse_args()
    sizes = [f"width at {size:,} (over Student's)" for size in SIZES]
    print(f"| values | above | below | {' | '.join(sizes)} |\n|---|---:|---:|{'---:|' * len(sizes)}")
    for stream in STREAMS:
        above, below = coverage(stream, given.runs, given.values, 1_000)
        wide = [f"{width:.4f} ({ratio:.2f})" for width, ratio in widths(stream, SIZES, max(given.runs // 100, 1))]
        name = f"{stream.name} (known limit)" if stream.limit else stream.name
        print(f"| {name} | {above:.1%} | {below:.1%} | {' | '.join(wide)} |", flush=True)


if __name__ == "__main__":
    main()
