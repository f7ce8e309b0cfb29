import json

import joblib
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

df = pd.read_csv("data/wine.csv", sep=",")
X = df.drop(["cultivar"], axis=1)
y = df["cultivar"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=42)

clf = RandomForestClassifier(n_estimators=50, random_state=42)
clf.fit(X_train, y_train)

acc = accuracy_score(y_test, clf.predict(X_test))
print("accuracy: %.3f" % acc)
joblib.dump(clf, "models/model.joblib")
with open("metrics.json", "w") as f:
    json.dump({"accuracy": acc}, f)
