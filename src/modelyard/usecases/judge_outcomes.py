"""Judge a run's outcomes by a configuration: the files that it names, a record, and its report.

On a pull request gates and champion come from the base, and the challenger's file alone from the change.
"""

import os
import platform
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import modelyard.records.results as r
from modelyard import __version__
from modelyard.config.outcomes import LoadedOutcomes, parse
from modelyard.core import documents, files, platforms
from modelyard.core.canonical import digest
from modelyard.core.errors import ConfigError, Place
from modelyard.core.files import sha256_file, write_atomic
from modelyard.core.verdict import Verdict
from modelyard.github.event import MAY_PROMOTE, Event
from modelyard.policy.in_force import base_commit
from modelyard.policy.planted import refuse_link_at, refuse_moved
from modelyard.records.envelope import Circumstances, Envelope, Record, write_record
from modelyard.records.store import RunRecords
from modelyard.vcs import commits, tree


@dataclass(frozen=True)
class Asked:
    """What a person asks for.

    Attributes:
        config: the configuration, relative to the workspace.
        run_dir: the folder of record and report.
        base: a commit whose rules judge, or an empty string.
        first: there is no champion yet.
        keep: where every gate passes, the challenger's file becomes the champion's.
    """

    config: str
    run_dir: Path
    base: str = ""
    first: bool = False
    keep: bool = False


@dataclass(frozen=True)
class _Rules:
    """The configuration that judges, and where the champion's file is."""

    loaded: LoadedOutcomes
    commit: str = ""
    proposal: bool = False
    changed: bool = False


def judge(root: Path, asked: Asked, *, event: Event | None, scratch: Path) -> tuple[Envelope, Path | None]:
    """Judge, and write record and report.

    Args:
        root: the workspace.
        asked: what is asked for.
        event: what started the job; None locally.
        scratch: a folder outside the workspace, for files of the base.

    Returns:
        The record, and the champion's file where it was written.

    Raises:
        ConfigError: a slip of the configuration, or rules that cannot be had.
        DataError: outcomes that cannot be judged.
    """
    from modelyard.evaluation.gates import judgement
    from modelyard.evaluation.outcomes import judging
    from modelyard.evaluation.outcomes.cases import paired
    from modelyard.evaluation.outcomes.formats.format import Ask
    from modelyard.evaluation.outcomes.reading import read

    started, clock = datetime.now(UTC), time.monotonic()
    records = RunRecords(files.self_ignoring(asked.run_dir))
    for stale in (*records.files("evaluate"), asked.run_dir / "report.md", asked.run_dir / "report.html"):
        stale.unlink(missing_ok=True)
    text = documents.read_text(root / asked.config, asked.config, what="the configuration")
    own = parse(text, asked.config)
    rules = _in_force(root, asked, own, event)
    if asked.keep:
        _refuse_to_keep(rules, event)
    config, named = rules.loaded.config, rules.loaded.config.evaluate.outcomes
    sides = _files(root, asked, own, rules, scratch)
    how = judging.Asked(
        config.evaluate.gates,
        named.direction,
        named.unit or "",
        config.evaluate.confidence,
        place=rules.loaded.place,
        line_of=rules.loaded.line_of_gate,
    )
    ask = Ask(named.case or "", named.outcome or "", named.repeat or "", named.cost or "", how.tags)
    only = {"challenger": own.config.evaluate.outcomes.sides["challenger"].only}
    only |= {role: each.only for role, each in named.sides.items() if role != "challenger"}
    attempts = {
        role: read(path, named.format, replace(ask, only=only[role]), f"the {role}") for role, path in sides.items()
    }
    digests = {role: sha256_file(path) for role, path in sides.items()}
    how = replace(how, seed=int(digest(digests).removeprefix("sha256:")[:12], 16))
    cases = paired(attempts, how.tags)
    found = judging.judge_cases(cases, how)
    champion = named.sides["champion"].file if "champion" in sides else None
    result = r.EvaluateResult(
        test_rows=len(cases),
        test_units=found.test_set.units,
        unit=found.test_set.unit_name,
        confidence=config.evaluate.confidence,
        unmatched=dict(cases.unmatched),
        champion=champion,
        metrics=found.metrics,
        gates=found.gates,
        equal_chance=judgement.equal_chance(found.gates),
        base=rules.commit,
        rules_digest=digest([rules.loaded.digest, digests.get("champion")]),
        rule_changes=_changes(rules, own),
        proposal=rules.proposal,
        reproduce=_command(asked),
    )
    record = Record(
        step="evaluate",
        model=config.model.name,
        verdict=found.verdict,
        tool_version=__version__,
        inputs_digest=digest([rules.loaded.digest, digests]),
        config_digest=rules.loaded.digest,
        data=digests,
        tree=tree.tree(root),
        result=result.model_dump(mode="json"),
        circumstances=_circumstances(root, event, started, time.monotonic() - clock),
    )
    envelope = write_record(records.path("evaluate"), record)
    _report(envelope, asked.run_dir)
    return envelope, _kept(root, asked, rules, sides) if asked.keep and found.verdict is Verdict.PASS else None


def _in_force(root: Path, asked: Asked, own: LoadedOutcomes, event: Event | None) -> _Rules:
    """Return whose configuration judges."""
    commit = base_commit(root, event, asked.base)
    if commit is None:
        return _Rules(own)
    refuse_link_at(root, commit, asked.config)
    if files.first_link(root, Path(asked.config)) is not None:
        raise ConfigError(
            f"{asked.config} is a link, and rules are files of their own",
            code="config/linked-rules",
            hint="Write the file in its place.",
        )
    text = commits.file_at(root, commit, asked.config)
    if text is None:
        refuse_moved(root, asked.config, own.config.model.name, commit)
        return _Rules(own, commit, proposal=True)
    base = parse(text.decode("utf-8", "replace"), asked.config)
    return _Rules(base, commit, changed=_without_challenger(base) != _without_challenger(own))


def _without_challenger(loaded: LoadedOutcomes) -> dict[str, Any]:
    plain: dict[str, Any] = loaded.config.model_dump(mode="json")
    del plain["evaluate"]["outcomes"]["challenger"]
    return plain


def _changes(rules: _Rules, own: LoadedOutcomes) -> tuple[r.RuleChange, ...]:
    """Return the parts of the configuration that a change would alter."""
    if not rules.changed:
        return ()
    old, new = _without_challenger(rules.loaded)["evaluate"], _without_challenger(own)["evaluate"]
    return tuple(
        r.RuleChange(rule=f"evaluate.{key}", old=documents.shown(old[key], 200), new=documents.shown(new[key], 200))
        for key in old
        if old[key] != new[key]
    )


def _files(root: Path, asked: Asked, own: LoadedOutcomes, rules: _Rules, scratch: Path) -> dict[str, Path]:
    """Return the files by role: the challenger's of the checkout, the champion's of the base where git has it there."""
    home = Path(asked.config).parent
    challenger = files.inside(root, home / own.config.evaluate.outcomes.sides["challenger"].file, what="the challenger")
    found = {"challenger": challenger}
    named = rules.loaded.config.evaluate.outcomes.sides.get("champion")
    if named is None or asked.first:
        if named is not None and (root / home / named.file).is_file():
            raise ConfigError(
                f"--first says that there is no champion, and {named.file} is there",
                code="outcomes/champion-exists",
                hint="Leave --first out.",
            )
        return found
    path = files.inside(root, home / named.file, what="the champion")
    if rules.commit:
        relative = path.relative_to(root.resolve()).as_posix()
        refuse_link_at(root, rules.commit, relative)
        stored = commits.file_at(root, rules.commit, relative)
        if stored is not None:
            path = scratch / f"outcomes-{rules.commit}" / relative
            write_atomic(path, stored)
        elif tree.tracked(root, path):
            raise ConfigError(
                f"{named.file} is new in this change, and a champion's outcomes are not the change's to write",
                code="outcomes/planted-champion",
                hint="Add it on the base branch first, or keep it out of git and bring it from there.",
                place=Place(rules.loaded.file),
            )
    if not path.is_file():
        raise ConfigError(
            f"the champion's outcomes {named.file} are not there",
            code="outcomes/no-champion",
            hint="Bring the file that was kept; or pass --first where there was never one.",
            place=rules.loaded.place(("evaluate", "outcomes", "champion")),
        )
    found["champion"] = path
    return found


def _refuse_to_keep(rules: _Rules, event: Event | None) -> None:
    if "champion" not in rules.loaded.config.evaluate.outcomes.sides:
        raise ConfigError(
            "--keep needs to know where the champion's outcomes are",
            code="outcomes/no-champion",
            hint="Name the file: evaluate.outcomes.champion.",
        )
    if event is not None and event.trigger not in MAY_PROMOTE:
        raise ConfigError(
            f"nothing is kept in a run of {event.name}",
            code="outcomes/keeps-elsewhere",
            hint="Keep on a push to the default branch; leave --keep out elsewhere.",
        )


def _kept(root: Path, asked: Asked, rules: _Rules, sides: Mapping[str, Path]) -> Path:
    champion = rules.loaded.config.evaluate.outcomes.sides["champion"].file
    path = files.inside(root, Path(asked.config).parent / champion, what="the champion")
    write_atomic(path, sides["challenger"].read_bytes())
    return path


def _report(envelope: Envelope, folder: Path) -> None:
    from modelyard.report.renderers.html import render_html
    from modelyard.report.renderers.markdown import render_markdown

    write_atomic(folder / "report.md", render_markdown({"evaluate": envelope}).encode())
    write_atomic(folder / "report.html", render_html({"evaluate": envelope}).encode())


def _circumstances(root: Path, event: Event | None, started: datetime, seconds: float) -> Circumstances:
    known: dict[str, Any] = {}
    if event is not None:
        known = {"event": event.name, "run_id": event.run_id, "attempt": event.attempt, "base": event.base}
        known["head"] = event.head or event.sha
    return Circumstances(
        started=started.isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
        actor=os.environ.get("GITHUB_ACTOR") or platforms.account(),
        host=platform.node(),
        platform=f"{platform.system()} {platform.machine()}",
        workspace=str(root),
        commit=tree.head_commit(root),
        **known,
    )


def _command(asked: Asked) -> str:
    parts = ["modelyard", "judge"]
    if asked.config != "modelyard.yml":
        parts += ["--config", asked.config]
    if asked.base:
        parts += ["--base", asked.base]
    return shlex.join([*parts, *(["--first"] if asked.first else [])])
