"""The kinds of model that can be judged: each an adapter, found by the name that records and manifests hold."""

from pathlib import Path

from modelyard.core.catalogue import Catalogue
from modelyard.core.errors import ConfigError, DataError
from modelyard.models.adapters.adapter import Adapter, Golden
from modelyard.models.adapters.command import CommandAdapter
from modelyard.models.adapters.native import CatboostAdapter, LightgbmAdapter, OnnxAdapter, XgboostAdapter
from modelyard.models.adapters.predictions import PredictionsAdapter
from modelyard.models.adapters.pyfunc import PyfuncAdapter
from modelyard.models.adapters.sklearn import SklearnAdapter

__all__ = ["ADAPTERS", "Adapter", "Golden", "adapter_of", "placed"]

ADAPTERS: Catalogue[Adapter] = Catalogue("kind of model", "config/unknown-adapter")
ADAPTERS.register(SklearnAdapter())
ADAPTERS.register(PyfuncAdapter())
ADAPTERS.register(LightgbmAdapter())
ADAPTERS.register(XgboostAdapter())
ADAPTERS.register(CatboostAdapter())
ADAPTERS.register(OnnxAdapter())
ADAPTERS.register(CommandAdapter())
ADAPTERS.register(PredictionsAdapter())


def placed(path: Path) -> tuple[Adapter, str]:
    """Return the adapter of a model that someone wrote, and the file's name in a version; empty for a folder.

    Raises:
        ConfigError: no kind of model that can score rows by itself.
    """
    for adapter in ADAPTERS:
        name = adapter.place(path) if adapter.rescorable and not adapter.brings_code else None
        if name is not None:
            return adapter, name
    known = [suffix for adapter in ADAPTERS if adapter.rescorable for suffix in adapter.stored if suffix]
    raise ConfigError(
        f"{path.name} is not a kind of model that is scored without a command",
        code="model/unknown-kind",
        hint=f"Known: {', '.join(sorted(known))}, and folders of MLflow. Name evaluate.predict.command for any other.",
    )


def adapter_of(name: str, who: str) -> Adapter:
    """Return the adapter of a stored model.

    Args:
        name: As the record or the manifest has it.
        who: What messages call the model.

    Raises:
        DataError: An unknown name, such as one that a newer modelyard wrote.
    """
    try:
        return ADAPTERS.get(name)
    except ConfigError as error:
        raise DataError(f"{who}: {error.message}", code="model/unknown-adapter", hint=error.hint) from error
