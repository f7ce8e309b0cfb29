"""The interpreter that runs the user's code, with the packages that the user pins; it runs nothing of ours.

A package can run code when Python starts, or be called like one that we import. So pins go into an environment beside
modelyard's own: what they add or change stands in it, and the rest is found in modelyard's. The processes that train,
score and measure start from it; modelyard itself does not.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import Requirement

from modelyard.core import platforms
from modelyard.core.canonical import digest
from modelyard.core.errors import ConfigError, Place
from modelyard.core.files import disk_errors, write_atomic
from modelyard.core.processes import own_child_environment
from modelyard.models import environment
from modelyard.models.environment import Interpreter, Packages, Pin
from modelyard.models.locking import compile_lock, without

_OURS = "modelyard"
_STAMP = "stamp.txt"
LOCK = "modelyard.lock"
"""The hashed file of everything in an environment; an action's own holds one of the same name."""
_FALL_BACK = "import site; site.addsitedir({folder!r})\n"


def interpreter_with(requirements: Path, *, cache: Path, extra: str = "") -> Interpreter:
    """Return the interpreter in which the user's pins hold: this one where they do, else one that is built for them.

    Args:
        requirements: the user's file.
        cache: folder of built environments; each is reused.
        extra: an extra of modelyard's that holds in it too, such as what a kind of registry needs, or nothing.

    Raises:
        ConfigError: the file cannot be read, its pins conflict with each other or with modelyard's own ranges, or a
            package is called like modelyard itself.
        PlatformError: uv is missing, or could not build it.
    """
    pins = [pin for pin in environment.read_requirements(requirements) if pin.name != _OURS]
    own = environment.own_requirements(*([extra] if extra else []))
    environment.refuse_conflicts(pins, own, requirements)
    if environment.fulfilled(pins):
        return Interpreter(Path(sys.executable), environment.current_environment(pins))
    installed = environment.current_environment()
    told = {
        "pins": sorted(_meant(pin) for pin in pins),
        "own": sorted(map(str, own)),
        "installed": [list(each) for each in installed.packages],
        "python": [installed.python, installed.platform, sys.prefix],
    }
    folder = cache / f"pins-{environment.short(digest(told))}"
    _build(folder, requirements, pins, own)
    if not platforms.interpreter_of(folder).is_file():  # what is installed here is what the hashes are of
        return Interpreter(Path(sys.executable), environment.current_environment(pins), folder / LOCK)
    found = environment.current_environment(pins, first=[platforms.packages_of(folder)])
    return Interpreter(platforms.interpreter_of(folder), found, folder / LOCK)


def _meant(pin: Pin) -> list[str]:
    wanted = pin.requirement
    return [pin.name, str(wanted.specifier), *sorted(wanted.extras), *sorted(pin.hashes)]


def _build(folder: Path, requirements: Path, pins: Sequence[Pin], own: Sequence[Requirement]) -> None:
    """Build the environment, unless it is there; its stamp is written last."""
    from filelock import FileLock

    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if (folder / _STAMP).is_file():
            return
        known = Packages()
        installed = {name: each.version for name in known.names() if (each := known.get(name))}
        lock = compile_lock(requirements, pins, own, installed)
        more = without(lock, installed)
        if more:
            environment.install(more, python="{}.{}".format(*sys.version_info), folder=folder, options=["--no-deps"])
            _refuse_ours(platforms.packages_of(folder), requirements)
            _finish(platforms.packages_of(folder))
        write_atomic(folder / LOCK, lock.encode())
        write_atomic(folder / _STAMP, b"")


def _finish(packages: Path) -> None:
    """Let the environment find modelyard's own packages after its own, and compile it by an interpreter without it."""
    ours = [entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    with disk_errors(packages):
        lines = [_FALL_BACK.format(folder=folder) for folder in ours]
        (packages / "zz-modelyard.pth").write_text("".join(lines), "utf-8")
    command = [sys.executable, "-I", "-m", "compileall", "-q", "-q", "-j", "0", str(packages)]
    subprocess.run(command, check=False, env=own_child_environment(), capture_output=True, stdin=subprocess.DEVNULL)


def _refuse_ours(packages: Path, requirements: Path) -> None:
    """Refuse a package that would be imported in place of modelyard.

    Raises:
        ConfigError: one of the pins brings one.
    """
    if any((packages / name).exists() for name in (_OURS, f"{_OURS}.py")):
        raise ConfigError(
            "a package that these pins bring is called modelyard inside, and would be imported in its place",
            code="environment/shadows-modelyard",
            hint="Remove that package from the pins.",
            place=Place(requirements.name),
        )
