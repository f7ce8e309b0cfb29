"""Scores a CSV file of samples: the probability of a malignant diagnosis for each.

python predict.py --model-dir model --input samples.csv --output predictions.csv
"""

import argparse
from pathlib import Path

import lightgbm as lgb
import pandas as pd

parser = argparse.ArgumentParser()
parser.add_argument("--model-dir", type=Path, default=Path("model"))
parser.add_argument("--input", type=Path, required=True)
parser.add_argument("--output", type=Path, required=True)
args = parser.parse_args()

model = lgb.Booster(model_file=args.model_dir / "model.txt")
rows = pd.read_csv(args.input)
probability = model.predict(rows[model.feature_name()])
pd.DataFrame({"sample": rows["sample"], "probability": probability}).to_csv(args.output, index=False)
