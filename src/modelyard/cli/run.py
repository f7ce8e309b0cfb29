"""``modelyard run``: all stages in order, each with the reason why it ran or not."""

import json
from collections.abc import Mapping
from typing import Any

from modelyard.cli import errors, output
from modelyard.cli.flags import Command
from modelyard.cli.session import open_context, taken
from modelyard.core import terminal
from modelyard.core.errors import ModelyardError
from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope, Step
from modelyard.records.results import EVALUATE, PROMOTE
from modelyard.registry.records import version_records
from modelyard.steps import catalogue
from modelyard.steps.context import CheckedOut
from modelyard.steps.definition import Stage, StepDefinition
from modelyard.steps.execution import execute, inputs_digest, perform, rebind
from modelyard.steps.pipeline import Decision, decide, sections_of, stages, walk
from modelyard.vcs.tree import DIRTY


def run(_command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Run the stages; returns the run's exit code."""
    with taken(open_context(given)) as context:
        runner = _Runner(context, given)
        asked = frozenset(name for name, value in given.items() if value == "true")
        order = stages(catalogue.stages(), context.trigger, asked=asked, sections=sections_of(context.config))
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
        self.first: Envelope | None = None
        """The record of the stage that compares."""
        self.unchanged = ""
        """The version since which nothing changed, where it found that."""
        self.same_tree = False
        """Whether that version was made from the very files that are here."""

    def consider(self, step: StepDefinition, halted_by: str) -> Decision:
        """Decide about a stage."""
        stage = step.stage or Stage()
        time_passes = self._time_passes(step)
        if self.unchanged or (halted_by and not stage.whatever_came_before):
            return decide(
                step,
                known=None,
                inputs_digest="",
                intact=True,
                halted_by=halted_by,
                unchanged=self.unchanged,
                same_tree=self.same_tree,
                time_passes=time_passes,
            )
        known = self.context.records.find(step.name)
        try:
            now = inputs_digest(step, self.context, step.inputs_of(self.given))
        except ModelyardError:
            now = ""  # whatever is wrong, running the stage says it with its own words
        intact = known is not None and known.record.result is not None and step.intact(self.context.run_dir, known)
        return decide(step, known=known, inputs_digest=now, intact=intact, halted_by=halted_by, time_passes=time_passes)

    def _time_passes(self, step: StepDefinition) -> str:
        try:
            return step.time_passes(self.context)
        except ModelyardError:
            return "its rules could not be read"  # running the stage says it with its own words

    def act(self, step: StepDefinition, decision: Decision) -> Verdict | None:
        """Do it; an error ends the run's verdict, not the loop, so that the report is still made."""
        if decision.action == "skip":
            if not self.unchanged:
                self._forget(step)
            return None
        if decision.action == "run":
            self.context.console.say(f"{step.name}: running ({decision.why})")
        try:
            envelope = self._made(step, decision)
        except ModelyardError as error:
            self.error = self.error or error
            self.context.console.say(f"{step.name}: error\n{error}")
            return Verdict.ERROR
        self.envelopes[step.name] = envelope
        return envelope.record.verdict

    def _made(self, step: StepDefinition, decision: Decision) -> Envelope:
        known = self.context.records.find(step.name)
        if decision.action == "keep" and known is not None:
            return rebind(step, self.context, known)
        if step.stage is not None and step.stage.starts:
            return self._start(step, known)
        if self.unchanged and self.first is not None:
            return self._judge_again(step, self.first)
        return execute(step, self.context, step.inputs_of(self.given))

    def _judge_again(self, step: StepDefinition, first: Envelope) -> Envelope:
        """Judge what time alone may have changed; where it still passes, the run that made the champion stays whole."""
        records, inputs = self.context.records, step.inputs_of(self.given)
        try:
            record = perform(step, self.context, inputs, keep=False)
        except ModelyardError:
            record = None
        if record is not None and record.verdict is Verdict.PASS:
            return Envelope.seal(record) if records.exists(EVALUATE.name) else records.write(record)
        self.unchanged = ""
        records.write(first.record)
        return execute(step, self.context, inputs)

    def _forget(self, step: StepDefinition) -> None:
        """Take an earlier run's record of a stage away that this run did not reach; it would speak of other data."""
        known, first = self.context.records.find(step.name), self.first
        current = first is not None and known is not None and first.link in known.record.builds_on
        if not current:
            self.context.records.remove(step.name)

    def _start(self, step: StepDefinition, known: Envelope | None) -> Envelope:
        """Compare anew; where that finds what it found before, the old record stays, so that the chain holds."""
        records, inputs = self.context.records, step.inputs_of(self.given)
        if known is not None and known.record.inputs_digest == inputs_digest(step, self.context, inputs):
            self.first = rebind(step, self.context, known)
        else:
            record = perform(step, self.context, inputs)
            evaluated = records.find(EVALUATE.name)
            judged = known is not None and evaluated is not None and known.link in evaluated.record.builds_on
            unchanged = step.present.unchanged_since(record.outcome)
            # The run folder keeps the run that made this champion, chain and all.
            self.first = Envelope.seal(record) if judged and unchanged else records.write(record)
        self.unchanged = step.present.unchanged_since(self.first.record.outcome)
        self.same_tree = bool(self.unchanged) and self._made_from(step, self.first.record.tree)
        return self.first

    def _made_from(self, step: StepDefinition, tree: str) -> bool:
        """Return whether the champion's own record of a stage has the same tree."""
        versions = self.context.versions
        champion = versions.find_champion()
        then = None if champion is None else version_records(versions.open(), champion).get(step.name)
        return then is not None and then.record.tree.removesuffix(DIRTY) == tree.removesuffix(DIRTY)

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
        records = self.context.records
        promoted, evaluated = records.find(PROMOTE.name), records.find(EVALUATE.name)
        if promoted is not None and (evaluated is None or evaluated.link not in promoted.record.builds_on):
            records.remove(PROMOTE.name)  # an earlier run's; the journal keeps it
        mode = self.context.mode
        if self.error is not None:
            code = self.error.exit_code
        else:
            codes = [output.exit_code(envelope, mode) for envelope in self.envelopes.values()]
            code = max(codes, default=0)
        if with_json:
            terminal.data(json.dumps(self._json(code)))
        else:
            terminal.put(output.run_lines(self.envelopes, self.context, self.decisions, self.error))
        return code

    def _json(self, code: int) -> dict[str, Any]:
        stages = [{"step": d.step, "action": d.action, "why": d.why} for d in self.decisions]
        mode = self.context.mode
        outputs = {
            step: output.outputs(envelope, self.context, output.exit_code(envelope, mode))
            for step, envelope in self.envelopes.items()
        }
        evaluated = self.envelopes.get(EVALUATE.name)
        return {
            **(errors.document(self.error) if self.error else {}),
            "verdict": str(output.run_verdict(self.envelopes, failed=self.error is not None)),
            "exit-code": code,
            "run-dir": str(self.context.run_dir),
            "record-digest": "" if evaluated is None else evaluated.digest,
            "stages": stages,
            "outputs": outputs,
        }
