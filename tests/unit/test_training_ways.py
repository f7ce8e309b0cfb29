"""Ways and families are found by name, and an example of each says what a new one needs."""

from pathlib import Path
from typing import Any, ClassVar, get_args

import pytest

from modelyard.config.configuration import Config
from modelyard.core.errors import ConfigError, Place
from modelyard.core.vocabulary import TrainingWay
from modelyard.training.candidates import expand
from modelyard.training.families import FAMILIES, family_of
from modelyard.training.families.sklearn import SklearnFamily
from modelyard.training.ways import WAYS, way_of
from tests.training_samples import LOGISTIC, config


def place(key: Any) -> Place:
    return Place("modelyard.yml", None, ".".join(map(str, key)))


def without_training(**model: Any) -> Config:
    told = config({"candidates": [LOGISTIC]}, model=model).model_dump(mode="json", by_alias=True)
    return Config.model_validate({**told, "train": None, "evaluate": {"challenger": "predictions.csv"}})


def test_the_catalogue_holds_the_ways_of_the_vocabulary_and_none() -> None:
    assert set(WAYS.names()) == {*get_args(TrainingWay), "none"}


def test_a_configuration_asks_for_one_way() -> None:
    asked = {
        "candidates": config({"candidates": [LOGISTIC]}),
        "entrypoint": config({"entrypoint": "package.module:fit"}),
        "command": config({"command": "python train.py {model_dir}"}),
        "none": without_training(),
    }
    for name, configured in asked.items():
        assert [way.name for way in WAYS if way.is_configured(configured)] == [name]
        assert way_of(configured).name == name


def test_a_threshold_is_chosen_only_where_there_are_folds() -> None:
    chosen = {"threshold": {"maximise": "f1"}}
    way_of(config({"candidates": [LOGISTIC]}, model=chosen)).check(config({"candidates": [LOGISTIC]}), place)
    for configured in (config({"entrypoint": "package.module:fit"}, model=chosen), without_training(**chosen)):
        with pytest.raises(ConfigError) as caught:
            way_of(configured).check(configured, place)
        assert caught.value.code == "train/threshold-without-folds"
        assert str(caught.value.place) == "modelyard.yml: model.threshold"


class Shelf(SklearnFamily):
    """A family of another package whose estimators are scikit-learn's."""

    name: ClassVar[Any] = "shelf"
    preprocessing = 7

    def resolve(self, dotted: str, task: Any, place: Place | None) -> Any:
        return super().resolve(dotted.replace("shelf.", "sklearn."), task, place)


def test_a_new_family_is_one_object(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(FAMILIES, "_items", dict(FAMILIES._items))
    FAMILIES.register(Shelf())
    written = config({"candidates": [{"estimator": "shelf.linear_model.LogisticRegression", "params": {"C": [1]}}]})
    assert written.train is not None
    choices = expand(written.train.candidates, task="binary", seed=0, class_weight=None, weighted=False, place=place)
    assert [choice.name for choice in choices] == ["LogisticRegression C=1"]
    assert family_of(choices[0].estimator).preprocessing == 7
    assert type(choices[0].build()).__name__ == "LogisticRegression"
