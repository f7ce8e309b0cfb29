import sys

import mlflow
import mlflow.sklearn
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

if __name__ == "__main__":
    C = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    frame = pd.read_csv("flowers.csv")
    x, y = frame.drop("species", axis=1), frame["species"]
    with mlflow.start_run():
        model = make_pipeline(StandardScaler(), LogisticRegression(C=C)).fit(x, y)
        mlflow.log_param("C", C)
        mlflow.log_metric("train_accuracy", model.score(x, y))
        mlflow.sklearn.log_model(model, name="model", input_example=x.head())
