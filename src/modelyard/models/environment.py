"""The packages that a model can import: found, compared with the user's pins, written down, and built again with uv.

What counts is the closure of modelyard's own requirements (base and ``ml``) and the names in the user's requirements
file, by the metadata that the installed packages carry; test tools and whatever else is installed stay out.
``environment.txt`` holds the Python version and platform, then ``name==version`` lines.
"""

import os
import platform
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from modelyard.core import platforms, processes
from modelyard.core.actions import runner_folder
from modelyard.core.canonical import digest
from modelyard.core.credentials import for_installer
from modelyard.core.errors import ConfigError, DataError, Place, PlatformError
from modelyard.core.files import disk_errors, write_atomic

SOURCE = Path(__file__).resolve().parents[3]
_HEAD = re.compile(r"# python (\d+\.\d+\.\S+) (\S+) (\S+)")
_PIN = re.compile(r"([a-z0-9][a-z0-9-]*)==([0-9A-Za-z.!+_-]+)")
_HASH = re.compile(r"\s--hash[= ]\s*(sha(?:256|384|512):[0-9a-f]+)(?=\s|$)")
_UV_LIMIT = 1800.0


@dataclass(frozen=True)
class Environment:
    """Python version (``3.11.7``), platform (``linux x86_64``), and (name, version) of every package, by name."""

    python: str
    platform: str
    packages: tuple[tuple[str, str], ...]

    @property
    def python_minor(self) -> str:
        """``3.11``."""
        return ".".join(self.python.split(".")[:2])


@dataclass(frozen=True)
class Pin:
    """One requirement of a user's file and its line."""

    requirement: Requirement
    line: int
    hashes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The normalised name."""
        return canonicalize_name(self.requirement.name)

    @property
    def exact(self) -> str | None:
        """The version, where this names exactly one."""
        versions = [
            part.version
            for part in self.requirement.specifier
            if part.operator in ("==", "===") and not part.version.endswith(".*")
        ]
        return versions[0] if versions else None


@dataclass(frozen=True)
class Installed:
    """A package: its name, version, and what it requires."""

    name: str
    version: str
    requires: tuple[str, ...]


def current_environment(pins: Iterable[Pin] = (), *, first: Iterable[Path] = ()) -> Environment:
    """List what a model can import: modelyard's own closure and that of the user's pins.

    Args:
        pins: the user's requirements.
        first: folders of packages that come before this interpreter's own.
    """
    roots = [*own_requirements(), *(pin.requirement for pin in pins)]
    found = _closure(roots, Packages(first))
    return Environment(platform.python_version(), platform_name(), tuple(sorted(found.items())))


def platform_name() -> str:
    """System and machine, as environments record them: ``linux x86_64``."""
    return f"{platform.system().lower()} {platform.machine()}"


class Packages:
    """The installed packages, each read when it is first asked for, and no further than its headers."""

    def __init__(self, first: Iterable[Path] = ()) -> None:
        """Look for packages in folders that come first, and then where this interpreter does."""
        self._folders: dict[str, Path] = {}
        for entry in reversed([*map(str, first), *sys.path]):  # the first entry wins, as it does for imports
            folder = Path(entry)
            if folder.is_dir():
                for path in folder.glob("*.dist-info"):
                    self._folders[canonicalize_name(path.name.partition("-")[0])] = path
        self._known: dict[str, Installed | None] = {}

    def names(self) -> list[str]:
        """Return the normalised names of all."""
        return sorted(self._folders)

    def get(self, name: str) -> Installed | None:
        """Return a package by its normalised name, where it is installed."""
        if name not in self._known:
            self._known[name] = self._read(name)
        return self._known[name]

    def _read(self, name: str) -> Installed | None:
        folder = self._folders.get(name)
        if folder is not None and (folder / "METADATA").is_file():
            return _headers(folder / "METADATA", name)
        from importlib import metadata  # only for what is installed in an older form: importing it costs 20 ms

        try:
            found = metadata.distribution(name)
            return Installed(name, found.version, tuple(found.requires or ()))
        except metadata.PackageNotFoundError:
            return None


def _headers(path: Path, name: str) -> Installed:
    version, requires = "", []
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line == "\n":
                break
            if line.startswith("Requires-Dist:"):
                requires.append(line[14:].strip())
            elif line.startswith("Version:"):
                version = line[8:].strip()
    return Installed(name, version, tuple(requires))


def own_requirements(*more: str) -> list[Requirement]:
    """Return the requirements of the base, ml and more extras: from the project file, else from the metadata."""
    extras = ("ml", *more)
    project = SOURCE / "pyproject.toml"
    if project.is_file() and (table := tomllib.loads(project.read_text("utf-8"))["project"])["name"] == "modelyard":
        optional = [line for extra in extras for line in table["optional-dependencies"][extra]]
        return [Requirement(line) for line in (*table["dependencies"], *optional)]
    from importlib import metadata

    return [
        requirement
        for requirement in map(Requirement, metadata.requires("modelyard") or ())
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras)
    ]


def _closure(roots: Sequence[Requirement], installed: Packages) -> dict[str, str]:
    facts = {name: str(value) for name, value in default_environment().items()}
    versions: dict[str, str] = {}
    done: set[tuple[str, str]] = set()
    waiting = [(root, "") for root in roots]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({**facts, "extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        found = installed.get(name)
        if found is None:
            continue
        versions[name] = found.version
        for wanted in ("", *requirement.extras):
            if (name, wanted) not in done:
                done.add((name, wanted))
                waiting.extend(_asked_for(found, wanted))
    return versions


def _asked_for(package: Installed, extra: str) -> Iterator[tuple[Requirement, str]]:
    for line in package.requires:
        # Most lines of large packages belong to extras that nobody asked for; they are not worth parsing.
        if extra or "extra ==" not in line:
            yield Requirement(line), extra


def read_requirements(path: Path) -> list[Pin]:
    """Return the requirements of a user's file that apply here: names, versions, markers and hashes.

    Raises:
        ConfigError: not there, or a line that is anything else, such as an option, a URL or a path.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            "there is no such requirements file", code="environment/no-file", place=Place(path.name)
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "the requirements file is not readable UTF-8 text", code="environment/unreadable", place=Place(path.name)
        ) from error
    pins = []
    for number, line in _logical_lines(text):
        pin = _pin(line, Place(path.name, number))
        if pin.marker is None or pin.marker.evaluate():
            pins.append(Pin(pin, number, tuple(re.findall(_HASH, line))))
    return pins


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, continuations joined, each with the number of its first."""
    parts: list[str] = []
    first = 1
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(^|\s)#.*$", "", raw).rstrip()
        first = first if parts else number
        parts.append(line.removesuffix("\\").strip())
        if not line.endswith("\\"):
            joined = " ".join(part for part in parts if part)
            if joined:
                yield first, joined
            parts = []
    if any(parts):
        yield first, " ".join(part for part in parts if part)


def _pin(line: str, place: Place) -> Requirement:
    allowed = "Only names, versions, markers and hashes may stand here; indexes and options are the machine's to set."
    if line.startswith("-"):
        raise ConfigError(
            f"the option {line.split()[0].split('=')[0]} is not allowed",
            code="environment/option-in-requirements",
            hint=allowed,
            place=place,
        )
    wanted = _HASH.sub("", line)
    if " --" in wanted:
        option = re.split(r"[\s=]", wanted.partition(" --")[2], maxsplit=1)[0]
        raise ConfigError(
            f"the option --{option} is not allowed",
            code="environment/option-in-requirements",
            hint=allowed,
            place=place,
        )
    try:
        requirement = Requirement(wanted)
    except InvalidRequirement as error:
        kind = "a URL or a path" if re.search(r"://|^[./~]|[/\\]", wanted) else "not a requirement"
        raise ConfigError(
            f"{kind} is not allowed" if kind.startswith("a ") else f"{wanted!r} is {kind}",
            code="environment/not-a-requirement",
            hint=allowed,
            place=place,
        ) from error
    if requirement.url:
        raise ConfigError(
            f"{requirement.name} from a URL or a path is not allowed",
            code="environment/not-a-requirement",
            hint=allowed,
            place=place,
        )
    return requirement


def fulfilled(pins: Iterable[Pin]) -> bool:
    """Return whether what is installed here is what pins ask for; whether a hash fits, only installing can tell."""
    installed = Packages()
    for pin in pins:
        found = installed.get(pin.name)
        if pin.hashes or found is None or not pin.requirement.specifier.contains(found.version, prereleases=True):
            return False
    return True


def refuse_conflicts(pins: Sequence[Pin], own: Iterable[Requirement], path: Path) -> None:
    """Refuse exact pins that contradict each other or modelyard's own ranges.

    Raises:
        ConfigError: two that cannot both hold; both are named.
    """
    ranges: dict[str, Requirement] = {canonicalize_name(requirement.name): requirement for requirement in own}
    first: dict[str, Pin] = {}
    for pin in pins:
        place = Place(path.name, pin.line)
        before = first.setdefault(pin.name, pin)
        for one, other in ((pin, before), (before, pin)):
            if one.exact and not other.requirement.specifier.contains(one.exact, prereleases=True):
                raise ConfigError(
                    f"{_shown(pin.requirement)} conflicts with {_shown(before.requirement)} in line {before.line}",
                    code="environment/conflict",
                    hint="Keep one of them.",
                    place=place,
                )
        ours = ranges.get(pin.name)
        if ours is not None and pin.exact and not ours.specifier.contains(pin.exact, prereleases=True):
            raise ConfigError(
                f"{_shown(pin.requirement)} conflicts with modelyard's own {_shown(ours)}",
                code="environment/conflict",
                hint="Pin a version inside that range; for training that cannot live beside it, use train.command with "
                "train.environment.",
                place=place,
            )


def _shown(requirement: Requirement) -> str:
    return f"{canonicalize_name(requirement.name)}{requirement.specifier}"


def environment_text(environment: Environment) -> str:
    """``environment.txt``: Python version and platform, then every package as ``name==version``."""
    lines = [f"# python {environment.python} {environment.platform}"]
    return "\n".join([*lines, *(f"{name}=={version}" for name, version in environment.packages)]) + "\n"


def parse_environment(text: str) -> Environment:
    """Read what ``environment_text`` wrote.

    Raises:
        DataError: another form; the file was edited or is not one of ours.
    """
    lines = text.splitlines()
    head = _HEAD.fullmatch(lines[0]) if lines else None
    pins = [_PIN.fullmatch(line) for line in lines[1:]]
    if head is None or None in pins:
        line = 1 if head is None else pins.index(None) + 2
        raise DataError(
            f"environment.txt is not readable: line {line} is not what modelyard writes there",
            code="environment/damaged",
            hint="It must hold `# python VERSION SYSTEM MACHINE`, then name==version lines.",
        )
    packages = tuple(sorted((pin[1], pin[2]) for pin in pins if pin is not None))
    return Environment(head[1], f"{head[2]} {head[3]}", packages)


def environment_of(path: Path, current: Environment) -> Environment:
    """Return the environment that a requirements file pins exactly, on this Python and platform.

    Raises:
        ConfigError: no such file, or a line that does not pin one version.
    """
    if not path.is_file():
        raise ConfigError(
            f"there is no environment file {path.name}",
            code="environment/no-file",
            hint="Name a file of name==version lines.",
        )
    pins = read_requirements(path)
    loose = [pin for pin in pins if pin.exact is None]
    if loose:
        raise ConfigError(
            f"{path.name}:{loose[0].line}: {loose[0].name} is not pinned to one version",
            code="environment/not-pinned",
            hint="An adopted model is scored in exactly these packages: write name==version.",
        )
    return Environment(current.python, current.platform, tuple(sorted((pin.name, str(pin.exact)) for pin in pins)))


def environment_digest(environment: Environment) -> str:
    """Digest over the packages' names and versions and the Python minor version."""
    return digest({"python": environment.python_minor, "packages": [list(package) for package in environment.packages]})


@dataclass(frozen=True)
class Interpreter:
    """A Python and what can be imported in it.

    Attributes:
        python: the program.
        environment: its packages.
        lock: the hashed file that the packages were installed from, where they were installed by us.
    """

    python: Path
    environment: Environment
    lock: Path | None = None


def this_interpreter() -> Interpreter:
    """Return the interpreter that runs this, with modelyard's own packages."""
    return Interpreter(Path(sys.executable), current_environment())


def python_for(wanted: Environment, *, cache: Path, known: Iterable[Interpreter]) -> Path:
    """Return the interpreter to score a version with: a known one where the packages agree, else one built for it.

    Args:
        wanted: the version's environment, as ``parse_environment`` reads it.
        cache: folder of built environments, one a digest; each is reused.
        known: interpreters that are there.

    Raises:
        PlatformError: uv is missing, or could not build it.
    """
    for each in known:
        if environment_digest(wanted) == environment_digest(each.environment):
            return each.python
    lock = "".join(f"{name}=={version}\n" for name, version in wanted.packages)
    return build(lock, python=wanted.python_minor, folder=cache / short(environment_digest(wanted)))


def python_for_lock(lock: Path, *, cache: Path) -> Path:
    """Return the interpreter of a command's own environment, built from its requirements and then reused.

    Raises:
        ConfigError: the file holds anything but names, versions, markers and hashes.
        PlatformError: uv is missing, or could not build it.
    """
    read_requirements(lock)
    text = lock.read_text("utf-8")
    minor = "{}.{}".format(*sys.version_info)
    return build(text, python=minor, folder=cache / short(digest({"python": minor, "lock": text})))


def short(digested: str) -> str:
    """Return a digest as the name of a folder."""
    return digested.removeprefix("sha256:")[:32]


def build(lock: str, *, python: str, folder: Path) -> Path:
    """Build an environment with uv from wheels alone, or reuse the finished one; returns its interpreter.

    Args:
        lock: a requirements file's text.
        python: the Python version, such as ``3.12``.
        folder: where it stands; its stamp is written last, so one without it was cut short and is built anew.

    Raises:
        PlatformError: uv is missing, or could not build it; the message ends with what uv said.
    """
    from filelock import FileLock

    stamp, interpreter = folder / "stamp.txt", platforms.interpreter_of(folder)
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if stamp.is_file() and stamp.read_text("utf-8") == lock and interpreter.is_file():
            return interpreter
        install(lock, python=python, folder=folder)
        write_atomic(stamp, lock.encode())
    return interpreter


def install(lock: str, *, python: str, folder: Path, options: Sequence[str] = ()) -> None:
    """Make a virtual environment with what a lock names, from wheels alone; what was in the folder goes.

    Raises:
        PlatformError: uv is missing, or could not build it; the message ends with what uv said.
    """
    base = getattr(sys, "_base_executable", sys.executable) if _is_this(python) else python
    _uv("venv", "--clear", "--no-project", "--python", base, str(folder), python=python)
    listed = folder / "requirements.txt"
    with disk_errors(listed):
        listed.write_text(lock, "utf-8")
    hashed = ("--require-hashes",) if "--hash" in lock else ()
    target = str(platforms.interpreter_of(folder))
    _uv("pip", "install", "--python", target, "--only-binary", ":all:", *hashed, *options,
        "-r", str(listed), python=python)  # fmt: skip


def _is_this(python: str) -> bool:
    return python == "{}.{}".format(*sys.version_info)


def _uv(*arguments: str, python: str) -> None:
    import subprocess

    program = uv_program()
    try:
        done = subprocess.run(
            [program, "--no-config", "--quiet", *arguments], check=False, capture_output=True, text=True,
            env=uv_environment(), stdin=subprocess.DEVNULL, timeout=_UV_LIMIT,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise PlatformError(
            f"uv took longer than {_UV_LIMIT:g} s to build an environment", code="environment/timed-out"
        ) from error
    if done.returncode != 0:
        raise PlatformError(
            f"an environment for Python {python} could not be built: {_gist(done.stderr)}",
            code="environment/not-built",
            hint="It needs a package index, or uv's cache, that still has those versions as wheels for this platform.",
        )


def uv_environment() -> dict[str, str]:
    """Return the variables that uv is run with: those of our own children, and what gets it into package indexes."""
    kept = {name: value for name, value in processes.own_child_environment().items() if name != "VIRTUAL_ENV"}
    return {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1", **kept, **for_installer(os.environ)}


def _gist(stderr: str) -> str:
    """Return the one line of what uv said that names the cause."""
    said = [line.strip() for line in stderr.splitlines() if line.strip()]
    causes = [line.removeprefix("cause:").strip() for line in said if line.startswith("cause:")]
    return (causes or said[-1:] or ["uv said nothing"])[0][:500]


def uv_program() -> str:
    """Return the path of uv: beside this interpreter, in the folder of an action, or on PATH.

    Raises:
        PlatformError: it is nowhere.
    """
    import shutil

    folders = [Path(sys.executable).parent]
    if home := runner_folder(os.environ):
        folders.append(home / "uv" / "bin")  # what an action's small environment was made with
    beside = next((found for folder in folders if (found := shutil.which("uv", path=str(folder)))), None)
    found = beside or shutil.which("uv")
    if found is None:
        raise PlatformError(
            "uv was not found, which builds the environments that models are scored in",
            code="environment/no-uv",
            hint="Run: pip install uv",
        )
    return found
