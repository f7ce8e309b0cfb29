"""One hashed lock from the user's pins and modelyard's own, resolved together by uv."""

import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from modelyard.core.errors import ConfigError, ModelyardError, Place, PlatformError
from modelyard.core.processes import own_child_environment
from modelyard.models.environment import SOURCE, Pin, own_requirements, read_requirements, refuse_conflicts

_LIMIT = 600.0
_UNREACHABLE = ("network was disabled", "Failed to fetch", "error sending request", "Could not connect")


def compile_lock(user: Path, *, uv: Path, python: Path, extra: str = "") -> str:
    """Return a lock in which the user's pins hold, and everything else is as in modelyard's own if it can be.

    Args:
        user: the user's requirements file: names, versions, markers and hashes only.
        uv: the uv program.
        python: the interpreter that the packages are for.
        extra: an extra of modelyard's that is among them, such as what a kind of registry needs, or an empty string.

    Raises:
        ConfigError: the file holds anything else, a pin cannot be had together with modelyard's own ranges, or a hash
            is none of the package's.
        PlatformError: uv did not answer in time.
    """
    pins, own = read_requirements(user), own_requirements(*([extra] if extra else []))
    refuse_conflicts(pins, {canonicalize_name(each.name): each for each in own}, user)
    with tempfile.TemporaryDirectory(prefix="modelyard-lock-") as scratch:
        here = Path(scratch)
        (here / user.name).write_text("".join(f"{pin.requirement}\n" for pin in pins), "utf-8")
        (here / "modelyard.txt").write_text("".join(f"{each}\n" for each in own), "utf-8")
        output = here / "lock.txt"
        # What an output file holds already is preferred, so that only what the pins force differs from our own lock.
        output.write_bytes((SOURCE / "requirements" / f"ml{f'-{extra}' if extra else ''}.txt").read_bytes())
        command = [str(uv), "--no-config", "--system-certs", "--quiet", "pip", "compile", "--python", str(python)]
        command += ["--generate-hashes", "--only-binary", ":all:", "--no-header", "--no-annotate", "-o", output.name]
        try:
            done = subprocess.run(
                [*command, user.name, "modelyard.txt"], cwd=here, env=own_child_environment(), capture_output=True,
                text=True, errors="replace", check=False, timeout=_LIMIT, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise PlatformError(
                "uv found no answer to the pins within 10 minutes",
                code="environment/timed-out",
                hint="Pin more of them.",
            ) from error
        if done.returncode:
            raise _refused(user, pins, own, done.stderr)
        text = output.read_text("utf-8")
    for pin in pins:
        given = pin.hashes
        if given and not set(given) & _hashes(text, pin.name):
            raise ConfigError(
                f"{pin.name}: no file of the version that was found has the hash that is written here",
                code="environment/unknown-hash",
                hint="Correct the hash; a package whose bytes are others is never installed.",
                place=Place(user.name, pin.line),
            )
    return text


def _refused(user: Path, pins: Sequence[Pin], own: Sequence[Requirement], stderr: str) -> ModelyardError:
    said = "\n".join(f"  | {line}" for line in stderr.strip().splitlines()[-12:])
    if any(sign in stderr for sign in _UNREACHABLE):
        return PlatformError(
            f"uv did not reach the package registry:\n{said}", code="environment/index-unreachable", hint="Run again."
        )
    named = {pin.name for pin in pins}
    ours = ", ".join(str(each) for each in own if canonicalize_name(each.name) in named)
    return ConfigError(
        f"the pins in {user.name} cannot be installed beside modelyard's own{f' ({ours})' if ours else ''}:\n{said}",
        code="environment/conflict",
        hint="Change the pin that it names; for training that cannot live beside modelyard's packages, use "
        "train.command with train.environment.",
        place=Place(user.name),
    )


def _hashes(lock: str, name: str) -> set[str]:
    found: set[str] = set()
    current = ""
    for line in lock.splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            current = canonicalize_name(re.split(r"[=\[ ;]", line, maxsplit=1)[0])
        if current == name:
            found |= set(re.findall(r"--hash=(\S+)", line))
    return found
