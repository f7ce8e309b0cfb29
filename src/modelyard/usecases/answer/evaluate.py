"""``/modelyard evaluate``: the pull request's own run once more, for the head that was there when it was asked for."""

from modelyard.github import runs
from modelyard.report.replies import said
from modelyard.usecases.answer.command import Answer, Desk, PullCommand


class Evaluate(PullCommand):
    """Run the pull request's own run again."""

    name = "evaluate"
    usage = "evaluate"
    does = "runs this pull request's own run once more"

    def answer(self, desk: Desk, argument: str) -> Answer:
        """Run it again, unless somebody may have pushed since.

        A pull request's run is made by the push, so one that is older than the comment was there when it was written;
        the newest run of the head branch must be such a one and be for today's head.
        """
        del argument
        if desk.pull.get("state") != "open":
            return Answer(said("pull-closed"))
        workflow = desk.inputs.judging_workflow
        run = runs.newest(desk.client, workflow, desk.pull)
        if run is None:
            return Answer(said("no-run", workflow=workflow))
        head = str(desk.pull["head"]["sha"])
        if run.head != head or run.created >= desk.asked:
            return Answer(said("head-moved", head=head[:12]))
        if not run.finished:
            return Answer(said("runs-already", url=run.url))
        if run.waits:
            return Answer(said("waits-for-approval", url=run.url))
        runs.again(desk.client, run)
        return Answer(said("evaluating", head=head[:12], url=run.url), done=True)
