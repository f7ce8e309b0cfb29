"""The rulebooks of a run: the rules in force, and those that a proposal would put in their place."""

from datetime import UTC, date, datetime
from typing import Any

import modelyard.records.results as r
from modelyard.core.errors import ConfigError, DataError
from modelyard.core.verdict import Verdict
from modelyard.evaluation.gates import waivers
from modelyard.evaluation.rulebook import Rulebook
from modelyard.evaluation.session import Session
from modelyard.policy.in_force import digest_of_rules
from modelyard.steps.context import Context
from modelyard.steps.scoring import logs_of


def today() -> date:
    """Return the day in UTC."""
    return datetime.now(UTC).date()


def in_force(context: Context) -> Rulebook:
    """Return the rules that judge this run, with files from where they come."""
    named = context.config.evaluate.waivers
    return Rulebook.of(
        context.loaded,
        {
            name: context.policy.rule_file(path, "evaluate.metrics")
            for name, path in context.config.evaluate.metric_files.items()
        },
        waivers.read(context.policy.rule_file(named, "evaluate.waivers"), named) if named else (),
        today(),
        logs_of(context),
        context.find_interpreter().python,
    )


def under_own_rules(context: Context, session: Session) -> tuple[Verdict | None, str]:
    """Return the verdict that a proposal's own rules would give.

    None where it changes no rule, or one that other rows or other predictions would have to be scored for; and which
    rule that is.
    """
    rules = context.policy.rules
    if rules.own is None:
        return None, ""
    own = rules.own.config
    files = {*own.evaluate.metric_files.values(), *context.config.evaluate.metric_files.values()}
    files |= {each for each in (own.evaluate.waivers, context.config.evaluate.waivers) if each}
    beyond = [each.rule for each in rules.changes if each.rule not in files and not _of_the_judgement(each.rule)]
    if beyond:
        return None, beyond[0]
    named = own.evaluate.waivers
    try:
        book = Rulebook.of(
            rules.own,
            {
                name: context.policy.own_file(path, "evaluate.metrics")
                for name, path in own.evaluate.metric_files.items()
            },
            waivers.read(context.policy.own_file(named, "evaluate.waivers"), named) if named else (),
            today(),
            logs_of(context),
            context.find_interpreter().python,
        )
    except (ConfigError, DataError):
        return Verdict.ERROR, ""
    return session.verdict_under(book), ""


def _of_the_judgement(rule: str) -> bool:
    """Tell whether a rule says how predictions that exist are judged, or nothing that a verdict depends on."""
    asked_of_models = ("evaluate.behaviour", "evaluate.champion", "evaluate.checks.train_test_gap")
    return rule.startswith(("evaluate.", "test rows:", "mode", "registry.")) and rule not in asked_of_models


def origin(context: Context) -> dict[str, Any]:
    """Return whose rules judged, and what this change would alter in them."""
    rules = context.policy.rules
    return {
        "base": rules.commit,
        "rules_digest": digest_of_rules(rules),
        "rule_changes": tuple(
            r.RuleChange(rule=each.rule, old=each.old, new=each.new, kind=each.kind) for each in rules.changes
        ),
        "proposal": rules.proposal,
    }


def digest_in_force(context: Context) -> str:
    """Return the digest of the rules that judge this run."""
    return digest_of_rules(context.policy.rules)
