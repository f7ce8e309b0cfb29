"""A promotion by pull request: the version is published, and its alias moves when a small file is merged."""

import re
from collections.abc import Mapping

import modelyard.records.results as r
from modelyard.core.errors import ConfigError
from modelyard.github.credentials import client_for
from modelyard.github.pulls import FileChange, propose, same_but_for
from modelyard.records.envelope import Envelope, Step
from modelyard.records.manifest import NO_EVIDENCE
from modelyard.registry import promotion_request as pointers
from modelyard.registry.evidence import EvidenceRefused, check_evidence
from modelyard.registry.promotion_request import Pointer, pointer_branch, pointer_path
from modelyard.registry.protocol import Version
from modelyard.registry.records import version_records
from modelyard.steps.context import Context
from modelyard.vcs.tree import github_repository

_BUDGET = 56_000
_PROMOTING = ("push", "schedule", "workflow_dispatch", "repository_dispatch")
_TREE = re.compile(r"git:([0-9a-f]{40,64})")
_AGAIN = "Evaluate again on the default branch, and merge the pull request that it opens."


def waits(context: Context) -> bool:
    """Whether promotions here wait for a pull request.

    Raises:
        ConfigError: they do, and this is a desk that would move a shared registry's alias past it.
    """
    if context.config.registry.via == "direct":
        return False
    if context.event is None:
        kind = context.versions.open().kind
        if kind == "local":
            return False  # nobody else sees what is tried locally
        raise ConfigError(
            f"registry.via is pull-request, so the alias of the {kind} registry moves by a pull "
            "request that GitHub Actions opens",
            code="promote/pull-request-only",
            hint="Push, and merge the pull request; or try it out here with --registry local.",
        )
    return True


def proposed(context: Context) -> Mapping[str, str]:
    """Versions that wait for a pull request, or for the run of its merge, and where each is named.

    Raises:
        ConfigError: nothing says in which repository.
        DataError: a pointer file is none.
        GitHubError: GitHub does not answer, or the token may not read.
    """
    told = context.config.registry
    if told.via == "direct":
        return {}
    if context.event is None and context.versions.open().kind == "local" and not told.durable:
        return {}  # what is tried locally was never proposed
    client = client_for(context.environ, repository=github_repository(context.root))
    return pointers.proposed(client, context.config.model.name)


def open_pull_request(
    context: Context, version: Version, champion: Version | None, records: Mapping[Step, Envelope], reason: str
) -> r.PullRequest:
    """Open the pull request whose merge moves the alias to a published version, or bring it up to date.

    Raises:
        GitHubError: GitHub would not do it.
    """
    from modelyard.report.renderers.markdown import render_markdown

    event, model, alias = context.event, context.config.model.name, context.config.registry.alias
    assert event is not None  # noqa: S101 - asked for in GitHub Actions only
    now = None if champion is None else champion.name
    pointer = Pointer(
        model=model,
        alias=alias,
        version=version.name,
        version_digest=version.digest,
        evidence=_evidence(version),
        seen=now,
        reason=" ".join(reason.split()),
    )
    path, branch = pointer_path(model), pointer_branch(model)
    title = f"Promote {model} {version.name}"
    shown: dict[Step, Envelope] = {step: known for step, known in records.items() if step != r.REPORT.name}
    body = (
        f"Merging this moves `{alias}` of `{model}` from {now or 'nothing'} to {version.name}, which is published and "
        f"was judged by [run {event.run_id}]({event.run_url}). Until then, nothing serves it.\n\n"
        f"It changes `{path}` alone. If the branch that it is merged into has changed otherwise, or `{alias}` was "
        "moved meanwhile, the alias stays, and the run of the merge says why.\n\n"
        f"{render_markdown(shown, budget=_BUDGET)}"
    )
    change = FileChange(path, pointer.to_bytes(), branch, event.sha, f"{title}\n\nEvidence {version.manifest.evidence}")
    made = propose(context.connect(), change, base=event.ref.removeprefix("refs/heads/"), title=title, body=body)
    context.console.say(f"  {made.action} pull request {made.number}: {made.url}")
    return r.PullRequest(number=made.number, url=made.url, branch=branch, pointer=path)


def _evidence(version: Version) -> str:
    found = version.manifest.evidence
    if found == NO_EVIDENCE:
        raise EvidenceRefused(f"{version.name} carries no evidence", code="promote/no-evidence", hint=_AGAIN)
    return found


def merged(context: Context) -> tuple[Pointer, Version, Envelope]:
    """Find what the pointer at this run's commit moves the alias to, once every word of it holds.

    Raises:
        ConfigError: no pointer here, or not GitHub Actions.
        DataError: the file is no pointer, or the version's records are not readable.
        EvidenceRefused: it names something else than what was judged for exactly this commit.
    """
    event, model, alias = context.event, context.config.model.name, context.config.registry.alias
    if event is None:
        raise ConfigError(
            "part: merged is for the push that merged a promotion's pull request",
            code="github/needs-actions",
            hint="Run it in Actions.",
        )
    client, path = context.connect(), pointer_path(model)
    params = {"ref": event.sha}
    if client.find(f"contents/{path}", needs="contents: read", params=params) is None:
        raise ConfigError(
            f"there is no {path} at the commit {event.sha[:12]}",
            code="promote/no-pointer",
            hint="Nothing is promoted by this push.",
        )
    pointer = Pointer.from_bytes(client.raw(f"contents/{path}", needs="contents: read", params=params), path)
    version = context.versions.open().resolve(pointer.version)
    for said, found, wanted in (
        ("is for the model", pointer.model, model),
        ("is for the alias", pointer.alias, alias),
        (f"names {version.name} by the digest", pointer.version_digest, version.digest),
        (f"names {version.name} on the evidence", pointer.evidence, version.manifest.evidence),
    ):
        if found != wanted:
            raise EvidenceRefused(
                f"{path} {said} {found}, and it is {wanted}", code="promote/other-evidence", hint=_AGAIN
            )
    return pointer, version, _judged(context, version)


def _judged(context: Context, version: Version) -> Envelope:
    """Return the version's evaluation, read from the registry; it must have been made on the default branch."""
    records = version_records(context.versions.open(), version)
    evaluation = records.get("evaluate")
    if evaluation is None:
        raise EvidenceRefused(f"{version.name} carries no evaluation record", code="promote/no-evidence", hint=_AGAIN)
    where = evaluation.record.circumstances.event
    if where not in _PROMOTING:
        raise EvidenceRefused(
            f"the evidence of {version.name} is of {where}, not of the default branch",
            code="promote/wrong-event",
            hint=_AGAIN,
        )
    return evaluation


def check_merged(context: Context, version: Version, evaluation: Envelope) -> None:
    """Check that evaluated = promoted, with the pointer's own file left out of the tree.

    Raises:
        EvidenceRefused: the commit, the configuration or the champion is another one.
        NotPassed: the evaluation did not pass.
    """
    records, champion = version_records(context.versions.open(), version), context.versions.find_champion()
    if r.DETECT.name not in records:
        raise EvidenceRefused(f"{version.name} carries no detect record", code="promote/no-evidence", hint=_AGAIN)
    now, then = context.read_committed_tree(), evaluation.record.tree
    trees = [found[1] for found in map(_TREE.fullmatch, (then, now)) if found]
    path = pointer_path(context.config.model.name)
    same = len(trees) == 2 and same_but_for(context.connect(), trees[0], trees[1], path)
    check_evidence(
        evaluation=evaluation,
        detect=records[r.DETECT.name],
        model_now=context.config.model.name,
        model_digest_now=version.manifest.model_digest,
        champion_now=None if champion is None else champion.name,
        tree_now=then if same else now,
        config_digest_now=context.loaded.digest,
        data_now=records[r.DETECT.name].record.data,
        registry_now=context.versions.open().kind,
        alias=context.config.registry.alias,
    )
