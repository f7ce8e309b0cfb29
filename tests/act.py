"""A real runner for tests: workflows of a throw-away repository, executed by act on this machine, without Docker.

Our own actions come from a copy of this checkout, GitHub's own from the stand-ins in tests/stubs. act differs from
GitHub in a few points; each is answered where it is met, and named there.
"""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TOOLS = ROOT / ".tools"
STUBS = ROOT / "tests" / "stubs"
LIMIT = 300.0
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The interpreter at hand; workflows under test ask for it."""

_USE = re.compile(r"uses:\s+['\"]?([^\s'\"#]+@[^\s'\"#]+)")
_SEAL = "    - {name: Seal, if: always(), shell: bash, run: ':'}\n"
"""A last step that does nothing: act hands undeclared outputs of the last inner step on to the caller."""


@dataclass
class Run:
    """What came of a run.

    Attributes:
        code: act's exit code.
        jobs: job to its result; one that was skipped is not there.
        records: act's log, a record a line.
        folder: where stand-ins keep what they were given: ``calls.jsonl`` and ``artifacts/``.
    """

    code: int
    jobs: dict[str, str]
    records: list[dict[str, Any]]
    folder: Path
    errors: str = ""

    def outputs(self, *step: str) -> dict[str, str]:
        """Outputs of a step, named by its path: ``("modelyard", "evaluate")``."""
        return {
            each["name"]: each["arg"]
            for each in self.records
            if each.get("command") == "set-output" and tuple(each.get("stepID") or ()) == step
        }

    @property
    def summaries(self) -> list[str]:
        """Step summaries in order; act repeats one for every step around it."""
        return list(dict.fromkeys(each["content"] for each in self.records if each.get("command") == "summary"))

    @property
    def text(self) -> str:
        """Everything that a person would read in the log."""
        return "".join(str(each.get("msg", "")) for each in self.records)

    @property
    def last(self) -> str:
        """The end of the log, for the message of a test that failed."""
        return self.text[-6000:]

    @property
    def annotations(self) -> list[str]:
        """Workflow commands that the runner obeyed as annotations."""
        kinds = ("error", "warning", "notice")
        return [str(each["raw"]).rstrip("\n") for each in self.records if each.get("command") in kinds]

    def steps(self) -> dict[str, str]:
        """Name of every finished step to success or failure."""
        return {str(each["step"]): str(each["stepResult"]) for each in self.records if "stepResult" in each}

    def calls(self, action: str) -> list[dict[str, Any]]:
        """What a stand-in was given, call by call."""
        path = self.folder / "calls.jsonl"
        lines = path.read_text("utf-8").splitlines() if path.is_file() else []
        return [call for line in lines if (call := json.loads(line))["uses"] == action]


@functools.cache
def suite() -> Path:
    """A copy of what users get of this repository, with every composite sealed; one a process."""
    folder = Path(tempfile.mkdtemp(prefix="modelyard-suite-"))
    for name in ("action.yml", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("actions", "src", "requirements"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for action in (folder / "action.yml", *folder.glob("actions/*/action.yml")):
        action.write_text(action.read_text("utf-8") + _SEAL, "utf-8")
    return folder


@functools.cache
def environments() -> Path:
    """What the environment step makes, made once a process: a runner's later jobs find it instead of making it again.

    Making it takes a second or two, and compiling what is imported from it several, in every job.
    """
    temporary = Path(tempfile.mkdtemp(prefix="modelyard-environments-"))
    for lock in ("ml", "carry"):
        told = {"RUNNER_TEMP": str(temporary), "GITHUB_OUTPUT": str(temporary / "output"), "MODELYARD_LOCK": lock}
        command = [_base(), "-I", "-X", "utf8", str(suite() / "actions" / "environment.py")]
        subprocess.run(command, cwd=temporary, env={**_offline(), **_home(temporary), **told}, check=True)
    return temporary / "modelyard"


def _offline() -> dict[str, str]:
    return {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(TOOLS / "wheels"),
        "UV_OFFLINE": "1",
        "UV_CACHE_DIR": str(TOOLS / "uv-cache"),
    }


def _home(folder: Path) -> dict[str, str]:
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_CACHE_HOME": str(folder / "cache"), "LANG": "C.UTF-8", "TERM": "dumb", "NO_COLOR": "1",
    }  # fmt: skip


def clear() -> None:
    """Remove what this process made for all its runs."""
    if suite.cache_info().currsize:
        shutil.rmtree(suite(), ignore_errors=True)
        suite.cache_clear()
    if environments.cache_info().currsize:
        shutil.rmtree(environments().parent, ignore_errors=True)
        environments.cache_clear()


@dataclass
class Runner:
    """Runs workflows; ``folder`` must hold no blank, since act does not quote the paths of its scripts.

    ``fresh``: jobs make their environments themselves, as on a hosted runner.
    ``cache``: the folder in which actions/cache keeps things from run to run; without one nothing is found.
    """

    folder: Path
    api_url: str = ""
    token: str = "ghs_read"
    environ: Mapping[str, str] = field(default_factory=dict)
    repository: str = "acme/demo"
    fresh: bool = False
    cache: Path | None = None

    def run(
        self, repository: Path, workflow: str, event: str, payload: Mapping[str, Any], *, arguments: Sequence[str] = ()
    ) -> Run:
        """Run one workflow for one event.

        Args:
            repository: the user's checkout; the job's workspace is a copy of it, git and all.
            workflow: text of the workflow.
            event: its name.
            payload: what GitHub would send with it.
            arguments: more of act's own.
        """
        if not (TOOLS / "act").is_file():
            raise AssertionError("act is missing: run tools/parts")
        home = Path(tempfile.mkdtemp(dir=self.folder, prefix="run-"))
        (home / "workflow.yml").write_text(workflow, "utf-8")
        (home / "event.json").write_text(json.dumps(payload), "utf-8")
        (home / "stub").mkdir()
        beside = [path.read_text("utf-8") for path in sorted((repository / ".github" / "workflows").glob("*.yml"))]
        command = self._command(home, repository, event, [*arguments, *self._local("\n".join([workflow, *beside]))])
        process = subprocess.Popen(
            command, cwd=home, env=self._own_environment(home), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        records = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
        jobs = {str(each["jobID"]): str(each["jobResult"]) for each in records if "jobResult" in each}
        return Run(process.returncode, jobs, records, home / "stub", err)

    def _command(self, home: Path, repository: Path, event: str, more: Sequence[str]) -> list[str]:
        told = {
            "GITHUB_REPOSITORY": self.repository,
            "GIT_PAGER": "cat",
            **_offline(),
            "STUB_DIR": str(home / "stub"),
            "STUB_SCRIPTS": str(STUBS),
            "STUB_PYTHON": f"{PYTHON}={_base()}",
            "STUB_CACHE": str(self.cache or ""),
            "STUB_ENVIRONMENTS": "" if self.fresh else str(environments()),
            **({"GITHUB_API_URL": self.api_url, "GITHUB_SERVER_URL": self.api_url} if self.api_url else {}),
            **self.environ,
        }
        return [
            str(TOOLS / "act"), event, "--json", "-C", str(repository), "-W", str(home / "workflow.yml"),
            "-e", str(home / "event.json"), "-P", "ubuntu-24.04=-self-hosted", "--container-daemon-socket", "-",
            "--no-cache-server", "--pull=false", "--rm", "--action-offline-mode", "--concurrent-jobs", "1",
            "--action-cache-path", str(home / "act"), "--env-file", "/dev/null", "--secret-file", "/dev/null",
            "--var-file", "/dev/null", "--input-file", "/dev/null", "--actor", "octocat",
            *(["-s", f"GITHUB_TOKEN={self.token}"] if self.token else []),
            *(part for name, value in told.items() for part in ("--env", f"{name}={value}")),
            *more,
        ]  # fmt: skip

    def _own_environment(self, home: Path) -> dict[str, str]:
        """act copies its whole environment into every step, so it gets next to none."""
        return {**_home(home), "ACT_DISABLE_VERSION_CHECK": "1", "NO_PROXY": "127.0.0.1,localhost"}

    def _local(self, workflow: str) -> list[str]:
        """One exact mapping for each thing that is used; one without a stand-in is a mistake of the test's."""
        texts = [workflow, *(path.read_text("utf-8") for path in suite().rglob("action.yml"))]
        used = {name for text in texts for name in _USE.findall(text)}
        mapped: dict[str, Path] = {}
        for name in sorted(used):
            action, _, reference = name.partition("@")
            if action.startswith("modelyard/modelyard"):
                mapped[f"modelyard/modelyard@{reference}"] = suite()
            elif action != "actions/checkout":  # act's own: it copies the repository into the workspace
                owner, repository, *_ = action.split("/")
                stub = STUBS / f"{owner}-{repository}"
                assert stub.is_dir(), f"no stand-in for {name}"
                mapped[f"{owner}/{repository}@{reference}"] = stub
        return [part for name, folder in mapped.items() for part in ("--local-repository", f"{name}={folder}")]


@functools.cache
def _base() -> str:
    """The interpreter that this environment was made from; a runner's Python is no virtual environment."""
    if sys.prefix == sys.base_prefix:
        return sys.executable
    return str(Path(sys.base_prefix) / "bin" / f"python{PYTHON}")
