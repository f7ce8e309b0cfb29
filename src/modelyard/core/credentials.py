"""The one list of variables that hold credentials, and what is left of an environment without them.

A user's code never gets a credential that we read or that the job holds: neither by its name, nor under another name,
nor as a part of another value.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from urllib.parse import quote

GITHUB = ("MODELYARD_TOKEN", "GH_TOKEN", "GITHUB_TOKEN")
"""Where our client of GitHub looks for its token, in this order: the action's input, then what people set locally."""
MLFLOW_USER = "MLFLOW_TRACKING_USERNAME"
MLFLOW = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
_POSTGRESQL = ("PGPASSWORD",)
"""By which a prediction log in a database is read."""
STORES = (
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "GOOGLE_BEARER_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_KEY", "AZURE_STORAGE_MASTER_KEY",
    "AZURE_STORAGE_SAS_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_TOKEN", "AZURE_STORAGE_CONNECTION_STRING",
    "AZURE_STORAGE_CLIENT_SECRET", "AZURE_CLIENT_SECRET",
    "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN",
)  # fmt: skip
"""By which stores of data are read: what clients of S3, Google Cloud Storage, Azure and Hugging Face look for."""
_LEAD_TO_STORES = (
    "AWS_ACCESS_KEY_ID", "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH", "GOOGLE_GHA_CREDS_PATH",
    "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
    "AZURE_FEDERATED_TOKEN_FILE", "HF_TOKEN_PATH",
)  # fmt: skip
"""Names and files by which these clients find credentials; none itself, so equal values elsewhere mean nothing."""
_JOB = ("INPUT_TOKEN", "INPUT_GITHUB-TOKEN", "MODELYARD_GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
_DATABRICKS = ("DATABRICKS_TOKEN", "DATABRICKS_PASSWORD", "DATABRICKS_CLIENT_SECRET")
_OURS = ("MODELYARD_", "ACTIONS_RUNTIME_", "ACTIONS_ID_TOKEN_", "ACTIONS_CACHE_", "ACTIONS_RESULTS_")
_SECRET = ("_TOKEN", "_KEY", "_SECRET", "_PASSWORD")
_INDEX = re.compile(r"UV_INDEX_\w+_(?:USERNAME|PASSWORD)")
_ADDRESS = re.compile(r"(?:UV|PIP)_(?:DEFAULT_INDEX|EXTRA_INDEX_URL|FIND_LINKS|INDEX|INDEX_URL)")
_WITH_USER = re.compile(r"://[^/\s@]+@")
_LONG = 8
"""Letters from which a credential is looked for inside other values; a shorter one may stand there by chance."""

_names = {*GITHUB, *MLFLOW, *_POSTGRESQL, *STORES, *_JOB, *_DATABRICKS}


def declare(*names: str) -> None:
    """Add variables that hold credentials, such as those of another kind of registry."""
    _names.update(names)


def without_credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without our variables, without credentials, and without values that contain one."""
    index = for_installer(environ)
    secrets = {value for name, value in environ.items() if value and _holds_secret(name)}
    secrets |= {value for name, value in index.items() if value and name.endswith("_PASSWORD")}
    parts = [part for secret in secrets for part in _spellings(secret)]
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(_OURS)
        and name not in index
        and name not in _names
        and name not in _LEAD_TO_STORES
        and name != MLFLOW_USER  # it goes with a password and is none, so equal values elsewhere mean nothing
        and value not in secrets
        and not any(part in value for part in parts)
    }


def for_installer(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which uv and pip get into a package index; the installer alone is given them."""
    return {
        name: value
        for name, value in environ.items()
        if _INDEX.fullmatch(name) or (_ADDRESS.fullmatch(name) and _WITH_USER.search(value))
    }


def _holds_secret(name: str) -> bool:
    return name in _names or (name.startswith(_OURS) and name.endswith(_SECRET))


def _spellings(secret: str) -> Iterator[str]:
    """Yield how a credential stands inside another value: as it is, in an address, or in a header for basic access."""
    yield f":{secret}@"
    if len(secret) < _LONG:
        return
    yield secret
    yield quote(secret, safe="")
    data = secret.encode("utf-8", "surrogateescape")
    for shift, lead in enumerate((0, 2, 3)):  # letters of base64 depend on how many bytes come before
        yield b64encode(bytes(shift) + data).decode()[lead : (shift + len(data)) * 8 // 6]
