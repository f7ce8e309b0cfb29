"""A process without what Windows lacks: run as ``python tests/without_posix.py <arguments of modelyard>``.

What is missing is taken away before modelyard is imported. Programs of Windows that end processes are looked up on
PATH, where a test puts its own.
"""

import os
import signal
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

MODULES = ("resource", "fcntl", "pwd", "grp", "termios")
NAMES: dict[Any, tuple[str, ...]] = {
    os: ("killpg", "getuid", "setsid", "O_NOFOLLOW", "O_NONBLOCK", "O_DIRECTORY"),
    signal: ("SIGKILL", "SIGHUP", "pthread_sigmask", "SIG_BLOCK", "SIG_SETMASK"),
}


def take_away() -> None:
    """Remove modules and names, and refuse the arguments of ``Popen`` that only POSIX knows."""
    import filelock

    # Locks of Windows itself cannot be had here, so filelock keeps what it found.
    for name in [name for name in sys.modules if name.startswith(filelock.__name__)]:
        if hasattr(sys.modules[name], "os"):
            sys.modules[name].os = SimpleNamespace(**vars(os))  # type: ignore[attr-defined]  # what a module holds
    for module in MODULES:
        sys.modules[module] = None  # type: ignore[assignment]  # which is how an import is blocked
    for module, names in NAMES.items():
        for name in names:
            delattr(module, name)
    known = subprocess.Popen.__init__

    def popen(self: Any, *arguments: Any, **named: Any) -> None:
        for name in ("pass_fds", "preexec_fn", "start_new_session", "process_group"):
            if named.get(name):
                raise ValueError(f"{name} is not supported on Windows platforms")
        known(self, *arguments, **named)

    subprocess.Popen.__init__ = popen  # type: ignore[method-assign]  # what is being blocked


if __name__ == "__main__":
    take_away()
    from modelyard.cli.main import main

    sys.exit(main(sys.argv[1:]))
