"""``modelyard run``: all stages in order, each with the reason why it ran or not."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelyard.cli import errors, output
from modelyard.cli.flags import Command
from modelyard.cli.session import open_context, taken
from modelyard.core.errors import ModelyardError
from modelyard.core.verdict import Verdict
from modelyard.models import store
from modelyard.records.envelope import Envelope, Step
from modelyard.records.results import DetectResult, EvaluateResult
from modelyard.steps import bundle
from modelyard.steps.catalogue import STEP
from modelyard.steps.context import CheckedOut
from modelyard.steps.declaration import Inputs
from modelyard.steps.execution import execute, inputs_digest, perform, rebind
from modelyard.steps.pipeline import Decision, decide, stages, walk


def run(_command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Run the stages; returns the run's exit code."""
    with taken(open_context(given)) as context:
        runner = _Runner(context, given)
        order = stages("desk", promote=given.get("promote") == "true", validates=context.config.validate_ is not None)
        for decision, _ in walk(order, runner.consider, runner.act):
            runner.tell(decision)
        return runner.finish(with_json=given.get("json") == "true")


class _Runner:
    """The loop's hands: what is known of each stage, and what was done."""

    def __init__(self, context: CheckedOut, given: Mapping[str, str]) -> None:
        self.context = context
        self.given = given
        self.envelopes: dict[Step, Envelope] = {}
        self.decisions: list[Decision] = []
        self.error: ModelyardError | None = None

    def inputs(self, step: Step) -> Inputs:
        """The stage's inputs out of this command's flags."""
        kind = STEP[step].spec.inputs
        known = {info.alias or name for name, info in kind.model_fields.items()}
        return kind.from_strings({name: value for name, value in self.given.items() if name in known})

    def consider(self, step: Step, halted_by: str) -> Decision:
        """Decide about a stage."""
        unchanged = self._unchanged()
        if unchanged or (halted_by and step != "report"):
            return decide(step, known=None, inputs_digest="", intact=True, halted_by=halted_by, unchanged=unchanged)
        known = self.context.records.find(step)
        try:
            now = inputs_digest(STEP[step], self.context, self.inputs(step))
        except ModelyardError:
            now = ""  # whatever is wrong, running the stage says it with its own words
        return decide(step, known=known, inputs_digest=now, intact=self._intact(step, known), halted_by=halted_by)

    def _unchanged(self) -> str:
        detected = self.envelopes.get("detect")
        outcome = None if detected is None else detected.record.outcome
        if isinstance(outcome, DetectResult) and not outcome.changed:
            return outcome.champion or ""
        return ""

    def _intact(self, step: Step, known: Envelope | None) -> bool:
        if known is None or known.record.result is None:
            return False
        folder = self.context.run_dir
        if step == "evaluate":
            return _carried_intact(folder, known)
        if step == "train" and known.record.model_digest:
            return (folder / "model").is_dir() and store.digest(folder / "model")[0] == known.record.model_digest
        if step == "report":
            return all((folder / known.record.result[name]).is_file() for name in ("markdown", "html"))
        return True

    def act(self, decision: Decision) -> Verdict | None:
        """Do it; an error ends the run's verdict, not the loop, so that the report is still made."""
        step = decision.step
        if decision.action == "skip":
            if not self._unchanged():
                self._forget(step)
            return None
        if decision.action == "run":
            self.context.console.say(f"{step}: running ({decision.why})")
        try:
            known = self.context.records.find(step)
            if decision.action == "keep" and known is not None:
                envelope = rebind(STEP[step], self.context, known)
            elif step == "detect":
                envelope = self._detect(known)
            else:
                envelope = execute(STEP[step], self.context, self.inputs(step))
        except ModelyardError as error:
            self.error = self.error or error
            self.context.console.say(f"{step}: error\n{error}")
            return Verdict.ERROR
        self.envelopes[step] = envelope
        return envelope.record.verdict

    def _forget(self, step: Step) -> None:
        """Take an earlier run's record of a stage away that this run did not reach; it would speak of other data."""
        known, detected = self.context.records.find(step), self.envelopes.get("detect")
        current = detected is not None and known is not None and detected.link in known.record.builds_on
        if not current:
            self.context.records.remove(step)

    def _detect(self, known: Envelope | None) -> Envelope:
        """Detect anew; where it finds what it found before, the old record stays, so that the chain holds."""
        step, inputs = STEP["detect"], self.inputs("detect")
        if known is not None and known.record.inputs_digest == inputs_digest(step, self.context, inputs):
            return rebind(step, self.context, known)
        record = perform(step, self.context, inputs)
        outcome = record.outcome
        evaluated = self.context.records.find("evaluate")
        judged = known is not None and evaluated is not None and known.link in evaluated.record.builds_on
        if judged and isinstance(outcome, DetectResult) and not outcome.changed:
            return Envelope.seal(record)  # the run folder keeps the run that made this champion, chain and all
        return self.context.records.write(record)

    def tell(self, decision: Decision) -> None:
        """Say what came of a stage."""
        self.decisions.append(decision)
        envelope = self.envelopes.get(decision.step)
        if decision.action == "skip":
            self.context.console.say(f"{decision.step}: not run, because {decision.why}")
        elif envelope is not None:
            kept = "unchanged, " if decision.action == "keep" else ""
            self.context.console.say(f"{decision.step}: {kept}{output.one_line(envelope)}")

    def finish(self, *, with_json: bool) -> int:
        """Print the outcome; returns the exit code."""
        promoted, evaluated = self.context.records.find("promote"), self.context.records.find("evaluate")
        if promoted is not None and (evaluated is None or evaluated.link not in promoted.record.builds_on):
            self.context.records.remove("promote")  # an earlier run's; the journal keeps it
        mode = self.context.mode
        if self.error is not None:
            code = self.error.exit_code
        else:
            codes = [output.exit_code(envelope, mode) for envelope in self.envelopes.values()]
            code = max(codes, default=0)
        if with_json:
            print(json.dumps(self._json(code)))
        else:
            print(output.run_lines(self.envelopes, self.context, self.decisions, self.error))
        return code

    def _json(self, code: int) -> dict[str, Any]:
        stages = [{"step": d.step, "action": d.action, "why": d.why} for d in self.decisions]
        mode = self.context.mode
        outputs = {
            step: output.outputs(envelope, self.context, output.exit_code(envelope, mode))
            for step, envelope in self.envelopes.items()
        }
        evaluated = self.envelopes.get("evaluate")
        return {
            **(errors.document(self.error) if self.error else {}),
            "verdict": str(output.run_verdict(self.envelopes, failed=self.error is not None)),
            "exit-code": code,
            "run-dir": str(self.context.run_dir),
            "record-digest": "" if evaluated is None else evaluated.digest,
            "stages": stages,
            "outputs": outputs,
        }


def _carried_intact(folder: Path, known: Envelope) -> bool:
    judged = known.record.outcome
    try:
        return isinstance(judged, EvaluateResult) and bundle.digests(bundle.carried(folder)) == judged.carried
    except ModelyardError:
        return False
