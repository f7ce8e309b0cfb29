"""One hashed lock from the user's pins and modelyard's own, resolved together by uv."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from modelyard.core.errors import ConfigError, ModelyardError, Place, PlatformError
from modelyard.models.environment import Pin, uv_environment, uv_program

_LIMIT = 600.0
_PACKAGE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")
_UNREACHABLE = ("network was disabled", "Failed to fetch", "error sending request", "Could not connect")


def compile_lock(user: Path, pins: Sequence[Pin], own: Sequence[Requirement], installed: Mapping[str, str]) -> str:
    """Return a lock in which the user's pins hold, and everything else is as it is installed here if it can be.

    Args:
        user: the user's requirements file, which messages name.
        pins: what it asks for.
        own: modelyard's own ranges.
        installed: versions that are preferred, by name.

    Raises:
        ConfigError: a pin cannot be had together with modelyard's own ranges, or a hash is none of the package's.
        PlatformError: uv is missing, or did not answer in time.
    """
    with tempfile.TemporaryDirectory(prefix="modelyard-lock-") as scratch:
        here = Path(scratch)
        (here / "pins.txt").write_text("".join(f"{pin.requirement}\n" for pin in pins), "utf-8")
        (here / "modelyard.txt").write_text("".join(f"{each}\n" for each in own), "utf-8")
        output = here / "lock.txt"
        # What an output file holds already is preferred, so that only what the pins force differs from our own.
        output.write_text("".join(f"{name}=={version}\n" for name, version in installed.items()), "utf-8")
        command = [uv_program(), "--no-config", "--quiet", "pip", "compile", "--python", sys.executable]
        command += ["--generate-hashes", "--only-binary", ":all:", "--no-header", "--no-annotate", "-o", output.name]
        try:
            done = subprocess.run(
                [*command, "pins.txt", "modelyard.txt"], cwd=here, env=uv_environment(), capture_output=True,
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


def without(lock: str, installed: Mapping[str, str]) -> str:
    """Return a lock without the packages that are installed in the same version, by name."""
    kept, taken = [], False
    for line in lock.splitlines(keepends=True):
        found = _PACKAGE.match(line)
        if found:
            taken = installed.get(canonicalize_name(found[1])) != found[2]
        if taken:
            kept.append(line)
    return "".join(kept)


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
        package = _PACKAGE.match(line)
        current = canonicalize_name(package[1]) if package else current
        if current == name:
            found |= set(re.findall(r"--hash=(\S+)", line))
    return found
