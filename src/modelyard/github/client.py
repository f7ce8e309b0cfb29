"""A REST client for GitHub: retries, time limits, paging, and a token that goes to the API's own hosts alone.

What may be asked twice is asked again after a dropped connection or a 5xx: reads, and what the caller calls repeatable.
A write whose answer was lost is not repeated here, since only its caller can tell whether it took effect. Rate limits
refuse before anything happens, so after those every request is repeated, when the wait is short.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from modelyard.errors import PlatformError

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

API_VERSION = "2022-11-28"
TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and between two bytes of an answer."""
LONGEST_WAIT = 60.0
"""Seconds to wait for a rate limit at most; a longer one ends the step with its time."""
PAGE = 100
_ATTEMPTS = 4
_REDIRECTS = 5
_CHUNK = 1 << 20


class GitHubError(PlatformError):
    """GitHub did not do it. ``status`` is its answer, or 0 where there was none."""

    def __init__(self, found: str, *, status: int, do: str = "", said: str = "") -> None:
        self.status = status
        self.said = said
        super().__init__(found, do=do)


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
    """

    api_url: str
    repository: str
    token: str = field(default="", repr=False)
    session: "Session" = field(default_factory=_session, repr=False)
    pause: Callable[[float], None] = time.sleep

    def get(self, path: str, *, needs: str, params: Mapping[str, Any] | None = None) -> Any:
        """JSON at a path below the repository, such as ``git/ref/heads/main``.

        Args:
            path: relative to ``/repos/<owner>/<name>``, or absolute below the API's root with a leading slash.
            needs: the permission that it takes, as a workflow grants it: ``contents: read``.
            params: query parameters.

        Raises:
            GitHubError: any answer but success, with the cure where it is known.
        """
        return self._json(self._send("GET", self._url(path), needs=needs, params=params))

    def find(self, path: str, *, needs: str, params: Mapping[str, Any] | None = None) -> Any | None:
        """The same, or None where GitHub answers 404."""
        try:
            return self.get(path, needs=needs, params=params)
        except GitHubError as error:
            if error.status == 404:
                return None
            raise

    def raw(self, path: str, *, needs: str, params: Mapping[str, Any] | None = None) -> bytes:
        """A file's own bytes, where the endpoint offers them (contents, blobs)."""
        accept = "application/vnd.github.raw+json"
        return bytes(self._send("GET", self._url(path), needs=needs, params=params, accept=accept).content)

    def pages(
        self, path: str, *, needs: str, params: Mapping[str, Any] | None = None, key: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """Every item of a list, over all pages; ``key`` names the list inside an object."""
        url: str | None = self._url(path)
        query: Mapping[str, Any] | None = {"per_page": PAGE, **(params or {})}
        while url:
            answer = self._send("GET", url, needs=needs, params=query)
            found = self._json(answer)
            yield from found[key] if key else found
            url, query = answer.links.get("next", {}).get("url"), None

    def send(self, method: str, path: str, body: Mapping[str, Any] | None, *, needs: str, again: bool = False) -> Any:
        """Write; ``again`` says that doing it twice is the same as once, so it is repeated after a lost answer."""
        self._need_token(needs)
        return self._json(self._send(method, self._url(path), needs=needs, json=body, again=again))

    def download(self, path: str, target: Path, *, needs: str) -> None:
        """Stream a file to disk; the token stays with the API where it redirects to a storage host."""
        answer = self._send("GET", self._url(path), needs=needs, accept="application/octet-stream", stream=True)
        try:
            with target.open("wb") as stream:
                for block in answer.iter_content(_CHUNK):
                    stream.write(block)
        except OSError as error:  # requests' own errors are OSErrors too
            raise GitHubError(f"GET {_short(path)}: the download broke off", status=0, do="Run again.") from error
        finally:
            answer.close()

    def upload(self, upload_url: str, source: Path, *, name: str, needs: str) -> Any:
        """Stream a file to a release; ``upload_url`` is what GitHub gave with the release."""
        self._need_token(needs)
        url = upload_url.partition("{")[0]
        if _origin(url) not in (_origin(self.api_url), _upload_origin(self.api_url)):
            raise GitHubError(f"GitHub named an upload host that is not its own: {_short(url)}", status=0)
        with source.open("rb") as stream:
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(source.stat().st_size)}
            answer = self._send("POST", url, needs=needs, params={"name": name}, data=stream, headers=headers)
        return self._json(answer)

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
                status=0,
                do="Pass it: `with: {token: ${{ github.token }}}`, "
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
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> "Response":
        """One request with its retries and redirects; returns a successful answer."""
        sent = {"Accept": accept, "X-GitHub-Api-Version": API_VERSION, "User-Agent": "modelyard", **(headers or {})}
        repeatable = method == "GET" or again
        redirects = 0
        for attempt in range(1, _ATTEMPTS + 1):
            last = attempt == _ATTEMPTS
            answer = self._once(method, url, sent, options, final=last or not repeatable, needs=needs)
            while answer is not None and answer.is_redirect and redirects < _REDIRECTS:
                redirects += 1
                url = urljoin(url, answer.headers["Location"])
                options.pop("params", None)
                answer = self._once(method, url, sent, options, final=last or not repeatable, needs=needs)
            if answer is not None and answer.ok:
                return answer
            if answer is not None:
                wait = _rate_wait(answer)
                if wait is None and not (repeatable and answer.status_code >= 500):
                    raise _refused(method, url, answer, needs)
                if last or (wait is not None and wait > LONGEST_WAIT) or "data" in options:
                    raise _refused(method, url, answer, needs)
                self.pause(2.0 ** (attempt - 1) if wait is None else wait)
            else:
                self.pause(2.0 ** (attempt - 1))
        raise AssertionError("the last attempt returns or raises")  # pragma: no cover - the loop's last turn ends it

    def _once(
        self, method: str, url: str, headers: Mapping[str, str], options: Mapping[str, Any], *, final: bool, needs: str
    ) -> "Response | None":
        """One request; None where the connection failed and it may be tried again."""
        import requests

        own = _origin(url) in (_origin(self.api_url), _upload_origin(self.api_url))
        try:
            return self.session.request(
                method, url, headers=dict(headers), auth=_Token(self.token if own else ""), timeout=TIMEOUT,
                allow_redirects=False, **options,
            )  # fmt: skip
        except requests.RequestException as error:
            if final:
                raise GitHubError(
                    f"{method} {_short(url)}: no answer ({_kind(error)})",
                    status=0,
                    do=f"Run again; what was finished is kept. It needs `permissions: {{{needs}}}`.",
                ) from error
            return None

    def _json(self, answer: "Response") -> Any:
        if answer.status_code == 204 or not answer.content:
            return None
        try:
            return answer.json()
        except ValueError as error:
            raise GitHubError(
                f"GitHub's answer to {_short(answer.url)} is not JSON", status=answer.status_code, do="Run again."
            ) from error


class _Token:
    """Puts the token on a request; given always, so that requests looks for no other credentials in ~/.netrc."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: "PreparedRequest") -> "PreparedRequest":
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _upload_origin(api_url: str) -> tuple[str, str]:
    scheme, host = _origin(api_url)
    return scheme, f"uploads.{host.removeprefix('api.')}" if host.startswith("api.") else host


def _rate_wait(answer: "Response") -> float | None:
    """Seconds until a rate limit allows another request; None where this is no rate limit."""
    limited = answer.status_code == 429 or (
        answer.status_code == 403
        and (answer.headers.get("X-RateLimit-Remaining") == "0" or "rate limit" in answer.text.lower())
    )
    if not limited:
        return None
    after = answer.headers.get("Retry-After", "")
    if after.isdigit():
        return float(after)
    reset = answer.headers.get("X-RateLimit-Reset", "")
    if answer.headers.get("X-RateLimit-Remaining") == "0" and reset.isdigit():
        return max(1.0, float(reset) - time.time())
    return LONGEST_WAIT  # GitHub asks for at least a minute where it names no time


def _refused(method: str, url: str, answer: "Response", needs: str) -> GitHubError:
    status, said = answer.status_code, _said(answer)
    head = f"GitHub answers {status} to {method} {_short(url)}{f': {said}' if said else ''}"
    wait = _rate_wait(answer)
    if wait is not None:
        do = f"The rate limit ends in about {wait:,.0f} seconds; run again then."
    elif status == 401:
        do = "The token is not valid; pass `token: ${{ github.token }}`."
    elif status == 403:
        do = f"Grant it in the job that runs this:  permissions: {{{needs}}}"
    elif status == 404:
        do = f"It is not there, or this token may not see it; the job needs `permissions: {{{needs}}}`."
    elif status >= 500:
        do = "GitHub has a fault of its own (www.githubstatus.com); run again."
    else:
        do = ""
    return GitHubError(head, status=status, do=do, said=said)


def _said(answer: "Response") -> str:
    """GitHub's own message, on one line, harmless in a log."""
    try:
        told = answer.json()
    except ValueError:
        return ""
    if not isinstance(told, dict):
        return ""
    details = [
        str(item.get("message") or item.get("code") or "") if isinstance(item, dict) else str(item)
        for item in told.get("errors") or []
    ]
    parts = [str(told.get("message", "")), *details]
    text = "; ".join(part for part in parts if part)
    return "".join(character if character.isprintable() else " " for character in text)[:300]


def _short(url: str) -> str:
    return urlsplit(url).path or url


def _kind(error: Exception) -> str:
    return {"ConnectTimeout": "it took too long to connect", "ReadTimeout": "it took too long to answer",
            "ConnectionError": "the connection failed"}.get(type(error).__name__, type(error).__name__)  # fmt: skip
