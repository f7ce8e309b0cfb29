"""Where the rules of a run stand in the checkout, as far as their lines are the same there."""

from pathlib import Path

from modelyard.report.places import Places
from modelyard.steps.context import Context


def places(context: Context) -> Places:
    """Return the files that annotations may point into.

    On a pull request the rules are the base's: a file counts where the checkout has the very same bytes.
    """
    home, folder = context.loaded.path.parent, context.policy.rules.folder
    validation = context.config.validate_
    named = {} if validation is None else {name: str(path) for name, path in validation.suites.items()}
    if folder is None:
        return Places(context.loaded.file, named)
    own = context.root / home.relative_to(context.loaded.root)
    config = context.loaded.file if _same(context.root / context.loaded.file, folder / context.loaded.file) else ""
    base = folder / own.relative_to(context.root)
    return Places(config, {name: path for name, path in named.items() if _same(own / path, base / path)})


def _same(here: Path, there: Path) -> bool:
    try:
        return here.read_bytes() == there.read_bytes()
    except OSError:
        return False
