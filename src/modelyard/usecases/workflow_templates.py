"""The workflow templates that this version brings, and their copies with a repository's own names."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import modelyard
from modelyard.core import files
from modelyard.core.errors import ConfigError, PlatformError, nearest
from modelyard.usecases.doctor import ours
from modelyard.workflows.edit import Edit, Put, applied
from modelyard.workflows.workflow import FOLDER, Workflow, read, read_file

_FOLDER = "workflows-templates"
PLACEHOLDER = "$default-branch"
DATA_COMMENT = "      # Bring the data here, for example with: dvc pull\n"
_DVC = """\
      - name: Bring the data here
        run: pipx run --spec "dvc[all]" dvc pull # its remote's credentials: env, and this step alone
"""
_HINT = re.compile(r"^ *# With registry: .*\n", re.MULTILINE)
"""What a reader would add by hand for one setting."""
CHECKOUT = "actions/checkout"


def folder() -> Path:
    """Return where the templates are: beside the source in a checkout, inside the package in a wheel.

    Raises:
        PlatformError: this installation has none.
    """
    package = Path(modelyard.__file__).resolve().parent
    for found in (package / _FOLDER, package.parents[1] / _FOLDER):
        if found.is_dir():
            return found
    raise PlatformError(
        "this installation has no workflow templates", code="disk/no-templates", hint="Install modelyard again."
    )


def installed() -> dict[str, Workflow]:
    """Return the templates by file name."""
    return {path.name: read_file(path, path.name) for path in sorted(folder().glob("*.yml"))}


@dataclass(frozen=True)
class Names:
    """What a repository calls things.

    Attributes:
        branch: its default branch.
        config: path of the configuration, relative to the repository's top.
        kept: how its data are kept outside git: dvc, lfs; empty where git holds them.
        via: ``registry.via`` of its configuration.
    """

    branch: str
    config: str = "modelyard.yml"
    kept: frozenset[str] = frozenset()
    via: str = "direct"


def copies(templates: Mapping[str, Workflow], names: Names) -> dict[str, str]:
    """Return each template's text with a repository's own names in it, by file name."""
    texts = {file: _copy(template, names) for file, template in templates.items()}
    made = {(FOLDER / file).as_posix(): read(text, file) for file, text in texts.items()}
    return {file: _calling(made[(FOLDER / file).as_posix()], made, names) for file in texts}


def _calling(workflow: Workflow, made: Mapping[str, Workflow], names: Names) -> str:
    """Return a workflow in which a job that calls another grants what that one's jobs ask for."""
    edits: list[Edit] = []
    for job in workflow.jobs:
        callee = made.get(job.called)
        for scope, level in callee.asked().items() if callee is not None else ():
            if job.grants.covers(scope, level) is False:
                edits.append(Put((*job.path, "permissions", scope), level, f"registry.via is {names.via}"))
    text = applied(workflow.text, edits)
    if text is None:
        raise AssertionError(f"{workflow.file} cannot be given its permissions")
    return text


def _copy(template: Workflow, names: Names) -> str:
    edits: list[Edit] = [Put(path, names.branch) for path, text in template.texts() if text == PLACEHOLDER]
    for job in template.jobs:
        for step in job.steps:
            if step.uses is None:
                continue
            if step.uses.repository == CHECKOUT and "lfs" in names.kept:
                edits.append(Put((*step.path, "with", "lfs"), value=True, comment="the data are kept in Git LFS"))
            use = ours.used(step)
            if use is None:
                continue
            takes = use.spec is None or "config" in use.spec.inputs.model_fields
            if takes and names.config != "modelyard.yml" and "${{" not in str(step.input("config")):
                edits.append(Put((*step.path, "with", "config"), names.config, after="with"))
            needed = ours.permissions(use, step, frozenset(template.triggers), names.via)
            missing = {scope: level for scope, level in needed.items() if not job.grants.covers(scope, level)}
            reason = f"registry.via is {names.via}"
            edits += [Put((*job.path, "permissions", scope), level, reason) for scope, level in missing.items()]
    text = applied(template.text, edits)
    if text is None:
        raise AssertionError(f"{template.file} cannot be given the repository's names")
    text = text.replace(DATA_COMMENT, _DVC if "dvc" in names.kept else "")
    text = _HINT.sub("", text)
    read(text, template.file)
    return text


def write_copies(root: Path, wanted: Mapping[str, str], *, force: bool) -> list[str]:
    """Write workflows, all of them or none.

    Args:
        root: the repository's top.
        wanted: texts by file name.
        force: files that are there with another text are overwritten.

    Returns:
        Paths that were written, relative to the top.

    Raises:
        ConfigError: files are there with another text, or a link is in the way.
        PlatformError: the disk would not take it.
    """
    target = root / FOLDER
    if files.first_link(root, FOLDER) is not None:
        raise ConfigError(
            f"{FOLDER.as_posix()} is a link, or lies behind one", code="workflow/is-a-link", hint="Remove the link."
        )
    new = {name: text for name, text in wanted.items() if not _says(target / name, text)}
    there = sorted(name for name in new if (target / name).exists() or (target / name).is_symlink())
    if there and not force:
        raise ConfigError(
            f"{FOLDER.as_posix()} has {', '.join(there)} already, and nothing is overwritten",
            code="workflow/exists",
            hint="Compare them first (modelyard doctor does), then pass --force.",
        )
    files.make_folder(target)
    for name, text in new.items():
        files.write_atomic(target / name, text.encode())
    return [(FOLDER / name).as_posix() for name in new]


def _says(path: Path, text: str) -> bool:
    return path.is_file() and not path.is_symlink() and path.read_bytes() == text.encode()


_ALWAYS = ("ml-pull-request.yml", "ml-comment.yml", "ml-train-promote.yml", "ml-rollback.yml", "ml-commands.yml")
_VIA = {"pull-request": ("ml-promotion-merged.yml",)}
_MONITOR = ("ml-monitor.yml",)
_ELSEWHERE = ("ml-data-change.yml",)


def chosen(
    templates: Mapping[str, Workflow], *, via: str, monitor: bool, elsewhere: bool, asked: Sequence[str] = ()
) -> dict[str, Workflow]:
    """Return the templates that a repository has use for.

    Args:
        templates: all of them.
        via: ``registry.via``; a promotion by pull request needs the workflow that follows its merge.
        monitor: whether the configuration has a monitor section.
        elsewhere: whether data is kept outside git, so that it changes without a push of its files.
        asked: names, with or without ``.yml``; these and no others.

    Raises:
        ConfigError: an unknown name.
    """
    names = [name if name.endswith(".yml") else f"{name}.yml" for name in asked]
    for name in names:
        if name not in templates:
            raise ConfigError(
                f"unknown template {name[:60]!r}",
                code="workflow/unknown-template",
                hint=nearest(name, templates) or f"Templates are {', '.join(templates)}.",
            )
    wanted = names or [*_ALWAYS, *_VIA.get(via, ()), *(_MONITOR if monitor else ()), *(_ELSEWHERE if elsewhere else ())]
    return {name: template for name, template in templates.items() if name in wanted}
