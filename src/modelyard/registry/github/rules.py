"""Refused writes: a lost race, or a rule of the repository, told apart by GitHub's words."""

from modelyard.core.errors import PlatformError
from modelyard.github.client import GitHubError


def lost_race(error: GitHubError) -> bool:
    """Return whether a reference was not moved because somebody else moved, made or deleted it first."""
    words = error.said.lower()
    raced = ("fast forward", "fast-forward", "already exists", "does not exist", "cannot be updated", "cannot lock ref")
    if error.status == 422:
        return any(part in words for part in raced)
    return error.status == 409 and not is_rule(error) and "empty" not in words


def is_rule(error: GitHubError) -> bool:
    """Return whether the repository's own rules refused: a ruleset, or the protection of a branch or tag."""
    words = error.said.lower()
    ruled = ("rule", "protected", "through a pull request", "status check", "signed commits", "verified signatures",
             "restricted", "merge queue", "linear history", "update failed")  # fmt: skip
    return error.status in (403, 409, 422) and any(part in words for part in ruled)


def explained(error: GitHubError, what: str, pattern: str) -> PlatformError:
    """Return a refusal by the repository's rules with the ways out; any other as it is.

    Args:
        error: GitHub's.
        what: was to be written, in words.
        pattern: as a rule names it.
    """
    if not is_rule(error):
        return error
    return PlatformError(
        f"a rule of this repository keeps {what} from being written: {error.said}",
        code="github/rule",
        hint=f"One of three: exclude `{pattern}` from the rule (Settings → Rules → Rulesets → Target, or Settings → "
        "Branches); add the app whose token this job uses to the rule's bypass list, and pass that token with "
        "`with: {token: …}`; or keep the registry elsewhere, with registry: {kind: mlflow}.",
    )
