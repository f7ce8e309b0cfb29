"""What operating systems do differently, each by what it offers and not by its name: the one place that knows.

Windows has no process groups, no ``resource``, no SIGKILL and no flags that refuse links; everything above asks here.
"""

import errno
import getpass
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

GRACE = 5.0
"""Seconds that a process group has between being asked to end and being killed."""
BINARY: int = getattr(os, "O_BINARY", 0)
"""Flag for ``os.open`` that keeps line ends as they are."""
_KILLED: int | None = getattr(signal, "SIGKILL", None)
_GROUPS = hasattr(os, "killpg")


def own_group() -> dict[str, Any]:
    """Return the arguments of ``Popen`` that give a child a group of its own: no terminal, and no Ctrl-C of ours."""
    if _GROUPS:
        return {"start_new_session": True}
    return {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """Ask the whole group to end, where its leader still runs, and then make it.

    Without process groups it is the tree below the leader that is ended, as long as the leader runs.
    """
    if process.poll() is None:
        _ask(process)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    _make(process)
    process.wait()


def _ask(process: "subprocess.Popen[bytes]") -> None:
    if _GROUPS:
        _signal_group(process, signal.SIGTERM)
    else:
        with suppress(OSError, ValueError):
            process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))


def _make(process: "subprocess.Popen[bytes]") -> None:
    if _GROUPS and _KILLED is not None:
        _signal_group(process, _KILLED)
    elif process.poll() is None:
        if program := shutil.which("taskkill"):
            subprocess.run(
                [program, "/T", "/F", "/PID", str(process.pid)], check=False, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        with suppress(OSError):
            process.terminate()


def _signal_group(process: "subprocess.Popen[bytes]", number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # nobody left; macOS says so by a refusal
        os.killpg(process.pid, number)


def was_killed(returncode: int) -> bool:
    """Return whether a process ended by being killed, as a system out of memory does it."""
    return _KILLED is not None and -returncode == _KILLED


@contextmanager
def hold_ctrl_c() -> Iterator[None]:
    """Hold Ctrl-C back while processes of a pool start, which never see it then; this one gets it in the end.

    A terminal sends it to all of them at once, and one that is still importing would answer with a traceback. Where
    signals cannot be held back, it reaches them.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def peak_memory_mib() -> float | None:
    """Return the peak resident memory of this process and its largest child in MiB; None where nobody counts it."""
    try:
        import resource
    except ImportError:
        return None
    units = 1024 * 1024 if sys.platform == "darwin" else 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(own, children) / units


def open_plain(path: Path) -> int:
    """Open a plain file to be read and return its descriptor; a link is not followed, and nothing is waited for.

    Raises:
        OSError: a link (``ELOOP``), or not to be opened.
        ValueError: it is no plain file.
    """
    flags = os.O_RDONLY | BINARY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    seen = path.lstat()
    descriptor = os.open(path, flags)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise ValueError(f"{path} is not a plain file")
    if not os.path.samestat(seen, found):  # a link, where no flag refuses one, or another file by now
        os.close(descriptor)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return descriptor


def try_lock(descriptor: int) -> bool:
    """Lock an open file for as long as it stays open; whatever ends the process ends the lock.

    Returns:
        False where another holds it, or where the machine or file system has no such locks.
    """
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def protect(path: Path) -> None:
    """Make a file one that is only read; left alone where such a file could not be removed any more."""
    if _GROUPS:
        path.chmod(0o444)


def interpreter_of(environment: Path) -> Path:
    """Return the interpreter of a virtual environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def packages_of(environment: Path) -> Path:
    """Return where a virtual environment of this Python's version keeps packages."""
    if os.name == "nt":
        return environment / "Lib" / "site-packages"
    return environment / "lib" / "python{}.{}".format(*sys.version_info) / "site-packages"


def account() -> str:
    """Return the name of the local account, or what stands for it where it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"
