"""Files that a predict command names outside the configuration's folder: where they are, and where a version has them.

In a version ``../../libs/predict.py`` is ``outside-2/libs/predict.py``: its command runs where nothing is above.
"""

import re
from pathlib import Path

from modelyard.core.errors import ConfigError

_UP = re.compile(r"(?<![\w./])((?:\.\./)+)([^\s'\"=]*)")


def command_of_version(command: str) -> str:
    """Return a command as a version runs it: by its text alone, so that a job without a checkout writes the same."""
    return _UP.sub(lambda found: f"outside-{found[1].count('/')}/{found[2]}", command)


def outside_folders(command: str, base: Path, root: Path) -> dict[str, Path]:
    """Return the folders of files that a command names outside ``base``, by their place in a version.

    Raises:
        ConfigError: One of them is outside the workspace, or named by its whole path: no version could carry it.
    """
    if str(root.resolve()) + "/" in command:
        raise ConfigError(
            "evaluate.predict.command names a file of the workspace by its whole path, which is another elsewhere",
            code="command/absolute-path",
            hint="Write it relative to the folder of the configuration.",
        )
    found = {}
    for ups, rest in _UP.findall(command):
        named = (base / ups / rest).resolve()
        if not named.is_relative_to(root.resolve()):
            raise ConfigError(
                f"evaluate.predict.command names {ups}{rest}, outside the workspace, so no version can carry it",
                code="command/outside-workspace",
                hint="Take the file into the repository.",
            )
        if named.exists():
            inside = Path(f"outside-{ups.count('/')}", rest)
            found[(inside if named.is_dir() else inside.parent).as_posix()] = named if named.is_dir() else named.parent
    return found
