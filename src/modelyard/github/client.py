"""A REST client for GitHub: retries, time limits, paging, and a token that goes to the API's own hosts alone.

What may be asked twice is asked again after a dropped connection or a 5xx: reads, and what the caller calls repeatable.
A write whose answer was lost is not repeated here, since only its caller can tell whether it took effect. Rate limits
refuse before anything happens, so after those every request is repeated, when the wait is short. Files stream both
ways; a download that broke off goes on where it ended.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urljoin, urlsplit

from modelyard.core.files import disk_errors
from modelyard.github.errors import GitHubError, date_of, rate_wait, refused, short, unanswered

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

__all__ = ["GitHub", "GitHubError"]

API_VERSION = "2022-11-28"
TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and between two bytes of an answer."""
UPLOAD_TIMEOUT = (10.0, 300.0)
"""The same for an upload, which GitHub answers once it has read all of it again for its digest."""
LONGEST_WAIT = 60.0
"""Seconds to wait for a rate limit at most; a longer one ends the step with its time."""
PAGE = 100
_ATTEMPTS = 4
_RESUMED = 100
"""Times that one download goes on after it broke off, each with something gained."""
_REDIRECTS = 5
_CHUNK = 1 << 16
"""Bytes of a download that are written at once, and lost where it breaks off."""
_TOLD = 10_000_000
"""Bytes from which a transfer says how far it is."""

Progress = Callable[[int, int, str], None]
"""Told how much is done, of how much, of what."""


def _session() -> "Session":
    import requests

    return requests.Session()


@dataclass
class GitHub:
    """One repository through the REST interface.

    Args:
        api_url: root of the API, from GITHUB_API_URL.
        repository: ``owner/name``.
        token: the token, or an empty string for public reads.
        session: what sends requests.
        pause: how to wait, in seconds.
        clock: this machine's, in seconds since 1970; GitHub's own is heard with every answer.
        progress: told in megabytes how far a large transfer is.
    """

    api_url: str
    repository: str
    token: str = field(default="", repr=False)
    session: "Session" = field(default_factory=_session, repr=False)
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time
    progress: Progress = lambda _done, _total, _text: None
    _ahead: float = field(default=0.0, repr=False)

    def now(self) -> datetime:
        """GitHub's clock, as heard with the last answer; a runner whose own is wrong writes no wrong history."""
        return datetime.fromtimestamp(self.clock() + self._ahead, UTC)

    def get(self, path: str, *, needs: str, params: Mapping[str, Any] | None = None) -> Any:
        """Return JSON at a path below the repository, such as ``git/ref/heads/main``.

        Args:
            path: relative to ``/repos/<owner>/<name>``, or absolute below the API's root with a leading slash.
            needs: the permission that it takes, as a workflow grants it: ``contents: read``.
            params: query parameters.

        Raises:
            GitHubError: any answer but success, with the cure where it is known.
        """
        return self._json(self._send("GET", self._url(path), needs=needs, params=params))

    def find(self, path: str, *, needs: str, params: Mapping[str, Any] | None = None) -> Any | None:
        """Return the same as ``get``, or None where GitHub answers 404."""
        try:
            return self.get(path, needs=needs, params=params)
        except GitHubError as error:
            if error.status == 404:
                return None
            raise

    def raw(self, path: str, *, needs: str, params: Mapping[str, Any] | None = None) -> bytes:
        """Return a file's own bytes, where the endpoint offers them (contents, blobs)."""
        accept = "application/vnd.github.raw+json"
        return bytes(self._send("GET", self._url(path), needs=needs, params=params, accept=accept, plain=True).content)

    def pages(
        self, path: str, *, needs: str, params: Mapping[str, Any] | None = None, key: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """Return every item of a list, over all pages; ``key`` names the list inside an object.

        A list that GitHub does not page, such as matching references, comes whole, and is read the same way.
        """
        url: str | None = self._url(path)
        query: Mapping[str, Any] | None = {"per_page": PAGE} if params is None else params
        while url:
            answer = self._send("GET", url, needs=needs, params=query)
            found = self._json(answer)
            yield from found[key] if key else found
            url, query = answer.links.get("next", {}).get("url"), None

    def send(self, method: str, path: str, body: Mapping[str, Any] | None, *, needs: str, again: bool = False) -> Any:
        """Write; ``again`` says that doing it twice is the same as once, so it is repeated after a lost answer."""
        self._need_token(needs)
        return self._json(self._send(method, self._url(path), needs=needs, json=body, again=again))

    def download(self, path: str, target: Path, *, needs: str, size: int | None = None) -> None:
        """Stream a file to disk; the token stays with the API where it redirects to a storage host.

        Args:
            path: as for ``get``.
            target: where it goes. What is there already is taken for its beginning, and only the rest is asked for;
                whoever asked for it checks its digest.
            needs: as for ``get``.
            size: bytes that it has, where they are known.

        Raises:
            GitHubError: it broke off again and again without anything gained; what came is kept.
            PlatformError: the disk would not take it.
        """
        import requests

        idle = 0
        for _ in range(_RESUMED):
            have = self._kept(target, size)
            if size is not None and have == size and size > 0:
                return
            answer = self._part(path, needs, have)
            if answer is None:
                target.unlink()  # what is there is no beginning of it
                continue
            with answer, disk_errors(target), target.open("ab" if answer.status_code == 206 else "wb") as stream:
                try:
                    for block in answer.iter_content(_CHUNK):
                        stream.write(block)
                        self._tell(stream.tell(), size, f"{target.stem.partition('-')[2] or target.name} fetched")
                    return
                except requests.RequestException as error:
                    gained, broke = stream.tell() > have, error
            idle = 0 if gained else idle + 1
            if idle >= _ATTEMPTS:
                raise GitHubError(
                    f"GET {short(path)}: the download broke off",
                    code="github/download-broken",
                    status=0,
                    hint="Run again; what came is kept.",
                ) from broke
            self.pause(2.0**idle)
        raise GitHubError(
            f"GET {short(path)}: the download broke off {_RESUMED} times",
            code="github/download-broken",
            status=0,
            hint="Run again.",
        )

    def _kept(self, target: Path, size: int | None) -> int:
        with suppress(FileNotFoundError):
            have = target.stat().st_size
            if size is None or have <= size:
                return have
            target.unlink()
        return 0

    def _part(self, path: str, needs: str, have: int) -> "Response | None":
        """Return the rest of a file; None where there is nothing from there on."""
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
        try:
            answer = self._send(
                "GET", self._url(path), needs=needs, accept="application/octet-stream", headers=headers, stream=True,
                plain=True,
            )  # fmt: skip
        except GitHubError as error:
            if have and error.status == 416:
                return None
            raise
        if answer.status_code == 206 and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            answer.close()
            return None
        return answer

    def upload(self, upload_url: str, source: Path, *, name: str, needs: str) -> Any:
        """Stream a file to a release; ``upload_url`` is what GitHub gave with the release."""
        self._need_token(needs)
        url = upload_url.partition("{")[0]
        if not self._own(url):
            raise GitHubError(
                f"GitHub named an upload host that is not its own: {short(url)}", code="github/redirected", status=0
            )
        size = source.stat().st_size
        headers = {"Content-Type": "application/octet-stream"}
        with source.open("rb") as stream:
            body = _Upload(stream, size, lambda done: self._tell(done, size, f"{name} sent"))
            answer = self._send(
                "POST", url, needs=needs, params={"name": name}, data=body, headers=headers, timeout=UPLOAD_TIMEOUT
            )
        return self._json(answer)

    def _tell(self, done: int, size: int | None, text: str) -> None:
        if size is not None and size >= _TOLD:
            self.progress(done // 1_000_000, size // 1_000_000, f"MB of {text}")

    @property
    def repo_path(self) -> str:
        """``/repos/<owner>/<name>``."""
        return f"/repos/{self.repository}"

    def _url(self, path: str) -> str:
        if path.startswith(("http://", "https://")):
            return path
        return self.api_url.rstrip("/") + (path if path.startswith("/") else f"{self.repo_path}/{path}")

    def _need_token(self, needs: str) -> None:
        if not self.token:
            raise GitHubError(
                "there is no token, and this needs one that may write",
                code="github/no-token",
                status=0,
                hint="Pass it: `with: {token: ${{ github.token }}}`, "
                f"and grant it in the job: `permissions: {{{needs}}}`.",
            )

    def _send(
        self,
        method: str,
        url: str,
        *,
        needs: str,
        accept: str = "application/vnd.github+json",
        again: bool = False,
        plain: bool = False,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> "Response":
        """Send a request with retries and redirects; returns a successful answer, which is JSON unless ``plain``."""
        import requests

        sent = {"Accept": accept, "X-GitHub-Api-Version": API_VERSION, "User-Agent": "modelyard", **(headers or {})}
        repeatable = method == "GET" or again
        for attempt in range(1, _ATTEMPTS + 1):
            last, wait = attempt == _ATTEMPTS, 2.0 ** (attempt - 1)
            if "data" in options:
                options["data"].rewind()
            try:
                answer = self._followed(method, url, sent, options)
            except requests.RequestException as error:
                if last or not repeatable:
                    raise unanswered(method, url, error, needs) from error
            else:
                if answer.ok and (plain or _is_json(answer)):
                    return answer
                now = self.now().timestamp()
                limit = rate_wait(answer, now)
                again_soon = repeatable and (answer.ok or answer.status_code >= 500)
                if last or not (again_soon if limit is None else limit <= LONGEST_WAIT):
                    raise _not_json(answer) if answer.ok else refused(method, url, answer, needs, now)
                wait = wait if limit is None else limit
            self.pause(wait)
        raise AssertionError("the last attempt returns or raises")  # pragma: no cover - the loop's last turn ends it

    def _followed(self, method: str, url: str, headers: Mapping[str, str], options: Mapping[str, Any]) -> "Response":
        """Return one request, and where it leads. Only a read is led to another host, and never off TLS."""
        for _ in range(_REDIRECTS):
            answer = self.session.request(
                method, url, headers=dict(headers), auth=_Token(self.token if self._own(url) else ""),
                allow_redirects=False, **{"timeout": TIMEOUT, **options},
            )  # fmt: skip
            if self._own(url) and (date := date_of(answer)) is not None:
                self._ahead = date - self.clock()
            if not answer.is_redirect:
                return answer
            before, url = url, urljoin(url, answer.headers["Location"])
            if (method != "GET" and not self._own(url)) or (_origin(before)[0] == "https" != _origin(url)[0]):
                raise GitHubError(
                    f"GitHub leads {method} {short(before)} to another host", code="github/redirected", status=0
                )
            answer.close()
            options = {name: value for name, value in options.items() if name != "params"}
        raise GitHubError(
            f"GitHub leads {method} {short(url)} on and on", code="github/redirected", status=0, hint="Run again later."
        )

    def _own(self, url: str) -> bool:
        """Return whether this is one of the API's own hosts, which get the token."""
        return _origin(url) in (_origin(self.api_url), _upload_origin(self.api_url))

    def _json(self, answer: "Response") -> Any:
        return answer.json() if answer.content else None


class _Token:
    """Puts the token on a request; given always, so that requests looks for no other credentials in ~/.netrc."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: "PreparedRequest") -> "PreparedRequest":
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _Upload:
    """A file on its way, which says how far it is; requests reads it block by block."""

    def __init__(self, stream: BinaryIO, size: int, tell: Callable[[int], None]) -> None:
        self._stream = stream
        self._size = size
        self._tell = tell

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read(_CHUNK):
            yield block

    def read(self, count: int = -1) -> bytes:
        """Return the next bytes."""
        block = self._stream.read(count)
        self._tell(self._stream.tell())
        return block

    def rewind(self) -> None:
        """Back to the first byte, to be sent again."""
        self._stream.seek(0)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _upload_origin(api_url: str) -> tuple[str, str]:
    scheme, host = _origin(api_url)
    return scheme, f"uploads.{host.removeprefix('api.')}" if host.startswith("api.") else host


def _is_json(answer: "Response") -> bool:
    if not answer.content:
        return True
    try:
        json.loads(answer.content)
    except ValueError:
        return False
    return True


def _not_json(answer: "Response") -> GitHubError:
    """Return the error for an answer that is a success and not JSON, which counts as lost."""
    return GitHubError(
        f"GitHub's answer to {short(answer.url)} is not JSON", code="github/bad-answer", status=0, hint="Run again."
    )
