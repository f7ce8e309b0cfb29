"""GitHub's REST interface with state: git objects in a real repository, releases, comments, permissions, faults.

It serves on loopback, or without a socket through a session of its own (``Hub.session``), which is much faster.
Every request is held against GitHub's published description; what does not fit stands in ``violations``.
"""

import base64
import hashlib
import io
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import requests
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from tests.git_store import TREE, GitStore
from tests.openapi import operation_of, violations

BOT = "github-actions[bot]"
LARGE = 8 << 20
"""Bytes from which an asset is kept in a file."""
How = Literal["status", "reset", "timeout", "truncate", "starter"]


@dataclass(frozen=True)
class Call:
    """One request: its operation by GitHub's name, and the status that it got."""

    operation: str
    method: str
    path: str
    status: int


@dataclass
class Fault:
    """How the next matching requests fail; ``after``: the server acts first, and only its answer is lost.

    ``at`` counts requests instead of naming an operation: the one with that number fails, and with ``sticky`` its
    repetitions too, up to the first request that is another one.
    """

    operation: str
    how: How
    status: int = 500
    times: int = 1
    after: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "made to fail"
    at: int | None = None
    sticky: bool = False
    key: tuple[str, str] | None = None

    def meets(self, operation: str, key: tuple[str, str], number: int) -> bool:
        """Whether a request fails; it counts."""
        if self.at is not None:
            if number == self.at:
                self.key = key
            elif number > self.at and (not self.sticky or key != self.key):
                self.key = None
                self.times = 0
            return self.key is not None and key == self.key and self.times > 0
        if self.operation != operation or self.times <= 0:
            return False
        self.times -= 1
        return True


class Answer(Exception):  # noqa: N818 - it is raised to answer
    """A refusal with its status, and with codes or messages in detail."""

    def __init__(self, status: int, message: str, *codes: str, details: tuple[str, ...] = ()) -> None:
        self.status = status
        self.body: dict[str, Any] = {"message": message, "documentation_url": "https://docs.github.com/rest"}
        if codes or details:
            self.body["errors"] = [{"code": code} for code in codes]
            self.body["errors"] += [{"code": "custom", "message": detail} for detail in details]
        super().__init__(message)


@dataclass
class Hub:
    """One repository. ``git`` is its bare git repository; ``writers`` maps a token to what it may write."""

    folder: Path
    name: str = "acme/demo"
    calls: list[Call] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    tokens: dict[str, set[str]] = field(default_factory=lambda: {"ghs_read": set()})
    logins: dict[str, str] = field(default_factory=dict)
    no_issues: bool = False
    """Issues are switched off."""
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    releases: dict[int, dict[str, Any]] = field(default_factory=dict)
    assets: dict[int, dict[str, Any]] = field(default_factory=dict)
    workflows: dict[str, set[str]] = field(default_factory=dict)
    """Files that take a workflow_dispatch, and the inputs that they declare."""
    runs: dict[int, dict[str, Any]] = field(default_factory=dict)
    """What was dispatched; ``inputs`` and ``ref`` are what was asked for."""
    artifacts: dict[int, dict[str, Any]] = field(default_factory=dict)
    """What runs kept; each with its run, name and archive."""
    about: dict[str, Any] = field(default_factory=lambda: {"default_branch": "main", "private": False})
    """What is said of the repository itself."""
    branch_rules: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Branch → the rules of rulesets that cover it; those of ``protected`` are told by its branch."""
    rulesets: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Rulesets by number, each with target, enforcement, conditions and rules."""
    required_checks: list[str] = field(default_factory=list)
    """Checks that the protection of a branch in ``protected`` requires."""
    workflow_states: dict[str, str] = field(default_factory=dict)
    """Path of a workflow → its state."""
    environments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Environment → its protection rules."""
    roles: dict[str, str] = field(default_factory=dict)
    """Login → permission; others are unknown to GitHub."""
    reactions: list[tuple[int, str, str]] = field(default_factory=list)
    """Comment, content and login of each reaction."""
    faults: list[Fault] = field(default_factory=list)
    protected: set[str] = field(default_factory=set)
    no_pulls: bool = False
    """Actions may not open pull requests, as a repository's settings have it at first."""
    rules: dict[str, Answer] = field(default_factory=dict)
    """Beginning of a reference's name → the refusal of whoever would create or move one."""
    immutable: bool = False
    """Whether releases are immutable once published; their tags are burned for ever."""
    burned: set[str] = field(default_factory=set)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    """What GitHub's clock shows; it stands in the header Date."""
    ranges: bool = True
    """Whether the storage answers requests for a part of a file."""
    checked: bool = True
    """Whether requests are held against the description."""
    seen: int = 0
    url: str = "http://hub.example"
    storage: str = "http://storage.example"
    _number: int = 1000
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _git: GitStore | None = None

    @property
    def git_dir(self) -> Path:
        """The bare repository."""
        return self.folder / "hub.git"

    @property
    def git(self) -> GitStore:
        """Its objects and references."""
        self._git = self._git or GitStore(self.git_dir)
        return self._git

    @property
    def writes(self) -> list[Call]:
        """The requests that change something."""
        return [call for call in self.calls if call.method != "GET"]

    def fail(
        self, operation: str, how: How = "status", status: int = 500, times: int = 1, *, after: bool = False,
        headers: Mapping[str, str] | None = None, message: str = "made to fail",
    ) -> None:  # fmt: skip
        """Let the next requests of an operation fail."""
        self.faults.append(Fault(operation, how, status, times, after, headers or {}, message))

    def session(self) -> requests.Session:
        """A session whose requests are answered in this process."""
        return _InProcess(self)

    def delete_tag(self, tag: str) -> None:
        """What a person does by hand; GitHub makes a draft of a release whose tag is gone."""
        self.run("update-ref", "-d", f"refs/tags/{tag}")
        for release in self.releases.values():
            if release["tag_name"] == tag:
                release["draft"] = True

    def push(self, repository: Path) -> None:
        """Take over all commits of a checkout."""
        self.run(
            "fetch", "-q", "--update-head-ok", str(repository), "+refs/heads/*:refs/heads/*", "+HEAD:refs/seen/head"
        )

    def run(self, *arguments: str, data: bytes = b"", environ: Mapping[str, str] | None = None) -> str:
        """What git says of the bare repository, on one line or several."""
        return self.raw(*arguments, data=data, environ=environ).decode("utf-8", "surrogateescape").strip()

    def raw(self, *arguments: str, data: bytes = b"", environ: Mapping[str, str] | None = None) -> bytes:
        """The same, byte for byte."""
        named = ["-c", "user.name=hub", "-c", "user.email=hub@example.org"]
        done = subprocess.run(
            ["git", *named, "--git-dir", str(self.git_dir), *arguments], input=data, capture_output=True, check=False,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", **(environ or {})},
        )  # fmt: skip
        if done.returncode:
            raise Answer(404, "Not Found")
        return done.stdout

    def number(self) -> int:
        """A new identifier."""
        self._number += 1
        return self._number

    # answering

    def answer(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | Path
    ) -> tuple[int, bytes | Path, dict[str, str]]:
        """Status, body and headers for one request.

        Raises:
            Broken: the connection breaks.
        """
        with self._lock:
            parts = urlsplit(url)
            storage = parts.path.startswith(("/assets/", "/artifacts/"))
            path, query = parts.path.removeprefix("/uploads"), dict(parse_qsl(parts.query, keep_blank_values=True))
            upload = path != parts.path
            payload = json.loads(body) if isinstance(body, bytes) and body and not upload else None
            if self.checked and not storage:
                self.violations += violations(method, path, query, payload)
            operation = "storage" if storage else (operation_of(method, path) or ("unknown", {}))[0]
            number, key = self.seen, (method, url)
            self.seen += 1
            fault = next((each for each in self.faults if each.meets(operation, key, number)), None)
            date = {"Date": format_datetime(self.clock(), usegmt=True)}
            status, found, extra = 0, None, dict[str, str]()
            try:
                if fault is None or fault.after:
                    status, found, extra = (
                        _stored(self, path, headers)
                        if storage
                        else self._act(operation, method, path, query, body if upload else payload, headers)
                    )
            except Answer as refusal:
                status, found, extra = refusal.status, refusal.body, {}
            if fault and fault.how == "starter":
                _starter(self, path, query)
            if fault and fault.how == "status":
                status, found, extra = fault.status, {"message": fault.message}, dict(fault.headers)
            broken = fault is not None and fault.how != "status"
            self.calls.append(Call(operation, method, path, 0 if broken else status))
            data = found if isinstance(found, bytes | Path) else b"" if found is None else json.dumps(found).encode()
            if fault and fault.how == "truncate":
                raise Broken(fault, status or 200, data if isinstance(data, bytes) else data.read_bytes(), extra | date)
            if fault and broken:
                raise Broken(fault)
            return status, data, {**extra, **date}

    def _act(
        self, operation: str, method: str, path: str, query: dict[str, str], body: Any, headers: Mapping[str, str]
    ) -> tuple[int, Any, dict[str, str]]:
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in self.tokens:
            raise Answer(401, "Bad credentials")
        needed = _needed(self, operation, path)
        if method != "GET" and not needed & self.tokens.get(token, set()):
            raise Answer(403, "Resource not accessible by integration")
        handler = _HANDLERS.get(operation)
        if handler is None:
            raise Answer(501, f"this stand-in does not know {operation}")
        rest = unquote(path.removeprefix(f"/repos/{self.name}"))
        may_write = "contents" in self.tokens.get(token, set())
        return handler(self, Request(rest, query, body, headers, self.logins.get(token, BOT), token, may_write))


@dataclass(frozen=True)
class Request:
    """What a handler gets: the path below the repository, and the rest of the request."""

    path: str
    query: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]
    login: str
    token: str
    may_write: bool

    @property
    def last(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


class Broken(Exception):  # noqa: N818 - a connection that breaks
    """A connection that breaks: before an answer, or with half of one."""

    def __init__(
        self, fault: Fault, status: int = 0, data: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        self.fault = fault
        self.status = status
        self.headers = headers or {}
        self.declared = max(len(data), 2)
        self.data = data[: len(data) // 2]
        super().__init__(fault.how)


Reply = tuple[int, Any, dict[str, str]]


def _page(hub: Hub, request: Request, path: str, items: list[Any]) -> Reply:
    size, page = min(100, int(request.query.get("per_page", "30"))), int(request.query.get("page", "1"))
    start = (page - 1) * size
    more = len(items) > start + size
    query = urlencode({**request.query, "per_page": size, "page": page + 1})
    link = f'<{hub.url}/repos/{hub.name}{path}?{query}>; rel="next"'
    return 200, items[start : start + size], {"Link": link} if more else {}


# git


def _ref(request: Request, lead: str) -> str:
    return "refs/" + request.path.partition(lead)[2]


def _known(hub: Hub, sha: str) -> str:
    with suppress(KeyError):
        hub.git.read(sha)
        return sha
    raise Answer(404, "Not Found")


def _commit_of(hub: Hub, name: str) -> str:
    for found in (hub.git.ref(f"refs/heads/{name}"), hub.git.ref(f"refs/tags/{name}")):
        if found:
            return found
    if re.fullmatch(r"[0-9a-f]{40}", name):
        return _known(hub, name)
    return hub.run("rev-parse", "--verify", "--quiet", name)


def _refuse_by_rule(hub: Hub, name: str) -> None:
    if name.removeprefix("refs/heads/") in hub.protected:
        raise Answer(422, "Repository rule violations found")
    for lead, refusal in hub.rules.items():
        if name.startswith(lead):
            raise refusal


def get_ref(hub: Hub, request: Request) -> Reply:
    name = _ref(request, "/git/ref/")
    sha = hub.git.ref(name)
    if sha is None:
        raise Answer(404, "Not Found")
    return 200, {"ref": name, "object": {"sha": sha, "type": "commit"}}, {}


def matching_refs(hub: Hub, request: Request) -> Reply:
    pairs = hub.git.refs(_ref(request, "/git/matching-refs/"))
    return 200, [{"ref": ref, "object": {"sha": sha, "type": "commit"}} for ref, sha in pairs], {}


def create_ref(hub: Hub, request: Request) -> Reply:
    name, sha = request.body["ref"], request.body["sha"]
    _refuse_by_rule(hub, name)
    if hub.git.ref(name):
        raise Answer(422, "Reference already exists")
    hub.git.set_ref(name, _known(hub, sha))
    return 201, {"ref": name, "object": {"sha": sha}}, {}


def update_ref(hub: Hub, request: Request) -> Reply:
    name, sha = _ref(request, "/git/refs/"), request.body["sha"]
    _refuse_by_rule(hub, name)
    before = hub.git.ref(name)
    if not before:
        raise Answer(422, "Reference does not exist")
    if not request.body.get("force") and not hub.git.leads_to(before, _known(hub, sha)):
        raise Answer(422, "Update is not a fast forward")
    hub.git.set_ref(name, sha)
    return 200, {"ref": name, "object": {"sha": sha}}, {}


def create_blob(hub: Hub, request: Request) -> Reply:
    content = request.body["content"]
    data = base64.b64decode(content) if request.body.get("encoding") == "base64" else content.encode()
    return 201, {"sha": hub.git.write("blob", data)}, {}


def get_blob(hub: Hub, request: Request) -> Reply:
    _, data = hub.git.read(_known(hub, request.last))
    if "raw" in request.headers.get("Accept", ""):
        return 200, data, {}
    return 200, {"sha": request.last, "content": base64.b64encode(data).decode(), "encoding": "base64"}, {}


def create_tree(hub: Hub, request: Request) -> Reply:
    files = {}
    for item in request.body["tree"]:
        sha = hub.git.write("blob", item["content"].encode()) if "content" in item else item.get("sha")
        files[item["path"]] = (item["mode"], sha)
    base = request.body.get("base_tree")
    return 201, {"sha": hub.git.put(_known(hub, base) if base else None, files)}, {}


def get_tree(hub: Hub, request: Request) -> Reply:
    top = _commit_of(hub, request.last)
    items: list[dict[str, str]] = []

    def walk(sha: str, lead: str) -> None:
        for name, (mode, found) in hub.git.tree(sha).items():
            kind = "tree" if mode == TREE else "blob"
            items.append({"path": lead + name, "mode": mode.rjust(6, "0"), "type": kind, "sha": found})
            if mode == TREE and request.query.get("recursive"):
                walk(found, f"{lead}{name}/")

    walk(top, "")
    return 200, {"sha": top, "tree": items, "truncated": False}, {}


def create_commit(hub: Hub, request: Request) -> Reply:
    body = request.body
    for sha in (body["tree"], *body.get("parents", [])):
        _known(hub, sha)
    sha = hub.git.make_commit(body["tree"], body.get("parents", []), body["message"], hub.number())
    return 201, {"sha": sha, "tree": {"sha": body["tree"]}}, {}


def get_commit(hub: Hub, request: Request) -> Reply:
    sha = _known(hub, request.last)
    tree, parents, message = hub.git.commit(sha)
    return 200, {"sha": sha, "tree": {"sha": tree}, "message": message, "parents": [{"sha": p} for p in parents]}, {}


def get_content(hub: Hub, request: Request) -> Reply:
    path, ref = request.path.partition("/contents/")[2], request.query.get("ref", "HEAD")
    found = hub.git.file(_commit_of(hub, ref), path)
    if found is None:
        raise Answer(404, "Not Found")
    if found[0] == TREE:
        return 200, [{"path": path, "type": "dir"}], {}
    _, data = hub.git.read(found[1])
    if "raw" in request.headers.get("Accept", ""):
        return 200, data, {}
    return 200, {"type": "file", "path": path, "encoding": "base64", "content": base64.b64encode(data).decode()}, {}


# releases


def _release(hub: Hub, release: dict[str, Any]) -> dict[str, Any]:
    own = [_asset(asset) for asset in hub.assets.values() if asset["release"] == release["id"]]
    url = f"{hub.url}/uploads/repos/{hub.name}/releases/{release['id']}/assets{{?name,label}}"
    return {**release, "assets": own, "upload_url": url, "html_url": f"{hub.url}/releases/{release['id']}"}


def _asset(asset: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in asset.items() if key not in ("data", "release")}


def _find_release(hub: Hub, request: Request, number: str) -> dict[str, Any]:
    release = hub.releases.get(int(number))
    if release is None or (release["draft"] and not request.may_write):
        raise Answer(404, "Not Found")
    return release


_BURNED = (
    "pre_receive Repository rule violations found\n\nCannot create ref due to creations being restricted.\n\n",
    "tag_name was used by an immutable release",
    "Published releases must have a valid tag",
)
"""What GitHub says of the tag of an immutable release that was deleted."""


def _publish(hub: Hub, release: dict[str, Any]) -> None:
    tag = release["tag_name"]
    if tag in hub.burned:
        raise Answer(422, "Validation Failed", details=_BURNED)
    if any(other["tag_name"] == tag and not other["draft"] and other is not release for other in hub.releases.values()):
        raise Answer(422, "Validation Failed", "already_exists")
    if not hub.git.ref(f"refs/tags/{tag}"):
        _refuse_by_rule(hub, f"refs/tags/{tag}")
        hub.git.set_ref(f"refs/tags/{tag}", _commit_of(hub, release["target_commitish"] or "HEAD"))


def create_release(hub: Hub, request: Request) -> Reply:
    body = request.body
    release = {
        "id": hub.number(), "tag_name": body["tag_name"], "draft": bool(body.get("draft")), "name": body.get("name"),
        "body": body.get("body", ""), "target_commitish": body.get("target_commitish", ""),
        "created_at": "2026-05-03T12:00:00Z", "prerelease": bool(body.get("prerelease")),
        "make_latest": body.get("make_latest", "true"),
    }  # fmt: skip
    if not release["draft"]:
        _publish(hub, release)
    hub.releases[release["id"]] = release
    return 201, _release(hub, release), {}


def update_release(hub: Hub, request: Request) -> Reply:
    release = _find_release(hub, request, request.last)
    changed = {**release, **request.body}
    if release["draft"] and not changed["draft"]:
        _publish(hub, {**changed, "draft": True})
    release.update(changed)
    return 200, _release(hub, release), {}


def delete_release(hub: Hub, request: Request) -> Reply:
    release = _find_release(hub, request, request.last)
    if hub.immutable and not release["draft"]:
        hub.burned.add(release["tag_name"])
    del hub.releases[release["id"]]
    for asset in [asset for asset in hub.assets.values() if asset["release"] == release["id"]]:
        del hub.assets[asset["id"]]
    return 204, None, {}


def _refuse_immutable(hub: Hub, release: dict[str, Any], what: str) -> None:
    if hub.immutable and not release["draft"]:
        raise Answer(422, f"Cannot {what} an immutable release")


def get_release(hub: Hub, request: Request) -> Reply:
    return 200, _release(hub, _find_release(hub, request, request.last)), {}


def release_by_tag(hub: Hub, request: Request) -> Reply:
    tag = request.path.partition("/releases/tags/")[2]
    for release in hub.releases.values():
        if release["tag_name"] == tag and not release["draft"]:
            return 200, _release(hub, release), {}
    raise Answer(404, "Not Found")


def list_releases(hub: Hub, request: Request) -> Reply:
    shown = [release for release in hub.releases.values() if request.may_write or not release["draft"]]
    return _page(hub, request, request.path, [_release(hub, release) for release in reversed(shown)])


def upload_asset(hub: Hub, request: Request) -> Reply:
    release = _find_release(hub, request, request.path.split("/")[2])
    _refuse_immutable(hub, release, "upload assets to")
    name = request.query["name"]
    if any(asset["release"] == release["id"] and asset["name"] == name for asset in hub.assets.values()):
        raise Answer(422, "Validation Failed", "already_exists")
    return 201, _asset(_kept(hub, release["id"], name, request.body, "uploaded")), {}


def _kept(hub: Hub, release: int, name: str, data: bytes | Path, state: str) -> dict[str, Any]:
    size, digest = len(data) if isinstance(data, bytes) else data.stat().st_size, None
    if state == "uploaded":
        with io.BytesIO(data) if isinstance(data, bytes) else data.open("rb") as stream:
            digest = f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
    asset: dict[str, Any] = {
        "id": hub.number(), "release": release, "name": name, "size": size, "state": state, "digest": digest,
        "data": data, "content_type": "application/octet-stream",
    }  # fmt: skip
    hub.assets[asset["id"]] = asset
    return asset


def _starter(hub: Hub, path: str, query: Mapping[str, str]) -> None:
    """What an upload that breaks may leave: an asset that has a name and no bytes."""
    release = re.fullmatch(r"/repos/[^/]+/[^/]+/releases/(\d+)/assets", path)
    if release and int(release[1]) in hub.releases:
        _kept(hub, int(release[1]), query["name"], b"", "starter")


def list_assets(hub: Hub, request: Request) -> Reply:
    release = _find_release(hub, request, request.path.split("/")[2])
    return _page(hub, request, request.path, _release(hub, release)["assets"])


def get_asset(hub: Hub, request: Request) -> Reply:
    asset = hub.assets.get(int(request.last))
    if asset is None:
        raise Answer(404, "Not Found")
    if request.headers.get("Accept") == "application/octet-stream":
        return 302, None, {"Location": f"{hub.storage}/assets/{asset['id']}?signature=x"}
    return 200, _asset(asset), {}


def delete_asset(hub: Hub, request: Request) -> Reply:
    asset = hub.assets.get(int(request.last))
    if asset is None:
        raise Answer(404, "Not Found")
    _refuse_immutable(hub, hub.releases[asset["release"]], "delete assets of")
    del hub.assets[asset["id"]]
    return 204, None, {}


def _stored(hub: Hub, path: str, headers: Mapping[str, str]) -> Reply:
    """The storage, to which GitHub redirects: it refuses a token, and gives a part of a file where asked to."""
    kept = hub.artifacts if path.startswith("/artifacts/") else hub.assets
    asset = kept.get(int(re.findall(r"\d+", path)[0]))
    if asset is None or "Authorization" in headers:
        raise Answer(404 if asset is None else 400, "InvalidRequest")
    data, size = asset["data"], asset.get("size", len(asset["data"]) if isinstance(asset["data"], bytes) else 0)
    wanted = re.fullmatch(r"bytes=(\d+)-", headers.get("Range", ""))
    if not wanted or not hub.ranges:
        return 200, data, {}
    start = int(wanted[1])
    if start >= size:
        return 416, b"", {"Content-Range": f"bytes */{size}"}
    data = data if isinstance(data, bytes) else data.read_bytes()
    return 206, data[start:], {"Content-Range": f"bytes {start}-{size - 1}/{size}"}


# pull requests and comments


def get_pull(hub: Hub, request: Request) -> Reply:
    pull = hub.pulls.get(int(request.last))
    if pull is None:
        raise Answer(404, "Not Found")
    return 200, pull, {}


def list_pulls(hub: Hub, request: Request) -> Reply:
    state, (owner, _, branch) = request.query.get("state", "open"), request.query.get("head", "").partition(":")
    base = request.query.get("base", "")
    found = [
        pull
        for pull in hub.pulls.values()
        if pull["state"] == state
        and (not branch or (pull["head"]["repo"]["owner"]["login"], pull["head"]["ref"]) == (owner, branch))
        and (not base or pull["base"]["ref"] == base)
    ]
    return _page(hub, request, request.path, found)


def list_artifacts(hub: Hub, request: Request) -> Reply:
    run = int(request.path.split("/")[3])
    own = [
        {"id": number, "name": kept["name"], "size_in_bytes": len(kept["data"]), "expired": kept.get("expired", False)}
        for number, kept in hub.artifacts.items()
        if kept["run"] == run
    ]
    status, found, extra = _page(hub, request, request.path, own)
    return status, {"total_count": len(own), "artifacts": found}, extra


def get_artifact(hub: Hub, request: Request) -> Reply:
    number = int(request.path.split("/")[3])
    if number not in hub.artifacts:
        raise Answer(404, "Not Found")
    return 302, None, {"Location": f"{hub.storage}/artifacts/{number}?signature=x"}


def create_pull(hub: Hub, request: Request) -> Reply:
    if hub.no_pulls:
        raise Answer(403, "GitHub Actions is not permitted to create or approve pull requests.")
    body = request.body
    sha = hub.run("rev-parse", "--verify", "--quiet", f"refs/heads/{body['head']}")
    _fits(body.get("body", ""))
    home = {"id": 1, "owner": {"login": hub.name.partition("/")[0]}}
    number = 1 + max([*hub.issues, *hub.pulls], default=0)
    made = {"number": number, "state": "open", "title": body["title"], "body": body.get("body", ""),
            "head": {"ref": body["head"], "sha": sha, "repo": home}, "base": {"ref": body["base"]},
            "user": {"login": request.login},
            "html_url": f"{hub.url}/{hub.name}/pull/{number}"}  # fmt: skip
    hub.pulls[number] = made
    return 201, made, {}


def update_pull(hub: Hub, request: Request) -> Reply:
    pull = hub.pulls.get(int(request.last))
    if pull is None:
        raise Answer(404, "Not Found")
    pull.update(request.body)
    return 200, pull, {}


def list_comments(hub: Hub, request: Request) -> Reply:
    number = int(request.path.split("/")[2])
    own = [comment for comment in hub.comments.values() if comment["issue"] == number]
    return _page(hub, request, request.path, own)


def create_comment(hub: Hub, request: Request) -> Reply:
    return 201, comment(hub, int(request.path.split("/")[2]), request.body["body"], request.login), {}


def update_comment(hub: Hub, request: Request) -> Reply:
    found = hub.comments.get(int(request.last))
    if found is None:
        raise Answer(404, "Not Found")
    _fits(request.body["body"])
    found["body"] = request.body["body"]
    return 200, found, {}


def comment(hub: Hub, number: int, body: str, login: str) -> dict[str, Any]:
    """Write a comment as somebody."""
    _fits(body)
    identity = hub.number()
    made = {"id": identity, "issue": number, "body": body, "user": {"login": login},
            "created_at": f"{hub.clock():%Y-%m-%dT%H:%M:%SZ}",
            "issue_url": f"{hub.url}/repos/{hub.name}/issues/{number}",
            "html_url": f"{hub.url}/{hub.name}/pull/{number}#issuecomment-{identity}"}  # fmt: skip
    hub.comments[identity] = made
    return made


def _fits(body: str) -> None:
    if len(body) > 65_536:
        raise Answer(422, "Validation Failed", "custom")


def _needed(hub: Hub, operation: str, path: str) -> set[str]:
    """What a token must be allowed, any of it; comments on a pull request go by its own permission."""
    if operation.startswith("pulls/"):
        return {"pull-requests"}
    if operation.startswith("reactions/"):
        return {"issues", "pull-requests"}
    if operation.startswith("issues/"):
        last = path.rpartition("/")[2]
        comment = hub.comments.get(int(last)) if "/issues/comments/" in path and last.isdigit() else None
        found = re.search(r"/issues/(\d+)", path)
        number = comment["issue"] if comment else int(found[1]) if found else None
        own = number in hub.issues if number is not None else "/comments/" not in path
        return {"issues"} if own else {"pull-requests"}
    return {"actions"} if operation.startswith("actions/") else {"contents"}


def dispatch(hub: Hub, request: Request) -> Reply:
    name = request.path.split("/")[3]
    if name not in hub.workflows:
        raise Answer(404, "Not Found")
    hub.run("rev-parse", "--verify", "--quiet", f"refs/heads/{request.body['ref']}")
    inputs = request.body.get("inputs", {})
    unknown = sorted(set(inputs) - hub.workflows[name])
    if unknown:
        raise Answer(422, f"Unexpected inputs provided: {unknown}")
    number = hub.number()
    url = f"{hub.url}/{hub.name}/actions/runs/{number}"
    hub.runs[number] = {"id": number, "html_url": url, "status": "queued", "conclusion": None, "workflow": name,
                        "inputs": inputs, "ref": request.body["ref"]}  # fmt: skip
    if not request.body.get("return_run_details"):
        return 204, None, {}
    return 200, {"workflow_run_id": number, "run_url": url, "html_url": url}, {}


def get_run(hub: Hub, request: Request) -> Reply:
    found = hub.runs.get(int(request.last))
    if found is None:
        raise Answer(404, "Not Found")
    return 200, found, {}


def list_issues(hub: Hub, request: Request) -> Reply:
    if hub.no_issues:
        raise Answer(410, "Issues are disabled for this repo")
    wanted = request.query.get("state", "open")
    since = request.query.get("since", "")
    shown = [each for each in hub.issues.values() if wanted in ("all", each["state"]) and each["updated_at"] >= since]
    return _page(hub, request, request.path, shown if request.query.get("direction") == "asc" else shown[::-1])


def create_issue(hub: Hub, request: Request) -> Reply:
    return 201, issue(hub, request.body["title"], request.body.get("body", ""), request.login), {}


def update_issue(hub: Hub, request: Request) -> Reply:
    found = hub.issues.get(int(request.last))
    if found is None:
        raise Answer(404, "Not Found")
    _fits(request.body.get("body", ""))
    found.update(request.body, updated_at=f"{hub.clock():%Y-%m-%dT%H:%M:%SZ}")
    return 200, found, {}


def issue(hub: Hub, title: str, body: str, login: str) -> dict[str, Any]:
    """Open an issue as somebody."""
    _fits(body)
    number = 1 + max([*hub.issues, *hub.pulls], default=0)
    made = {"id": hub.number(), "number": number, "state": "open", "title": title, "body": body,
            "user": {"login": login}, "html_url": f"{hub.url}/{hub.name}/issues/{number}",
            "updated_at": f"{hub.clock():%Y-%m-%dT%H:%M:%SZ}"}  # fmt: skip
    hub.issues[number] = made
    return made


def get_repository(hub: Hub, _request: Request) -> Reply:
    return 200, {"full_name": hub.name, **hub.about}, {}


def get_branch_rules(hub: Hub, request: Request) -> Reply:
    return _page(hub, request, request.path, hub.branch_rules.get(request.path.partition("/branches/")[2], []))


def list_rulesets(hub: Hub, request: Request) -> Reply:
    wanted = request.query.get("targets", "branch,tag,push").split(",")
    told = ("id", "name", "target", "enforcement")  # conditions and rules are those of one alone
    listed = [{key: each[key] for key in told} for each in hub.rulesets.values() if each["target"] in wanted]
    return _page(hub, request, request.path, listed)


def get_ruleset(hub: Hub, request: Request) -> Reply:
    if int(request.last) not in hub.rulesets:
        raise Answer(404, "Not Found")
    return 200, hub.rulesets[int(request.last)], {}


def get_branch(hub: Hub, request: Request) -> Reply:
    name = request.last
    if name not in hub.protected and not hub.git.ref(f"refs/heads/{name}"):
        raise Answer(404, "Branch not found")
    checks = {"contexts": hub.required_checks, "enforcement_level": "everyone"}
    covered = name in hub.protected
    return 200, {"name": name, "protection": {"enabled": covered, "required_status_checks": checks}}, {}


def list_workflows(hub: Hub, request: Request) -> Reply:
    listed = [{"id": at, "path": path, "state": state} for at, (path, state) in enumerate(hub.workflow_states.items())]
    status, found, extra = _page(hub, request, request.path, listed)
    return status, {"total_count": len(listed), "workflows": found}, extra


def get_environment(hub: Hub, request: Request) -> Reply:
    if request.last not in hub.environments:
        raise Answer(404, "Not Found")
    return 200, {"name": request.last, "protection_rules": hub.environments[request.last]}, {}


def get_workflow_permissions(hub: Hub, _request: Request) -> Reply:
    return 200, {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": not hub.no_pulls}, {}


def get_permission(hub: Hub, request: Request) -> Reply:
    login = request.path.split("/")[2]
    if login not in hub.roles:
        raise Answer(404, f"{login} is not a user")
    # GitHub tells triage as read, and maintain as write; the whole truth is in role_name.
    told = {"triage": "read", "maintain": "write"}.get(hub.roles[login], hub.roles[login])
    return 200, {"permission": told, "role_name": hub.roles[login], "user": {"login": login}}, {}


def get_comment(hub: Hub, request: Request) -> Reply:
    found = hub.comments.get(int(request.last))
    if found is None:
        raise Answer(404, "Not Found")
    return 200, found, {}


def create_reaction(hub: Hub, request: Request) -> Reply:
    number = int(request.path.split("/")[3])
    if number not in hub.comments:
        raise Answer(404, "Not Found")
    said = (number, request.body["content"], request.login)
    known = said in hub.reactions
    if not known:
        hub.reactions.append(said)
    return 200 if known else 201, {"id": 1 + hub.reactions.index(said), "content": said[1]}, {}


def list_runs(hub: Hub, request: Request) -> Reply:
    name, query = request.path.split("/")[3], request.query
    if name not in hub.workflows:
        raise Answer(404, "Not Found")
    own = [
        run
        for run in reversed(hub.runs.values())
        if run["workflow"] == name
        and all(str(run.get(key)) == query[key] for key in ("head_sha", "event") if key in query)
    ]
    status, found, extra = _page(hub, request, request.path, own)
    return status, {"total_count": len(own), "workflow_runs": found}, extra


def rerun(hub: Hub, request: Request) -> Reply:
    run = hub.runs.get(int(request.path.split("/")[3]))
    if run is None:
        raise Answer(404, "Not Found")
    if run["status"] != "completed":
        raise Answer(403, "This workflow is already running")
    run.update(status="queued", conclusion=None, run_attempt=run.get("run_attempt", 1) + 1)
    return 201, {}, {}


def get_user(_hub: Hub, request: Request) -> Reply:
    if request.login == BOT:
        raise Answer(403, "Resource not accessible by integration")
    return 200, {"login": request.login}, {}


_HANDLERS: Mapping[str, Callable[[Hub, Request], Reply]] = {
    "git/get-ref": get_ref, "git/list-matching-refs": matching_refs, "git/create-ref": create_ref,
    "git/update-ref": update_ref, "git/create-blob": create_blob, "git/get-blob": get_blob,
    "git/create-tree": create_tree, "git/get-tree": get_tree, "git/create-commit": create_commit,
    "git/get-commit": get_commit, "repos/get-content": get_content, "repos/create-release": create_release,
    "repos/update-release": update_release, "repos/delete-release": delete_release, "repos/get-release": get_release,
    "repos/get-release-by-tag": release_by_tag, "repos/list-releases": list_releases,
    "repos/upload-release-asset": upload_asset, "repos/list-release-assets": list_assets,
    "repos/get-release-asset": get_asset, "repos/delete-release-asset": delete_asset, "pulls/get": get_pull,
    "actions/create-workflow-dispatch": dispatch, "actions/get-workflow-run": get_run,
    "actions/list-workflow-run-artifacts": list_artifacts, "actions/download-artifact": get_artifact,
    "pulls/list": list_pulls, "pulls/create": create_pull, "pulls/update": update_pull,
    "issues/list-for-repo": list_issues, "issues/create": create_issue, "issues/update": update_issue,
    "issues/list-comments": list_comments, "issues/create-comment": create_comment,
    "issues/update-comment": update_comment, "users/get-authenticated": get_user,
    "repos/get": get_repository, "repos/get-branch-rules": get_branch_rules,
    "repos/get-repo-rulesets": list_rulesets, "repos/get-repo-ruleset": get_ruleset, "repos/get-branch": get_branch,
    "actions/list-repo-workflows": list_workflows, "repos/get-environment": get_environment,
    "actions/get-github-actions-default-workflow-permissions-repository": get_workflow_permissions,
    "repos/get-collaborator-permission-level": get_permission, "issues/get-comment": get_comment,
    "reactions/create-for-issue-comment": create_reaction, "actions/list-workflow-runs": list_runs,
    "actions/re-run-workflow": rerun,
}  # fmt: skip


# serving


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        body = self._body(int(self.headers.get("Content-Length") or 0))
        try:
            status, data, headers = self.hub.answer(self.command, self.path, self.headers, body)  # type: ignore[arg-type] # a message is a mapping here
        except Broken as broken:
            if broken.fault.how == "truncate":
                self._begin(broken.status, {**broken.headers, "Content-Length": str(broken.declared)})
                self.wfile.write(broken.data)
            self.close_connection = True
            return
        if isinstance(data, Path):
            self._begin(status, {**headers, "Content-Length": str(data.stat().st_size)})
            with data.open("rb") as stream:
                while block := stream.read(1 << 20):
                    self.wfile.write(block)
            return
        self._begin(status, {**headers, "Content-Length": str(len(data))})
        self.wfile.write(data)

    def _begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _body(self, length: int) -> bytes | Path:
        if length < LARGE:
            return self.rfile.read(length)
        path = self.hub.folder / f"asset-{self.hub.number()}"
        with path.open("wb") as stream:
            while length > 0:
                block = self.rfile.read(min(1 << 20, length))
                length -= len(block)
                stream.write(block) if any(block) else stream.seek(len(block), 1)  # a hole costs no disk
            stream.truncate()
        return path

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - the names that the base class calls


class _Headed:
    """What an authenticator writes its header on."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = dict(headers)


class _InProcess(requests.Session):
    """Answers requests without a socket, with the same breaks; ten times as fast as a connection."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self._hub = hub

    def request(self, method: Any, url: Any, **options: Any) -> requests.Response:  # type: ignore[override] # what the client uses of it
        """One request."""
        headed = _Headed(options["headers"])
        options["auth"](headed)
        parts = urlsplit(url)
        query = urlencode({**dict(parse_qsl(parts.query)), **(options.get("params") or {})})
        body = b"" if options.get("json") is None else json.dumps(options["json"]).encode()
        if "data" in options:
            body = b"".join(iter(lambda: options["data"].read(1 << 20), b""))
        made = requests.Response()
        made.url = url
        try:
            status, data, headers = self._hub.answer(
                method, parts.path + (f"?{query}" if query else ""), CaseInsensitiveDict(headed.headers), body
            )
            length = len(data) if isinstance(data, bytes) else data.stat().st_size
        except Broken as broken:
            if broken.fault.how == "timeout":
                raise requests.ReadTimeout from None
            if broken.fault.how != "truncate":
                raise requests.ConnectionError("Connection reset by peer") from None
            status, data, headers, length = broken.status, broken.data, dict(broken.headers), broken.declared
        made.status_code = status
        made.headers = CaseInsensitiveDict({"Content-Length": str(length), **headers})
        stream: Any = io.BytesIO(data) if isinstance(data, bytes) else data.open("rb")
        made.raw = HTTPResponse(body=stream, headers=dict(made.headers), status=status, preload_content=False)
        if not options.get("stream"):
            _ = made.content  # as requests reads it, so that it breaks where requests breaks
        return made


@contextmanager
def bare(folder: Path) -> Iterator[Hub]:
    """A stand-in without a socket: requests reach it through its ``session`` alone."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Hub(folder)
    for name in ("objects", "refs"):
        (made.git_dir / name).mkdir(parents=True)
    (made.git_dir / "HEAD").write_text("ref: refs/heads/main\n", "ascii")
    first = made.git.make_commit(made.git.write("tree", b""), [], "code", 0)
    made.git.set_ref("refs/heads/main", first)
    yield made


@contextmanager
def hub(folder: Path) -> Iterator[Hub]:
    """A running stand-in on loopback; ended with the block."""
    made = Hub(folder)
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(made.git_dir)], check=True)
    servers = [
        ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"hub": made})) for _ in ("hub", "storage")
    ]
    made.url, made.storage = (f"http://127.0.0.1:{server.server_address[1]}" for server in servers)
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()
