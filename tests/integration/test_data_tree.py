"""The workspace as git sees it, by real git: trees, commits, what is tracked, and what is left alone."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from modelyard.core.errors import PlatformError
from modelyard.vcs.tree import folder_digest, head_commit, source_files, toplevel, tracked, tree, uncommitted


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *settings, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "work"
    (root / "src").mkdir(parents=True)
    (root / "src/train.py").write_text("print(1)\n", "utf-8")
    (root / ".gitignore").write_text("*.log\n", "utf-8")
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "first")
    return root


def state(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in (root / ".git").rglob("*") if path.is_file()}


def test_a_clean_tree_is_heads_tree(repository: Path) -> None:
    assert tree(repository) == f"git:{git(repository, 'rev-parse', 'HEAD^{tree}')}"
    (repository / "run.log").write_text("ignored", "utf-8")
    assert tree(repository) == f"git:{git(repository, 'rev-parse', 'HEAD^{tree}')}"


@pytest.mark.parametrize("change", ["edit", "new", "delete", "mode", "link"])
def test_a_dirty_tree_is_the_tree_that_committing_everything_gives(repository: Path, change: str) -> None:
    source = repository / "src/train.py"
    if change == "edit":
        source.write_text("print(2)\n", "utf-8")
    elif change == "new":
        (repository / "src/naïve name.py").write_text("print(2)\n", "utf-8")
    elif change == "delete":
        source.unlink()
    elif change == "mode":
        source.chmod(0o755)
    else:
        (repository / "link").symlink_to("src")
    found = tree(repository)
    assert found.endswith("-dirty")
    git(repository, "add", "--all")
    assert tree(repository) == found
    git(repository, "commit", "--quiet", "--message", "second")
    assert tree(repository) == found.removesuffix("-dirty")


def test_what_differs_from_the_commit_is_named(repository: Path) -> None:
    assert uncommitted(repository) == ()
    (repository / "src/train.py").unlink()
    (repository / "new folder").mkdir()
    (repository / "new folder" / "naïve name.txt").write_text("new", "utf-8")
    (repository / "run.log").write_text("ignored", "utf-8")
    assert sorted(uncommitted(repository)) == ["new folder/naïve name.txt", "src/train.py"]
    assert len(uncommitted(repository, most=1)) == 1


def test_line_endings_and_filters_count_as_git_commits_them(repository: Path) -> None:
    (repository / ".gitattributes").write_text("*.txt text\n*.up filter=up\n", "utf-8")
    git(repository, "config", "filter.up.clean", "tr a-z A-Z")
    (repository / "notes.txt").write_bytes(b"one\r\ntwo\r\n")
    (repository / "shout.up").write_text("shout", "utf-8")
    found = tree(repository)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "second")
    assert git(repository, "show", "HEAD:shout.up") == "SHOUT"
    assert tree(repository) == found.removesuffix("-dirty") == f"git:{git(repository, 'rev-parse', 'HEAD^{tree}')}"


def test_neither_index_nor_objects_of_the_user_are_touched(repository: Path) -> None:
    (repository / "src/new.py").write_text("print(2)\n", "utf-8")
    git(repository, "add", "src/new.py")
    (repository / "src/new.py").write_text("print(3)\n", "utf-8")
    before = state(repository)
    tree(repository)
    head_commit(repository)
    tracked(repository, repository / "src")
    folder_digest(repository / "src")
    assert state(repository) == before


def test_a_repository_without_a_commit_is_dirty(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert tree(tmp_path) == "git:4b825dc642cb6eb9a060e54bf8d69288fbee4904-dirty"
    assert head_commit(tmp_path) is None


def test_a_linked_work_tree_has_its_own_tree(repository: Path, tmp_path: Path) -> None:
    other = tmp_path.resolve() / "other: tree"
    git(repository, "worktree", "add", "--quiet", str(other), "-b", "other")
    assert tree(other) == tree(repository)
    (other / "src/train.py").write_text("print(2)\n", "utf-8")
    assert tree(other) != tree(repository)
    assert toplevel(other / "src") == other


def test_a_colon_in_the_path_is_no_matter(repository: Path) -> None:
    moved = repository.rename(repository.with_name('a:b"c'))
    (moved / "src/train.py").write_text("print(2)\n", "utf-8")
    assert tree(moved).endswith("-dirty")
    git(moved, "checkout", "--quiet", "--", ".")
    assert tree(moved) == f"git:{git(moved, 'rev-parse', 'HEAD^{tree}')}"


def test_an_outer_gits_variables_do_not_lead_elsewhere(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = tree(repository), head_commit(repository)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    git(elsewhere, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(elsewhere / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(elsewhere))
    monkeypatch.setenv("GIT_INDEX_FILE", str(elsewhere / "index"))
    assert (tree(repository), head_commit(repository)) == expected


def test_planted_monitors_and_hooks_are_not_run(repository: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch '{ran}'\n", "utf-8")
    program.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(program))
    for hook in ("post-index-change", "pre-commit"):
        shutil.copy(program, repository / ".git/hooks" / hook)
    (repository / "src/train.py").write_text("print(2)\n", "utf-8")
    tree(repository)
    tracked(repository, repository / "src")
    folder_digest(repository)
    assert not ran.exists()


def test_where_the_top_is(repository: Path, tmp_path: Path) -> None:
    assert toplevel(repository / "src") == repository
    assert toplevel(tmp_path) is None
    assert head_commit(repository) == git(repository, "rev-parse", "HEAD")
    assert head_commit(tmp_path) is None


def test_what_is_tracked(repository: Path, tmp_path: Path) -> None:
    (repository / "modelyard-run").mkdir()
    (repository / "modelyard-run/report.md").write_text("planted", "utf-8")
    assert tracked(repository, repository / "src")
    assert tracked(repository, repository / "src/train.py")
    assert tracked(repository, repository)
    assert not tracked(repository, repository / "modelyard-run")
    assert not tracked(repository, repository / "s*")
    assert not tracked(repository, tmp_path / "elsewhere")
    assert not tracked(tmp_path, tmp_path / "elsewhere")
    git(repository, "add", "--force", "modelyard-run")
    assert tracked(repository, repository / "modelyard-run")


def test_a_broken_repository_is_said_and_not_taken_for_none(repository: Path) -> None:
    (repository / ".git/config").write_text("[core\n", "utf-8")
    for attempt in (lambda: tree(repository), lambda: tracked(repository, repository / "src")):
        with pytest.raises(PlatformError, match=r"git could not read .*config"):
            attempt()


def test_a_file_that_git_cannot_add_is_said(repository: Path) -> None:
    (repository / "nested").mkdir()
    git(repository / "nested", "init", "--quiet")
    (repository / "nested/file").write_text("x", "utf-8")
    with pytest.raises(PlatformError, match=r"git could not read .*nested"):
        tree(repository)


# without git


def test_outside_git_the_tree_is_a_manifest_of_files(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1", "utf-8")
    before = tree(tmp_path)
    assert before.startswith("files:sha256:")
    for folder in (".git", ".venv", ".modelyard", "modelyard-run", "src/__pycache__", "my-run"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "file").write_text("2", "utf-8")
    (tmp_path / "my-run/.gitignore").write_text("*\n", "utf-8")
    (tmp_path / ".git").rename(tmp_path / "src/.git")
    assert tree(tmp_path) == before
    (tmp_path / "a.py").write_text("2", "utf-8")
    assert tree(tmp_path) != before


def test_a_workspace_that_an_outer_repository_ignores_is_outside_git(repository: Path) -> None:
    inner = repository / "inner.log"
    inner.mkdir()
    (inner / "train.py").write_text("1", "utf-8")
    before = tree(inner)
    assert before.startswith("files:sha256:")
    (inner / "train.py").write_text("2", "utf-8")
    assert tree(inner) != before
    assert tree(repository / "src").startswith("git:")


# source files


def test_the_code_of_a_folder_is_what_git_does_not_ignore_with_tables_that_it_may_read(repository: Path) -> None:
    before, sources = folder_digest(repository / "src"), source_files(repository / "src")
    for name in ("x.log", "x.csv.dvc", "__pycache__/x.pyc"):
        (repository / "src" / name).parent.mkdir(exist_ok=True)
        (repository / "src" / name).write_text("1", "utf-8")
    assert folder_digest(repository / "src") == before
    for name in ("x.csv", "x.CSV.gz", "x.parquet", "x.tsv"):
        (repository / "src" / name).write_text("1", "utf-8")
        assert folder_digest(repository / "src") != before
        assert folder_digest(repository / "src", exclude=[repository / "src" / name]) == before
        assert source_files(repository / "src") == sources
        (repository / "src" / name).unlink()
    (repository / "src/metrics.json").write_text("{}", "utf-8")
    assert folder_digest(repository / "src") != before
    assert folder_digest(repository / "src", exclude=[repository / "src/metrics.json"]) == before
    (repository / "src/metrics.json").unlink()
    (repository / "src/train.py").unlink()
    assert folder_digest(repository / "src") != before


def test_the_same_code_has_the_same_digest_with_and_without_git(repository: Path) -> None:
    with_git = folder_digest(repository / "src")
    shutil.rmtree(repository / ".git")
    assert folder_digest(repository / "src") == with_git


def test_code_behind_a_link_counts_with_its_content(tmp_path: Path) -> None:
    (tmp_path / "lib.py").write_text("1", "utf-8")
    (tmp_path / "src").mkdir()
    (tmp_path / "src/lib.py").symlink_to("../lib.py")
    before = folder_digest(tmp_path / "src")
    (tmp_path / "lib.py").write_text("2", "utf-8")
    assert folder_digest(tmp_path / "src") != before


def test_file_names_that_are_no_utf_8_are_carried(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.py")).write_text("1", "utf-8")
    assert folder_digest(tmp_path) != folder_digest(tmp_path / "..", exclude=[tmp_path])
    assert tree(tmp_path).startswith("files:sha256:")
