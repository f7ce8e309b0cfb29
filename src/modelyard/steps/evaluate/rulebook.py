"""The gates that judge a run, with the metrics and files that they name: from the rules in force, or the defaults."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import modelyard.records.results as r
from modelyard.config.configuration import Config
from modelyard.config.load import Loaded
from modelyard.config.sections.evaluate import Checks
from modelyard.core.errors import ConfigError, DataError
from modelyard.core.verdict import Verdict
from modelyard.metrics.catalogue import PRIMARY
from modelyard.metrics.metric import Metric
from modelyard.policy.in_force import Rules, digest_of_rules
from modelyard.steps.context import Context

if TYPE_CHECKING:
    from modelyard.evaluation.gates.rules import Rule
    from modelyard.evaluation.test_set import Groups, TestSet
    from modelyard.metrics.predictions import Predictions


def primary_of(context: Context) -> Metric:
    """The metric of the default gates."""
    from modelyard.evaluation.gates.rules import metric_for

    config = context.config
    return metric_for(config.model.metric or PRIMARY[config.model.task], config.model.task)


@contextmanager
def own_metrics(
    context: Context, signature: r.Signature, proposed: Config | None = None
) -> Iterator[Mapping[str, Metric]]:
    """The metrics that the configuration defines, from the files of the rules in force; they end with the block.

    ``proposed``: the configuration of a proposal instead, with the checkout's files.
    """
    from modelyard.metrics.custom import functions as own

    config, file_of = (context.config, context.rule_file) if proposed is None else (proposed, context.inside)
    named = config.evaluate.metrics
    files = {name: file_of(path, "evaluate.metrics") for name, path in config.evaluate.metric_files.items()}
    with own.opened(named, files, task=signature.task, classes=classes_by_code(signature)) as found:
        yield found


def classes_by_code(signature: r.Signature) -> list[bool | int | str]:
    """The classes in the order of their codes: of two, the positive one is 1."""
    if signature.task != "binary":
        return list(signature.classes)
    others = [each for each in signature.classes if each != signature.positive]
    return [*others[:1], *([] if signature.positive is None else [signature.positive])]


def rules_of(
    loaded: Loaded, primary: Metric, truth: "TestSet", models: "Mapping[str, Predictions]", own: Mapping[str, Metric]
) -> "tuple[Rule, ...]":
    """The gates of a configuration, or the defaults."""
    from modelyard.evaluation.gates import rules

    config = loaded.config
    if config.evaluate.gates:
        return rules.from_config(
            config.evaluate.gates,
            config.model.task,
            lambda at: loaded.line_of(("evaluate", "gates", at)),
            loaded.path.name,
            own,
        )
    best = models.get("best-promoted")
    return rules.defaults(
        primary,
        champion_gains=_gains("champion", primary, truth, models),
        best_gains=best is not None
        and best is not models.get("champion")
        and _gains("best-promoted", primary, truth, models),
    )


def _gains(role: str, primary: Metric, truth: "TestSet", models: "Mapping[str, Predictions]") -> bool:
    """Whether a reference is better than the baseline, as far as can be seen."""
    from modelyard.evaluation.gates.judge import baseline_for

    models = baseline_for(primary, models)
    if role not in models or "baseline" not in models or not models[role].has(primary.needs):
        return True
    value = primary.value(truth.y, models[role], truth.weight)
    baseline = primary.value(truth.y, models["baseline"], truth.weight)
    if value is None or baseline is None:
        return True
    return value > baseline if primary.higher_is_better else value < baseline


def groups_of(rules: "tuple[Rule, ...]", test: Any) -> "dict[str, Groups]":
    """The columns that gates slice by."""
    from modelyard.evaluation.test_set import Groups

    return {column: Groups.of_column(test[column]) for rule in rules for column in rule.columns}


def under_own_rules(
    context: Context,
    primary: Metric,
    truth: "TestSet",
    models: "Mapping[str, Predictions]",
    test: Any,
    signature: r.Signature,
    checks: Callable[[Checks], tuple[r.CheckResult, ...]],
) -> tuple[Verdict | None, str]:
    """The verdict that a proposal's own rules would give.

    Args:
        context: the run.
        primary: the metric of the default gates.
        truth: the test rows.
        models: predictions by role.
        test: frame of the test rows.
        signature: the challenger's.
        checks: what the checks beside the gates find, by their modes.

    Returns:
        The verdict, or None where it changes no rule, or one that other rows or other predictions would have to be
        looked at for; and which rule that is.
    """
    from modelyard.evaluation.gates import judgement
    from modelyard.steps.evaluate import looked_at

    rules = context.rules
    if rules is None or rules.own is None:
        return None, ""
    own = rules.own.config
    files = {*own.evaluate.metric_files.values(), *context.config.evaluate.metric_files.values()}
    files |= {each for each in (own.evaluate.waivers, context.config.evaluate.waivers) if each}
    beyond = [each.rule for each in rules.changes if each.rule not in files and not _of_the_judgement(each.rule)]
    if beyond:
        return None, beyond[0]
    judged_with = replace(truth, confidence=own.evaluate.confidence)
    try:
        with own_metrics(context, signature, own) as metrics:
            found = rules_of(rules.own, primary, judged_with, models, metrics)
            if any(column not in test.columns for rule in found for column in rule.columns):
                return Verdict.ERROR, ""
            judged = judgement.judge_all(found, judged_with, models, groups_of(found, test))
        judged, _, expired = looked_at.waived(context, judged, own)
        return judgement.verdict_of(judged, (*checks(own.evaluate.checks), *expired)), ""
    except (ConfigError, DataError):
        return Verdict.ERROR, ""


def _of_the_judgement(rule: str) -> bool:
    """Whether a rule says how predictions that there are already are judged, or nothing that a verdict hangs on."""
    asked_of_models = ("evaluate.behaviour", "evaluate.champion", "evaluate.checks.train_test_gap")
    return rule.startswith(("evaluate.", "test rows:", "mode", "registry.")) and rule not in asked_of_models


def said_of_rules(context: Context) -> dict[str, Any]:
    """Whose rules judged, and what this change would alter in them."""
    rules = context.rules
    if rules is None:
        return {}
    count = len(rules.changes)
    headline = f"This change would alter {count} of the rules that judge it; those of the base count." if count else ""
    if rules.proposal:
        headline = "Proposal: the base has no rules yet. These are this change's own, and nothing is promoted by them."
    return {
        "rules": rules.said,
        "rules_digest": digest_of_rules(rules),
        "rule_changes": tuple(
            r.RuleChange(rule=each.rule, old=each.old, new=each.new, kind=each.kind) for each in rules.changes
        ),
        "headline": headline,
    }


def digest_in_force(context: Context) -> str:
    """Digest of the rules that judge this run."""
    return digest_of_rules(context.rules or Rules(context.loaded))
