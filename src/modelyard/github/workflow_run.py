"""The run that a ``workflow_run`` event speaks of: which pull request it judged, and the records that it kept.

Everything here comes from a run that executed a pull request's code, so it is read as hostile: the pull request is
found by GitHub's own numbers, and of the artifact only named members of a bounded size are read, into files of ours.
"""

import re
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from modelyard.core.errors import PlatformError
from modelyard.core.files import write_atomic
from modelyard.github.client import GitHub
from modelyard.github.event import OtherRun

READ_RUN, READ_PULL, READ_CODE = "actions: read", "pull-requests: write", "contents: read"
LARGEST_ARTIFACT, LARGEST_RECORD = 200 << 20, 16 << 20
"""Bytes of an archive, and of one record in it, that are looked at."""
MOST_MODELS, MOST_BYTES = 10, 400 << 20
"""Models of one run that are commented on, and bytes of all their archives: a fork chooses how many its run keeps."""
_LARGEST_YAML, _MOST_FILES = 1 << 20, 30
_PAGE = re.compile(r"report-([a-z0-9-]{1,40})\.html")
_ARTIFACT = re.compile(r"modelyard-records-([a-z0-9-]{1,40})")


def pull_request(client: GitHub, run: OtherRun) -> int | None:
    """Return the one open pull request whose head is exactly what the run was for; None where none or several are.

    The payload's own list of pull requests is empty for forks, so it is asked for by the head's owner and branch.
    """
    query = {"per_page": 100, "state": "open", "head": f"{run.owner}:{run.branch}"}
    found = [
        pull
        for pull in client.pages("pulls", needs=READ_PULL, params=query)
        if pull["head"]["sha"] == run.head and ((pull["head"].get("repo") or {}).get("id")) == run.repository
    ]
    return int(found[0]["number"]) if len(found) == 1 else None


@dataclass(frozen=True)
class Artifact:
    """The newest records that a run kept of a model; its id and its archive's size are GitHub's, its name the run's."""

    model: str
    id: int
    size: int
    page: int | None = None
    """Id of the page of the report, where the run kept it by itself."""


def kept_records(client: GitHub, run: int) -> list[Artifact]:
    """List the records that a run kept, a model each, by the model's name.

    Raises:
        GitHubError: GitHub did not answer.
    """
    newest: dict[str, Artifact] = {}
    pages: dict[str, int] = {}
    for artifact in client.pages(f"actions/runs/{run}/artifacts", needs=READ_RUN, key="artifacts"):
        name, number = str(artifact.get("name")), int(artifact["id"])
        page, named = _PAGE.fullmatch(name), _ARTIFACT.fullmatch(name)
        if artifact.get("expired"):
            continue
        if page is not None:
            pages[page[1]] = max(pages.get(page[1], 0), number)
        if named is not None and (named[1] not in newest or number > newest[named[1]].id):
            newest[named[1]] = Artifact(named[1], number, int(artifact["size_in_bytes"]))
    return [replace(newest[model], page=pages.get(model)) for model in sorted(newest)]


def yaml_files(client: GitHub, commit: str) -> Iterator[tuple[str, bytes]]:
    """Yield path and bytes of the YAML files at a commit, those called modelyard.yml first; a bounded number.

    Raises:
        GitHubError: GitHub did not answer, or the token may not read.
    """
    tree = client.get(f"git/trees/{commit}", needs=READ_CODE, params={"recursive": 1})["tree"]
    paths = [
        str(each["path"])
        for each in tree
        if each["type"] == "blob" and each["mode"] != "120000" and int(each.get("size", 0)) <= _LARGEST_YAML
    ]
    found = [path for path in paths if path.endswith((".yml", ".yaml")) and not path.startswith(".github/")]
    for path in sorted(found, key=lambda path: (path.rpartition("/")[2] != "modelyard.yml", path))[:_MOST_FILES]:
        yield path, client.raw(f"contents/{path}", needs=READ_CODE, params={"ref": commit})


def fetch(client: GitHub, artifact: Artifact, members: Collection[str], folder: Path) -> Path:
    """Fetch the records of a model, and keep no archive.

    Args:
        client: the repository.
        artifact: what the run kept.
        members: paths in the archive that are wanted; nothing else of it is read.
        folder: where a folder is made for them.

    Raises:
        GitHubError: GitHub did not answer.
        PlatformError: it is no archive, or larger than it may be.
    """
    if artifact.size > LARGEST_ARTIFACT:
        raise PlatformError(
            f"the artifact of {artifact.model} has {artifact.size:,} bytes, too many to look at",
            code="github/artifact-too-large",
        )
    archive = folder / f"{artifact.model}.zip"
    try:
        client.download(f"actions/artifacts/{artifact.id}/zip", archive, needs=READ_RUN)
        _take_out(archive, members, folder / artifact.model)
    finally:
        archive.unlink(missing_ok=True)
    return folder / artifact.model


def _take_out(archive: Path, members: Collection[str], folder: Path) -> None:
    folder.mkdir()
    try:
        with zipfile.ZipFile(archive) as packed:
            inside = {info.filename: info for info in packed.infolist()}
            for name in members:
                info = inside.get(name)
                if info is None:
                    continue
                with packed.open(info) as stream:
                    data = stream.read(LARGEST_RECORD + 1)
                if len(data) > LARGEST_RECORD:
                    raise PlatformError(
                        f"{name} of the artifact is larger than {LARGEST_RECORD:,} bytes",
                        code="github/artifact-too-large",
                    )
                write_atomic(folder / name, data)
    except PlatformError:
        raise
    except Exception as error:  # what a hostile archive makes the library raise has no end of kinds
        raise PlatformError(
            "the artifact with the records is not a readable archive", code="github/bad-artifact"
        ) from error
