"""Buckets of S3, Google Cloud Storage and Azure, through obstore: one wheel, typed, with no client of a vendor.

Credentials and endpoints come from the variables that the vendors' own tools read; nothing of them is configured.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import urlsplit

from modelyard.core.actions import in_actions
from modelyard.core.errors import ConfigError, ModelyardError
from modelyard.data.remote import address, failures
from modelyard.data.remote.objects import Object, Reading
from modelyard.data.source import Location

_STATUS = re.compile(r"non-2xx status code: (\d{3})")
_REGION = re.compile(r"<Region>([a-z0-9-]{1,40})</Region>|expecting '([a-z0-9-]{1,40})'")
_ELSEWHERE = ("PermanentRedirect", "AuthorizationHeaderMalformed", "redirect without LOCATION", "IllegalLocation")
_SLOW = ("kind: Timeout", "TimedOut", "operation timed out")
_NO_CREDENTIALS = ("169.254.169.254", "metadata.google.internal", "169.254.170", "InstanceMetadata")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Cloud:
    """What differs between vendors.

    Attributes:
        name: the scheme.
        make: makes obstore's client of a bucket, given its options.
        credentials: variables of which one is enough to be somebody.
        anonymous: the variable that asks for a public bucket to be read without credentials.
        endpoints: variables that name another server.
        said: how messages speak of the credentials.
    """

    name: str
    make: Callable[..., Any]
    credentials: tuple[str, ...]
    anonymous: tuple[str, ...]
    endpoints: tuple[str, ...]
    said: str


def _s3(bucket: str, endpoint: str | None, **options: Any) -> Any:
    from obstore.store import S3Store

    own: dict[str, Any] = {} if endpoint is None else {"endpoint": endpoint}
    # Servers of one's own seldom have a name for each bucket.
    own["virtual_hosted_style_request"] = endpoint is None and "." not in bucket
    if not (os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")):
        own["region"] = "us-east-1"
    elif os.environ.get("AWS_REGION"):
        own["region"] = os.environ["AWS_REGION"]
    config: Any = own
    return S3Store(bucket, config=config, **options)


def _gcs(bucket: str, endpoint: str | None, **options: Any) -> Any:
    from obstore.store import GCSStore

    del endpoint  # obstore reads the variable
    return GCSStore(bucket, **options)


def _azure(bucket: str, endpoint: str | None, **options: Any) -> Any:
    from obstore.store import AzureStore

    del endpoint
    return AzureStore(bucket, **options)


S3 = Cloud(
    "s3",
    _s3,
    ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
     "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    ("AWS_SKIP_SIGNATURE",),
    ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
)  # fmt: skip
GCS = Cloud(
    "gs",
    _gcs,
    ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH",
     "GOOGLE_SERVICE_ACCOUNT_KEY", "GOOGLE_BEARER_TOKEN"),
    ("GOOGLE_SKIP_SIGNATURE",),
    ("GOOGLE_BASE_URL",),
    "GOOGLE_APPLICATION_CREDENTIALS or GOOGLE_BEARER_TOKEN",
)  # fmt: skip
AZURE = Cloud(
    "az",
    _azure,
    ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_SAS_KEY",
     "AZURE_STORAGE_CLIENT_SECRET", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_STORAGE_TOKEN",
     "AZURE_STORAGE_USE_EMULATOR"),
    ("AZURE_SKIP_SIGNATURE",),
    ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT", "AZURITE_BLOB_STORAGE_URL"),
    "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
)  # fmt: skip


class Bucket:
    """A bucket or container; implements ``Store``."""

    def __init__(self, cloud: Cloud, location: Location, name: str) -> None:
        self._cloud = cloud
        self._location = location
        self._name = name
        self._client: Any = None

    @property
    def place(self) -> str:
        """Return the bucket's address."""
        return f"{self._cloud.name}://{self._name}"

    def look_up(self, key: str) -> Object | None:
        """Return one object."""
        import obstore

        with self._worded():
            try:
                return _object(obstore.head(self._opened(), key))
            except FileNotFoundError:
                return None

    def list(self, folder: str, *, deep: bool) -> Iterable[Object]:
        """Return the objects in a folder; the server hands them out by the thousand."""
        import obstore

        with self._worded():
            if deep:
                parts = obstore.list(self._opened(), folder or None, chunk_size=1000)
                return [_object(each) for part in parts for each in part]
            return [_object(each) for each in obstore.list_with_delimiter(self._opened(), folder or None)["objects"]]

    @contextmanager
    def read(self, wanted: Object) -> Iterator[Reading]:
        """Read an object, by its version, or on condition that its ETag is what it was."""
        import obstore

        options: Any = {}
        if wanted.version is not None:
            options["version"] = wanted.version
        elif wanted.etag is not None and not wanted.etag.startswith("W/"):
            options["if_match"] = wanted.etag
        with self._worded(wanted.key):
            found = obstore.get(self._opened(), wanted.key, options=options)
            yield Reading(_object(found.meta), (bytes(part) for part in found.stream(min_chunk_size=4 << 20)))

    def _opened(self) -> Any:
        if self._client is None:
            self._client = self._open()
        return self._client

    def _open(self) -> Any:
        cloud, environ = self._cloud, os.environ
        endpoint = next((environ[name] for name in cloud.endpoints if environ.get(name)), None)
        emulator = environ.get("AZURE_STORAGE_USE_EMULATOR", "").lower() in ("1", "true")
        own = bool(endpoint) or emulator
        plain = emulator if endpoint is None else self._is_plain(endpoint)
        asked = any(environ.get(name, "").lower() in ("1", "true") for name in cloud.anonymous)
        known = any(environ.get(name) for name in cloud.credentials)
        # Without credentials obstore asks the machine for its own: there are none on GitHub's, nor for a fork.
        hosted = in_actions(environ) and environ.get("RUNNER_ENVIRONMENT") == "github-hosted"
        if not known and not asked and not own and (self._location.fork or hosted):
            raise self._not_allowed()
        seconds = timedelta(seconds=failures.SECONDS)
        return cloud.make(
            self._name,
            endpoint,
            client_options={
                "allow_http": plain, "connect_timeout": seconds, "read_timeout": seconds, "timeout": timedelta(hours=6),
            },
            retry_config={
                "max_retries": failures.RETRIES, "retry_timeout": seconds * 3,
                "backoff": {"init_backoff": timedelta(seconds=failures.PAUSE), "max_backoff": seconds, "base": 2},
            },
        )  # fmt: skip

    def _is_plain(self, endpoint: str) -> bool:
        parts = urlsplit(endpoint)
        if parts.scheme == "https":
            return False
        if parts.scheme == "http" and parts.hostname in _LOOPBACK:
            return True
        raise ConfigError(
            f"{self._location.key}: the endpoint of {self.place} is not https",
            code="data/insecure-address",
            hint=f"Set {self._cloud.endpoints[0]} to an https address; http is for this machine alone.",
        )

    def _not_allowed(self) -> ModelyardError:
        known = any(os.environ.get(name) for name in self._cloud.credentials)
        return failures.not_allowed(self._location, self.place, variables=self._cloud.said, anonymous=not known)

    @contextmanager
    def _worded(self, key: str = "") -> Iterator[None]:
        """Turn what obstore raises into our errors; its own words quote requests, so they are left out."""
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, OSError, ValueError) as error:
            raise self._error(error, key) from error

    def _error(self, error: Exception, key: str) -> ModelyardError:
        from obstore import exceptions

        where, text = self._location, str(error)
        found = _STATUS.search(text)
        status = int(found[1]) if found else None
        if key and (isinstance(error, FileNotFoundError | exceptions.PreconditionError) or status in (404, 412)):
            return failures.changed_while_read(where, key)
        if any(word in text for word in _ELSEWHERE) or status in (301, 307):
            region = _REGION.search(text)
            return failures.other_region(where, self.place, region and (region[1] or region[2]))
        if any(word in text for word in _NO_CREDENTIALS):
            return failures.not_allowed(where, self.place, variables=self._cloud.said, anonymous=True)
        refused = isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError)
        if refused or status in (401, 403):
            return self._not_allowed()
        if status == 404 or isinstance(error, FileNotFoundError):
            return failures.no_such_place(where, self.place, "container" if self._cloud is AZURE else "bucket")
        if isinstance(error, exceptions.InvalidPathError) or "Error parsing Path" in text:
            return address.odd_key(where, text.partition('Path "')[2].partition('": ')[0])
        if any(word in text for word in _SLOW):
            return failures.too_slow(where, self.place)
        if "kind: Connect" in text or "error sending request" in text:
            return failures.unreachable(where, self.place)
        if key and status is None:
            return failures.truncated(where, key)
        return failures.server_failed(where, self.place, status)


def _object(meta: Any) -> Object:
    written, etag = meta["last_modified"], meta["e_tag"]
    if etag is not None and not etag.startswith(('"', "W/")):
        etag = f'"{etag}"'  # some servers leave the marks out of listings
    return Object(
        key=meta["path"],
        size=meta["size"],
        etag=etag,
        version=meta["version"],
        modified=None if written is None else written.astimezone(UTC).isoformat(timespec="microseconds"),
    )
