"""GitHub's REST interface with state, on loopback: git objects in a real repository, releases, comments, permissions.

Every request is held against GitHub's published description; what does not fit stands in ``violations``.
"""

import base64
import hashlib
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.openapi import operation_of, violations

BOT = "github-actions[bot]"


@dataclass(frozen=True)
class Call:
    """One request: its operation by GitHub's name, and the status that it got."""

    operation: str
    method: str
    path: str
    status: int


@dataclass
class Fault:
    """How the next matching requests fail; ``after``: the server acts first, and only its answer is lost."""

    operation: str
    how: str
    status: int
    times: int
    after: bool
    headers: Mapping[str, str]


class Answer(Exception):  # noqa: N818 - it is raised to answer
    """A refusal with its status."""

    def __init__(self, status: int, message: str, *codes: str) -> None:
        self.status = status
        self.body: dict[str, Any] = {"message": message, "documentation_url": "https://docs.github.com/rest"}
        if codes:
            self.body["errors"] = [{"code": code} for code in codes]
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
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    releases: dict[int, dict[str, Any]] = field(default_factory=dict)
    assets: dict[int, dict[str, Any]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    protected: set[str] = field(default_factory=set)
    url: str = ""
    storage: str = ""
    _number: int = 1000
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def git_dir(self) -> Path:
        """The bare repository."""
        return self.folder / "hub.git"

    @property
    def writes(self) -> list[Call]:
        """The requests that change something."""
        return [call for call in self.calls if call.method != "GET"]

    def fail(
        self, operation: str, how: str = "status", status: int = 500, times: int = 1, *, after: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Let the next requests of an operation fail: ``status``, ``reset`` or ``truncate``."""
        self.faults.append(Fault(operation, how, status, times, after, headers or {}))

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
        self, method: str, path: str, query: dict[str, str], body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers for one request."""
        with self._lock:
            upload = path.startswith("/uploads")
            path = path.removeprefix("/uploads")
            payload = json.loads(body) if body and not upload else None
            self.violations += violations(method, path, query, payload)
            operation = (operation_of(method, path) or ("unknown", {}))[0]
            fault = next((each for each in self.faults if each.operation == operation and each.times > 0), None)
            try:
                if fault and not fault.after:
                    fault.times -= 1
                    raise _Broken(fault)
                status, found, extra = self._act(operation, method, path, query, body if upload else payload, headers)
                if fault:
                    fault.times -= 1
                    raise _Broken(fault)
            except Answer as refusal:
                status, found, extra = refusal.status, refusal.body, {}
            except _Broken as broken:
                self.calls.append(
                    Call(operation, method, path, broken.fault.status if broken.fault.how == "status" else 0)
                )
                if broken.fault.how == "status":
                    return broken.fault.status, {"message": "made to fail"}, dict(broken.fault.headers)
                raise
            self.calls.append(Call(operation, method, path, status))
            return status, found, extra

    def _act(
        self, operation: str, method: str, path: str, query: dict[str, str], body: Any, headers: Mapping[str, str]
    ) -> tuple[int, Any, dict[str, str]]:
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in self.tokens:
            raise Answer(401, "Bad credentials")
        needed = "pull-requests" if operation.startswith("issues/") else "contents"
        if method != "GET" and needed not in self.tokens.get(token, set()):
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


class _Broken(Exception):  # noqa: N818 - a connection that breaks
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.how)


Reply = tuple[int, Any, dict[str, str]]


def _page(hub: Hub, request: Request, path: str, items: list[Any]) -> Reply:
    size, page = min(100, int(request.query.get("per_page", "30"))), int(request.query.get("page", "1"))
    start = (page - 1) * size
    more = len(items) > start + size
    link = f'<{hub.url}/repos/{hub.name}{path}?per_page={size}&page={page + 1}>; rel="next"'
    return 200, items[start : start + size], {"Link": link} if more else {}


# git


def _ref(request: Request, lead: str) -> str:
    return "refs/" + request.path.partition(lead)[2]


def get_ref(hub: Hub, request: Request) -> Reply:
    name = _ref(request, "/git/ref/")
    sha = hub.run("rev-parse", "--verify", "--quiet", name)
    return 200, {"ref": name, "object": {"sha": sha, "type": "commit"}}, {}


def matching_refs(hub: Hub, request: Request) -> Reply:
    lines = hub.run("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    lead = _ref(request, "/git/matching-refs/")
    pairs = [line.split() for line in lines if line.startswith(lead)]
    return 200, [{"ref": ref, "object": {"sha": sha, "type": "commit"}} for ref, sha in pairs], {}


def create_ref(hub: Hub, request: Request) -> Reply:
    name, sha = request.body["ref"], request.body["sha"]
    if hub.run("for-each-ref", "--format=x", name):
        raise Answer(422, "Reference already exists")
    hub.run("update-ref", name, sha)
    return 201, {"ref": name, "object": {"sha": sha}}, {}


def update_ref(hub: Hub, request: Request) -> Reply:
    name, sha = _ref(request, "/git/refs/"), request.body["sha"]
    if name.removeprefix("refs/heads/") in hub.protected:
        raise Answer(422, "Repository rule violations found")
    before = hub.run("for-each-ref", "--format=%(objectname)", name)
    if not before:
        raise Answer(422, "Reference does not exist")
    try:
        hub.run("merge-base", "--is-ancestor", before, sha)
    except Answer as error:
        raise Answer(422, "Update is not a fast forward") from error
    hub.run("update-ref", name, sha)
    return 200, {"ref": name, "object": {"sha": sha}}, {}


def create_blob(hub: Hub, request: Request) -> Reply:
    content = request.body["content"]
    data = base64.b64decode(content) if request.body.get("encoding") == "base64" else content.encode()
    return 201, {"sha": hub.run("hash-object", "-w", "--stdin", data=data)}, {}


def get_blob(hub: Hub, request: Request) -> Reply:
    data = hub.raw("cat-file", "blob", request.last)
    if "raw" in request.headers.get("Accept", ""):
        return 200, data, {}
    return 200, {"sha": request.last, "content": base64.b64encode(data).decode(), "encoding": "base64"}, {}


def create_tree(hub: Hub, request: Request) -> Reply:
    index = {"GIT_INDEX_FILE": str(hub.folder / f"index-{hub.number()}")}
    if request.body.get("base_tree"):
        hub.run("read-tree", request.body["base_tree"], environ=index)
    else:
        hub.run("read-tree", "--empty", environ=index)
    for item in request.body["tree"]:
        sha = item.get("sha")
        if "content" in item:
            sha = hub.run("hash-object", "-w", "--stdin", data=item["content"].encode())
        if sha is None:
            hub.run("update-index", "--force-remove", item["path"], environ=index)
        else:
            hub.run("update-index", "--add", "--cacheinfo", f"{item['mode']},{sha},{item['path']}", environ=index)
    return 201, {"sha": hub.run("write-tree", environ=index)}, {}


def get_tree(hub: Hub, request: Request) -> Reply:
    more = ["-r", "-t"] if request.query.get("recursive") else []
    lines = hub.run("ls-tree", *more, request.last).splitlines()
    items = []
    for line in lines:
        head, _, path = line.partition("\t")
        mode, kind, sha = head.split()
        items.append({"path": path, "mode": mode, "type": kind, "sha": sha})
    return 200, {"sha": hub.run("rev-parse", f"{request.last}^{{tree}}"), "tree": items, "truncated": False}, {}


def create_commit(hub: Hub, request: Request) -> Reply:
    body = request.body
    parents = [part for sha in body.get("parents", []) for part in ("-p", sha)]
    sha = hub.run("commit-tree", body["tree"], *parents, data=body["message"].encode())
    return 201, {"sha": sha, "tree": {"sha": body["tree"]}}, {}


def get_commit(hub: Hub, request: Request) -> Reply:
    sha = hub.run("rev-parse", "--verify", "--quiet", f"{request.last}^{{commit}}")
    parents = hub.run("log", "-1", "--format=%P", sha).split()
    tree = hub.run("rev-parse", f"{sha}^{{tree}}")
    message = hub.run("log", "-1", "--format=%B", sha)
    return 200, {"sha": sha, "tree": {"sha": tree}, "message": message, "parents": [{"sha": p} for p in parents]}, {}


def get_content(hub: Hub, request: Request) -> Reply:
    path, ref = request.path.partition("/contents/")[2], request.query.get("ref", "HEAD")
    kind = hub.run("cat-file", "-t", f"{ref}:{path}")
    if kind == "tree":
        return 200, [{"path": path, "type": "dir"}], {}
    data = hub.raw("cat-file", "blob", f"{ref}:{path}")
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


def _publish(hub: Hub, release: dict[str, Any]) -> None:
    tag = release["tag_name"]
    if any(other["tag_name"] == tag and not other["draft"] and other is not release for other in hub.releases.values()):
        raise Answer(422, "Validation Failed", "already_exists")
    if not hub.run("for-each-ref", "--format=x", f"refs/tags/{tag}"):
        hub.run("update-ref", f"refs/tags/{tag}", hub.run("rev-parse", release["target_commitish"] or "HEAD"))


def create_release(hub: Hub, request: Request) -> Reply:
    body = request.body
    release = {
        "id": hub.number(), "tag_name": body["tag_name"], "draft": bool(body.get("draft")), "name": body.get("name"),
        "body": body.get("body", ""), "target_commitish": body.get("target_commitish", ""),
        "created_at": "2026-05-03T12:00:00Z", "prerelease": bool(body.get("prerelease")),
    }  # fmt: skip
    if not release["draft"]:
        _publish(hub, release)
    hub.releases[release["id"]] = release
    return 201, _release(hub, release), {}


def update_release(hub: Hub, request: Request) -> Reply:
    release = _find_release(hub, request, request.last)
    changed = {**release, **{key: value for key, value in request.body.items() if key != "make_latest"}}
    if release["draft"] and not changed["draft"]:
        _publish(hub, changed)
    release.update(changed)
    return 200, _release(hub, release), {}


def delete_release(hub: Hub, request: Request) -> Reply:
    gone = hub.releases.pop(_find_release(hub, request, request.last)["id"])["id"]
    hub.assets = {number: asset for number, asset in hub.assets.items() if asset["release"] != gone}
    return 204, None, {}


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
    name = request.query["name"]
    if any(asset["release"] == release["id"] and asset["name"] == name for asset in hub.assets.values()):
        raise Answer(422, "Validation Failed", "already_exists")
    data = request.body
    asset = {
        "id": hub.number(), "release": release["id"], "name": name, "size": len(data), "state": "uploaded",
        "digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "data": data,
        "content_type": "application/octet-stream",
    }  # fmt: skip
    hub.assets[asset["id"]] = asset
    return 201, _asset(asset), {}


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
    if hub.assets.pop(int(request.last), None) is None:
        raise Answer(404, "Not Found")
    return 204, None, {}


# pull requests and comments


def get_pull(hub: Hub, request: Request) -> Reply:
    pull = hub.pulls.get(int(request.last))
    if pull is None:
        raise Answer(404, "Not Found")
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
            "html_url": f"{hub.url}/{hub.name}/pull/{number}#issuecomment-{identity}"}  # fmt: skip
    hub.comments[identity] = made
    return made


def _fits(body: str) -> None:
    if len(body) > 65_536:
        raise Answer(422, "Validation Failed", "custom")


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
    "issues/list-comments": list_comments, "issues/create-comment": create_comment,
    "issues/update-comment": update_comment, "users/get-authenticated": get_user,
}  # fmt: skip


# serving


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            status, found, extra = self.hub.answer(
                self.command,
                parts.path,
                dict(parse_qsl(parts.query, keep_blank_values=True)),
                body,
                self.headers,  # type: ignore[arg-type] # a message is a mapping here
            )
        except _Broken as broken:
            if broken.fault.how == "truncate":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"sha": "')
            self.close_connection = True
            return
        data = found if isinstance(found, bytes) else b"" if found is None else json.dumps(found).encode()
        self.send_response(status)
        for name, value in {**extra, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - the names that the base class calls


class _Storage(_Handler):
    def _serve(self) -> None:
        asset = self.hub.assets.get(int(re.findall(r"\d+", self.path)[0]))
        bad = asset is None or "Authorization" in self.headers
        data = b"" if asset is None or bad else asset["data"]
        self.send_response(400 if bad else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = _serve  # noqa: N815 - the name that the base class calls


@contextmanager
def hub(folder: Path) -> Iterator[Hub]:
    """A running stand-in; ended with the block."""
    made = Hub(folder)
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "init", "-q", "--bare", str(made.git_dir)], check=True)
    servers = [
        ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (kind,), {"hub": made})) for kind in (_Handler, _Storage)
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
