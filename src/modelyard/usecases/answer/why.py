"""``/modelyard why roc_auc``: a gate's verdict in the pull request's newest run, told from the records it kept."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from modelyard.core.errors import ConfigError, DataError, ModelyardError, PlatformError
from modelyard.github import runs
from modelyard.github.workflow_run import MOST_BYTES, MOST_MODELS, fetch, kept_records
from modelyard.records.results import EVALUATE, GateResult
from modelyard.report.replies import said
from modelyard.usecases.answer.command import Answer, Desk, PullCommand
from modelyard.usecases.explain_gate import Judged, judged_in_run

_MEMBER = f"records/{EVALUATE.name}.json"


class Why(PullCommand):
    """Explain a gate."""

    name = "why"
    usage = "why roc_auc"
    does = "explains the verdict of a gate, by its id, its number or its metric"
    argument: ClassVar[re.Pattern[str] | None] = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@:-]{0,79}")
    acts = False

    def answer(self, desk: Desk, argument: str) -> Answer:
        """Tell it for each model of the run that has such a gate."""
        run = runs.newest(desk.client, desk.inputs.judging_workflow, desk.pull)
        head = str(desk.pull["head"]["sha"])
        if run is None or run.head != head:
            return Answer(said("no-verdict", head=head[:12]))
        if not run.finished:
            return Answer(said("runs-already", url=run.url))
        judged = dict(_judged(desk, run.id))
        if not judged:
            return Answer(said("no-records", url=run.url))
        told, known = [], []
        for model, each in judged.items():
            known += [f"{model}: {gate.id}" for gate in each.result.gates]
            for gate in _meant(each, argument):
                told += [f"{model}", *desk.story(gate, each), ""]
        if not told:
            return Answer(said("unknown-gate", gate=argument), quoted="\n".join(known))
        return Answer(said("why", gate=argument, url=run.url), done=True, quoted="\n".join(told).rstrip())


def _judged(desk: Desk, run: int) -> Iterator[tuple[str, Judged]]:
    """Yield the evaluations that a run kept and that can be read, a model each."""
    left = MOST_BYTES
    for artifact in kept_records(desk.client, run)[:MOST_MODELS]:
        left -= artifact.size
        if left < 0:
            return
        with tempfile.TemporaryDirectory(prefix="modelyard-why-") as scratch:
            try:
                folder = fetch(desk.client, artifact, [_MEMBER], Path(scratch))
                yield artifact.model, judged_in_run(folder / _MEMBER)
            except (ConfigError, DataError):
                continue  # an archive of a hostile run holds anything
            except PlatformError as error:
                if _is_githubs(error):
                    raise


def _is_githubs(error: ModelyardError) -> bool:
    return error.code not in ("github/bad-artifact", "github/artifact-too-large")


def _meant(judged: Judged, named: str) -> list[GateResult]:
    """Return the gates of a name: one by its id or number, or all of a metric."""
    try:
        return [judged.gate(named)]
    except ConfigError:
        return [gate for gate in judged.result.gates if gate.metric == named]
