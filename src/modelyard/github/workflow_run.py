"""The run that a ``workflow_run`` event speaks of: which pull request it judged, and the records that it kept.

Everything here comes from a run that executed a pull request's code, so it is read as hostile: the pull request is
found by GitHub's own numbers, and of the artifact only named members of a bounded size are read, into files of ours.
"""

import re
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from modelyard.core.errors import PlatformError
from modelyard.core.files import write_atomic
from modelyard.github.client import GitHub
from modelyard.github.event import OtherRun

READ_RUN, READ_PULL = "actions: read", "pull-requests: write"
LARGEST_ARTIFACT, LARGEST_RECORD = 200 << 20, 16 << 20
"""Bytes of an archive, and of one record in it, that are looked at."""
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


def kept_records(client: GitHub, run: OtherRun, members: Collection[str], folder: Path) -> dict[str, Path]:
    """Fetch the records of a run, each model's into a folder of its own.

    Args:
        client: the repository.
        run: the run.
        members: paths in the artifact that are wanted; nothing else of it is read.
        folder: where they go.

    Returns:
        Model to its folder.

    Raises:
        GitHubError: GitHub did not answer.
        PlatformError: an artifact is no archive, or larger than it may be.
    """
    newest: dict[str, dict[str, Any]] = {}
    for artifact in client.pages(f"actions/runs/{run.id}/artifacts", needs=READ_RUN, key="artifacts"):
        named = _ARTIFACT.fullmatch(str(artifact.get("name")))
        if named is None or artifact.get("expired"):
            continue
        known = newest.get(named[1])
        if known is None or artifact["id"] > known["id"]:
            newest[named[1]] = artifact
    found = {}
    for model, artifact in sorted(newest.items()):
        if artifact["size_in_bytes"] > LARGEST_ARTIFACT:
            raise PlatformError(
                f"the artifact of {model} has {artifact['size_in_bytes']:,} bytes, too many to look at",
                code="github/artifact-too-large",
            )
        archive = folder / f"{model}.zip"
        client.download(f"actions/artifacts/{int(artifact['id'])}/zip", archive, needs=READ_RUN)
        found[model] = folder / model
        _take_out(archive, members, found[model])
    return found


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
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise PlatformError(
            "the artifact with the records is not a readable archive", code="github/bad-artifact"
        ) from error
