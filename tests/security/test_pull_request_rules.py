"""What a pull request could commit to be judged by rules other than its base's, or to have git run its code."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import desk, payloads

GATE = "{metric: roc_auc, at_least: 0.6}"
LOCAL = desk.QUICK + "registry: {kind: local, durable: true}\n"
STRICT = LOCAL.replace(GATE, "{metric: roc_auc, at_least: 0.99}")
LAX = LOCAL.replace(GATE, "{metric: roc_auc, at_least: 0.01}")
METRIC = "def score(y_true, y_pred):\n    return 0.5\n"


class Repository:
    """A base, a change on a branch of its own, and the merge commit that GitHub makes of both."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.folder, self.scratch = folder, scratch

    def merged(self, change: Callable[[Path], None]) -> None:
        desk.git(self.folder, "branch", "-M", "main")
        desk.git(self.folder, "checkout", "-qb", "topic")
        change(self.folder)
        desk.git(self.folder, "add", "-A")
        desk.git(self.folder, "commit", "-qm", "change")
        desk.git(self.folder, "checkout", "-q", "main")
        (self.folder / "README").write_text("moved on\n", "utf-8")
        desk.git(self.folder, "add", "README")
        desk.git(self.folder, "commit", "-qm", "main moved on")
        desk.git(self.folder, "checkout", "-q", "--detach")
        desk.git(self.folder, "merge", "-q", "--no-ff", "-m", "merge", "topic")

    def commit(self, reference: str) -> str:
        return (self.folder / ".git" / "refs" / "heads" / reference).read_text("utf-8").strip()

    def run(self, *command: str, event: str = "pull_request") -> desk.Done:
        """Run a command as a job of the event would."""
        self.scratch.mkdir(exist_ok=True)
        head, base = self.commit("topic"), self.commit("main")
        payload = (
            payloads.pull_request(7, head)
            if event == "pull_request"
            else {"repository": {"full_name": "acme/demo", "default_branch": "main"}, "merge_group": {"base_sha": base}}
        )
        (self.scratch / "event.json").write_text(json.dumps(payload), "utf-8")
        environ = {
            "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": event, "GITHUB_REPOSITORY": "acme/demo",
            "GITHUB_EVENT_PATH": str(self.scratch / "event.json"), "GITHUB_SHA": "b" * 40, "GITHUB_RUN_ID": "1",
            "GITHUB_REF": "refs/pull/7/merge", "GITHUB_WORKSPACE": str(self.folder),
            "GITHUB_OUTPUT": str(self.scratch / "output"), "GITHUB_STEP_SUMMARY": str(self.scratch / "summary"),
            "RUNNER_TEMP": str(self.scratch / "temp"),
        }  # fmt: skip
        return desk.inside(self.folder, *command, environ=environ)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(desk.repository(tmp_path / "repo", STRICT), tmp_path / "runner")


def written(name: str, text: str) -> Callable[[Path], None]:
    """Write a file."""

    def change(folder: Path) -> None:
        (folder / name).write_text(text, "utf-8")

    return change


def linked(name: str, text: str | None = None) -> Callable[[Path], None]:
    """Replace a file by a link to a copy of it, or to another text."""

    def change(folder: Path) -> None:
        path = folder / name
        moved = path.with_name(f"own-{path.name}")
        path.rename(moved)
        if text is not None:
            moved.write_text(text, "utf-8")
        path.symlink_to(moved.name)

    return change


@pytest.mark.parametrize("text", [None, LAX], ids=["kept", "lax"])
@pytest.mark.parametrize("event", ["pull_request", "merge_group"])
def test_a_configuration_that_became_a_link_is_refused(repository: Repository, text: str | None, event: str) -> None:
    repository.merged(linked("modelyard.yml", text))
    done = repository.run("detect", event=event)
    assert done.code == 2
    assert "modelyard.yml in the checkout is a link" in done.err


def test_a_folder_above_the_configuration_that_became_a_link_is_refused(tmp_path: Path) -> None:
    folder = desk.repository(tmp_path / "repo", STRICT)
    (folder / "conf").mkdir()
    for name in ("modelyard.yml", "suite.json"):
        (folder / name).rename(folder / "conf" / name)
    desk.edit(folder / "conf" / "modelyard.yml", "data/*.csv", "../data/*.csv")
    desk.git(folder, "add", "-A")
    desk.git(folder, "commit", "-qm", "in a folder")
    repository = Repository(folder, tmp_path / "runner")

    def change(where: Path) -> None:
        (where / "conf").rename(where / "own")
        (where / "conf").symlink_to("own")
        desk.edit(where / "own" / "modelyard.yml", "at_least: 0.99", "at_least: 0.01")

    repository.merged(change)
    done = repository.run("detect", "--config", "conf/modelyard.yml")
    assert done.code == 2
    assert "conf in the checkout is a link" in done.err


def with_rule_files(folder: Path) -> None:
    """Name a file of every kind that the rules may name, each in a folder of its own."""
    (folder / "rules").mkdir()
    (folder / "suite.json").rename(folder / "rules" / "suite.json")
    (folder / "rules" / "metric.py").write_text(METRIC, "utf-8")
    (folder / "rules" / "waivers.yml").write_text("[]\n", "utf-8")
    (folder / "rules" / "behaviour.yml").write_text("tests: []\n", "utf-8")
    text = desk.CONFIG.replace("suite.json", "rules/suite.json").replace(
        "evaluate:\n",
        "evaluate:\n  waivers: rules/waivers.yml\n  behaviour: rules/behaviour.yml\n"
        "  metrics: {mine: {function: 'rules.metric:score', higher_is_better: true}}\n",
    )
    (folder / "modelyard.yml").write_text(text, "utf-8")
    desk.git(folder, "add", "-A")
    desk.git(folder, "commit", "-qm", "files of rules")


@pytest.mark.parametrize("name", ["suite.json", "metric.py", "waivers.yml", "behaviour.yml", ""])
def test_a_file_of_rules_or_its_folder_that_became_a_link_is_refused(tmp_path: Path, name: str) -> None:
    from modelyard.config.load import load
    from modelyard.core.errors import ConfigError
    from modelyard.policy.in_force import rules_in_force

    folder = desk.repository(tmp_path / "repo")
    with_rule_files(folder)
    repository = Repository(folder, tmp_path / "runner")
    before = load(Path("modelyard.yml"), root=folder)
    assert rules_in_force(before, event=None, reference="HEAD", scratch=tmp_path / "scratch").folder is not None
    repository.merged(linked(f"rules/{name}" if name else "rules"))
    own = load(Path("modelyard.yml"), root=folder)
    with pytest.raises(ConfigError, match="in the checkout is a link") as error:
        rules_in_force(own, event=None, reference="main", scratch=tmp_path / "scratch")
    assert error.value.code == "config/linked-rules"


def test_a_base_whose_configuration_is_a_link_is_refused(tmp_path: Path) -> None:
    folder = desk.repository(tmp_path / "repo", STRICT)
    linked("modelyard.yml")(folder)
    desk.git(folder, "add", "-A")
    desk.git(folder, "commit", "-qm", "a link")
    repository = Repository(folder, tmp_path / "runner")

    def change(where: Path) -> None:
        (where / "modelyard.yml").unlink()
        (where / "modelyard.yml").write_text(LAX, "utf-8")

    repository.merged(change)
    done = repository.run("detect")
    assert done.code == 2
    assert f"modelyard.yml in the base {repository.commit('main')[:12]} is a link" in done.err


def moved(to: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / "conf").mkdir()
        (folder / "conf" / "modelyard.yml").write_text(LAX.replace("data/", "../data/"), "utf-8")
        (folder / "modelyard.yml").rename(folder / to)

    return change


def test_a_configuration_at_a_new_place_is_no_proposal_where_the_base_has_one(repository: Repository) -> None:
    repository.merged(moved("old.yml"))
    done = repository.run("detect", "--config", "conf/modelyard.yml")
    assert done.code == 2
    assert "may stand in modelyard.yml" in done.err


@pytest.mark.parametrize(
    "text", ["model: {name: tiny, task: binary", '"model": {"name": "ti\\u006ey"}\ndata: {}\n', "\xff"],
    ids=["broken", "spelled otherwise", "not UTF-8"],
)  # fmt: skip
def test_what_the_base_has_elsewhere_counts_however_it_is_written(tmp_path: Path, text: str) -> None:
    folder = desk.repository(tmp_path / "repo", STRICT)
    (folder / "modelyard.yml").rename(folder / "aside.txt")
    (folder / "other").mkdir()
    (folder / "other" / "modelyard.yml").write_bytes(text.encode("latin-1") + b" model")
    desk.git(folder, "add", "-A")
    desk.git(folder, "commit", "-qm", "elsewhere")
    repository = Repository(folder, tmp_path / "runner")
    repository.merged(written("modelyard.yml", LAX))
    done = repository.run("detect")
    assert done.code == 2
    assert "may stand in other/modelyard.yml" in done.err


@pytest.mark.parametrize(("config", "code"), [(STRICT, 1), (LAX, 0)], ids=["a gate fails", "all gates pass"])
def test_a_true_proposal_is_judged_by_its_own_verdict(tmp_path: Path, config: str, code: int) -> None:
    folder = desk.repository(tmp_path / "repo", config)
    text = (folder / "modelyard.yml").read_text("utf-8")
    desk.git(folder, "rm", "-q", "--cached", "modelyard.yml")
    (folder / "modelyard.yml").unlink()
    desk.git(folder, "commit", "-qm", "no configuration")
    repository = Repository(folder, tmp_path / "runner")
    repository.merged(written("modelyard.yml", text))
    for step in ("detect", "train"):
        assert repository.run(step).code == 0
    assert repository.run("evaluate").code == code
    assert repository.run("promote").code == 2


def planted(folder: Path, canary: Path) -> None:
    """Commit files that make git take a folder for a repository whose filter runs a script."""
    home = folder / "m"
    (home / "objects" / "info").mkdir(parents=True)
    (home / "refs").symlink_to("../.git/refs")
    (home / "packed-refs").symlink_to("../.git/packed-refs")
    (home / "HEAD").write_text("ref: refs/remotes/pull/7/merge\n", "utf-8")
    (home / "objects" / "info" / "alternates").write_text("../../.git/objects\n", "utf-8")
    (home / "config").write_text(
        f'[core]\nrepositoryformatversion = 0\nbare = false\nworktree = .\n[filter "e"]\nclean = touch {canary}; cat\n'
        f'[diff "e"]\ntextconv = touch {canary}; cat\n',
        "utf-8",
    )
    (home / ".gitattributes").write_text("* filter=e diff=e\n", "utf-8")


def test_files_of_a_commit_are_never_taken_for_a_repository(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    folder = desk.repository(tmp_path / "repo", STRICT)
    (folder / "m").mkdir()
    (folder / "modelyard.yml").rename(folder / "m" / "modelyard.yml")
    desk.edit(folder / "m" / "modelyard.yml", "data/*.csv", "../data/*.csv")
    desk.git(folder, "add", "-A")
    desk.git(folder, "commit", "-qm", "in a folder")
    repository = Repository(folder, tmp_path / "runner")
    repository.merged(lambda where: planted(where, canary))
    desk.git(folder, "update-ref", "refs/remotes/pull/7/merge", "HEAD")
    codes = [
        repository.run(step, "--config", "m/modelyard.yml").code for step in ("detect", "train", "evaluate", "report")
    ]
    assert not canary.exists()
    assert set(codes) <= {2, 4}


def test_a_repository_made_inside_the_one_that_was_checked_out_is_refused(tmp_path: Path) -> None:
    folder = desk.repository(tmp_path / "repo", STRICT)
    repository = Repository(folder, tmp_path / "runner")
    repository.merged(written("note", "n"))
    inner = desk.repository(folder / "m", LAX)
    done = repository.run("detect", "--config", "m/modelyard.yml")
    assert done.code == 2
    assert f"git takes {inner} for a repository of its own" in done.err


def test_replaced_objects_change_no_rule(repository: Repository) -> None:
    repository.merged(written("note", "n"))
    (repository.folder / "lax.yml").write_text(LAX, "utf-8")
    hashed = [desk.said(repository.folder, "hash-object", "-w", name) for name in ("modelyard.yml", "lax.yml")]
    desk.git(repository.folder, "replace", *hashed)
    (repository.folder / "lax.yml").unlink()
    for step in ("detect", "train"):
        assert repository.run(step).code == 0
    assert repository.run("evaluate").code == 1


def test_rules_that_changed_after_detect_are_refused(repository: Repository) -> None:
    """Bytes of the base's configuration in git's own store, as code of the change can rewrite them in the same job."""
    repository.merged(written("note", "n"))
    told = repository.run("detect", "--json").out.splitlines()
    rules = json.loads(next(line for line in told if line.startswith("{")))["rules-digest"]
    assert repository.run("train", "--rules-digest", rules).code == 0
    name = desk.said(repository.folder, "rev-parse", "main:modelyard.yml")
    stored = repository.folder / ".git" / "objects" / name[:2] / name[2:]
    stored.chmod(0o644)
    stored.write_bytes(zlib.compress(f"blob {len(LAX)}\0{LAX}".encode()))
    done = repository.run("evaluate", "--rules-digest", rules)
    assert done.code == 2
    assert "[config/rules-changed]" in done.err
    done = repository.run("evaluate")
    assert done.code == 3
    assert "[evaluate/rules-changed]" in done.err


@pytest.mark.parametrize("target", [".git", "src", "."])
def test_a_run_folder_that_is_a_link_is_refused(repository: Repository, target: str) -> None:
    def change(where: Path) -> None:
        (where / "src").mkdir()
        (where / "src" / "code.py").write_text("", "utf-8")
        (where / "modelyard-run").symlink_to(target)

    repository.merged(change)
    done = repository.run("detect")
    assert done.code == 2
    assert "the run folder modelyard-run is a link" in done.err
    assert not (repository.folder / ".git" / "records").exists()
