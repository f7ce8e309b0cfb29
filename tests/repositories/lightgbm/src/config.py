from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TRAIN_FILE = ROOT / "input" / "train.csv"
TEST_FILE = ROOT / "input" / "test.csv"
MODEL_FILE = ROOT / "output" / "lgbm.txt"
PARAMS = {
    "objective": "binary", "metric": "auc", "learning_rate": 0.1, "num_leaves": 15, "verbose": -1, "seed": 7,
    "num_threads": 1,
}
