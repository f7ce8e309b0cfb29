"""What goes wrong between here and a store, as errors with a code, words and the exit code that fits."""

from modelyard.core.errors import ConfigError, DataError, ModelyardError, PlatformError
from modelyard.data.source import Location

SECONDS = 30.0
"""How long a server may be silent."""
RETRIES = 2
"""How often a request is sent again where the server failed or was not there."""
PAUSE = 0.5
"""Seconds before the first of these; each one after it waits twice as long."""


def no_such_place(location: Location, place: str, what: str = "bucket") -> ModelyardError:
    """Say that there is no such bucket or repository; servers say so of one that the caller may not see, too."""
    return ConfigError(
        f"{location.key}: there is no {what} {place}",
        code="data/no-such-bucket",
        hint="Fix the name, the endpoint or the account. A server may also say this of what its caller may not see.",
    )


def nothing_there(location: Location, *, wild: bool, looked: str) -> ModelyardError:
    """Say that the address means no object."""
    said = "matches no object" if wild else "is not there"
    return ConfigError(
        f"{location.key}: {location.source!r} {said}",
        code="data/no-such-object",
        hint=f"{looked} Fix the address, or write the data there before this step.".lstrip(),
    )


def not_allowed(location: Location, place: str, *, variables: str, anonymous: bool) -> ModelyardError:
    """Say that the store refused the caller, or would have to."""
    if location.fork:
        return PlatformError(
            f"{location.key}: data not readable from a fork: {place} needs credentials, and a fork's pull request "
            "gets none",
            code="data/not-readable-from-fork",
            hint="A maintainer who has read the change can push it to a branch here and open a pull request from it: "
            "git fetch origin pull/N/head && git push origin FETCH_HEAD:refs/heads/review-N",
        )
    if anonymous:
        return PlatformError(
            f"{location.key}: {place} needs credentials, and there are none",
            code="data/no-credentials",
            hint=f"Set {variables} on the step or the job.",
        )
    return PlatformError(
        f"{location.key}: {place} refused the credentials of {variables}",
        code="data/no-permission",
        hint="They have to be valid, and allow listing and reading there.",
    )


def too_slow(location: Location, place: str) -> ModelyardError:
    """Say that the server did not answer in time."""
    return PlatformError(
        f"{location.key}: {place} was silent for {SECONDS:g} s",
        code="data/timeout",
        hint="Run again. Where it stays so, look at the network between this machine and the store.",
    )


def unreachable(location: Location, place: str) -> ModelyardError:
    """Say that there is no connection."""
    return PlatformError(
        f"{location.key}: {place} cannot be reached",
        code="data/unreachable",
        hint="Fix the endpoint, or this machine's way to it: name, proxy, certificate.",
    )


def server_failed(location: Location, place: str, status: int | None) -> ModelyardError:
    """Say that the server failed, again and again."""
    told = "gave an answer that cannot be used" if status is None else f"answered {status}"
    return PlatformError(
        f"{location.key}: {place} {told}",
        code="data/server-error",
        hint="Run again later; the status page of the server may know more.",
    )


def other_region(location: Location, place: str, region: str | None) -> ModelyardError:
    """Say that the bucket is in another region."""
    return ConfigError(
        f"{location.key}: {place} is in another region",
        code="data/wrong-region",
        hint=f"Set AWS_REGION={region}." if region else "Set AWS_REGION to the bucket's region.",
    )


def redirected(location: Location, place: str, why: str) -> ModelyardError:
    """Say that the server sent the request where it may not go."""
    return PlatformError(
        f"{location.key}: {place} redirects {why}",
        code="data/redirect",
        hint="Name the address that it ends at, if you trust it. Only https is followed, five times at most.",
    )


def changed_while_read(location: Location, key: str) -> ModelyardError:
    """Say that an object is not what it was when it was listed, or is gone."""
    return DataError(
        f"{location.key}: {key} changed while it was read",
        code="data/changed-while-read",
        hint="Run again once nothing writes to it.",
    )


def truncated(location: Location, key: str, told: str = "before its end") -> ModelyardError:
    """Say that an object ended early."""
    return DataError(
        f"{location.key}: {key} broke off {told}",
        code="data/truncated",
        hint="Run again. Where it stays so, write the object again.",
    )


def too_large(location: Location, size: int, most: int, *, free: bool = False) -> ModelyardError:
    """Say that the data does not fit here."""
    room = "there is room for" if free else "a set may have"
    return PlatformError(
        f"{location.key}: {size / 2**30:,.1f} GiB are to be fetched, and {room} {most / 2**30:,.1f} GiB",
        code="data/too-large",
        hint="Name fewer objects, or run where more fits.",
    )
