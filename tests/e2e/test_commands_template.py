"""ml-commands on a real runner: from a comment's payload to the run that it starts, with nothing checked out."""

from pathlib import Path

from tests import desk, payloads
from tests.e2e.test_templates import run
from tests.hub import BOT, comment, hub

TOKEN = "ghs_commands"
BODY = 'Looks good, "$(id)" `id`\n\n/modelyard promote v7\n'


def test_a_comment_starts_the_workflow_and_a_strangers_does_not(tmp_path: Path) -> None:
    with hub(tmp_path / "github") as github:
        github.tokens[TOKEN] = {"actions", "pull-requests"}
        github.roles, github.workflows = {"ada": "write"}, {"ml-rollback.yml": {"to", "reason", "proof"}}
        github.pulls[7] = {"number": 7, "state": "open", "head": {"sha": "a" * 40, "ref": "topic", "repo": None}}
        repo = desk.repository(tmp_path / "repo", desk.QUICK)
        desk.git(repo, "branch", "-M", "main")
        made = {who: comment(github, 7, BODY, who) for who in ("ada", "eve")}
        done = {}
        for who, each in made.items():
            (tmp_path / who).mkdir()
            payload = payloads.issue_comment(each["id"], 7, BODY, who)
            done[who] = run(tmp_path / who, github, repo, "ml-commands", "issue_comment", payload, TOKEN)
            assert done[who].jobs == {"answer": "success"}, done[who].last
        assert done["ada"].calls("actions/checkout") == []
        (started,) = github.runs.values()
        assert (started["workflow"], started["ref"], started["inputs"]["to"]) == ("ml-rollback.yml", "main", "v7")
        (reply,) = [each["body"] for each in github.comments.values() if each["user"]["login"] == BOT]
        assert "Started `ml-rollback.yml`" in reply
        assert [each[1] for each in github.reactions] == ["+1", "-1"]
        assert github.violations == []
