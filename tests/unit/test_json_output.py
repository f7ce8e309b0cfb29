"""What ``--json`` prints agrees with its published schema, and so do records with theirs."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from modelyard.cli import errors, output
from modelyard.cli.main import main
from modelyard.cli.output_schema import output_schema
from modelyard.cli.run import _Runner
from modelyard.core.errors import ConfigError
from modelyard.records.results import RESULTS
from modelyard.records.schema import record_schema
from modelyard.steps.pipeline import Decision
from tests.report_samples import STORIES, Story, run

SCHEMAS = Path(__file__).parents[2] / "schemas"


def checked(name: str, document: Any) -> None:
    """Validate a document against one of the definitions."""
    schema = output_schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator({**schema, "anyOf": [{"$ref": f"#/$defs/{name}"}]}).validate(document)


def test_errors_of_every_kind_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checked("error", errors.document(ConfigError("no", code="config/unknown-key", hint="yes")))
    checked("error", errors.internal_document(ValueError("x")))
    assert main(["run", "--json", "--config", str(tmp_path / "none.yml")]) == 2
    checked("error", json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("story", ["promote", "failed-data", "error"])
def test_steps_and_runs_agree(story: Story, tmp_path: Path) -> None:
    context: Any = SimpleNamespace(run_dir=tmp_path, mode="gate")
    runner = _Runner(context, {})
    runner.envelopes = run(story)
    runner.decisions = [Decision("detect", "run", "always compares"), Decision("promote", "skip", "not asked for")]
    runner.error = ConfigError("no", code="config/unknown-key") if story == "error" else None
    checked("run", json.loads(json.dumps(runner._json(1))))
    for envelope in runner.envelopes.values():
        checked("step", json.loads(json.dumps(output.outputs(envelope, context, 0))))


def test_records_of_every_step_have_a_published_schema_and_agree_with_it() -> None:
    for kind in RESULTS:
        published = json.loads((SCHEMAS / f"{kind.name}.schema.json").read_text("utf-8"))
        assert published == record_schema(kind)
    for story in STORIES:
        for step, envelope in run(story).items():
            Draft202012Validator(record_schema(RESULTS.get(step))).validate(json.loads(envelope.to_bytes()))
