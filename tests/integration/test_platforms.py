"""The command line without what Windows lacks: no process groups, no SIGKILL, no ``resource``, no flags against links.

Linux runs these, so paths and files behave as they do there; what is shown is that nothing needs what is missing.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import desk
from tests.desk import edit

RUN = Path(__file__).resolve().parents[1] / "without_posix.py"

TASKKILL = """\
#!{python} -I
import os, sys
from pathlib import Path

Path(__file__).with_name("asked").write_text(" ".join(sys.argv[1:]))
below, tree = {{}}, [int(sys.argv[-1])]
for folder in Path("/proc").glob("[0-9]*"):
    try:
        parent = int((folder / "stat").read_text("utf-8", "replace").rsplit(")", 1)[1].split()[1])
    except OSError:
        continue
    below.setdefault(parent, []).append(int(folder.name))
for each in tree:
    tree += below.get(each, [])
for each in tree:
    os.kill(each, 9)
"""


def run(folder: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [sys.executable, str(RUN), *arguments], cwd=folder, env={**desk.environment(), **(environ or {})},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = desk.repository(tmp_path_factory.mktemp("platforms") / "tiny", desk.QUICK)
    for reason in ("first", "second"):
        done = run(folder, "run", "--promote", "--reason", reason)
        assert done.returncode == 0, done.stdout + done.stderr
        edit(folder / "modelyard.yml", "C: [0.1, 1]", "C: [0.1, 1, 10]") if reason == "first" else None
    return folder


def test_the_spine_runs_to_promotion_and_back(promoted: Path) -> None:
    record = desk.record(promoted, "train")
    assert record["circumstances"]["peak_memory_mib"] is None
    back = run(promoted, "rollback", "--reason", "errors", "--to", "v1")
    assert back.returncode == 0, back.stderr
    verified = run(promoted, "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert json.loads(run(promoted, "history", "--json").stdout)


def test_a_command_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    folder = desk.repository(tmp_path / "tiny", desk.QUICK)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "taskkill").write_text(TASKKILL.format(python=sys.executable), "utf-8")
    (programs / "taskkill").chmod(0o755)
    (folder / "hang.py").write_text(
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'])\n"
        "open('child', 'w').write(str(child.pid))\n"
        "time.sleep(300)\n",
        "utf-8",
    )
    before = (folder / "modelyard.yml").read_text("utf-8")
    start, end = before.index("train:\n"), before.index("evaluate:\n")
    command = f"train:\n  command: {sys.executable} hang.py {{train}} {{model_dir}}\n  timeout: 2s\n"
    after = before[end:] + '  predict: {command: "python predict.py {model_dir} {rows} {predictions}"}\n'
    (folder / "modelyard.yml").write_text(before[:start] + command + after, "utf-8")
    (folder / "predict.py").write_text("", "utf-8")
    done = run(folder, "run", environ={"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"})
    assert done.returncode == 3, done.stdout + done.stderr
    assert "was still running after 2s and was stopped" in done.stderr
    assert (programs / "asked").read_text("utf-8").startswith("/T /F /PID ")
    child = Path("/proc") / (folder / "child").read_text("utf-8") / "stat"
    assert not child.exists() or child.read_text("utf-8").split(")")[1].split()[0] == "Z"


def test_a_link_is_refused_where_no_flag_refuses_it(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("x", "utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tests.without_posix import take_away; take_away()\n"
        "from pathlib import Path\n"
        "from modelyard.core import platforms\n"
        "import os\n"
        "os.close(platforms.open_plain(Path(sys.argv[2], 'real')))\n"
        "try: platforms.open_plain(Path(sys.argv[2], 'link'))\n"
        "except OSError as error: print(error.strerror)\n"
        "try: platforms.open_plain(Path(sys.argv[2]))\n"
        "except ValueError as error: print('not a plain file')\n"
        "print(platforms.was_killed(-9), platforms.account() != '')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(RUN.parents[1]), str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["Too many levels of symbolic links", "not a plain file", "False True"]
