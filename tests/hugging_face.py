"""A small Hub of Hugging Face that keeps data sets, as its published client speaks to it; large files lie elsewhere.

Checked with ``huggingface_hub`` 2.4: ``HfApi.dataset_info``, ``list_repo_tree`` over pages, and ``hf_hub_download``
through the redirect get from it what they get from the Hub.
"""

import hashlib
import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.object_servers import Asked, Given

PAGE = 3
"""Files on a page of a listing; the Hub has a thousand."""
LARGE = 64
"""Bytes from which a file is kept in the other server."""


@dataclass
class Hub:
    """Data sets by name, each a list of commits; the last one is ``main``."""

    url: str = ""
    elsewhere: str = ""
    """Address of the server that hands large files out."""
    token: str = ""
    """What private data sets want to see."""
    private: set[str] = field(default_factory=set)
    commits: dict[str, list[dict[str, bytes]]] = field(default_factory=dict)

    def push(self, name: str, files: dict[str, bytes]) -> str:
        """Add a commit with exactly these files; returns its hash."""
        self.commits.setdefault(name, []).append(files)
        return self.sha(name, -1)

    def sha(self, name: str, at: int) -> str:
        """Return the hash of a commit."""
        number = range(len(self.commits[name]))[at]
        return hashlib.sha1(f"{name} {number}".encode(), usedforsecurity=False).hexdigest()

    def answer(self, asked: Asked) -> Given:
        """Answer as the Hub does."""
        parts = urlsplit(asked.path)
        steps = [unquote(step) for step in parts.path.strip("/").split("/")]
        api = steps[:2] == ["api", "datasets"]
        owner, name, verb, revision = (*steps[2:6], *[""] * 4)[:4] if api else (*steps[1:5], *[""] * 4)[:4]
        repository = f"{owner}/{name}"
        seen = {key.lower(): value for key, value in asked.headers.items()}
        known = seen.get("authorization") == f"Bearer {self.token}"
        if repository not in self.commits or (repository in self.private and not known):
            return _error(404 if known else 401, "RepoNotFound", "Repository not found")
        shas = [self.sha(repository, at) for at in range(len(self.commits[repository]))]
        sha = shas[-1] if revision in ("main", "") else revision
        if sha not in shas:
            return _error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        files = self.commits[repository][shas.index(sha)]
        if api and verb in ("revision", ""):
            return _json({"_id": "1", "id": repository, "sha": sha, "private": repository in self.private,
                          "disabled": False, "downloads": 0, "likes": 0, "tags": [],
                          "siblings": [{"rfilename": path} for path in files]})  # fmt: skip
        if api and verb == "tree":
            return self.tree(files, "/".join(steps[6:]), f"{self.url}{parts.path}", parse_qs(parts.query))
        if verb == "resolve":
            return self.resolve(files, "/".join(steps[5:]), sha)
        return _error(404, "", "Not found")

    def tree(self, files: dict[str, bytes], folder: str, url: str, query: dict[str, list[str]]) -> Given:
        """List a folder, a page at a time."""
        lead = f"{folder}/" if folder else ""
        deep = query.get("recursive") in (["true"], ["True"], ["1"])
        below = sorted(path for path in files if path.startswith(lead))
        if not below:
            return _error(404, "EntryNotFound", f"{folder} does not exist")
        entries = []
        for path in below:
            inner, _, more = path.removeprefix(lead).partition("/")
            if more and not deep:
                entries.append({"type": "directory", "oid": "0" * 40, "size": 0, "path": lead + inner})
            else:
                entries.append(_entry(path, files[path]))
        entries = list({each["path"]: each for each in entries}.values())
        start = int(query.get("cursor", ["0"])[0])
        headers = {}
        if start + PAGE < len(entries):
            kept = "&recursive=true" if deep else ""
            headers["Link"] = f'<{url}?cursor={start + PAGE}{kept}>; rel="next"'
        return _json(entries[start : start + PAGE], headers)

    def resolve(self, files: dict[str, bytes], path: str, sha: str) -> Given:
        """Hand a file out, or say where it lies."""
        if path not in files:
            return _error(404, "EntryNotFound", "Entry not found")
        data = files[path]
        oid = _sha256(data) if len(data) >= LARGE else _blob(data)
        headers = {"X-Repo-Commit": sha, "ETag": f'"{oid}"', "Content-Length": str(len(data))}
        if len(data) < LARGE:
            return Given(200, data, headers)
        linked = {"X-Linked-Etag": f'"{oid}"', "X-Linked-Size": str(len(data)), "X-Repo-Commit": sha}
        return Given(302, b"", {**linked, "Location": f"{self.elsewhere}/{oid}?path={quote(path)}"})

    def give_large(self, asked: Asked) -> Given:
        """Answer as the server of large files does."""
        oid = urlsplit(asked.path).path.strip("/")
        for commits in self.commits.values():
            for files in commits:
                for data in files.values():
                    if _sha256(data) == oid:
                        return Given(200, data, {"ETag": f'"{oid}"', "Content-Length": str(len(data))})
        return Given(404)


def _entry(path: str, data: bytes) -> dict[str, object]:
    entry: dict[str, object] = {"type": "file", "oid": _blob(data), "size": len(data), "path": path}
    if len(data) >= LARGE:
        entry["lfs"] = {"oid": _sha256(data), "size": len(data), "pointerSize": 128}
    return entry


def _blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _json(found: object, headers: dict[str, str] | None = None) -> Given:
    return Given(200, json.dumps(found).encode(), {"Content-Type": "application/json", **(headers or {})})


def _error(status: int, code: str, message: str) -> Given:
    headers = {"X-Error-Code": code, "X-Error-Message": message, "Content-Type": "application/json"}
    return Given(status, json.dumps({"error": message}).encode(), headers)
