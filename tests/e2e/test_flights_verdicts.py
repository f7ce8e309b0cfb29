"""Four challengers on the flights of examples/flights: better, worse, too close to call, and worse on one carrier.

With MODELYARD_VERDICTS=folder the comments are kept there; docs/verdicts holds such a set.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests import desk

ROOT = Path(__file__).parents[2]
CHAMPION = """\
train:
  candidates:
    - {estimator: sklearn.linear_model.LogisticRegression, params: {C: [0.0003]}}
"""
CHALLENGER = """\
train:
  candidates:
    - estimator: sklearn.ensemble.HistGradientBoostingClassifier
      params: {learning_rate: [0.1], max_leaf_nodes: [31]}
"""
GATES = """\
evaluate:
  gates:
    - {metric: roc_auc, at_least: 0.60}
    - {metric: roc_auc, no_worse_than: champion, margin: 0.005}
    - {metric: accuracy, no_worse_than: champion, margin: 0.01, by: [carrier]}
"""
AHEAD = "    - {metric: roc_auc, better_than: champion, margin: 0.003}\n"


def judge(folder: Path, name: str, config: str, *arguments: str) -> str:
    """Run it; returns the report that a pull request's comment shows."""
    (folder / "modelyard.yml").write_text(config, "utf-8")
    done = desk.modelyard(folder, "run", *arguments)
    assert done.code in (0, 1), done.err
    report = folder / "modelyard-run" / "report.md"
    kept = os.environ.get("MODELYARD_VERDICTS")
    if kept:
        shutil.copy(report, Path(kept) / f"{name}.md")
    return report.read_text("utf-8")


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("verdicts") / "flights"
    shutil.copytree(ROOT / "examples" / "flights", folder, ignore=shutil.ignore_patterns("data", "loop"))
    desk.git(folder, "init", "-q")
    made = [sys.executable, "make_data.py", "--months", "1-6"]
    subprocess.run(made, cwd=folder, check=True, env=desk.environment(), capture_output=True)
    text = (folder / "modelyard.yml").read_text("utf-8")
    head = text[: text.index("validate:")]
    assert "Promote" in judge(folder, "champion", head + CHAMPION + GATES, "--promote")
    return folder, head


def test_four_challengers_get_four_comments(flights: tuple[Path, str]) -> None:
    folder, head = flights
    better = judge(folder, "better", head + CHALLENGER + GATES)
    assert "## ✅ Promote · `flights-late`" in better
    assert "**roc_auc 0.8946 → 0.9054** (+0.0108, 95% CI" in better
    assert "3 of 3 gates passed on 82,767 rows of 91 days, 2013-04-01 to 2013-06-30." in better
    predictions = pl.read_parquet(folder / "modelyard-run" / "predictions" / "challenger.parquet")
    rows = pl.read_parquet(folder / "data" / "*.parquet", columns=["flight_id", "carrier"])
    carriers = predictions.join(rows, on="flight_id", how="left", maintain_order="left")["carrier"]

    close = judge(folder, "close", head + CHALLENGER + GATES + AHEAD)
    assert "## 🟡 Cannot tell yet · `flights-late`" in close
    assert "3 of 4 gates passed, 1 undecided" in close
    assert "Smallest detectable difference" in close
    assert "days give an 80% chance to pass, if the true value is today’s estimate" in close

    drop = head.replace("    drop:\n", "    drop:\n      - dep_delay\n      - dep_time\n")
    worse = judge(folder, "worse", drop + CHALLENGER + GATES)
    assert "## ❌ Hold · `flights-late`" in worse
    assert "1 of 3 gates passed, 2 failed" in worse
    assert "more wrong rankings per 1,000 pairs" in worse
    assert "features 11 → 9 (gone: `dep_time`, `dep_delay`)" in worse

    # The challenger's own predictions, but for one small carrier, whose flights get each other's.
    small = (carriers == "FL").to_numpy()
    mixed = predictions["probability"].to_numpy().copy()
    mixed[small] = np.random.default_rng(1).permutation(mixed[small])
    predictions.with_columns(pl.Series("probability", mixed)).write_parquet(folder / "predictions.parquet")
    carrier = judge(folder, "carrier", head + GATES + "  challenger: predictions.parquet\n")
    assert "## ❌ Hold · `flights-late`" in carrier
    assert "**Worse for** `carrier = FL`: **accuracy −0.2321**" in carrier
    assert "; allowed −0.01), beyond chance among 16 slices." in carrier
    assert "On average it is better (+0.0264), so the total hides it." in carrier
    assert "| ❌ | accuracy no worse than champion, every carrier | `FL` **−0.2321**" in carrier
