"""Writes data/breast_cancer.csv, as `dvc pull` would fetch it.

The rows are those that scikit-learn ships (569 samples of the Breast Cancer Wisconsin (Diagnostic) data set). The same
bytes on every machine: data/breast_cancer.csv.dvc holds their md5.
"""

import csv
from pathlib import Path

from sklearn.datasets import load_breast_cancer

TARGET = Path(__file__).parent / "data" / "breast_cancer.csv"


def main():
    found = load_breast_cancer()
    names = [name.replace(" ", "_") for name in found.feature_names]
    TARGET.parent.mkdir(exist_ok=True)
    with TARGET.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["sample", *names, "diagnosis"])
        for number, (row, label) in enumerate(zip(found.data, found.target, strict=True), 1):
            writer.writerow([number, *(repr(float(value)) for value in row), found.target_names[label]])
    print(f"{len(found.data)} rows in {TARGET.relative_to(TARGET.parents[1])}")


if __name__ == "__main__":
    main()
