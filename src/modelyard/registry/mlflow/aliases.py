"""The aliases that MLflow shows: a projection of the ledger, restored where somebody moved one by hand."""

from collections.abc import Callable, Mapping

from modelyard.core.errors import PlatformError
from modelyard.registry.mlflow.ledger import Ledger, LedgerState
from modelyard.registry.mlflow.runs import RESTORE
from modelyard.registry.mlflow.server import Missing, Server

_LOOKS = 50


class Aliases:
    """The aliases of one registered model.

    Args:
        server: where it is.
        model: name of the model.
        ledger: says where they point.
        tell: says what a person should know.
    """

    def __init__(self, server: Server, model: str, ledger: Ledger, tell: Callable[[str], None]) -> None:
        self._server = server
        self._model = model
        self._ledger = ledger
        self._tell = tell

    def aligned(self, alias: str) -> LedgerState:
        """Return the ledger, after the alias in MLflow was seen to agree with it, or restored."""
        state = self._ledger.read()
        name = state.journal.aliases.get(alias)
        if name is None or self._shown().get(alias) == name:
            return state  # an alias that the ledger does not know is somebody else's
        name = self._ledger.read().journal.aliases[alias]  # a move in between is no surprise
        shown = self._shown().get(alias)
        if shown != name:
            self._restore(alias, shown, name)
        return self._ledger.read()

    def _restore(self, alias: str, shown: str | None, name: str) -> None:
        where = f"{shown or 'nothing'} in MLflow, where the journal says {name}"
        moved = f"{alias} of {self._model} pointed at {where}"
        try:
            self.project(alias)
        except PlatformError as error:
            self._tell(f"{moved}; it could not be restored: {error.message}")
        else:
            self._tell(
                f"{moved}; it has been restored. Use `modelyard promote` or `rollback` to move it; both record "
                "who and why"
            )

    def _shown(self) -> Mapping[str, str]:
        """Return alias to version name, as MLflow shows them."""
        try:
            with self._server.talking(f"read {self._model}"):
                shown = self._server.client.get_registered_model(self._model).aliases
        except Missing as error:
            raise PlatformError(
                f"the registered model {self._model} was deleted by hand in MLflow, its journal was not",
                code="registry/model-deleted",
                hint=RESTORE,
            ) from error
        return {str(alias): f"v{number}" for alias, number in shown.items()}

    def project(self, alias: str) -> None:
        """Point MLflow's alias at what the ledger says, until both agree."""
        for _ in range(_LOOKS):
            name = self._ledger.read().journal.aliases[alias]
            if self._shown().get(alias) == name:
                return
            try:
                with self._server.talking(f"point {alias} at {name}"):
                    self._server.client.set_registered_model_alias(self._model, alias, name.removeprefix("v"))
            except Missing as error:
                raise PlatformError(
                    f"{name} of {self._model} was deleted by hand in MLflow",
                    code="registry/version-missing",
                    hint=RESTORE,
                ) from error
        raise PlatformError(
            f"{alias} of {self._model} is being moved without pause", code="registry/busy", hint="Run again later."
        )
