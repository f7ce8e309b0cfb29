"""The comment of a pull request's own run: when there is one, what it links and remembers, less of it, many models."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelyard.cli import comment as command
from tests import payloads, report_samples
from tests.hub import BOT, Hub, comment, hub
from tests.report_samples import Story

HEAD, RUN = "a" * 40, 7001
MARKER = f"<!-- modelyard:comment v1 model=flights-late head={HEAD} run={RUN}.1 -->"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Hub]:
    with hub(tmp_path / "hub") as running:
        running.tokens["ghs_comment"] = {"pull-requests"}
        yield running
        assert running.violations == []


class Posting:
    """The job that comments, on one pull request."""

    def __init__(self, server: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        self.server, self.folder, self.monkeypatch, self.capsys = server, folder, monkeypatch, capsys

    def keep(self, story: Story, where: str = "modelyard-run", model: str = "flights-late") -> None:
        """Write the records of a run."""
        self.monkeypatch.setattr(report_samples, "MODEL", model)
        records = self.folder / where / "records"
        records.mkdir(parents=True, exist_ok=True)
        for old in records.iterdir():
            old.unlink()
        for step, envelope in report_samples.run(story).items():
            (records / f"{step}.json").write_bytes(envelope.to_bytes())

    def __call__(self, head: str = HEAD, run: int = RUN, **given: str) -> str:
        """Comment; returns what the log says."""
        self.server.pulls[7] = {"number": 7, "state": "open", "head": {"sha": head}}
        event = self.folder / "event.json"
        event.write_text(json.dumps(payloads.pull_request(7, head)), "utf-8")
        told = {
            "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_REPOSITORY": self.server.name,
            "GITHUB_SHA": "c" * 40, "GITHUB_RUN_ID": str(run), "GITHUB_REF": "refs/pull/7/merge",
            "GITHUB_EVENT_PATH": str(event), "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_API_URL": self.server.url, "GITHUB_SERVER_URL": "https://github.com",
            "MODELYARD_TOKEN": "ghs_comment",
        }  # fmt: skip
        self.monkeypatch.chdir(self.folder)
        for name, value in told.items():
            self.monkeypatch.setitem(os.environ, name, value)
        assert command.run({name.replace("_", "-"): value for name, value in given.items()}) == 0
        return str(self.capsys.readouterr().out)

    @property
    def body(self) -> str:
        """The only comment's body."""
        (made,) = self.server.comments.values()
        return str(made["body"])


@pytest.fixture
def post(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Posting:
    return Posting(server, tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("mode", "story", "created"),
    [
        ("always", "promote", True), ("on-change", "promote", True), ("on-failure", "promote", False),
        ("always", "unchanged", True), ("on-change", "unchanged", False), ("on-failure", "unchanged", False),
        ("on-change", "hold", True), ("on-failure", "hold", True), ("on-failure", "cannot-tell", True),
        ("on-failure", "error", True), ("true", "promote", True), ("false", "hold", False), ("off", "hold", False),
    ],
)  # fmt: skip
def test_when_there_is_a_comment_is_said_by_an_input(
    server: Hub, post: Posting, mode: str, story: Story, created: bool
) -> None:
    post.keep(story)
    post(comment=mode)
    assert len(server.comments) == created
    if mode in ("off", "false"):
        assert server.calls == []


def test_a_comment_that_is_there_is_brought_up_to_date_whatever_the_verdict(server: Hub, post: Posting) -> None:
    older = comment(server, 7, f"{MARKER.replace(HEAD, 'b' * 40)}\n## ❌ Hold", BOT)
    post.keep("promote")
    assert "updated the comment" in post(comment="on-failure")
    assert "✅ Promote" in older["body"]


def test_earlier_pushes_are_remembered_and_a_re_run_of_one_is_not_another(post: Posting) -> None:
    pushes: tuple[tuple[str, int, Story], ...] = (
        ("a", 1, "hold"), ("b", 2, "cannot-tell"), ("b", 3, "cannot-tell"), ("c", 4, "promote"),
    )  # fmt: skip
    for head, run, story in pushes:
        post.keep(story)
        post(head=head * 40, run=run)
    assert post.body.splitlines()[1] == (
        f"<!-- modelyard:pushes v1 fail:{'a' * 12} inconclusive:{'b' * 12} pass:{'c' * 12} -->"
    )
    assert "updated 2 times: Hold `aaaaaaa` → Cannot tell yet `bbbbbbb` → **Promote**" in post.body


def test_a_run_that_leaves_nothing_is_remembered_too(post: Posting) -> None:
    post.keep("promote")
    post(head="a" * 40, run=1)
    for record in (post.folder / "modelyard-run" / "records").iterdir():
        record.unlink()
    post(head="b" * 40, run=2)
    assert "updated 1 time: Promote `aaaaaaa` → **Could not judge**" in post.body
    post.keep("hold")
    post(head="b" * 40, run=2)
    assert "updated 1 time: Promote `aaaaaaa` → **Hold**" in post.body


def test_the_report_is_linked_where_the_workflow_says_it_is(post: Posting) -> None:
    post.keep("hold")
    page = f"https://github.com/acme/demo/actions/runs/{RUN}/artifacts/12"
    post(report_url=page)
    assert f"**[Open the report]({page})** · [run {RUN}]" in post.body.splitlines()[6]


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/actions", "https://github.com/mallory/demo/actions/runs/1/artifacts/2",
     "https://github.com/acme/demo/../../mallory", "javascript:alert(1)", "https://github.com/acme/demo/a)b",
     "https://acme.github.io.evil.example/x", "https://github.com@evil.example/acme/demo/"],
)  # fmt: skip
def test_an_address_elsewhere_is_left_out_with_a_notice(post: Posting, url: str) -> None:
    post.keep("hold")
    assert "report-url is no page of this repository" in post(report_url=url)
    assert "Open the report" not in post.body
    assert url not in post.body


def test_a_text_that_github_takes_not_is_said_shorter(server: Hub, post: Posting) -> None:
    post.keep("hold")
    server.fail("issues/create-comment", status=422, times=3, message="body is too long")
    assert "commented" in post()
    assert len(post.body.encode()) < 2_300
    assert "## ❌ Hold · `flights-late`" in post.body
    assert f"[run {RUN}]" in post.body


def test_a_text_that_github_never_takes_is_a_notice(server: Hub, post: Posting) -> None:
    post.keep("hold")
    server.fail("issues/create-comment", status=422, times=9, message="body is too long")
    assert "the comment was not written" in post()


def test_many_models_share_one_comment_and_one_that_left_nothing_is_named(server: Hub, post: Posting) -> None:
    post.keep("promote", "runs/modelyard-records-a", "a")
    post.keep("hold", "runs/modelyard-records-b", "b")
    post(run_dir="runs", merged="true", models='["a", "b", "c"]', report_url="a=https://github.com/acme/demo/1")
    lines = [line for line in post.body.splitlines() if line.startswith("- ")][:3]
    assert [line[: line.index("` ") + 1] for line in lines] == [
        "- ⛔ **Could not judge** · `c`", "- ❌ **Hold** · `b`", "- ✅ **Promote** · `a`",
    ]  # fmt: skip
    assert lines[2].endswith(" · [report](https://github.com/acme/demo/1)")
    assert post.body.startswith(f"<!-- modelyard:comment v1 model=* head={HEAD} run={RUN}.1 -->\n")
    post.keep("promote", "runs/modelyard-records-b", "b")
    post(head="b" * 40, run=7002, run_dir="runs", merged="true")
    assert "## ✅ Promote · 2 models" in post.body
    assert "updated 1 time: Could not judge `aaaaaaa` → **Promote**" in post.body
    assert len(server.comments) == 1
