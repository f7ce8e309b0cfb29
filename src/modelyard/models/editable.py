"""Packages that are installed as editable: their code is a folder of someone's, and changes without an installation."""

import json
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit


def editable_packages() -> Iterator[tuple[str, Path]]:
    """Yield name and folder of the packages that are installed as editable, without this one."""
    for package in metadata.distributions():
        text = package.read_text("direct_url.json")
        name = re.sub(r"[-_.]+", "-", str(package.metadata["Name"] or "")).lower()
        if text is None or name in ("", "modelyard"):
            continue
        where = json.loads(text)
        folder = Path(unquote(urlsplit(str(where.get("url", ""))).path))
        if where.get("dir_info", {}).get("editable") and folder.is_dir():
            yield name, folder


def importable(folder: Path) -> list[Path]:
    """Return what can be imported from a project's folder: its ``src``, or its packages and modules."""
    if (folder / "src").is_dir():
        return [folder / "src"]
    return [
        path for path in sorted(folder.iterdir()) if path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py")))
    ]
