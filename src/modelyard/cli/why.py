"""``modelyard why <gate>``: explain one gate's verdict from its record, with the command that reproduces it."""

from collections.abc import Mapping

from modelyard.cli import formats
from modelyard.cli.flags import Command
from modelyard.cli.session import open_context
from modelyard.cli.views import gate as view
from modelyard.core.errors import OK
from modelyard.usecases.explain_gate import judged_in_run, judged_in_version


def run(_command: Command, given: Mapping[str, str], positional: list[str]) -> int:
    """Explain a gate; without one, list the gates."""
    context = open_context(given, quiet=True)
    version = given.get("version", "")
    record = context.records.path("evaluate")
    judged = judged_in_version(context.versions.open(), version) if version else judged_in_run(record)
    gates = [judged.gate(name) for name in positional] or judged.result.gates
    lines = view.story(gates[0], judged) if positional else view.listing(judged)
    formats.show_lines(given, lines, {"exit-code": OK, "gates": [gate.model_dump(mode="json") for gate in gates]})
    return OK
