"""The kinds of model that can be judged: each an adapter, found by the name that records and manifests hold."""

from modelyard.core.catalogue import Catalogue
from modelyard.core.errors import ConfigError, DataError
from modelyard.models.adapters.adapter import Adapter, Golden
from modelyard.models.adapters.command import CommandAdapter
from modelyard.models.adapters.predictions import PredictionsAdapter
from modelyard.models.adapters.pyfunc import PyfuncAdapter
from modelyard.models.adapters.sklearn import SklearnAdapter

__all__ = ["ADAPTERS", "Adapter", "Golden", "adapter_of"]

ADAPTERS: Catalogue[Adapter] = Catalogue("kind of model", "config/unknown-adapter")
ADAPTERS.register(SklearnAdapter())
ADAPTERS.register(PyfuncAdapter())
ADAPTERS.register(CommandAdapter())
ADAPTERS.register(PredictionsAdapter())


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
