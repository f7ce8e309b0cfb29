"""What GitHub's answers mean: which is a rate limit and until when, and what to do about each of the others.

Sources: "Rate limits for the REST API", "Best practices for using the REST API" and "Troubleshooting the REST API" in
GitHub's documentation. A primary limit says that nothing remains and when it is reset; a secondary one says
``Retry-After``, or nothing, and then asks for a minute at least.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from modelyard.core.errors import PlatformError

if TYPE_CHECKING:
    from requests import Response

UNNAMED_WAIT = 60.0
"""Seconds to wait where GitHub limits without naming a time."""
LOST = (0, 500, 502, 503, 504)
"""Statuses after which only a look can tell whether a write took effect."""


class GitHubError(PlatformError):
    """GitHub did not do it. ``status`` is its answer, or 0 where there was none; ``said`` are its own words."""

    def __init__(self, message: str, *, code: str, status: int, hint: str = "", said: str = "") -> None:
        self.status = status
        self.said = said
        super().__init__(message, code=code, hint=hint)

    @property
    def lost(self) -> bool:
        """Whether it may have been done all the same."""
        return self.status in LOST


def date_of(answer: "Response") -> float | None:
    """GitHub's clock at this answer, in seconds since 1970."""
    return _moment(answer.headers.get("Date", ""))


def rate_wait(answer: "Response", now: float) -> float | None:
    """Seconds until a rate limit allows another request; None where this is no rate limit.

    Args:
        answer: GitHub's.
        now: GitHub's own clock, since ``X-RateLimit-Reset`` is a time on it.
    """
    nothing_remains = answer.headers.get("X-RateLimit-Remaining") == "0"
    after = answer.headers.get("Retry-After", "")
    worded = any(words in answer.text.lower() for words in ("rate limit", "abuse detection"))
    if answer.status_code != 429 and not (answer.status_code == 403 and (nothing_remains or after or worded)):
        return None
    if after.isdigit():
        return float(after)
    if (until := _moment(after)) is not None:
        return max(1.0, until - now)
    reset = answer.headers.get("X-RateLimit-Reset", "")
    return max(1.0, float(reset) - now) if nothing_remains and reset.isdigit() else UNNAMED_WAIT


def refused(method: str, url: str, answer: "Response", needs: str, now: float) -> GitHubError:
    """Return the error that an answer is, with its cure."""
    status, said = answer.status_code, _said(answer)
    head = f"GitHub answers {status} to {method} {short(url)}{f': {said}' if said else ''}"
    wait = rate_wait(answer, now)
    if wait is not None:
        hint = _limited(answer, wait, now)
        return GitHubError(head, code="github/rate-limit", status=status, hint=hint, said=said)
    return GitHubError(head, code="github/refused", status=status, hint=_cure(status, said, needs), said=said)


def unanswered(method: str, url: str, error: Exception, needs: str) -> GitHubError:
    """Return the error that a broken connection is."""
    why = {
        "ConnectTimeout": "it took too long to connect",
        "ReadTimeout": "it took too long to answer",
        "ConnectionError": "the connection failed",
        "ChunkedEncodingError": "the answer broke off",
        "SSLError": "its certificate is not trusted here",
        "ProxyError": "the proxy would not connect",
    }.get(type(error).__name__, type(error).__name__)
    return GitHubError(
        f"{method} {short(url)}: no answer ({why})",
        code="github/no-answer",
        status=0,
        hint=f"Run again; what was finished is kept. It needs `permissions: {{{needs}}}`.",
    )


def short(url: str) -> str:
    """Return the path of an address: what follows may be a signature."""
    return urlsplit(url).path or url


def _cure(status: int, said: str, needs: str) -> str:
    words = said.lower()
    if status == 401:
        return "The token is not valid, or no longer; pass `token: ${{ github.token }}`."
    if status == 403 and "saml" in words:
        return "Authorize the token for the organization's single sign-on, or use the job's own `${{ github.token }}`."
    if status == 403 and "personal access token" in words:
        return f"Give that token the permission {needs} here, or use the job's own `${{{{ github.token }}}}`."
    if status == 403:
        return f"Grant it in the job that runs this:  permissions: {{{needs}}}"
    if status == 404:
        return f"It is not there, or this token may not see it; the job needs `permissions: {{{needs}}}`."
    if status == 409 and "empty" in words:
        return "The repository has no commit yet; push a first one, then run again."
    if status == 409:
        return "Something else changed it at the same moment; run again."
    if status == 422:
        return "GitHub understood it and would not do it; nothing was changed by this request."
    if status >= 500:
        return "GitHub has a fault of its own (www.githubstatus.com); run again."
    return ""


def _limited(answer: "Response", wait: float, now: float) -> str:
    ends = f"{datetime.fromtimestamp(now + wait, UTC):%H:%M} UTC"
    if answer.headers.get("X-RateLimit-Remaining") == "0":
        limit = answer.headers.get("X-RateLimit-Limit", "")
        many = f"all {int(limit):,} requests" if limit.isdigit() else "all requests"
        return f"The rate limit: {many} of this hour are used up. It ends in about {wait:,.0f} seconds, at {ends}."
    return (
        f"GitHub limits many requests in a short time. The rate limit ends in about {wait:,.0f} seconds, at {ends}; "
        "run again then, and not many jobs at once."
    )


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
    text = " ".join("; ".join(part for part in parts if part).split())
    return "".join(character if character.isprintable() else " " for character in text)[:300]


def _moment(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None
