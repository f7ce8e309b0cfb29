"""``modelyard doctor``: what would not work or is unsafe in workflows and configuration, each with its fix."""

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from modelyard.cli.flags import Command
from modelyard.cli.session import slips, workspace
from modelyard.core import terminal
from modelyard.core.errors import ConfigError
from modelyard.github.client import GitHub
from modelyard.github.credentials import client_for
from modelyard.usecases.doctor.examine import Change, examine, exit_code, mend, write
from modelyard.usecases.doctor.finding import LEVELS, Finding
from modelyard.usecases.doctor.repository import Repository, look
from modelyard.usecases.workflow_templates import installed
from modelyard.vcs.tree import github_repository


def run(_command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Look, print what was found, and with ``--fix`` show the diff and write it; returns the exit code."""
    root = workspace(Path.cwd())
    github = _client(root) if given.get("online") == "true" else None
    strict, with_json = given.get("strict") == "true", given.get("json") == "true"
    repository = _look(root, given, github)
    made: list[Change] = []
    if given.get("fix") == "true":
        repository, made = mend(repository)
        for change in made if not with_json else ():
            terminal.put(change.diff.rstrip("\n"))
        write(root, made)
    findings = examine(repository)
    code = exit_code(findings, strict=strict)
    if with_json:
        terminal.data(json.dumps(_document(findings, made, code)))
    else:
        terminal.put("\n".join(_lines(repository, findings, made)))
    return code


def _look(root: Path, given: Mapping[str, str], github: GitHub | None) -> Repository:
    named = (Path.cwd() / given.get("config", "modelyard.yml")).resolve()
    config = named.relative_to(root).as_posix() if named.is_relative_to(root) else given["config"]
    return look(root, installed(), slips=slips, now=datetime.now(UTC), github=github, config=config)


def _client(root: Path) -> GitHub:
    client = client_for(os.environ, repository=github_repository(root))
    if not client.token:
        raise ConfigError(
            "--online asks GitHub, and there is no token",
            code="github/no-token-to-ask",
            hint="Set GH_TOKEN, for example to what `gh auth token` prints; without --online nothing is asked.",
        )
    return client


def _lines(repository: Repository, findings: Sequence[Finding], made: Sequence[Change]) -> list[str]:
    lines: list[str] = []
    explained: set[str] = set()
    for finding in findings:
        lines.append(f"{finding.place}: {finding.level}: {finding.found} [{finding.code}]")
        if finding.code not in explained:
            lines.append(f"  why: {finding.why}")
        explained.add(finding.code)
        lines.append(f"  fix: {finding.fix}{' (--fix does it)' if finding.edits else ''}")
    mended = sum(len(change.mended) for change in made)
    if mended:
        lines.append(
            f"mended {mended} in {len(made)} file{'s' if len(made) > 1 else ''}; look at them before you commit"
        )
    count = Counter(finding.level for finding in findings)
    told = ", ".join(f"{count[level]} {level}" for level in LEVELS if count[level])
    looked = f"{len(repository.workflows)} workflow{'' if len(repository.workflows) == 1 else 's'}"
    lines.append(f"{looked} looked at: {told or 'nothing found'}")
    if repository.github is None:
        lines.append("rules of branches and settings were not looked at: they need a token and --online")
    return lines


def _document(findings: Sequence[Finding], made: Sequence[Change], code: int) -> dict[str, object]:
    return {
        "exit-code": code,
        "findings": [finding.as_data() for finding in findings],
        "mended": [{"file": change.file, "codes": [each.code for each in change.mended]} for change in made],
    }
