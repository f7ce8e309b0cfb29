"""The key under which categories are named in what a version carries; without one they stay out."""

import secrets

from modelyard.core.files import create_exclusive
from modelyard.steps.context import CheckedOut
from modelyard.steps.declaration import Secret

PROFILE_KEY = Secret("profile-key", "Key under which categories enter the profile; without one they stay out.")


def key_of(context: CheckedOut) -> bytes | None:
    """Return the secret ``profile-key`` of the action, else what ``.modelyard/key`` holds.

    Where a model is to be watched and its registry is at this desk, the key is made here; in Actions it would be
    another one in every job.
    """
    secret = context.environ.get("MODELYARD_PROFILE_KEY", "")
    if secret:
        return secret.encode()
    path = context.workspace.open_state() / "key"
    if not path.is_file() and context.config.monitor is not None and context.event is None:
        create_exclusive(path, secrets.token_hex(32).encode(), mode=0o600)
    return path.read_bytes() if path.is_file() else None
