"""The doctor: nothing to say of our own templates; each fault is found on its line, and mended where that is safe."""

import copy
import json
import random
import re
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.core.errors import ConfigError
from modelyard.github.client import GitHub
from modelyard.usecases.doctor.examine import Change, examine, exit_code, mend, write
from modelyard.usecases.doctor.finding import CHECKS, Finding
from modelyard.usecases.doctor.repository import Repository, look
from modelyard.usecases.workflow_templates import installed
from modelyard.workflows.workflow import read
from tests import broken_repository
from tests.desk import CONFIG, commit, git, inside, modelyard
from tests.hub import Hub, bare

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
FLOWS = Path(".github", "workflows")
TEMPLATES = installed()


def seen(folder: Path, **known: Any) -> Repository:
    """Look at a folder as the command does."""
    return look(folder, TEMPLATES, slips=lambda *_: [], **{"now": datetime.now(UTC), **known})


def serious(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level != "advice"]


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with all templates, written by ``init --workflows``, and committed."""
    folder = tmp_path_factory.mktemp("clean")
    config = CONFIG.replace("{all: data/*.csv}", '{all: rows.csv, more: "s3://b-b/x.csv"}').replace(
        "validate:\n  suites: {all: suite.json}\n", ""
    )
    (folder / "modelyard.yml").write_text(config + "monitor: {log: {source: log}}\nregistry: {via: pull-request}\n")
    (folder / "rows.csv").write_text("key,answer,size\n1,yes,2\n")
    git(folder, "init", "-q", "-b", "main")
    commit(folder)
    done = inside(folder, "init", "--workflows", "--templates", ",".join(TEMPLATES))
    assert done.code == 0, done.err
    commit(folder)
    return folder


@pytest.fixture(scope="session")
def known(clean: Path) -> set[tuple[str, str]]:
    """What is found in it."""
    return {(each.code, each.found) for each in examine(seen(clean))}


@pytest.fixture
def repository(clean: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clean, tmp_path / "repository"))


# the templates


def test_nothing_is_found_in_the_templates_but_the_advice_to_pin(clean: Path) -> None:
    assert sorted(path.name for path in (clean / FLOWS).iterdir()) == sorted(TEMPLATES)
    assert {each.code for each in examine(seen(clean))} == {"doctor/own-pin"}


def test_the_workflow_of_the_readme_works(tmp_path: Path) -> None:
    flows = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    files = {f".github/workflows/{at}.yml": text for at, text in enumerate(flows) if "runs-on" in text}
    assert files
    folder = broken_repository.make(tmp_path, {"modelyard.yml": CONFIG, **files})
    findings = examine(seen(folder))
    assert exit_code(findings, strict=False) == 0, findings


# one fault each

MUTATIONS = [
    (
        "ml-pull-request.yml",
        "          fetch-depth: 2 # the first parent is the base, whose rules judge\n",
        "",
        "shallow-clone",
    ),
    ("ml-pull-request.yml", "fetch-depth: 2", "fetch-depth: 1", "shallow-clone"),
    ("ml-pull-request.yml", "persist-credentials: false", "persist-credentials: true", "persisted-credentials"),
    ("ml-pull-request.yml", "fetch-depth: 2", "ref: ${{ github.head_ref }}\n          fetch-depth: 2", "head-checkout"),
    ("ml-pull-request.yml", "        id: modelyard\n", "", "unknown-reference"),
    (
        "ml-pull-request.yml",
        "steps.modelyard.outputs.model }}\n      verdict",
        "steps.moddel.outputs.model }}\n      verdict",
        "unknown-reference",
    ),
    ("ml-pull-request.yml", "    needs: evaluate\n", "", "unknown-reference"),
    ("ml-pull-request.yml", "      pull-requests: write #", "      pull-requests: read #", "missing-permission"),
    ("ml-pull-request.yml", "    timeout-minutes: 120\n", "", "no-timeout"),
    ("ml-pull-request.yml", "  pull_request:\n", "  pull_request:\n    paths: [data/**]\n", "paths-filter"),
    (
        "ml-pull-request.yml",
        "runs-on: ubuntu-24.04\n    timeout-minutes: 120",
        "runs-on: [self-hosted]\n    timeout-minutes: 120",
        "self-hosted-pull-request",
    ),
    ("ml-pull-request.yml", "      contents: read # check", "      contents: write # check", "write-beside-user-code"),
    ("ml-pull-request.yml", "name: ML pull request\n", "name: Something else\n", "unknown-workflow-name"),
    ("ml-train-promote.yml", "branches: [main]", "branches: [$default-branch]", "placeholder"),
    ("ml-train-promote.yml", "cancel-in-progress: false", "cancel-in-progress: true", "cancelled-promotion"),
    (
        "ml-train-promote.yml",
        "          evidence-digest: ${{ needs.evaluate.outputs.record-digest }}\n",
        "",
        "missing-hand-over",
    ),
    ("ml-train-promote.yml", "    environment: production # add", "    # add", "no-environment"),
    ("ml-train-promote.yml", "retention-days: 90 # an", "retention-days: 7 # an", "short-retention"),
    (
        "ml-train-promote.yml",
        "          decision: ${{ inputs.decision }} # compared",
        "          # compared",
        "older-template",
    ),
    ("ml-train-promote.yml", "      changed: ${{ steps.modelyard.outputs.changed }}\n", "", "older-template"),
    (
        "ml-train-promote.yml",
        "3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
        "3d3c42e5aac5ba805825da76410c181273ba90b2 # v7.0.0",
        "older-template",
    ),
    (
        "ml-train-promote.yml",
        "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
        "actions/checkout@v7",
        "unpinned-action",
    ),
    (
        "ml-train-promote.yml",
        "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
        "other/action@main",
        "unpinned-action",
    ),
    ("ml-rollback.yml", "actions/rollback@v1", "actions/rolback@v1", "unknown-action"),
    ("ml-rollback.yml", "          proof-digest: ${{ needs.prove.outputs.record-digest }}\n", "", "missing-hand-over"),
    ("ml-rollback.yml", "      issues: write # open", "      # open", "missing-permission"),
    ("ml-rollback.yml", "      contents: read # fetch", "      contents: write # fetch", "write-beside-user-code"),
    ("ml-monitor.yml", "      actions: write # start", "      # start", "missing-permission"),
    ("ml-monitor.yml", "outputs.record-digest }}\n    steps", "outputs.digest }}\n    steps", "unknown-reference"),
    ("ml-comment.yml", "permissions: {} #", "permissions: {statuses: write} #", ""),
    ("ml-comment.yml", "      actions: read #", "      packages: write\n      actions: read #", "unneeded-permission"),
    ("ml-comment.yml", "    steps:\n", "    env: {T: '${{ github.token }}'}\n    steps:\n", ""),
    ("ml-comment.yml", "    steps:\n", "    steps:\n      - run: gh pr checkout 1\n", "privileged-checkout"),
    (
        "ml-comment.yml",
        "    steps:\n",
        "    steps:\n      - run: echo ${{ github.event.workflow_run.head_branch }}\n",
        "expression-in-script",
    ),
    ("ml-comment.yml", "    steps:\n", "    steps:\n      - run: echo ${{ github.event.workflow_run.id }}\n", ""),
    ("ml-comment.yml", "workflow_run:", "pull_request_target:", "refused-event"),
    (
        "ml-monitor.yml",
        "    timeout-minutes: 60\n    permissions:\n",
        "    timeout-minutes: 60\n    x:\n",
        "missing-permission",
    ),
    (
        "ml-monitor.yml",
        "    timeout-minutes: 60\n    permissions:\n      contents: read #",
        "    timeout-minutes: 60\n    permissions: write-all #",
        "write-all",
    ),
    (
        "ml-monitor.yml",
        "    steps:\n      - name: Check out",
        "    env: {K: '${{ secrets.K }}'}\n    steps:\n      - name: Check out",
        "secrets-beside-user-code",
    ),
    (
        "ml-pull-request.yml",
        "    steps:\n      - name: Check out",
        "    steps:\n      - {run: a, env: {K: '${{ secrets.K }}'}}\n      - name: Check out",
        "secrets-on-forks",
    ),
    (
        "ml-pull-request.yml",
        "        id: modelyard\n",
        "        id: modelyard\n        id: modelyard\n",
        "odd-workflow",
    ),
]


@pytest.mark.parametrize(
    ("file", "old", "new", "code"), MUTATIONS, ids=[f"{each[3]}-{at}" for at, each in enumerate(MUTATIONS)]
)
def test_one_change_in_a_template_is_found_on_its_line(
    repository: Path, known: set[tuple[str, str]], file: str, old: str, new: str, code: str
) -> None:
    path = repository / FLOWS / file
    before = path.read_text("utf-8")
    assert old in before
    path.write_text(before.replace(old, new, 1), "utf-8")
    new_ones = [each for each in examine(seen(repository)) if (each.code, each.found) not in known]
    if not code:
        assert serious(new_ones) == []
        return
    found = [each for each in new_ones if each.code == f"doctor/{code}"]
    assert found, new_ones
    told = path.read_text("utf-8").splitlines()
    for each in found:
        assert each.line is not None
        assert 0 < each.line <= len(told) + 1
        assert each.why
        assert each.fix
    if found[0].edits:
        mended, _ = mend(seen(repository))
        assert [each for each in examine(mended) if (each.code, each.found) in {(f.code, f.found) for f in found}] == []


@pytest.mark.parametrize(
    ("file", "old", "new", "found"),
    [
        ("ml-pull-request.yml", "fetch-depth: 2", "fetch-depth: ${{ vars.DEPTH }}", "fetch-depth is ${{ vars.DEPTH }}"),
        (
            "ml-pull-request.yml",
            "persist-credentials: false",
            "persist-credentials: ${{ vars.P }}",
            "persist-credentials is",
        ),
        ("ml-train-promote.yml", "cancel-in-progress: false", "cancel-in-progress: ${{ vars.C }}", "is an expression"),
        (
            "ml-train-promote.yml",
            "retention-days: 90 # an",
            "retention-days: ${{ vars.D }} # an",
            "retention-days is an",
        ),
        ("ml-train-promote.yml", "contents: write # publish", "contents: ${{ vars.L }} # publish", "is an expression"),
    ],
)
def test_where_an_expression_stands_it_is_said_and_not_guessed(
    repository: Path, file: str, old: str, new: str, found: str
) -> None:
    path = repository / FLOWS / file
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    unknown = [each for each in examine(seen(repository)) if each.level == "unknown"]
    assert [found in each.found for each in unknown] == [True]
    assert exit_code(unknown, strict=False) == 0
    assert exit_code(unknown, strict=True) == 1


@pytest.mark.parametrize(
    ("expression", "level"),
    [
        ("github.event.pull_request.title", "unsafe"),
        ("format('{0}', github.event.comment.body)", "unsafe"),
        ("toJSON(github.event)", "unsafe"),
        ("github.head_ref", "unsafe"),
        ("github.event.head_commit.author.email", "unsafe"),
        ("inputs.reason", "warning"),
        ("github.event.inputs.reason", "warning"),
        ("matrix.inputs.name", ""),
        ("github.event.pull_request.merge_commit_sha", ""),
        ("github.event.pull_request.head.sha", ""),
        ("github.event.issue.number", ""),
        ("github.sha", ""),
        ("needs.inputs.outputs.x", ""),
    ],
)
def test_what_somebody_else_chose_is_told_from_what_github_did(expression: str, level: str, tmp_path: Path) -> None:
    quoted = expression.replace("'", "''")
    text = f"on: push\njobs:\n  a: {{runs-on: x, steps: [{{run: 'echo ${{{{ {quoted} }}}}'}}]}}\n"
    looked = Repository(root=tmp_path, workflows=(read(text, "x.yml"),))
    assert [each.level for each in CHECKS.get("expression-in-script").find(looked)] == ([level] if level else [])


# a repository in which almost everything is wrong


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return broken_repository.make(tmp_path_factory.mktemp("broken"))


def test_the_broken_repository_shows_every_kind_and_the_page_what_is_said_of_it(broken: Path) -> None:
    done = modelyard(broken, "doctor")
    assert done.code == 1, done.err
    page = broken_repository.PAGE.read_text("utf-8")
    assert broken_repository.page(page, done.out) == page, "run: python -m tests.broken_repository"
    codes = set(re.findall(r"\[(doctor/[a-z-]+)\]", done.out))
    elsewhere = {"unreadable-workflow", "idle-schedule", "not-on-default-branch", *(c.name for c in CHECKS if c.online)}
    assert codes == {f"doctor/{check.name}" for check in CHECKS} - {f"doctor/{name}" for name in elsewhere}


def test_fixes_are_shown_written_and_need_no_second_time(broken: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(broken, tmp_path / "copy"))
    before = json.loads(inside(folder, "doctor", "--json").out)
    mechanical = [each for each in before["findings"] if each["mechanical"]]
    done = inside(folder, "doctor", "--fix")
    assert done.code == 1
    shown = done.out.partition(".github/workflows/ml-comment.yml:")[0]
    git(folder, "config", "core.autocrlf", "false")
    (tmp_path / "patch").write_text(shown, "utf-8")
    git(folder, "apply", "--check", "--reverse", str(tmp_path / "patch"))
    after = json.loads(inside(folder, "doctor", "--json").out)
    still = {(each["file"], each["code"], each["found"]) for each in after["findings"]}
    assert len(mechanical) > 10
    assert not [each for each in mechanical if (each["file"], each["code"], each["found"]) in still]
    again = inside(folder, "doctor", "--fix", "--json")
    assert json.loads(again.out)["mended"] == []


def test_nothing_is_written_where_one_file_changed_meanwhile(broken: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(broken, tmp_path / "copy"))
    _, made = mend(seen(folder))
    assert len(made) > 2
    last = folder / made[-1].file
    last.write_text(last.read_text("utf-8") + "# meanwhile\n", "utf-8")
    kept = {change.file: (folder / change.file).read_bytes() for change in made}
    with pytest.raises(ConfigError, match="nothing was written"):
        write(folder, made)
    assert {change.file: (folder / change.file).read_bytes() for change in made} == kept


def test_a_file_with_windows_line_ends_and_a_mark_keeps_both(tmp_path: Path) -> None:
    path = tmp_path / FLOWS / "x.yml"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xef\xbb\xbfname: x\r\non: push\r\n")
    change = Change((FLOWS / "x.yml").as_posix(), "name: x\r\non: push\r\n", "name: y\r\non: push\r\n", ())
    write(tmp_path, [change])
    assert path.read_bytes() == b"\xef\xbb\xbfname: y\r\non: push\r\n"


@pytest.mark.parametrize("text", ["a: [", "a\0b", "- 1\n", "#" * 4_000_000, "a: 1\n---\nb: 2\n"])
def test_a_workflow_that_cannot_be_read_ends_with_2(repository: Path, text: str) -> None:
    (repository / FLOWS / "bad.yml").write_text(text, "utf-8")
    done = inside(repository, "doctor")
    assert done.code == 2, done.out + done.err
    assert "bad.yml" in done.out
    assert "[doctor/unreadable-workflow]" in done.out


def test_outside_a_repository_and_without_workflows_there_is_nothing_to_say(tmp_path: Path) -> None:
    done = inside(tmp_path, "doctor")
    assert (done.code, done.err) == (0, "")
    assert "0 workflows looked at: nothing found" in done.out


# workflows that are called


def called(folder: Path, **changed: str) -> list[tuple[str, str]]:
    """Judge a pull request in a workflow that another one calls; returns code and file of what is found."""
    caller = "name: PR\non: pull_request\njobs:\n  judge:\n    permissions: {contents: read}\n    uses: {uses}\n"
    files = {
        "pr.yml": changed.get("caller", caller).replace("{uses}", "./.github/workflows/judge.yml"),
        "judge.yml": changed.get("callee", (ROOT / "workflows-templates" / "ml-pull-request.yml").read_text("utf-8"))
        .replace("  pull_request:\n  merge_group:\n", "  workflow_call:\n")
        .replace("  comment:\n", "  comment: &unused\n"),
    }
    for name, text in files.items():
        (folder / FLOWS / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / FLOWS / name).write_text(text, "utf-8")
    findings = [each for each in serious(examine(seen(folder))) if each.code != "doctor/configuration"]
    return [(each.code.partition("/")[2], Path(each.file).name) for each in findings]


def test_a_called_workflow_is_judged_by_the_events_and_permissions_of_its_caller(tmp_path: Path) -> None:
    assert called(tmp_path) == [("caller-permission", "pr.yml")]
    mended, made = mend(seen(tmp_path))
    assert len(made) == 1
    assert "permissions: {contents: read, pull-requests: write}" in made[0].after
    assert {each.code for each in serious(examine(mended))} == {"doctor/configuration"}
    text = (tmp_path / FLOWS / "judge.yml").read_text("utf-8").replace("fetch-depth: 2", "fetch-depth: 1")
    assert ("shallow-clone", "judge.yml") in called(tmp_path, callee=text)


def test_workflows_of_others_are_pinned_and_those_of_ours_said_to_be_unknown(tmp_path: Path) -> None:
    caller = (
        "on: push\njobs:\n  a:\n    permissions: {contents: read}\n    uses: acme/flows/.github/workflows/x.yml@main\n"
    )
    assert ("unpinned-action", "pr.yml") in called(tmp_path, caller=caller)
    assert ("unknown-call", "pr.yml") in called(tmp_path, caller=caller.replace("acme/flows", "modelyard/modelyard"))


# data


@pytest.mark.parametrize(
    ("files", "how"),
    [
        ({"rows.csv.dvc": "outs: []\n"}, "dvc"),
        ({"rows.csv": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"}, "lfs"),
        ({".gitattributes": "*.csv filter=lfs diff=lfs merge=lfs -text\n"}, "lfs"),
    ],
)
def test_data_that_nothing_fetches(repository: Path, files: Mapping[str, str], how: str) -> None:
    for name, text in files.items():
        (repository / name).write_text(text, "utf-8")
    found = [each for each in examine(seen(repository)) if each.code == "doctor/data-step-missing"]
    assert {each.file for each in found} == {
        f".github/workflows/{name}.yml" for name in ("ml-data-change", "ml-pull-request", "ml-train-promote")
    }
    assert all(f"kept with {how}" in each.found for each in found)
    assert all(bool(each.edits) == (how == "lfs") for each in found)
    done = inside(repository, "init", "--workflows", "--force")
    assert done.code == 0, done.err
    assert [each for each in examine(seen(repository)) if each.code == "doctor/data-step-missing"] == []


# init --workflows


def test_workflows_that_are_there_are_not_overwritten_without_force(repository: Path) -> None:
    assert "say this already" in inside(repository, "init", "--workflows").out
    path = repository / FLOWS / "ml-comment.yml"
    path.write_text("mine: true\n", "utf-8")
    (repository / FLOWS / "ml-rollback.yml").unlink()
    done = inside(repository, "init", "--workflows")
    assert (done.code, path.read_text("utf-8")) == (2, "mine: true\n")
    assert "[workflow/exists]" in done.err
    assert not (repository / FLOWS / "ml-rollback.yml").exists()
    assert inside(repository, "init", "--workflows", "--force").code == 0
    assert "mine" not in path.read_text("utf-8")


def test_the_copies_name_the_branch_and_the_configuration(repository: Path) -> None:
    git(repository, "branch", "-m", "trunk")
    git(repository, "remote", "add", "origin", str(repository))
    git(repository, "fetch", "-q", "origin")
    git(repository, "remote", "set-head", "origin", "trunk")
    (repository / "models").mkdir()
    (repository / "modelyard.yml").rename(repository / "models" / "churn.yml")
    (repository / "rows.csv").rename(repository / "models" / "rows.csv")
    shutil.rmtree(repository / FLOWS)
    done = inside(repository, "init", "--workflows", "--config", "models/churn.yml")
    assert done.code == 0, done.err
    text = (repository / FLOWS / "ml-train-promote.yml").read_text("utf-8")
    assert "branches: [trunk]" in text
    assert text.count("config: models/churn.yml") == 2
    assert "dvc pull" not in text
    findings = serious(examine(seen(repository)))
    assert findings == []


def test_a_folder_of_workflows_that_is_a_link_is_refused(repository: Path, tmp_path: Path) -> None:
    shutil.rmtree(repository / FLOWS)
    (tmp_path / "elsewhere").mkdir()
    (repository / FLOWS).symlink_to(tmp_path / "elsewhere")
    done = inside(repository, "init", "--workflows")
    assert done.code == 2
    assert "[workflow/is-a-link]" in done.err
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_only_what_the_configuration_has_use_for_is_written(repository: Path) -> None:
    shutil.rmtree(repository / FLOWS)
    text = (repository / "modelyard.yml").read_text("utf-8").partition("monitor:")[0]
    (repository / "modelyard.yml").write_text(text.replace(', more: "s3://b-b/x.csv"', ""), "utf-8")
    assert inside(repository, "init", "--workflows").code == 0
    written = {path.stem for path in (repository / FLOWS).iterdir()}
    assert written == {"ml-pull-request", "ml-comment", "ml-train-promote", "ml-rollback", "ml-commands"}
    done = inside(repository, "init", "--workflows", "--templates", "ml-monitr")
    assert (done.code, "Did you mean 'ml-monitor.yml'?" in done.err) == (2, True)


def test_without_a_default_branch_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "modelyard.yml").write_text(CONFIG, "utf-8")
    git(tmp_path, "init", "-q", "-b", "topic")
    done = inside(tmp_path, "init", "--workflows")
    assert done.code == 2
    assert "[git/no-default-branch]" in done.err
    assert not (tmp_path / ".github").exists()


# time and branches


def test_a_schedule_in_a_repository_that_sleeps(repository: Path) -> None:
    late = datetime.now(UTC) + timedelta(days=61)
    found = [each for each in examine(seen(repository, now=late)) if each.code == "doctor/idle-schedule"]
    assert {Path(each.file).name for each in found} == {
        "ml-data-change.yml",
        "ml-monitor.yml",
        "ml-monorepo.yml",
        "ml-train-promote.yml",
    }
    assert not [each for each in examine(seen(repository)) if each.code == "doctor/idle-schedule"]


def test_a_second_workflow_that_the_default_branch_does_not_have(repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "topic")
    (repository / FLOWS / "nightly.yml").write_text("on: schedule\njobs: {}\n", "utf-8")
    found = [each for each in examine(seen(repository)) if each.code == "doctor/not-on-default-branch"]
    assert [Path(each.file).name for each in found] == ["nightly.yml"]


# online


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Hub]:
    with bare(tmp_path / "hub") as running:
        yield running
        assert running.violations == []


def asked(folder: Path, server: Hub) -> list[Finding]:
    github = GitHub("http://hub.example", server.name, "ghs_read", server.session(), pause=lambda _seconds: None)
    return [each for each in examine(seen(folder, github=github)) if each.code not in ("doctor/own-pin",)]


def test_what_only_github_knows(repository: Path, server: Hub) -> None:
    server.branch_rules = {
        "modelyard-state": [{"type": "pull_request", "ruleset_id": 7}, {"type": "deletion", "ruleset_id": 7}],
        "main": [
            {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "Evaluate"}]}}
        ],
    }
    server.protected = {"modelyard-state"}
    server.workflow_states = {".github/workflows/ml-monitor.yml": "disabled_inactivity"}
    server.environments = {"production": []}
    server.no_pulls = True
    path = repository / FLOWS / "ml-pull-request.yml"
    path.write_text(path.read_text("utf-8").replace("  pull_request:\n", "  pull_request:\n    paths: [a]\n"), "utf-8")
    found = {(each.code, each.found) for each in asked(repository, server)}
    assert found >= {
        ("doctor/rules-block-registry", "the rule pull_request of ruleset 7 covers modelyard-state"),
        ("doctor/rules-block-registry", "a branch protection covers modelyard-state"),
        ("doctor/required-check-with-paths", "the check 'Evaluate' is required, and starts on some paths"),
        ("doctor/workflow-disabled", "its state is disabled_inactivity"),
        ("doctor/environment-asks-nobody", "the environment production has no reviewers"),
        ("doctor/pull-requests-forbidden", "GitHub Actions may not open pull requests"),
    }
    assert not [each for each in found if "deletion" in each[1]]


@pytest.mark.parametrize(
    ("include", "exclude", "covers"),
    [
        (["~ALL"], [], "yes"),
        (["refs/tags/**/*"], [], "yes"),
        (["refs/tags/modelyard/**"], [], "yes"),
        (["~ALL"], ["refs/tags/modelyard/**/*"], ""),
        (["refs/tags/v*"], [], ""),
        (["refs/tags/*"], [], ""),
        ([], [], ""),
    ],
)
def test_rules_for_tags_that_cover_those_of_versions(
    repository: Path, server: Hub, include: list[str], exclude: list[str], covers: str
) -> None:
    server.rulesets[3] = {
        "id": 3, "name": "releases", "target": "tag", "enforcement": "active", "rules": [{"type": "creation"}],
        "conditions": {"ref_name": {"include": include, "exclude": exclude}},
    }  # fmt: skip
    found = [each.found for each in asked(repository, server) if each.code == "doctor/rules-block-versions"]
    assert found == (["the rule creation of ruleset 3 covers tags such as modelyard/churn/v1"] if covers else [])
    server.rulesets[3]["enforcement"] = "evaluate"
    assert not [each for each in asked(repository, server) if each.code == "doctor/rules-block-versions"]


def test_a_repository_whose_settings_are_right(repository: Path, server: Hub) -> None:
    server.environments = {"production": [{"type": "required_reviewers"}]}
    assert {each.code for each in asked(repository, server)} == set()


@pytest.mark.parametrize("status", [403, 404, 422, 500])
def test_what_github_does_not_tell_is_said(repository: Path, server: Hub, status: int) -> None:
    server.fail("repos/get-branch-rules", status=status, times=99)
    found = [each for each in asked(repository, server) if each.level == "unknown"]
    assert {each.code for each in found} == {"doctor/rules-block-registry", "doctor/required-check-with-paths"}
    assert all(f"GitHub answers {status}" in each.found for each in found)


def test_pull_requests_on_machines_of_ones_own(repository: Path, server: Hub) -> None:
    path = repository / FLOWS / "ml-pull-request.yml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("runs-on: ubuntu-24.04", "runs-on: [self-hosted, linux]", 1), "utf-8")
    levels = [each.level for each in examine(seen(repository)) if each.code == "doctor/self-hosted-pull-request"]
    assert levels == ["warning"]
    assert [each.level for each in asked(repository, server) if "self-hosted" in each.code] == ["unsafe"]
    server.about = {"default_branch": "main", "private": True}
    assert [each.level for each in asked(repository, server) if "self-hosted" in each.code] == []


def test_online_without_a_token_is_refused(repository: Path) -> None:
    done = inside(repository, "doctor", "--online", environ={"GITHUB_REPOSITORY": "acme/demo"})
    assert done.code == 2
    assert "[github/no-token-to-ask]" in done.err


# whatever stands where something else is expected

ODD: tuple[Any, ...] = (
    None,
    [],
    {},
    1,
    True,
    -1.5,
    "",
    "${{ x.y }}",
    "write",
    [1, None, {"a": []}],
    {"a": {"b": None}},
)


def _paths(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from _paths(value, (*path, key))


def _with(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    made = copy.deepcopy(data)
    place = made
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return made


@pytest.mark.parametrize("seed", range(4))
def test_odd_values_anywhere_in_a_workflow_are_no_traceback(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)  # noqa: S311 - a seed, no secret
    texts = [*(flow.text for flow in TEMPLATES.values()), *broken_repository.FILES.values()]
    flows = [flow for flow in map(yaml.safe_load, texts) if isinstance(flow, dict) and "jobs" in flow]
    for _ in range(25):
        flow = {str(key).replace("True", "on"): value for key, value in chance.choice(flows).items()}
        for _ in range(chance.choice([1, 1, 2])):
            flow = _with(flow, chance.choice(list(_paths(flow))[1:]), copy.deepcopy(chance.choice(ODD)))
        name = f".github/workflows/{chance.choice(list(TEMPLATES))}"
        workflow = read(yaml.safe_dump(flow, sort_keys=False), name)
        looked = Repository(root=tmp_path, workflows=(workflow,), templates=TEMPLATES, default_branch="main")
        for finding in (each for check in CHECKS for each in check.find(looked)):
            assert finding.line is None or finding.line >= 1
