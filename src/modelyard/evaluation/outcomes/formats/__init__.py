"""The formats of files with outcomes: one module each."""

from modelyard.core.catalogue import Catalogue
from modelyard.evaluation.outcomes.formats.deepeval import DeepEval
from modelyard.evaluation.outcomes.formats.format import Format
from modelyard.evaluation.outcomes.formats.inspect import Inspect
from modelyard.evaluation.outcomes.formats.junit import JUnit
from modelyard.evaluation.outcomes.formats.promptfoo import Promptfoo
from modelyard.evaluation.outcomes.formats.table import Table

FORMATS: Catalogue[Format] = Catalogue("format of outcomes", "outcomes/unknown-format")
for _format in (Table(), Promptfoo(), DeepEval(), Inspect(), JUnit()):
    FORMATS.register(_format)
