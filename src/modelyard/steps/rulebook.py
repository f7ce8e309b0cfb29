"""The gates that judge a run, with the metrics and files that they name: from the rules in force, or the defaults."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import modelyard.records.results as r
from modelyard.config.load import Loaded
from modelyard.config.rules import metric_files
from modelyard.errors import ConfigError
from modelyard.metrics.catalogue import PRIMARY, Metric
from modelyard.steps.base_rules import Rules, digest_of_rules
from modelyard.steps.context import Context
from modelyard.verdict import Verdict

if TYPE_CHECKING:
    from modelyard.evaluation.rules import Rule
    from modelyard.evaluation.truth import Groups, Truth
    from modelyard.metrics.compute import Predictions


def primary_of(context: Context) -> Metric:
    """The metric of the default gates."""
    from modelyard.evaluation.rules import metric_for

    config = context.config
    return metric_for(config.model.metric or PRIMARY[config.model.task], config.model.task)


@contextmanager
def own_metrics(context: Context, signature: r.Signature) -> Iterator[Mapping[str, Metric]]:
    """The metrics that the configuration defines, from the files of the rules in force; they end with the block."""
    from modelyard.metrics import own

    named = context.config.evaluate.metrics
    files = {name: context.rule_file(path, "evaluate.metrics") for name, path in metric_files(context.config).items()}
    with own.opened(named, files, task=signature.task, classes=classes_by_code(signature)) as found:
        yield found


def classes_by_code(signature: r.Signature) -> list[bool | int | str]:
    """The classes in the order of their codes: of two, the positive one is 1."""
    if signature.task != "binary":
        return list(signature.classes)
    others = [each for each in signature.classes if each != signature.positive]
    return [*others[:1], *([] if signature.positive is None else [signature.positive])]


def rules_of(
    loaded: Loaded, primary: Metric, truth: "Truth", models: "Mapping[str, Predictions]", own: Mapping[str, Metric]
) -> "tuple[Rule, ...]":
    """The gates of a configuration, or the defaults."""
    from modelyard.evaluation import rules

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


def _gains(role: str, primary: Metric, truth: "Truth", models: "Mapping[str, Predictions]") -> bool:
    """Whether a reference is better than the baseline, as far as can be seen."""
    from modelyard.evaluation.gates import baseline_for
    from modelyard.metrics import compute

    models = baseline_for(primary, models)
    if role not in models or "baseline" not in models or not models[role].has(primary.needs):
        return True
    value = compute.value(primary, truth.y, models[role], truth.weight)
    baseline = compute.value(primary, truth.y, models["baseline"], truth.weight)
    if value is None or baseline is None:
        return True
    return value > baseline if primary.higher_is_better else value < baseline


def groups_of(rules: "tuple[Rule, ...]", test: Any) -> "dict[str, Groups]":
    """The columns that gates slice by."""
    from modelyard.evaluation.truth import Groups

    return {column: Groups.of_column(test[column]) for rule in rules for column in rule.columns}


def under_own_rules(
    context: Context, primary: Metric, truth: "Truth", models: "Mapping[str, Predictions]", test: Any
) -> Verdict | None:
    """The verdict of the gates that a proposal would set; None where it sets none, or would judge other rows."""
    from modelyard.evaluation import judgement

    rules = context.rules
    if rules is None or rules.own is None or any(not _of_gates(each.rule) for each in rules.changes):
        return None
    own = rules.own
    if own.config.evaluate.metrics:
        return None
    judged_with = replace(truth, confidence=own.config.evaluate.confidence)
    try:
        found = rules_of(own, primary, judged_with, models, {})
    except ConfigError:
        return Verdict.ERROR
    if any(column not in test.columns for rule in found for column in rule.columns):
        return Verdict.ERROR
    return judgement.verdict_of(judgement.judge_all(found, judged_with, models, groups_of(found, test)))


def _of_gates(rule: str) -> bool:
    return rule.startswith(("evaluate.", "test rows"))


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
