"""Processes that we start: a user's commands and our own children, each without our tokens and never left behind."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from modelyard.core import platforms
from modelyard.core.credentials import without_credentials
from modelyard.core.errors import ConfigError, DataError, nearest

_CHANNELS = ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")
"""Files through which a step speaks to the runner; what a user's command wrote there would count as ours."""
_FOR_US_ALONE = ("PYDANTIC_DISABLE_PLUGINS", "__all__")
"""What the command line sets to start faster; plugins of a user's code are not its business."""
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")
_UNITS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class CommandResult:
    """How a command ended: its exit status, how long it took, and what Python raised in it, without the text."""

    returncode: int
    seconds: float
    raised: str = ""


def seconds(text: str, *, what: str = "timeout") -> float:
    """``90s``, ``30m`` or ``2h`` in seconds.

    Raises:
        ConfigError: another form, or nothing.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh])\s*", text)
    length = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if length <= 0:
        raise ConfigError(
            f"{what}: {text!r} is not a length of time",
            code="config/length-of-time",
            hint="Write it as 90s, 30m or 2h.",
        )
    return length


def user_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment without our variables, without credentials, and without the runner's command files."""
    kept = without_credentials(os.environ if environ is None else environ)
    return {name: value for name, value in kept.items() if name not in _CHANNELS and (name, value) != _FOR_US_ALONE}


def own_child_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of our own children: no ``PYTHON*``, no tokens, no import from the workspace."""
    kept = {name: value for name, value in user_environment(environ).items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONSAFEPATH": "1"}


@contextmanager
def as_own_environment() -> Iterator[None]:
    """Make this process's environment that of our own children, for pools that copy it when they start workers."""
    before = dict(os.environ)
    _set_environ(own_child_environment(before))
    try:
        yield
    finally:
        _set_environ(before)


def _set_environ(wanted: Mapping[str, str]) -> None:
    for name in set(os.environ) - set(wanted):
        del os.environ[name]
    os.environ.update(wanted)


def arguments(template: str, values: Mapping[str, str], *, what: str) -> list[str]:
    """Split a command as a shell would, and fill in each ``{name}`` afterwards, so that no value can add one.

    Raises:
        ConfigError: nothing to run, unbalanced quotes, or an unknown placeholder.
    """
    try:
        parts = shlex.split(template)
    except ValueError as error:
        raise ConfigError(
            f"{what}: {template!r} cannot be split into arguments: {error}", code="command/not-readable"
        ) from error
    if not parts:
        raise ConfigError(
            f"{what}: there is no command", code="command/empty", hint="Name a program and its arguments."
        )
    for name in _PLACEHOLDER.findall(template):
        if name not in values:
            allowed = ", ".join(f"{{{known}}}" for known in values)
            raise ConfigError(
                f"{what}: {{{name}}} is not known here. {nearest(name, values)}".rstrip(),
                code="command/unknown-placeholder",
                hint=f"Known: {allowed}.",
            )
    return [_PLACEHOLDER.sub(lambda found: values[found[1]], part) for part in parts]


def run_command(
    template: str,
    values: Mapping[str, str],
    *,
    cwd: Path,
    timeout: str,
    environment_path: Path | None = None,
    variables: Mapping[str, str] | None = None,
    log: Path,
    what: str = "command",
) -> CommandResult:
    """Run a user's command, without a shell, in a process group of its own that does not outlive this call.

    Args:
        template: the command with ``{name}`` placeholders.
        values: what they stand for.
        cwd: the folder it runs in; a relative program is looked up there.
        timeout: the longest it may take, as ``90s``, ``30m`` or ``2h``.
        environment_path: a folder of programs put first on its PATH.
        variables: its environment variables; by default those of ``user_environment``.
        log: where its output goes, both streams.
        what: the configuration's key, for messages.

    Raises:
        ConfigError: the template or the limit cannot be read.
        DataError: it was not found, failed, or hung past its limit; its output is told by the path of its log alone.
    """
    argv = arguments(template, values, what=what)
    limit = seconds(timeout, what=f"{what}: timeout")
    # Bytecode beside the user's modules would make the checkout differ from its commit, which no promotion forgives.
    environment = {"PYTHONDONTWRITEBYTECODE": "1", **(user_environment() if variables is None else variables)}
    if environment_path is not None:
        environment["PATH"] = os.pathsep.join(filter(None, (str(environment_path), environment.get("PATH"))))
    result = run_group(argv, cwd=cwd, limit=limit, environment=environment, log=log, what=what, timeout=timeout)
    if result.returncode != 0:
        raise DataError(
            f"{what} {ended(result)}",
            code="command/failed",
            hint=f"Fix the command and run again. All of its output: {log}",
        )
    return result


def ended(result: CommandResult) -> str:
    """How a command that failed ended, for a message; what it printed may hold values of rows and stays in its log."""
    return f"ended with {_status(result.returncode)}{f' ({result.raised})' if result.raised else ''}"


def run_group(
    argv: Sequence[str], *, cwd: Path, limit: float, environment: Mapping[str, str], log: Path, what: str, timeout: str
) -> CommandResult:
    """Run a program to its end in a session of its own; whatever it leaves running is ended with it.

    Raises:
        DataError: it was not found, cannot be executed, or took longer than ``limit`` seconds (said as ``timeout``).
    """
    program = _program(argv[0], cwd, environment, what)
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("wb") as output:
        try:
            # A session of its own: no terminal to wait for, and Ctrl-C reaches only us, who then end all of it.
            process = subprocess.Popen(
                [program, *argv[1:]], cwd=cwd, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, **platforms.own_group(),
            )  # fmt: skip
        except OSError as error:
            raise DataError(
                f"{what}: {argv[0]!r} could not be started: {error.strerror or error}", code="command/not-started"
            ) from error
        try:
            returncode = process.wait(limit)
        except subprocess.TimeoutExpired as error:
            raise DataError(
                f"{what} was still running after {timeout} and was stopped",
                code="command/timed-out",
                hint=f"Make it faster, or raise its limit: {_limit_key(what)}. All of its output: {log}",
            ) from error
        finally:
            platforms.end_group(process)
    return CommandResult(returncode, time.monotonic() - started, _raised(log, cwd) if returncode > 0 else "")


def _program(name: str, cwd: Path, environment: Mapping[str, str], what: str) -> str:
    if "/" in name or os.sep in name:
        path = cwd / name
        if not path.is_file():
            raise DataError(
                f"{what}: there is no program {name!r} in {cwd}",
                code="command/not-found",
                hint="Paths are relative to that folder.",
            )
        if not os.access(path, os.X_OK):
            raise DataError(
                f"{what}: {name!r} is not executable",
                code="command/not-executable",
                hint=f"Run `chmod +x {name}`, or name its interpreter.",
            )
        return str(path)
    found = shutil.which(name, path=environment.get("PATH", os.defpath))
    if found is None:
        raise DataError(
            f"{what}: {name!r} was not found on PATH",
            code="command/not-found",
            hint="Install it, or name it by its path.",
        )
    return found


def _raised(log: Path, cwd: Path) -> str:
    """Return the kind of the error at the end of a log of Python, and where; its text may hold values of rows."""
    with log.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - 64 * 1024))
        _, there, last = stream.read().decode("utf-8", "replace").rpartition("Traceback (most recent call last):\n")
    found = re.search(r"^[A-Za-z_][\w.]*(?=: |$)(: No module named '[\w.]+')?", last, re.MULTILINE) if there else None
    if found is None:
        return ""
    frames = re.findall(r'^  File "(.+)", line (\d+)', last, re.MULTILINE)
    own = [
        f" in {Path(cwd, file).relative_to(cwd)}:{line}" for file, line in frames if Path(cwd, file).is_relative_to(cwd)
    ]
    return f"{found[0]}{own[-1] if own else ''}"


def _status(returncode: int) -> str:
    if returncode >= 0:
        return f"exit status {returncode}"
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = str(-returncode)
    note = " (often: out of memory)" if platforms.was_killed(returncode) else ""
    return f"signal {name}{note}"


def _limit_key(what: str) -> str:
    section = what.rsplit(" ", 1)[-1].rsplit(".", 1)[0]
    return f"{section}.timeout" if "." in what else "timeout"
