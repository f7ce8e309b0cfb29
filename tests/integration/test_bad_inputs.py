"""Bad input gets a clear answer with exit code, place and mend, and the state after is the state before."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tests import desk
from tests.desk import edit
from tests.desk import inside as modelyard

Break = Callable[[Path], None]
WITHOUT_SUITE = desk.CONFIG.replace("validate:\n  suites: {all: suite.json}\n", "")


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = desk.repository(tmp_path_factory.mktemp("promoted") / "tiny", WITHOUT_SUITE)
    done = modelyard(folder, "run", "--promote")
    assert done.code == 0, done.out + done.err
    return folder


@pytest.fixture
def tiny(promoted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(promoted, tmp_path / "tiny", symlinks=True))


def part(folder: Path) -> Path:
    return folder / "data" / "part-1.csv"


def write(path: str, content: bytes | str) -> Break:
    def act(folder: Path) -> None:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)

    return act


def config(old: str, new: str) -> Break:
    return lambda folder: edit(folder / "modelyard.yml", old, new)


def change(act: Callable[[pl.DataFrame], pl.DataFrame]) -> Break:
    return lambda folder: act(pl.read_csv(part(folder))).write_csv(part(folder))


def both(*acts: Break) -> Break:
    def act(folder: Path) -> None:
        for one in acts:
            one(folder)

    return act


def truncated(folder: Path) -> None:
    path = folder / "data" / "part-1.parquet"
    pl.read_csv(part(folder)).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-200])
    part(folder).unlink()


def pointer_only(folder: Path) -> None:
    part(folder).unlink()
    (folder / "data" / "part-1.csv.dvc").write_text("outs:\n- md5: 0\n  path: part-1.csv\n", "utf-8")


def linked_out(folder: Path) -> None:
    outside = folder.parent / "outside.csv"
    shutil.move(part(folder), outside)
    part(folder).symlink_to(outside)


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
COMMAND = """\
train:
  command: python train.py {train} {model_dir}
  timeout: 2s
"""
PREDICT = "  predict: {command: python predict.py {rows_csv} {predictions_csv}}\n"


def by_command(script: str, scoring: str = "") -> Break:
    def act(folder: Path) -> None:
        path = folder / "modelyard.yml"
        text = path.read_text("utf-8")
        head, tail = text.split("train:\n"), text.split("evaluate:\n")
        path.write_text(
            head[0]
            + COMMAND
            + "evaluate:\n"
            + PREDICT.replace("{command: ", '{command: "').replace("}}", '}"}')
            + tail[1]
        )
        (folder / "train.py").write_text("import pathlib, sys\n" + script, "utf-8")
        (folder / "predict.py").write_text("import polars as pl, sys\n" + scoring, "utf-8")

    return act


KEEPS = "pathlib.Path(sys.argv[2], 'model.txt').write_text('m')\n"
NAN = "r = pl.read_csv(sys.argv[1]); r.select('key', probability=pl.lit(float('nan'))).write_csv(sys.argv[2])\n"
HALF = "r = pl.read_csv(sys.argv[1]); r.head(50).select('key', probability=pl.lit(0.5)).write_csv(sys.argv[2])\n"
TWICE = (
    "r = pl.read_csv(sys.argv[1]); pl.concat([r, r]).select('key', probability=pl.lit(0.5)).write_csv(sys.argv[2])\n"
)
BEYOND = "r = pl.read_csv(sys.argv[1]); r.select('key', probability=pl.lit(1.5)).write_csv(sys.argv[2])\n"

CASES: dict[str, tuple[Break, tuple[str, ...], int, tuple[str, ...]]] = {
    "no configuration": (lambda f: (f / "modelyard.yml").unlink(), ("run",), 2, ("no modelyard.yml", "modelyard init")),
    "invalid YAML": (config("model: {", "model: {{"), ("run",), 2, ("modelyard.yml:",)),
    "unknown key": (config("  jobs: 1", "  job: 1"), ("run",), 2, ("modelyard.yml:10", "train.job", "'jobs'")),
    "unknown metric": (
        config("metric: roc_auc, at_least", "metric: auc_roc, at_least"), ("run",), 2, ("auc_roc", "roc_auc"),
    ),
    "unknown estimator": (
        config("LogisticRegression", "LogisticRegresion"), ("run",), 2, ("LogisticRegresion", "LogisticRegression"),
    ),
    "unknown estimator, config check": (
        config("LogisticRegression", "LogisticRegresion"), ("config", "check"), 2,
        ("modelyard.yml:", "LogisticRegression"),
    ),
    "a glob that matches nothing": (config("data/*.csv", "daten/*.csv"), ("run",), 2, ("daten/*.csv",)),
    "a .dvc pointer where data should be": (pointer_only, ("run",), 3, ("dvc pull",)),
    "an LFS pointer where data should be": (write("data/part-1.csv", LFS), ("run",), 3, ("git lfs pull",)),
    "a missing column": (change(lambda frame: frame.drop("answer")), ("run",), 3, ("answer", "data.columns.target")),
    "a renamed column": (
        change(lambda frame: frame.rename({"answer": "answers"})), ("run",), 3, ("answer", "'answers'"),
    ),
    "a target with one class": (change(lambda frame: frame.filter(answer="yes")), ("run",), 3, ("class",)),
    "rows with missing target": (
        change(lambda frame: frame.with_columns(answer=pl.when(pl.col("size") > 1).then(None).otherwise("answer"))),
        ("run",), 3, ("answer", "missing_target: drop"),
    ),
    "an empty file": (write("data/part-1.csv", ""), ("run",), 3, ("part-1.csv", "empty")),
    "a header and no rows": (change(lambda frame: frame.head(0)), ("run",), 3, ("no rows",)),
    "truncated Parquet": (both(truncated, config("*.csv", "*.parquet")), ("run",), 3, ("part-1.parquet",)),
    "CSV in Latin-1": (
        write("data/part-1.csv", "key,size,colour,answer\nk1,1,gr\xfcn,yes\n".encode("latin-1")), ("run",), 3,
        ("UTF-8", "part-1.csv"),
    ),
    "a path outside the workspace": (config("data/*.csv", "../other/*.csv"), ("run",), 2, ("outside the workspace",)),
    "a link out of the workspace": (linked_out, ("run",), 2, ("outside the workspace",)),
    "repeated ids": (change(lambda frame: pl.concat([frame, frame.head(3)])), ("run",), 3, ("3 ids are repeated",)),
    "conflicting user pins": (
        both(
            write("requirements.txt", "numpy==1.0\n"),
            config("evaluate:", "requirements: requirements.txt\nevaluate:"),
        ),
        ("run",), 2, ("requirements.txt:1", "numpy"),
    ),
    "an option line in the user's pins": (
        both(
            write("requirements.txt", "--index-url https://example.org\n"),
            config("evaluate:", "requirements: requirements.txt\nevaluate:"),
        ),
        ("run",), 2, ("requirements.txt:1",),
    ),
    "an unknown expectation": (
        both(
            config("train:\n", "validate: {suites: {all: suite.json}}\ntrain:\n"),
            lambda f: edit(f / "suite.json", "expect_column_values_to_not_be_null", "expect_column_values_not_null"),
        ),
        ("run",), 2, ("suite.json", "expect_column_values_to_not_be_null"),
    ),
    "a training command that fails": (
        by_command("print('no such table'); sys.exit(4)\n"), ("run",), 3, ("train.command", "4", "logs/train.log"),
    ),
    "a training command that hangs": (
        by_command("import time\ntime.sleep(60)\n"), ("run",), 3, ("2s", "train.timeout"),
    ),
    "a training command that writes nothing": (by_command("pass\n"), ("run",), 3, ("wrote nothing",)),
    "NaN predictions": (by_command(KEEPS, NAN), ("run",), 3, ("predictions are NaN",)),
    "too few predictions": (by_command(KEEPS, HALF), ("run",), 3, ("have no prediction", "1 %")),
    "predictions that repeat ids": (by_command(KEEPS, TWICE), ("run",), 3, ("repeat an id",)),
    "probabilities beyond 1": (by_command(KEEPS, BEYOND), ("run",), 3, ("outside 0 to 1",)),
    "an unknown command": (lambda _: None, ("promot",), 2, ("promot", "'promote'")),
    "an unknown flag": (lambda _: None, ("run", "--promot"), 2, ("--promot", "'promote'")),
    "a registry that is not there": (lambda _: None, ("run", "--registry", "github"), 2, ("github",)),
    "an unknown version": (lambda _: None, ("rollback", "--to", "v9", "--reason", "x"), 2, ("v9", "v1")),
    "a rollback without a reason": (lambda _: None, ("rollback", "--to", "v1"), 2, ("reason",)),
}  # fmt: skip


def state(folder: Path) -> dict[str, bytes]:
    """The registry, byte for byte: what must survive whatever happens."""
    registry = folder / ".modelyard" / "registry"
    return {
        str(path.relative_to(registry)): path.read_bytes()
        for path in sorted(registry.rglob("*"))
        if path.is_file() and path.name != "state.json"
    }


@pytest.mark.parametrize("name", CASES)
def test_bad_input_has_its_answer_and_loses_nothing(tiny: Path, name: str) -> None:
    act, command, code, words = CASES[name]
    before = state(tiny)
    assert before
    act(tiny)
    done = modelyard(tiny, *command)
    assert done.code == code, done.out + done.err
    for word in words:
        assert word in done.err, f"{word!r} is not in:\n{done.err}"
    assert "no such table" not in done.out + done.err, "what a command prints stays in its log"
    assert state(tiny) == before
    assert modelyard_version_is_sound(tiny)


def modelyard_version_is_sound(folder: Path) -> bool:
    """The registry still holds v1, whole; asked with a configuration that loads."""
    (folder / "modelyard.yml").write_text(WITHOUT_SUITE, "utf-8")
    done = modelyard(folder, "verify", "--version", "v1")
    return done.code == 0


@pytest.fixture(scope="module")
def judged(promoted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With more rows, and a challenger that passed."""
    folder = Path(shutil.copytree(promoted, tmp_path_factory.mktemp("judged") / "tiny", symlinks=True))
    desk.rows(50, seed=3, first=5000).write_csv(folder / "data" / "part-2.csv")
    assert modelyard(folder, "run").code == 0
    return folder


@pytest.mark.parametrize("where", ["records/evaluate.json", "records/detect.json", "model/model.skops"])
def test_one_byte_changed_is_named_and_never_promoted(judged: Path, tmp_path: Path, where: str) -> None:
    tiny = Path(shutil.copytree(judged, tmp_path / "tiny", symlinks=True))
    assert modelyard(tiny, "verify").code == 0
    path = tiny / "modelyard-run" / where
    data = bytearray(path.read_bytes())
    at = data.index(b"tiny") if where.endswith(".json") else len(data) // 2
    data[at] ^= 1
    path.write_bytes(bytes(data))
    found = modelyard(tiny, "verify")
    assert found.code == 3
    assert Path(where).name in found.err or "model" in found.err
    before = state(tiny)
    refused = modelyard(tiny, "promote")
    assert refused.code in (2, 3)
    assert state(tiny) == before


def test_a_blob_changed_in_the_registry_is_named_and_the_champion_is_no_first_run(tiny: Path) -> None:
    blobs = sorted((tiny / ".modelyard" / "registry").rglob("*"), key=lambda path: path.stat().st_size)
    model = next(path for path in reversed(blobs) if path.is_file())
    model.chmod(0o644)
    model.write_bytes(model.read_bytes()[:-1] + b"!")
    assert modelyard(tiny, "verify", "--version", "v1").code in (3, 4)
    edit(tiny / "modelyard.yml", "C: [0.1, 1]", "C: [0.1, 1, 2]")
    done = modelyard(tiny, "run")
    assert done.code in (3, 4), done.out + done.err
    assert "first-run" not in done.err


def test_a_full_disk_keeps_the_old_record(tiny: Path) -> None:
    old = (tiny / "modelyard-run" / "records" / "detect.json").read_bytes()
    desk.rows(40, seed=4, first=7000).write_csv(tiny / "data" / "part-2.csv")

    def no_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))

    done = subprocess.run(
        [sys.executable, "-m", "modelyard", "detect"], cwd=tiny, env=desk.environment(), capture_output=True, text=True,
        check=False, preexec_fn=no_room,
    )  # fmt: skip
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    assert "file-size limit" in done.stderr
    assert (tiny / "modelyard-run" / "records" / "detect.json").read_bytes() == old
    assert modelyard(tiny, "detect").code == 0


def _wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        os.sched_yield()


SLOW = """\
import time
pathlib.Path('started').touch()
pathlib.Path(sys.argv[2], 'half.txt').write_text('half')
time.sleep(60)
"""


def test_ctrl_c_in_training_leaves_nothing_half_done(tiny: Path) -> None:
    by_command(SLOW)(tiny)
    edit(tiny / "modelyard.yml", "timeout: 2s", "timeout: 60s")
    model = {path.name: path.read_bytes() for path in (tiny / "modelyard-run" / "model").iterdir()}
    process = subprocess.Popen(
        [sys.executable, "-m", "modelyard", "run"], cwd=tiny, env=desk.environment(), start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    _wait_for(tiny / "started", process)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "interrupted" in err
    assert "Traceback" not in err
    assert {path.name: path.read_bytes() for path in (tiny / "modelyard-run" / "model").iterdir()} == model
    assert not list((tiny / "modelyard-run").glob(".training-*"))


def test_two_runs_in_one_folder_at_once(tiny: Path) -> None:
    by_command(SLOW)(tiny)
    edit(tiny / "modelyard.yml", "timeout: 2s", "timeout: 60s")
    process = subprocess.Popen(
        [sys.executable, "-m", "modelyard", "run"], cwd=tiny, env=desk.environment(), start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    _wait_for(tiny / "started", process)
    second = modelyard(tiny, "run")
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert second.code == 4, second.err
    assert "another run is using" in second.err
    assert "--run-dir" in second.err


def test_a_run_folder_that_git_tracks_is_planted(tiny: Path) -> None:
    (tiny / "modelyard-run" / ".gitignore").unlink()
    desk.git(tiny, "add", "-f", "modelyard-run")
    done = modelyard(tiny, "run")
    assert done.code == 2
    assert "git rm -r --cached modelyard-run" in done.err
