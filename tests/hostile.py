"""Templates against hostile pull requests, on a real runner: ``python -m tests.hostile [NAME …]``.

Each attack changes a repository as a stranger could and runs a template as GitHub would. It ends with a table and exit
code 1 where one got what it wanted. It takes minutes, so the project's own workflow runs it, and no test does.
"""

import csv
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cmarkgfm

from tests import desk, payloads
from tests.act import Run, Runner, clear
from tests.e2e.conftest import COMMENT
from tests.e2e.test_templates import propose, template
from tests.hub import Hub, hub
from tests.integration.test_comment_of_fork import archive, kept
from tests.security.test_user_packages import planted

CHAMPION = "    - {metric: roc_auc, no_worse_than: champion, margin: 0.05}\n"
EASY = desk.QUICK.replace(CHAMPION, "")
STRICT = EASY.replace("at_least: 0.6", "at_least: 0.99")
LAX = EASY.replace("at_least: 0.6", "at_least: 0.01")
CANDIDATES = EASY[EASY.index("  candidates:") : EASY.index("  jobs: 1\n") + len("  jobs: 1\n")]
FIT = """\
from pathlib import Path
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
{code}
def fit(data, parameters, seed):
    columns = make_column_transformer(("passthrough", ["size"]))
    return make_pipeline(columns, LogisticRegression()).fit(data.features, data.target)
"""
REPLACE = """\
import subprocess
def git(*words):
    return subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout.strip()
git("replace", "-f", git("rev-parse", "HEAD^1:modelyard.yml"), git("hash-object", "-w", "lax.txt"))
"""


@dataclass
class Scene:
    """A repository on GitHub, and what is known of the runs."""

    folder: Path
    github: Hub
    config: str = EASY
    name: str = "ml-pull-request"
    path: str = "modelyard.yml"

    @property
    def repo(self) -> Path:
        """The checkout."""
        return self.folder / "repo"

    def begin(self, config: str = EASY, at: str = "") -> None:
        """Commit the base, and push it."""
        made = desk.repository(self.repo, config)
        (made / ".gitignore").write_text("", "utf-8")
        if at:
            (made / at).mkdir()
            for each in ("modelyard.yml", "suite.json"):
                (made / each).rename(made / at / each)
            desk.edit(made / at / "modelyard.yml", "data/*.csv", "../data/*.csv")
            self.path = f"{at}/modelyard.yml"
        desk.git(made, "add", "-A")
        desk.git(made, "commit", "-qm", "with data")
        desk.git(made, "branch", "-M", "main")
        self.github.push(made)

    def pull_request(self, **environ: str) -> Run:
        """Propose what was changed, and run the template of pull requests."""
        head = propose(self.repo)
        self.github.pulls[7] = {"number": 7, "state": "open", "head": {"sha": head}}
        return self.run("pull_request", payloads.pull_request(7, head), **environ)

    def run(self, event: str, payload: dict[str, object], **environ: str) -> Run:
        """Run the template for an event."""
        self.github.push(self.repo)
        text = template(self.name)
        if self.path != "modelyard.yml":
            text = text.replace(
                '          comment: "false"', f'          config: {self.path}\n          comment: "false"'
            )
        return Runner(self.folder, api_url=self.github.url, token=COMMENT, environ=environ).run(
            self.repo, text, event, payload
        )

    def comments(self) -> str:
        """Everything that the bot wrote."""
        return "\n".join(str(each["body"]) for each in self.github.comments.values())


def refused(scene: Scene, run: Run) -> str:
    """Return what is wrong where a run that had to end red did not, or said that it promotes."""
    if run.jobs.get("evaluate") != "failure":
        return f"evaluate ended with {run.jobs.get('evaluate')}"
    return "the comment says Promote" if "Promote ·" in scene.comments() else ""


def linked_rules(scene: Scene) -> str:
    """A1: the configuration becomes a link to another one."""
    scene.begin(STRICT)
    (scene.repo / "modelyard.yml").rename(scene.repo / "own.yml")
    (scene.repo / "own.yml").write_text(LAX, "utf-8")
    (scene.repo / "modelyard.yml").symlink_to("own.yml")
    return refused(scene, scene.pull_request())


def linked_folder(scene: Scene) -> str:
    """A1: a folder above the configuration becomes a link."""
    scene.begin(STRICT, at="conf")
    (scene.repo / "conf").rename(scene.repo / "other")
    (scene.repo / "conf").symlink_to("other")
    desk.edit(scene.repo / "other" / "modelyard.yml", "at_least: 0.99", "at_least: 0.01")
    return refused(scene, scene.pull_request())


def planted_repository(scene: Scene) -> str:
    """A2: files that git takes for a repository stand beside the configuration, with a filter that runs code."""
    scene.begin(STRICT, at="conf")
    conf, witness = scene.repo / "conf", scene.folder / "witness"
    (conf / "objects" / "info").mkdir(parents=True)
    (conf / "refs").mkdir()
    (conf / "HEAD").write_text("ref: refs/heads/main\n", "utf-8")
    (conf / "objects" / "info" / "alternates").write_text("../../.git/objects\n", "utf-8")
    (conf / "refs" / "keep").write_text("", "utf-8")
    filtered = f'[filter "e"]\n\tclean = sh -c "echo ran >> {witness}; cat"\n'
    (conf / "config").write_text(f"[core]\n\trepositoryformatversion = 0\n\tworktree = .\n{filtered}", "utf-8")
    (conf / ".gitattributes").write_text("* filter=e\n", "utf-8")
    desk.edit(conf / "modelyard.yml", "at_least: 0.99", "at_least: 0.01")
    found = refused(scene, scene.pull_request())
    return "its filter ran" if witness.exists() else found


def replaced_objects(scene: Scene) -> str:
    """A4: training replaces the base's rules in git's store."""
    scene.begin(STRICT)
    (scene.repo / "lax.txt").write_text(LAX, "utf-8")
    (scene.repo / "own.py").write_text(FIT.format(code=REPLACE), "utf-8")
    desk.edit(scene.repo / "modelyard.yml", CANDIDATES, "  entrypoint: own:fit\n")
    return refused(scene, scene.pull_request())


def pins(scene: Scene) -> str:
    """A5: a pinned package runs when Python starts, and looks for a token."""
    scene.begin()
    attack = planted(scene.folder / "pins", EASY)
    for name in ("modelyard.yml", "pins.txt"):
        (scene.repo / name).write_bytes((attack.folder / name).read_bytes())
    run = scene.pull_request(UV_FIND_LINKS=attack.environ["UV_FIND_LINKS"], MODELYARD_SECRET="ghs_not_a_real_token")
    seen = attack.seen()
    if run.jobs.get("evaluate") != "success" or not seen:
        return f"nothing was shown: evaluate {run.jobs.get('evaluate')}, {len(seen)} processes"
    if any(each.token for each in seen):
        return "it saw a token"
    ours = [each.command for each in seen if each.command.endswith(("detect", "train", "evaluate", "report"))]
    return f"it ran in {ours[0]}" if ours else ""


def many_artifacts(scene: Scene) -> str:
    """A6: a fork's run keeps records of many models."""
    scene.begin()
    head = "a" * 40
    where = {"sha": head, "ref": "topic", "repo": {"id": 99, "owner": {"login": "mallory"}}}
    scene.github.pulls[7] = {"number": 7, "state": "open", "head": where}
    for number in range(1, 31):
        name = f"modelyard-records-look-at-me-{number}"
        scene.github.artifacts[number] = {"run": 7001, "name": name, "data": archive(kept())}
    scene.name = "ml-comment"
    run = scene.run("workflow_run", payloads.workflow_run(7001, head))
    if run.jobs != {"comment": "success"}:
        return f"nothing was shown: {run.jobs}"
    return f"{len(scene.github.comments)} comments" if scene.github.comments else ""


def links_in_values(scene: Scene) -> str:
    """A8: category values that become links, mentions and markup where the comment shows slices."""
    gate = "    - {metric: roc_auc, at_least: 0.3, by: [colour]}\n"
    scene.begin(EASY.replace("  gates:\n", f"  gates:\n{gate}"))
    names = {"red": "_www.evil.example", "green": "*@octocat <img src=x>", "blue": "~~https://evil.example"}
    _rewrite(scene.repo, lambda row: {**row, "colour": names[row["colour"]]})
    run = scene.pull_request()
    if "evil.example" not in scene.comments():
        return f"nothing was shown: {run.jobs}, and no slice in the comment"
    page = cmarkgfm.github_flavored_markdown_to_html(scene.comments())
    return "a link or an image was made" if 'evil.example"' in page or "<img" in page else ""


def linked_run_folder(scene: Scene) -> str:
    """A11: the run folder is a link to git's own."""
    scene.begin()
    (scene.repo / "modelyard-run").symlink_to(".git")
    return refused(scene, scene.pull_request())


def planted_records(scene: Scene) -> str:
    """A run folder with records of a verdict is committed."""
    scene.begin(STRICT)
    (scene.repo / "modelyard-run" / "records").mkdir(parents=True)
    for name, data in kept().items():
        (scene.repo / "modelyard-run" / name).write_bytes(data)
    return refused(scene, scene.pull_request())


def easier_rows(scene: Scene) -> str:
    """A13: the change brings its own test rows, with other answers."""
    scene.begin()
    _rewrite(scene.repo, lambda row: {**row, "answer": "no" if row["answer"] == "yes" else "yes"})
    return refused(scene, scene.pull_request())


def _rewrite(repo: Path, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    path = repo / "data" / "part-1.csv"
    with path.open(newline="", encoding="utf-8") as stream:
        rows = [change(row) for row in csv.DictReader(stream)]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


ATTACKS = (
    linked_rules, linked_folder, planted_repository, replaced_objects, pins, many_artifacts, links_in_values,
    linked_run_folder, planted_records, easier_rows,
)  # fmt: skip


def main(names: list[str]) -> int:
    """Run the attacks of these names, or all; returns 1 where one got through or showed nothing."""
    known = {attack.__name__.replace("_", "-"): attack for attack in ATTACKS}
    unknown = sorted(set(names) - set(known))
    if unknown:
        print(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
        return 2
    failed = 0
    try:
        for name, attack in known.items():
            if names and name not in names:
                continue
            started = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="modelyard-hostile-") as made, hub(Path(made) / "github") as github:
                github.tokens[COMMENT] = {"pull-requests"}
                scene = Scene(Path(made), github)
                (scene.folder / "pins").mkdir()
                problem = attack(scene)
            failed += bool(problem)
            told = {
                "attack": name,
                "held": not problem,
                "why": problem,
                "seconds": round(time.monotonic() - started, 1),
            }
            print(json.dumps(told), flush=True)
    finally:
        clear()
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
