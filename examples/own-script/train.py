"""Trains a gradient-boosted classifier for the diagnosis and saves it with its metrics.

python train.py --data data/breast_cancer.csv --model-dir model
"""

import argparse
import json
from pathlib import Path

import lightgbm as lgb
import pandas as pd
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--data", type=Path, required=True, help="CSV file with the column diagnosis")
parser.add_argument("--model-dir", type=Path, default=Path("model"))
parser.add_argument("--learning-rate", type=float, default=0.05)
parser.add_argument("--rounds", type=int, default=500)
args = parser.parse_args()

data = pd.read_csv(args.data)
X = data.drop(columns=["sample", "diagnosis"])
y = (data["diagnosis"] == "malignant").astype(int)
X_fit, X_valid, y_fit, y_valid = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)

parameters = {
    "objective": "binary",
    "learning_rate": args.learning_rate,
    "num_leaves": 8,
    "min_data_in_leaf": 10,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "seed": 0,
    "deterministic": True,
    "num_threads": 1,
    "verbose": -1,
}
model = lgb.train(
    parameters,
    lgb.Dataset(X_fit, y_fit),
    num_boost_round=args.rounds,
    valid_sets=[lgb.Dataset(X_valid, y_valid)],
    callbacks=[lgb.early_stopping(30, verbose=False)],
)

args.model_dir.mkdir(parents=True, exist_ok=True)
model.save_model(args.model_dir / "model.txt", num_iteration=model.best_iteration)

probability = model.predict(X_valid, num_iteration=model.best_iteration)
metrics = {
    "valid_rows": len(y_valid),
    "valid_roc_auc": round(roc_auc_score(y_valid, probability), 4),
    "valid_log_loss": round(log_loss(y_valid, probability), 4),
    "valid_accuracy": round(accuracy_score(y_valid, probability >= 0.5), 4),
    "rounds": model.best_iteration,
}
Path("metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
print(metrics)
