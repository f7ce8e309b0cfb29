"""Make the Python environment that modelyard's actions run in, outside the workspace, from hash-locked files.

Run by the interpreter of setup-python with -I, before anything is installed: it needs the standard library alone. The
workspace is hostile: nothing in it is imported, no configuration of uv or pip in it is read, and every package has a
hash. What the user pins never comes here: it goes into an environment of its own, from which the user's code runs.

Without an argument it makes it; the interpreter goes to the step's output ``python``. With ``look`` it says where the
environment belongs (``path``), under which ``key`` it is kept, whether to ``restore`` it from there and whether to
``keep`` it. With ``compile`` it compiles it before it is kept.
"""

import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "requirements"
REFUSED, FAILED = 2, 4
PYTHONS = ((3, 11), (3, 14))
PLATFORMS = {
    ("linux", "x86_64"): "Linux with glibc, x64",
    ("linux", "aarch64"): "Linux with glibc, arm64",
    ("darwin", "aarch64"): "macOS, arm64",
    ("darwin", "x86_64"): "macOS, x64",
    ("win32", "x86_64"): "Windows, x64",
}
"""Where every package of the locks has a wheel."""
MACHINES = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64"}
STAMP = ".modelyard-complete"
KEEPING = ("push", "schedule", "workflow_dispatch", "repository_dispatch")


def main(arguments: list[str]) -> int:
    """Build what MODELYARD_LOCK asks for, look for it, or compile it; returns the exit code."""
    started = time.monotonic()
    # Python's tracebacks in what a user's code prints are not ours to annotate; setup-python set this up.
    print("::remove-matcher owner=python::")
    found = refusal(sys.platform, platform.machine(), platform.libc_ver()[0], sys.version_info[:2])
    if found:
        print(f"::error title=modelyard::{found}")
        return REFUSED
    temporary = Path(os.environ["RUNNER_TEMP"])
    home = temporary / "modelyard"
    home.mkdir(parents=True, exist_ok=True)
    extra = registry_extra()
    lock = LOCKS / f"{os.environ['MODELYARD_LOCK']}{f'-{extra}' if extra else ''}.txt"
    environ = clean(os.environ)
    if arguments == ["look"]:
        return look(lock, home)
    if arguments == ["compile"]:
        python = interpreter(folder_of(lock, home)[0])
        run([str(python), "-I", "-m", "compileall", "-q", "-j", "0", str(packages_of(python))], environ)
        return 0
    uv = find_uv(home, environ)
    python = build(lock, home, uv, environ)
    tell("python", str(python))
    print(f"modelyard's environment: {lock.name}, {time.monotonic() - started:.1f} s")
    return 0


def refusal(system: str, machine: str, libc: str, version: tuple[int, int]) -> str:
    """Say why modelyard does not run here; empty where it does.

    Args:
        system: as ``sys.platform`` has it.
        machine: as ``platform.machine`` has it, in any spelling.
        libc: the kind of C library of a Linux, empty where it is not glibc.
        version: major and minor of this Python.
    """
    known = MACHINES.get(machine.lower(), machine.lower())
    if (system, known) not in PLATFORMS or (system == "linux" and libc != "glibc"):
        kind = f"{system} {known}{'' if system != 'linux' or libc == 'glibc' else ' without glibc'}"
        return f"this runner is {kind}; modelyard runs on {'; '.join(PLATFORMS.values())}"
    first, last = (".".join(map(str, each)) for each in PYTHONS)
    if not PYTHONS[0] <= version <= PYTHONS[1]:
        return f"this Python is {version[0]}.{version[1]}; modelyard runs on {first} to {last}"
    if importlib.util.find_spec("pip") is None:
        return "this Python has no pip, which fetches uv; install it, on Debian and Ubuntu as python3-pip"
    return ""


def clean(environ: "os._Environ[str]") -> dict[str, str]:
    """Return the environment for pip and uv: as found, without Python's variables and our own."""
    return {name: value for name, value in environ.items() if not name.startswith(("PYTHON", "MODELYARD_"))}


def registry_extra() -> str:
    """Return the kind of registry whose client is needed, or an empty string: kinds with a client have their own locks.

    A job without a checkout is told by its input, or by the variable that holds the address of the kind's server.
    """
    kinds = [path.stem.removeprefix("carry-") for path in sorted(LOCKS.glob("carry-*.txt"))]
    chosen = os.environ.get("MODELYARD_REGISTRY")
    if chosen:
        return chosen if chosen in kinds else ""
    for kind in kinds:
        if os.environ.get(f"{kind.upper()}_TRACKING_URI"):
            return kind
        if re.search(rb"kind[\"']?\s*:\s*[\"']?%s\b" % kind.encode(), configuration()):
            return kind
    return ""


def configuration() -> bytes:
    """Return the configuration's text, where it was checked out."""
    workspace = Path(os.environ.get("GITHUB_WORKSPACE") or ".").resolve()
    try:
        path = (workspace / (os.environ.get("MODELYARD_CONFIG") or "modelyard.yml")).resolve()
        if not (path.is_relative_to(workspace) and path.is_file()):  # a link may lead to a file without an end
            return b""
        with path.open("rb") as file:
            return file.read(1 << 20)
    except OSError:
        return b""


def find_uv(home: Path, environ: dict[str, str]) -> Path:
    """uv, by the interpreter's own pip from one hashed line."""
    target = home / "uv"
    program = target / "bin" / ("uv.exe" if os.name == "nt" else "uv")
    if not program.is_file():
        command = [sys.executable, "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--require-hashes", "--only-binary", ":all:", "--root-user-action", "ignore"]
        command += ["--target", str(target)]
        run([*command, "-r", str(LOCKS / "bootstrap.txt")], environ)
    return program


def build(lock: Path, home: Path, uv: Path, environ: dict[str, str]) -> Path:
    """Return an environment with what a lock names and this checkout of modelyard; reused where it is complete."""
    folder, key = folder_of(lock, home)
    python = interpreter(folder)
    if (folder / STAMP).is_file():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    run([sys.executable, "-I", "-m", "venv", "--without-pip", str(folder)], environ)
    command = [str(uv), "--no-config", "--system-certs", "pip", "install", "--quiet", "--python", str(python)]
    run([*command, "--only-binary", ":all:", "--require-hashes", "-r", str(lock)], environ)
    (packages_of(python) / "modelyard.pth").write_text(f"{ROOT / 'src'}\n", "utf-8")
    shutil.copyfile(lock, folder / "modelyard.lock")
    (folder / STAMP).write_text(key, "utf-8")
    return python


def folder_of(lock: Path, home: Path) -> tuple[Path, str]:
    """Return where an environment belongs, and the digest of what it is made of and for."""
    version = ".".join(map(str, sys.version_info[:3]))
    told = "\0".join([str(ROOT), version, sysconfig.get_platform(), platform.python_implementation()])
    key = hashlib.sha256(lock.read_bytes() + told.encode()).hexdigest()[:16]
    return home / f"env-{key}", key


def interpreter(folder: Path) -> Path:
    """Return the interpreter of an environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def packages_of(python: Path) -> Path:
    """Return where the environment of an interpreter keeps packages."""
    folder = python.parents[1]
    version = "python{}.{}".format(*sys.version_info)
    return folder / ("Lib" if os.name == "nt" else f"lib/{version}") / "site-packages"


def look(lock: Path, home: Path) -> int:
    """Tell where the environment belongs and what a cache has to do with it; returns the exit code.

    A pull request's run takes it from the cache and never writes there. A run on the default branch, whose verdict may
    promote, makes it anew from hashes and keeps it before any code of the user's runs.
    """
    folder, key = folder_of(lock, home)
    missing = not (folder / STAMP).is_file()
    base = hashlib.sha256(sys.executable.encode()).hexdigest()[:8]  # which the environment's own leads to
    event = os.environ.get("GITHUB_EVENT_NAME", "")
    tell("path", str(folder))
    tell("key", f"modelyard-{lock.stem}-{key}-{base}")
    tell("restore", str(missing and event == "pull_request").lower())
    tell("keep", str(missing and event in KEEPING and on_default_branch()).lower())
    return 0


def on_default_branch() -> bool:
    """Return whether the run's ref is the repository's default branch, as the event has it."""
    try:
        event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_bytes())
        branch = event["repository"]["default_branch"]
    except (KeyError, OSError, TypeError, ValueError):
        return False
    return os.environ.get("GITHUB_REF") == f"refs/heads/{branch}"


def run(command: list[str], environ: dict[str, str]) -> None:
    """Run a tool outside the workspace; its failure ends the step with its own words."""
    done = subprocess.run(command, check=False, env=environ, cwd=os.environ["RUNNER_TEMP"], stdin=subprocess.DEVNULL)
    if done.returncode:
        name = " ".join(Path(part).name if at == 0 else part for at, part in enumerate(command[:4]))
        print(f"modelyard: {name} … ended with exit code {done.returncode}; its own words are above", file=sys.stderr)
        print("  Packages come from the registry that pip and uv use on this machine. Run again.", file=sys.stderr)
        raise SystemExit(FAILED)


def tell(name: str, value: str) -> None:
    """Set an output of the step."""
    if "\n" in value or "\r" in value:
        raise SystemExit(FAILED)
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as stream:
        stream.write(f"{name}={value}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
