"""The mlflow registry as a kind."""

from modelyard.core.credentials import MLFLOW
from modelyard.registry.kinds import Kind, Opening
from modelyard.registry.protocol import Registry


def _open(opening: Opening) -> Registry:
    from modelyard.registry.mlflow.registry import MlflowRegistry
    from modelyard.registry.mlflow.server import Server, server_address

    server = Server(server_address(opening.section.uri or "", opening.environ))
    return MlflowRegistry(server, opening.model, scratch=opening.scratch("mlflow"), tell=opening.tell)


KIND = Kind("mlflow", _open, extra="mlflow", credentials=MLFLOW)
