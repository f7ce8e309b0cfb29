"""validate: every suite on its data set; failed, errored and vacuous expectations are never a pass."""

from collections.abc import Mapping
from typing import Any

import modelyard.records.results as r
from modelyard.core.errors import ConfigError
from modelyard.core.files import sha256_file
from modelyard.core.verdict import worst
from modelyard.records.results import ValidateResult
from modelyard.steps.context import CheckedOut
from modelyard.steps.declaration import Inputs, JudgedInputs, Outputs, StepSpec
from modelyard.steps.definition import Outcome, Stage, StepDefinition
from modelyard.steps.validate.present import ValidatePresenter

SPEC = StepSpec(
    name="validate",
    summary="Run the expectation suites on the data sets that they are for.",
    example="modelyard validate",
    inputs=JudgedInputs,
    outputs=Outputs,
)


def _suites(context: CheckedOut) -> dict[str, str]:
    section = context.config.validate_
    if section is None:
        raise ConfigError(
            "no expectation suite is configured, so validate would check nothing",
            code="validate/no-suite",
            hint="Name one: validate: {suites: {<set>: path/to/suite.json}}.",
        )
    return dict(section.suites)


def reads(context: CheckedOut, _inputs: Inputs) -> Mapping[str, Any]:
    """Return the data, the suites, and the engine's version."""
    from modelyard.validation.engines import default_engine

    return {
        "suites": {
            name: [
                context.data.fingerprint()[name].digest,
                sha256_file(context.policy.rule_file(path, f"validate.suites.{name}")),
            ]
            for name, path in _suites(context).items()
        },
        "engine": dict(context.workspace.read_environment().packages).get(default_engine().package, ""),
        "personal": list(context.config.data.columns.personal),
    }


def run(context: CheckedOut, _inputs: Inputs) -> Outcome:
    """Load every suite before any data is read, then judge them one by one."""
    from modelyard.validation.engines import default_engine
    from modelyard.validation.judge import judge_suite
    from modelyard.validation.suite import load_suite

    engine = default_engine()
    suites = {
        name: load_suite(context.policy.rule_file(path, f"validate.suites.{name}"), context.policy.rules_root, engine)
        for name, path in _suites(context).items()
    }
    results = []
    for name, suite in suites.items():
        context.console.say(f"  {name}: {len(suite.items)} expectations by {engine.title}")
        results.append(
            judge_suite(
                suite,
                context.data.read(name),
                engine,
                set_name=name,
                suite_path=context.config.validate_.suites[name] if context.config.validate_ else "",
                personal=context.config.data.columns.personal,
                text_of=lambda columns, name=name: context.data.read_text(name, columns),  # type: ignore[misc]  # a default binds the name
            )
        )
    return Outcome(ValidateResult(suites=tuple(results)), worst(result.verdict for result in results))


def time_passes(context: CheckedOut) -> str:
    """Return why a suite is judged on each run: it compares with the time of the run."""
    from modelyard.validation.engines import default_engine
    from modelyard.validation.suite import asks_for_time

    engine, section = default_engine(), context.config.validate_
    timed = [
        path
        for name, path in (section.suites.items() if section else ())
        if asks_for_time(context.policy.rule_file(path, f"validate.suites.{name}"), context.policy.rules_root, engine)
    ]
    return f"{', '.join(timed)} compares with the time of the run" if timed else ""


VALIDATE = StepDefinition(
    SPEC,
    r.VALIDATE,
    ("detect",),
    reads,
    run,
    ValidatePresenter(),
    stage=Stage(section="validate"),
    time_passes=time_passes,
)
