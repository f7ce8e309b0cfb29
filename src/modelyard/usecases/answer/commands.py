"""Every command. One more is a class in a file of its own, registered here."""

from modelyard.usecases.answer.command import COMMANDS
from modelyard.usecases.answer.evaluate import Evaluate
from modelyard.usecases.answer.start import Promote, Retrain, Rollback
from modelyard.usecases.answer.why import Why

__all__ = ["COMMANDS"]

for _command in (Why(), Evaluate(), Promote(), Rollback(), Retrain()):
    COMMANDS.register(_command)
