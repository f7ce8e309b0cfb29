"""Files on web servers, and the client that they are read with: https alone, redirects by hand, tokens to one host."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from modelyard import __version__
from modelyard.core.errors import ConfigError, ModelyardError
from modelyard.data.remote import address, failures
from modelyard.data.remote.objects import Object, Reading
from modelyard.data.source import Location

if TYPE_CHECKING:
    import requests

_HOPS = 5
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SECRET = re.compile(r"(?i)sig|signature|token|credential|password|secret|(?:^|[-_])key|apikey")
_TIMES = (429, 500, 502, 503, 504)
"""Answers after which a request is sent again."""


class Web:
    """A client of one server.

    Args:
        location: the data set, for messages.
        place: what messages call the server.
        root: an address of the server, which alone is sent the token.
        token: sent as ``Authorization: Bearer``.
    """

    def __init__(self, location: Location, place: str, root: str, token: str | None = None) -> None:
        self._location, self._place, self._token = location, place, token
        self._origin = origin(root)
        self._plain = self._origin[0] == "http"

    @contextmanager
    def send(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> "Iterator[requests.Response]":
        """Send a request and follow redirects; the body is not read yet.

        Raises:
            PlatformError: silence, no connection, a redirect that may not be followed.
        """
        import requests
        from requests.adapters import HTTPAdapter
        from urllib3.util.retry import Retry

        again = Retry(
            total=failures.RETRIES, backoff_factor=failures.PAUSE, status_forcelist=_TIMES, allowed_methods=None,
            redirect=0, raise_on_status=False, raise_on_redirect=False, respect_retry_after_header=False,
        )  # fmt: skip
        with requests.Session() as session:
            session.trust_env = False  # a .netrc would send a password to wherever a redirect leads
            session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE") or True
            session.mount("https://", HTTPAdapter(max_retries=again))
            session.mount("http://", HTTPAdapter(max_retries=again))
            try:
                with self._followed(session, method, url, dict(headers or {})) as answer:
                    yield answer
            except requests.exceptions.Timeout as error:
                raise failures.too_slow(self._location, self._place) from error
            except requests.exceptions.RequestException as error:
                raise self._of(error) from error

    def _of(self, error: Exception) -> ModelyardError:
        text = str(error)
        if "Read timed out" in text or "ReadTimeout" in text:
            return failures.too_slow(self._location, self._place)
        if "IncompleteRead" in text or "Connection broken" in text:
            return failures.truncated(self._location, self._place)
        return failures.unreachable(self._location, self._place)

    def _followed(
        self, session: "requests.Session", method: str, url: str, headers: dict[str, str]
    ) -> "requests.Response":
        from requests.utils import get_environ_proxies

        sent = {"User-Agent": f"modelyard/{__version__}", "Accept-Encoding": "identity", **headers}
        for _ in range(_HOPS + 1):
            own = {"Authorization": f"Bearer {self._token}"} if self._token and origin(url) == self._origin else {}
            answer = session.request(
                method, url, headers={**sent, **own}, proxies=get_environ_proxies(url), stream=True,
                allow_redirects=False, timeout=failures.SECONDS,
            )  # fmt: skip
            if answer.status_code not in (301, 302, 303, 307, 308) or "Location" not in answer.headers:
                return answer
            answer.close()
            url = self._next(urljoin(url, answer.headers["Location"]))
        raise failures.redirected(self._location, self._place, f"more than {_HOPS} times")

    def _next(self, url: str) -> str:
        parts = urlsplit(url)
        fine = parts.scheme == "https" or (self._plain and parts.scheme == "http" and parts.hostname in _LOOPBACK)
        if not fine or parts.username is not None:
            raise failures.redirected(self._location, self._place, f"to {parts.scheme}://{parts.hostname}")
        return url


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of an address."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


def refuse_plain(location: Location, url: str) -> None:
    """Refuse what is not https, but for this machine's own address.

    Raises:
        ConfigError: it is not.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return
    raise ConfigError(
        f"{location.key}: {parts.scheme}://{parts.hostname} is not https",
        code="data/insecure-address",
        hint="Write https://; http is for this machine alone.",
    )


class WebFile:
    """One file on a web server, read without credentials; implements ``Store``."""

    def __init__(self, location: Location) -> None:
        self._location, self._url = location, _checked(location)
        self._web = Web(location, self.place, self._url)

    @property
    def place(self) -> str:
        """Return the server's address."""
        parts = urlsplit(self._url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def key(self) -> str:
        """Return the path on the server."""
        return unquote(urlsplit(self._url).path).lstrip("/")

    def look_up(self, key: str) -> Object | None:
        """Ask for the file's headers; where the server does not answer HEAD, by the start of a GET."""
        del key
        with self._web.send("HEAD", self._url) as answer:
            status = answer.status_code
            if status not in (403, 405, 501):
                return self._told(answer)
        with self._web.send("GET", self._url) as answer:
            return self._told(answer)

    def list(self, folder: str, *, deep: bool) -> Iterable[Object]:
        """Return the file: web servers list nothing."""
        del folder, deep
        found = self.look_up(self.key)
        return [] if found is None else [found]

    @contextmanager
    def read(self, wanted: Object) -> Iterator[Reading]:
        """Read the file."""
        with self._web.send("GET", self._url) as answer:
            found = self._told(answer)
            if found is None:
                raise failures.changed_while_read(self._location, wanted.key)
            yield Reading(found, answer.iter_content(1 << 20))

    def _told(self, answer: "requests.Response") -> Object | None:
        return told(self._location, self.place, self.key, answer, "nothing: https:// is read without credentials")


def told(
    location: Location, place: str, key: str, answer: "requests.Response", variables: str, *, anonymous: bool = True
) -> Object | None:
    """Return what the headers of an answer say of an object; None for 404 and 410.

    Raises:
        PlatformError: refused, or the server failed.
    """
    status, headers = answer.status_code, answer.headers
    if status in (404, 410):
        return None
    if status in (401, 403):
        raise failures.not_allowed(location, place, variables=variables, anonymous=anonymous)
    if status != 200:
        raise failures.server_failed(location, place, status)
    size = headers.get("Content-Length", "")
    return Object(
        key=key,
        size=int(size) if re.fullmatch(r"[0-9]{1,18}", size) and "Content-Encoding" not in headers else None,
        etag=headers.get("ETag"),
        modified=_moment(headers.get("Last-Modified")),
    )


def _moment(text: str | None) -> str | None:
    try:
        return None if text is None else parsedate_to_datetime(text).isoformat()
    except ValueError:
        return None


def _checked(location: Location) -> str:
    """Return the address of a file, where it is one.

    Raises:
        ConfigError: it is not, or holds a credential.
    """
    url = location.source
    try:
        parts = urlsplit(url)
        known: Any = parts.hostname and (parts.port or 1)
    except ValueError:
        parts, known = urlsplit("https:"), None
    if not known or re.search(r"[\s\x00-\x20\x7f\\]", url) or parts.fragment:
        raise address.bad(location, f"{url[:200]!a} is no address of a file", "Write https://host/folder/file.parquet.")
    if parts.username is not None or any(_SECRET.search(name) for name, _ in parse_qsl(parts.query)):
        raise address.bad(
            location,
            f"the address at {parts.hostname} holds a credential, which would stand in every record",
            "Name a file that is read without one, or fetch it in a step of its own before this one.",
        )
    refuse_plain(location, url)
    if address.Keys(parts.path).wild:
        raise address.bad(location, f"{url[:200]!r} is a glob, and web servers list nothing", "Name one file a set.")
    address.keys(location, unquote(parts.path).lstrip("/"), "https://host/folder/file.parquet")
    return url
