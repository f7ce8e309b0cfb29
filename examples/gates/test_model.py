"""A test that holds a new model to the gates: `pytest test_model.py`."""

import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelyard.gates import judge

GATES = [
    {"metric": "roc_auc", "at_least": 0.95},
    {"metric": "recall", "at_least": 0.80},
    {"metric": "roc_auc", "no_worse_than": "champion", "margin": 0.02},
]


@pytest.fixture(scope="module")
def rows():
    data = load_breast_cancer(as_frame=True)
    malignant = data.target == 0
    return train_test_split(data.data, malignant, test_size=0.4, stratify=malignant, random_state=1)


def test_the_new_model_passes(rows):
    train, test, y_train, y = rows
    champion = make_pipeline(StandardScaler(), LogisticRegression()).fit(train, y_train)
    challenger = make_pipeline(StandardScaler(), LogisticRegression(C=0.5)).fit(train, y_train)
    result = judge(
        GATES, y, challenger=challenger.predict_proba(test), champion=champion.predict_proba(test), task="binary"
    )
    assert result.verdict == "pass", str(result)


def test_a_model_without_skill_does_not(rows):
    train, test, y_train, y = rows
    shuffled = y_train.sample(frac=1, random_state=1).to_numpy()
    challenger = HistGradientBoostingClassifier(random_state=1).fit(train, shuffled)
    result = judge(None, y, challenger=challenger.predict_proba(test), train_y=y_train, task="binary")
    assert result.verdict != "pass"
