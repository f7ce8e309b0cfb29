"""What the streaming test runs in a process of its own: send a file, fetch it, and say how much memory that took.

Usage: python -m tests.github_transfer URL REPOSITORY SOURCE TARGET
"""

import json
import resource
import sys
from pathlib import Path

from modelyard.github.client import GitHub


def main(url: str, repository: str, source: Path, target: Path) -> None:
    """Print JSON: bytes that memory grew at its peak, and what the progress was told."""
    told: list[tuple[int, int, str]] = []
    client = GitHub(url, repository, "ghs_write", progress=lambda *each: told.append(each))
    release = client.send("POST", "releases", {"tag_name": "t", "draft": True}, needs="contents: write")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    asset = client.upload(release["upload_url"], source, name="model.zip", needs="contents: write")
    sent, told[:] = list(told), []
    client.download(f"releases/assets/{asset['id']}", target, needs="contents: read", size=asset["size"])
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    print(json.dumps({"grown": grown, "sent": sent, "fetched": told}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
