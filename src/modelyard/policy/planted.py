"""What a change could plant to be judged by other rules than its base's: links, and a configuration moved aside."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from modelyard.config.load import NAME, Loaded, is_of_outcomes
from modelyard.core import documents, files
from modelyard.core.errors import ConfigError, Place
from modelyard.vcs import commits

_LARGEST = 1 << 20
_YAML = (".yml", ".yaml")


def refuse_links(own: Loaded, paths: Iterable[str]) -> None:
    """Refuse a configuration or a file of rules that is a link, or lies behind one.

    Args:
        own: the checkout's configuration.
        paths: files that the rules name, relative to the workspace.

    Raises:
        ConfigError: one is.
    """
    linked = own.link or next(filter(None, (files.first_link(own.root, Path(each)) for each in paths)), None)
    if linked is not None:
        raise _linked(linked.relative_to(own.root).as_posix(), "the checkout")


def refuse_link_at(root: Path, commit: str, path: str) -> None:
    """Refuse a file of the base's rules that is a link there, or lies behind one.

    Raises:
        ConfigError: it is.
    """
    parts = PurePosixPath(path).parts
    above = ["/".join(parts[: length + 1]) for length in range(len(parts))]
    for each in commits.entries(root, commit, *above):
        if each.path in above and each.mode == commits.LINK:
            raise _linked(each.path, f"the base {commit[:12]}")


def refuse_moved(root: Path, file: str, model: str, commit: str) -> None:
    """Refuse to call a change the first configuration of a model that has one elsewhere at the base.

    Args:
        root: the workspace.
        file: the configuration, relative to it.
        model: the model's name.
        commit: the base.

    Raises:
        ConfigError: it has one, or a file of the configuration's name there cannot be read.
    """
    listed = [
        each
        for each in commits.entries(root, commit)
        if each.path.endswith(_YAML) and each.mode != commits.LINK and each.size <= _LARGEST
    ]
    for entry, text in zip(listed, commits.contents(root, listed), strict=True):
        named = PurePosixPath(entry.path).name == NAME
        if b"model" in text and _is_about(model, text, entry.path, unreadable=named):
            raise ConfigError(
                f"the base {commit[:12]} has no {file}, but its rules for the model {model!r} may "
                f"stand in {entry.path}",
                code="config/moved",
                hint="A change is judged by the rules that stand before it: keep the configuration where it is, or "
                "move it in a commit on the base branch first.",
                place=Place(file),
            )


def model_of(text: bytes, path: str) -> str | None:
    """Return the name of the model that a YAML file is the configuration of; None where it is none.

    Raises:
        ConfigError: it cannot be read.
        UnicodeDecodeError: it is not UTF-8.
    """
    data = documents.read(text.decode(), path).data
    whole = isinstance(data, dict) and ("data" in data or is_of_outcomes(data))
    section = data.get("model") if whole else None
    name = section.get("name") if isinstance(section, dict) else None
    return name if isinstance(name, str) else None


def _is_about(model: str, text: bytes, path: str, *, unreadable: bool) -> bool:
    """Tell whether a YAML file is a configuration of a model; what cannot be read is as the caller says."""
    try:
        return model_of(text, path) == model
    except (UnicodeDecodeError, ConfigError):
        return unreadable


def _linked(path: str, where: str) -> ConfigError:
    return ConfigError(
        f"{path} in {where} is a link, which could lead to other rules than those that stand at its place",
        code="config/linked-rules",
        hint="Put the file itself there. On pull requests and merge groups, the configuration and the files that it "
        "names as rules are plain files.",
    )
