"""An evaluation: rows, predictions and rules in, a judgement out; no configuration file, registry or record is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from modelyard.config.sections.data import Columns
from modelyard.config.sections.evaluate import Checks
from modelyard.core.errors import ConfigError, DataError
from modelyard.core.verdict import Verdict
from modelyard.data import splits
from modelyard.data.units import unit_of, whole_columns
from modelyard.evaluation import discover
from modelyard.evaluation.checks import calibration, changed
from modelyard.evaluation.checks.catalogue import CHECKS
from modelyard.evaluation.checks.check import Subject
from modelyard.evaluation.controls import control_of
from modelyard.evaluation.curves import curves
from modelyard.evaluation.diagnostics.diagnose import diagnose
from modelyard.evaluation.gates import judgement, waivers
from modelyard.evaluation.gates.judge import estimate_of
from modelyard.evaluation.gates.rules import Rule
from modelyard.evaluation.intervals import measure
from modelyard.evaluation.intervals.strategy import Combination
from modelyard.evaluation.remarks import remarks
from modelyard.evaluation.rulebook import Rulebook, classes_by_code
from modelyard.evaluation.test_set import Groups, TestSet
from modelyard.metrics.metric import Metric
from modelyard.metrics.predictions import Floats, Ints, Predictions
from modelyard.models.child.score import misspelt
from modelyard.models.predictions import encode
from modelyard.records.results import CheckResult, Estimate, EvaluateResult, GateResult, MetricRow, Signature, WaiverRow
from modelyard.stats.adjusted import Control


@dataclass(frozen=True)
class Judgement:
    """What one rulebook says."""

    gates: tuple[GateResult, ...]
    metrics: tuple[MetricRow, ...]
    waivers: tuple[WaiverRow, ...]
    checks: tuple[CheckResult, ...]
    columns: Mapping[str, Groups]
    custom: tuple[Metric, ...] = ()
    """Metrics that the rulebook defines; those that are functions cannot be called any more."""

    @property
    def verdict(self) -> Verdict:
        """The verdict.

        Raises:
            ConfigError: nothing counts.
        """
        return judgement.verdict_of(self.gates, self.checks)


@dataclass(frozen=True)
class Session:
    """Everything that was scored, to be judged by one rulebook or several.

    Attributes:
        test: Polars frame of the test rows.
        test_set: the same rows, as gates see them.
        models: predictions by role, in their order.
        signature: the challenger's.
        sample: training rows and the challenger's predictions of them, where the gap is looked at.
        behaviour: what the behaviour tests found.
        beyond: parts of the diagnostics that whoever scored the rows found out, by their names there.
        others: Polars frame of the rows that chance might as well have made test rows; None where there are none such.
    """

    test: Any
    test_set: TestSet
    models: Mapping[str, Predictions]
    signature: Signature
    sample: tuple[Floats | Ints, Predictions] | None = None
    behaviour: tuple[CheckResult, ...] = ()
    others: Any | None = None
    beyond: Mapping[str, Any] = field(default_factory=dict)

    def judge(self, book: Rulebook) -> Judgement:
        """Judge by a rulebook.

        Raises:
            ConfigError: a gate that makes no sense, or none that applies, or a waiver of nothing.
            DataError: a custom metric that fails.
        """
        primary, task = book.primary, book.model.task
        test_set = replace(self.test_set, confidence=book.evaluate.confidence)
        with book.custom_metrics(self.signature) as custom:
            rules = book.rules(primary, test_set, self.models, custom)
            columns = {column: Groups.of_column(self.test[column]) for rule in rules for column in rule.columns}
            gates = judgement.judge_all(rules, test_set, self.models, columns, self._controls(rules, book.columns))
            metrics = judgement.overview(rules, primary, task, test_set, self.models)
        gates, rows, expired = waivers.apply(gates, book.waivers, book.today, book.evaluate.waivers or "")
        checks = (*self._checks(book.evaluate.checks, primary, metrics), *self.behaviour, *expired)
        return Judgement(gates, metrics, rows, checks, columns, tuple(custom.values()))

    def _controls(self, rules: Sequence[Rule], columns: Columns) -> dict[str, Control]:
        others = self.others
        weight = None if others is None or len(others) == 0 else weight_of(others, columns)
        named = dict.fromkeys(rule.adjust_by for rule in rules if rule.adjust_by)
        return {name: control_of(name, self.test, others, columns, weight) for name in named}

    def verdict_under(self, book: Rulebook) -> Verdict:
        """Return the verdict of another rulebook; one that cannot judge these rows is an error."""
        try:
            if any(column not in self.test.columns for gate in book.evaluate.gates for column in gate.columns):
                return Verdict.ERROR
            return self.judge(book).verdict
        except (ConfigError, DataError):
            return Verdict.ERROR

    def _checks(self, settings: Checks, primary: Metric, metrics: tuple[MetricRow, ...]) -> tuple[CheckResult, ...]:
        on_test = next((row.challenger.value for row in metrics if row.metric == primary.name), None)
        subject = Subject(settings, primary, on_test, self.test_set, self.models, self.sample)
        results = [check.judge(subject) for check in CHECKS]
        return tuple(result for result in results if result is not None)

    def _changed(self, columns: Mapping[str, Groups]) -> Any:
        return changed.changed(self.test_set, self.models, columns)

    def result(self, judged: Judgement, book: Rulebook, id_column: str, **facts: Any) -> EvaluateResult:
        """Return the result.

        Args:
            judged: what the rules in force say.
            book: those rules.
            id_column: what names a row.
            facts: what is known of the run besides.
        """
        modes, primary, test_set, named = book.evaluate.checks, book.primary, self.test_set, book.columns
        found = modes.discovered_slices == "report"
        looked_at = may_be_named(self.test, named, id_column)
        times = [] if named.time is None else [self.test[named.time].min(), self.test[named.time].max()]
        zone = unit_of(self.test, named).zone
        known = [str(_local(each, zone)) for each in times if each is not None]
        return EvaluateResult(
            test_rows=len(self.test),
            test_units=test_set.units,
            unit=test_set.unit_name,
            confidence=test_set.confidence,
            over_best=over_best(primary, test_set, self.models),
            walked=over_best(primary, test_set, self.models, "champion"),
            metrics=judged.metrics,
            gates=judged.gates,
            checks=judged.checks,
            waivers=judged.waivers,
            labels_from=min(known, default=""),
            labels_to=max(known, default=""),
            equal_chance=judgement.equal_chance(judged.gates),
            discovered=discover.discover(primary, test_set, self.models, looked_at) if found else (),
            calibration=calibration.calibrations(test_set, self.models) if modes.calibration != "off" else (),
            changed_predictions=self._changed(judged.columns) if modes.changed_predictions != "off" else None,
            curves=curves(test_set, self.models),
            diagnostics=diagnose(
                self.signature.task,
                test_set,
                self.models,
                threshold=(self.signature.threshold or 0.5) if self.signature.task == "binary" else None,
                times=None if named.time is None or named.time in named.personal else self.test[named.time],
                custom=judged.custom,
                personal=named.target in named.personal,
            ).model_copy(update=dict(self.beyond)),
            remarks=remarks(test_set, self.models["challenger"], worth=book.evaluate.worth),
            **facts,
        )


def _local(moment: Any, zone: str) -> Any:
    """Return a moment on the clocks of the unit's zone; one without a zone, or a day, as it is."""
    known = isinstance(moment, datetime) and moment.tzinfo is not None
    return moment.astimezone(ZoneInfo(zone)) if known else moment


def over_best(
    primary: Metric, test_set: TestSet, models: Mapping[str, Predictions], role: str = "challenger"
) -> Estimate | None:
    """Return a model minus the best promoted one on the primary metric, turned so that more is better."""
    best, one = models.get("best-promoted"), models.get(role)
    if best is None or one is None or one is best or not best.has(primary.needs) or not one.has(primary.needs):
        return None
    sign = 1.0 if primary.higher_is_better else -1.0
    return estimate_of(measure.contrast(primary, test_set, Combination([one, best], [sign, -sign])), test_set)


def may_be_named(test: Any, columns: Columns, id_column: str) -> Any:
    """Return the columns of which slices may be looked for: not of personal data or roles of rows."""
    roles = {columns.target, columns.id, columns.time, columns.weight, id_column, *whole_columns(test, columns)}
    kept_out = {*columns.personal, *columns.drop, *roles}
    return test.select(name for name in test.columns if name not in kept_out)


def test_set_of(test: Any, columns: Columns, signature: Signature, *, seed: int, confidence: float) -> TestSet:
    """Return test rows as gates see them.

    Raises:
        DataError: a class that no training row had, or weights that are none.
    """
    unit, unit_name, in_time_order = splits.unit_codes(test, columns)
    return TestSet(
        y=targets(test, columns, signature),
        unit=unit,
        unit_name=unit_name,
        in_time_order=in_time_order,
        weight=weight_of(test, columns),
        seed=seed,
        confidence=confidence,
        classes=tuple(map(str, classes_by_code(signature))),
    )


def targets(test: Any, columns: Columns, signature: Signature) -> Floats | Ints:
    """Return the target of some rows: class codes, or values.

    Raises:
        DataError: a class that no training row had.
    """
    import numpy as np

    target = test[columns.target]
    if signature.task == "regression":
        values: Floats = target.cast(float).to_numpy()
        return values
    codes = encode(target.to_list(), signature)
    unknown = target.filter(codes < 0)
    if len(unknown):
        raise DataError(
            f"{len(unknown):,} test rows have a class that no training row had"
            f"{misspelt(unknown.to_list(), list(signature.classes))}",
            code="data/unknown-class",
            hint="A model cannot be judged on classes it never saw; split so that training rows have every class.",
        )
    return codes.astype(np.int64)


def weight_of(test: Any, columns: Columns) -> Floats | None:
    """Return the weights of some rows; None where no column holds any.

    Raises:
        DataError: they are missing, infinite, negative or all zero.
    """
    import numpy as np

    if columns.weight is None:
        return None
    weight: Floats = test[columns.weight].cast(float).to_numpy()
    if not np.isfinite(weight).all() or (weight < 0).any() or weight.sum() <= 0:
        raise DataError(
            f"data.columns.weight: {columns.weight!r} has missing, infinite or negative weights, or only zeros",
            code="data/unusable-weights",
            hint="Weights are numbers of 0 or more, at least one above 0.",
        )
    return weight
