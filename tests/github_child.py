"""What the fire test of the github registry runs in processes of their own: promote some models, against the others.

Usage: python -m tests.github_child URL REPOSITORY FOLDER NAME TIMES
"""

import random
import sys
import time
from pathlib import Path

from modelyard.github.client import GitHub
from modelyard.registry.github.registry import GitHubRegistry
from modelyard.registry.protocol import AliasMoved
from tests.registry_samples import MODEL, bundle, promote, run_folder


def main(url: str, repository: str, folder: Path, name: str, times: int) -> None:
    """Promote that many models of its own; whoever is overtaken looks again."""
    client = GitHub(url, repository, "ghs_write", pause=lambda seconds: time.sleep(seconds / 20))
    rng = random.Random(int(name))  # noqa: S311 - it only spreads pauses
    where = GitHubRegistry(client, MODEL, scratch=folder / "scratch", target="main", rng=rng)
    for at in range(times):
        version = where.publish(bundle(run_folder(folder / str(at), f"{name} {at}")))
        while True:
            now = where.find("champion")
            try:
                promote(where, version, seen=now.name if now else None, reason=f"process {name}, {at}")
                break
            except AliasMoved:
                continue


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
