"""Whose rules judge a run: real merge commits, a head checkout, a shallow one, a merge group, and a desk."""

import json
from pathlib import Path

import polars as pl
import pytest

from modelyard.cli.main import main
from modelyard.config.load import load
from modelyard.core.errors import ConfigError
from modelyard.github.event import Event, Trigger
from modelyard.policy.in_force import Rules, digest_of_rules, rules_in_force
from modelyard.stats import bootstrap
from tests import desk
from tests.desk import said


def event(trigger: Trigger, *, head: str | None = None, base: str | None = None) -> Event:
    return Event(
        name=trigger.replace("-", "_"), trigger=trigger, repository="acme/demo", ref="", sha="b" * 40, actor="octocat",
        run_id="1", attempt=1, api_url="", server_url="", number=7, head=head, base=base,
    )  # fmt: skip


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A base on main, a pull request that loosens a gate, empties the suite and tunes training, and its merge."""
    folder = desk.repository(tmp_path / "repo")
    desk.git(folder, "branch", "-M", "main")
    desk.git(folder, "checkout", "-qb", "topic")
    desk.edit(folder / "modelyard.yml", "at_least: 0.6", "at_least: 0.1")
    desk.edit(folder / "modelyard.yml", "C: [0.1, 1]", "C: [0.01, 0.1, 1]")
    (folder / "suite.json").write_text(json.dumps({**desk.SUITE, "expectations": desk.SUITE["expectations"][:1]}))
    desk.git(folder, "commit", "-qam", "loosen")
    desk.git(folder, "checkout", "-q", "main")
    (folder / "README").write_text("moved on\n", "utf-8")
    desk.git(folder, "add", "README")
    desk.git(folder, "commit", "-qm", "main moved on")
    desk.git(folder, "checkout", "-q", "--detach")
    desk.git(folder, "merge", "-q", "--no-ff", "-m", "merge", "topic")
    return folder


def find(folder: Path, started: Event | None, scratch: Path, reference: str = "") -> Rules:
    return rules_in_force(load(Path("modelyard.yml"), root=folder), event=started, reference=reference, scratch=scratch)


def test_a_merge_commit_is_judged_by_its_first_parent(repository: Path, tmp_path: Path) -> None:
    head, base = said(repository, "rev-parse", "topic"), said(repository, "rev-parse", "main")
    found = find(repository, event("pull-request", head=head), tmp_path / "scratch")
    config = found.loaded.config
    assert config.evaluate.gates[0].demand.bound == 0.6
    assert config.train is not None
    assert config.train.candidates[0].params["C"] == [0.01, 0.1, 1]
    assert (found.commit, found.proposal, len(found.changes)) == (base, False, 2)
    assert next((change.rule, change.old, change.new) for change in found.changes) == (
        "evaluate.gates[0].at_least", "0.6", "0.1",
    )  # fmt: skip
    assert found.changes[1].rule == "suite.json"
    assert found.folder is not None
    assert len(json.loads((found.folder / "suite.json").read_text("utf-8"))["expectations"]) == 3
    assert found.loaded.digest != load(Path("modelyard.yml"), root=repository).digest


def test_the_same_rules_have_the_same_digest_wherever_they_are_read(repository: Path, tmp_path: Path) -> None:
    head = said(repository, "rev-parse", "topic")
    judged = digest_of_rules(find(repository, event("pull-request", head=head), tmp_path / "scratch"))
    assert digest_of_rules(find(repository, None, tmp_path / "scratch")) != judged
    desk.git(repository, "checkout", "-q", "main")
    assert digest_of_rules(find(repository, None, tmp_path / "scratch")) == judged


def test_a_head_checkout_is_refused(repository: Path, tmp_path: Path) -> None:
    desk.git(repository, "checkout", "-q", "topic")
    head = said(repository, "rev-parse", "topic")
    with pytest.raises(ConfigError, match="with 1 parent; a pull request is judged at its merge commit") as error:
        find(repository, event("pull-request", head=head), tmp_path / "scratch")
    assert "fetch-depth: 2" in error.value.hint


def test_a_merge_of_something_else_is_refused(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="but the pull request's head is cccccccccccc"):
        find(repository, event("pull-request", head="c" * 40), tmp_path / "scratch")


def test_a_checkout_of_depth_one_is_refused(repository: Path, tmp_path: Path) -> None:
    head = said(repository, "rev-parse", "topic")
    desk.git(repository, "branch", "merged")
    shallow = tmp_path / "shallow"
    desk.git(tmp_path, "clone", "-q", "--depth", "1", "--branch", "merged", repository.as_uri(), str(shallow))
    with pytest.raises(ConfigError, match="was not fetched: the checkout holds one commit only") as error:
        find(shallow, event("pull-request", head=head), tmp_path / "scratch")
    assert "fetch-depth: 2" in error.value.hint


def test_a_checkout_of_depth_two_is_enough(repository: Path, tmp_path: Path) -> None:
    head = said(repository, "rev-parse", "topic")
    desk.git(repository, "branch", "merged")
    shallow = tmp_path / "shallow"
    desk.git(tmp_path, "clone", "-q", "--depth", "2", "--branch", "merged", repository.as_uri(), str(shallow))
    found = find(shallow, event("pull-request", head=head), tmp_path / "scratch")
    assert found.loaded.config.evaluate.gates[0].demand.bound == 0.6


def test_a_merge_group_is_judged_by_the_base_that_it_names(repository: Path, tmp_path: Path) -> None:
    base = said(repository, "rev-parse", "main")
    found = find(repository, event("merge-group", base=base), tmp_path / "scratch")
    assert found.loaded.config.evaluate.gates[0].demand.bound == 0.6
    with pytest.raises(ConfigError, match="the merge group's base dddddddddddd was not fetched") as error:
        find(repository, event("merge-group", base="d" * 40), tmp_path / "scratch")
    assert "fetch-depth: 0" in error.value.hint


def test_a_push_is_judged_by_its_own_rules_and_says_so(repository: Path, tmp_path: Path) -> None:
    for started in (event("default-branch"), event("elsewhere"), None):
        found = find(repository, started, tmp_path / "scratch")
        assert found.commit == ""
        assert found.loaded.config.evaluate.gates[0].demand.bound == 0.1


def test_a_desk_may_ask_for_a_base(repository: Path, tmp_path: Path) -> None:
    assert find(repository, None, tmp_path / "scratch", "main").loaded.config.evaluate.gates[0].demand.bound == 0.6
    for hostile in ("nowhere", "--output=x", "-h"):
        with pytest.raises(ConfigError, match="unknown commit"):
            find(repository, None, tmp_path / "scratch", hostile)


def test_a_base_without_configuration_makes_a_proposal(tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "README").write_text("empty\n", "utf-8")
    desk.git(folder, "init", "-q", "-b", "main")
    desk.git(folder, "add", "-A")
    desk.git(folder, "commit", "-qm", "empty")
    desk.git(folder, "checkout", "-qb", "topic")
    (folder / "modelyard.yml").write_text(desk.CONFIG, "utf-8")
    (folder / "suite.json").write_text(json.dumps(desk.SUITE), "utf-8")
    desk.git(folder, "add", "-A")
    desk.git(folder, "commit", "-qm", "modelyard")
    head = said(folder, "rev-parse", "HEAD")
    desk.git(folder, "checkout", "-q", "--detach", "main")
    desk.git(folder, "merge", "-q", "--no-ff", "-m", "merge", "topic")
    found = find(folder, event("pull-request", head=head), tmp_path / "scratch")
    assert (found.proposal, found.changes) == (True, ())


def test_a_base_whose_rules_cannot_be_read_is_never_passed_over(repository: Path, tmp_path: Path) -> None:
    desk.git(repository, "checkout", "-q", "main")
    desk.edit(repository / "modelyard.yml", "at_least: 0.6", "at_leest: 0.6")
    desk.git(repository, "commit", "-qam", "broken")
    desk.git(repository, "checkout", "-q", "--detach")
    desk.git(repository, "merge", "-q", "--no-ff", "-X", "theirs", "-m", "merge", "topic")
    head = said(repository, "rev-parse", "topic")
    with pytest.raises(ConfigError, match="the configuration at the base"):
        find(repository, event("pull-request", head=head), tmp_path / "scratch")


def test_a_training_part_that_does_not_fit_the_bases_rules_is_refused(repository: Path, tmp_path: Path) -> None:
    text = (repository / "modelyard.yml").read_text("utf-8")
    start, end = text.index("train:"), text.index("evaluate:")
    changed = text[:start] + "train: {command: 'python t.py {train} {model_dir}'}\n" + text[end:]
    changed = changed.replace(
        "evaluate:", "evaluate:\n  predict: {command: 'python p.py {rows_csv} {predictions_csv}'}"
    )
    (repository / "modelyard.yml").write_text(changed, "utf-8")
    head = said(repository, "rev-parse", "topic")
    found = find(repository, event("pull-request", head=head), tmp_path / "scratch")
    assert found.loaded.config.evaluate.predict is not None
    assert found.loaded.config.evaluate.gates[0].demand.bound == 0.6
    assert found.loaded.line_of(("train", "command")) == found.own.line_of(("train", "command"))  # type: ignore[union-attr] # its rules differ, so there is one


def test_without_git_there_is_no_base(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "modelyard.yml").write_text(desk.CONFIG, "utf-8")
    with pytest.raises(ConfigError, match="no git checkout"):
        find(folder, event("pull-request", head="a" * 40), tmp_path / "scratch")


METRIC = "def hits(actual, predicted):\n    return float((actual == predicted).mean())\n"
PREDICTED = """\
model: {name: judged, task: binary, positive: "yes"}
data:
  sets: {test: data/test.csv}
  columns: {target: answer, id: key}
evaluate:
  challenger: challenger.csv
  metrics: {hits: {function: 'scoring:hits', higher_is_better: true}}
  checks: {calibration: gate, calibration_error: 0.01}
  gates:
    - {metric: hits, at_least: 0.95}
"""


def test_the_verdict_under_both_knows_own_metrics_waivers_and_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "both"
    (folder / "data").mkdir(parents=True)
    rows = desk.rows(400)
    rows.write_csv(folder / "data" / "test.csv")
    far = pl.when(pl.col("answer") == "yes").then(0.7).otherwise(0.3)
    odd = pl.int_range(pl.len()) % 10 == 0
    rows.select("key", probability=pl.when(odd).then(1 - far).otherwise(far)).write_csv(folder / "challenger.csv")
    (folder / "scoring.py").write_text(METRIC, "utf-8")
    (folder / "modelyard.yml").write_text(PREDICTED, "utf-8")
    (folder / ".gitignore").write_text("modelyard-run/\n.modelyard/\n", "utf-8")
    desk.git(folder, "init", "-q")
    desk.git(folder, "add", "-A")
    desk.git(folder, "commit", "-qm", "base")
    base = said(folder, "rev-parse", "HEAD")
    monkeypatch.chdir(folder)
    for name in ("RESAMPLES", "MORE_RESAMPLES"):
        monkeypatch.setattr(bootstrap, name, 100)

    def verdicts(*steps: str) -> tuple[str, str | None, str]:
        for step in (*steps, "evaluate"):
            main([step, "--base", base])
        record = desk.record(folder, "evaluate")
        return record["verdict"], record["result"]["under_own_rules"], record["result"]["own_rules_beyond"]

    (folder / "scoring.py").write_text(METRIC.replace("float((", "0.5 * float(("), "utf-8")
    waiver = '{"waivers": [{"gate": "hits-at-least", "reason": "r", "owner": "o", "expires": "2999-01-01"}]}'
    (folder / "waivers.yml").write_text(waiver, "utf-8")
    desk.edit(folder / "modelyard.yml", "  checks:", "  waivers: waivers.yml\n  checks:")
    assert verdicts("detect", "train") == ("fail", "fail", ""), "its waiver would do; the check that it keeps would not"
    desk.edit(folder / "modelyard.yml", "calibration: gate", "calibration: report")
    assert verdicts() == ("fail", "pass", "")
    main(["report"])
    report = (folder / "modelyard-run" / "report.md").read_text("utf-8")
    assert "Under its own rules the verdict would be: promote." in report
    desk.edit(folder / "modelyard.yml", "id: key}", "id: key, unit: {column: colour}}")
    assert verdicts() == ("fail", None, "data.columns.unit.column")
    main(["report"])
    report = (folder / "modelyard-run" / "report.md").read_text("utf-8")
    assert "was not judged: it would take other rows or predictions, because of `data.columns.unit.column`." in report
