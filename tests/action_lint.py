"""What the linters miss inside composite actions, and how our actions and templates must be written."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

PINS = json.loads(Path(__file__).with_name("action-pins.json").read_text("utf-8"))
"""Today's commits and inputs of GitHub's own actions."""
_INPUT = re.compile(r"\binputs(?:\.([\w-]+)|\['([^']+)'\])")
_STEP = re.compile(r"\bsteps\.([\w-]+)\.(outputs\.([\w-]+)|outcome|conclusion)")
_USES = re.compile(r"uses:\s*(\S+)(?:\s+#\s*(.*))?$", re.MULTILINE)
_RUNS_USER_CODE = re.compile(r"modelyard/modelyard(/actions/(train|evaluate|detect|validate))?@.*")
_OURS = re.compile(r"modelyard/modelyard(?:/actions/([a-z]+))?@v1")


def action(text: str, outputs: dict[str, set[str]] | None = None) -> list[str]:
    """What is wrong with a composite action.

    Args:
        text: the action.yml.
        outputs: step id to the outputs that it is known to set, where they are known.
    """
    return list(_action(text, outputs or {}))


def _action(text: str, outputs: dict[str, set[str]]) -> Iterator[str]:
    document = yaml.safe_load(text)
    inputs = set(document.get("inputs") or {})
    seen: list[str] = []
    for at, step in enumerate(document["runs"]["steps"]):
        where = f"step {step.get('id') or at}"
        yield from (f"{where}: {problem}" for problem in _step(step))
        yield from _references(where, json.dumps(step), inputs, seen, outputs)
        if step.get("id") in seen:
            yield f"{where}: its id is there twice"
        if "id" in step:
            seen.append(step["id"])
    for name, output in (document.get("outputs") or {}).items():
        yield from _references(f"output {name}", str(output["value"]), inputs, seen, outputs)
    yield from pins(text)


def _references(
    where: str, text: str, inputs: set[str], seen: list[str], outputs: dict[str, set[str]]
) -> Iterator[str]:
    for dotted, quoted in _INPUT.findall(text):
        if (dotted or quoted) not in inputs:
            yield f"{where}: there is no input {dotted or quoted}"
    for step, _, output in _STEP.findall(text):
        if step not in seen:
            yield f"{where}: no step {step} ran before"
        elif output and step in outputs and output not in outputs[step]:
            yield f"{where}: the step {step} has no output {output}"


def _step(step: dict[str, Any]) -> Iterator[str]:
    if "name" not in step:
        yield "it has no name"
    if "!= null" in str(step.get("if", "")):
        yield "`!= null` is true for what is missing"
    yield from _used(step) if "uses" in step else _script(step)


def _used(step: dict[str, Any]) -> Iterator[str]:
    name = step["uses"].partition("@")[0]
    known, given = PINS.get(name, {"inputs": {}}), step.get("with") or {}
    if name in PINS:
        yield from (f"{name} has no input {each}" for each in given if each not in known["inputs"])
    required = [each for each, told in known["inputs"].items() if told.get("required")]
    yield from (f"{name} needs the input {each}" for each in required if each not in given)


def _script(step: dict[str, Any]) -> Iterator[str]:
    run = step.get("run", "")
    if step.get("shell") != "bash":
        yield "it names no shell"
    if "${{" in run:
        yield "an expression is pasted into its script"
    if "INPUT_" in run:
        yield "it reads INPUT_*, which GitHub does not set for a composite"
    if re.search(r"GITHUB_(ENV|PATH)", run):
        yield "it changes the user's environment"


def pins(text: str) -> list[str]:
    """What is wrong with the actions that a file uses: each at a commit, with its version, as it is today."""
    problems = []
    for used, comment in _USES.findall(text):
        if used.startswith("./"):  # a file beside it, at the same commit
            continue
        name, _, reference = used.partition("@")
        if _OURS.fullmatch(used):
            if "unpinned-uses" not in comment and "zizmor" not in comment:
                problems.append(f"{used}: our own pin needs its reason")
            continue
        known = PINS.get(name)
        if known is None:
            problems.append(f"{name} has no pin in action-pins.json")
        elif (reference, comment) != (known["sha"], known["version"]):
            problems.append(f"{name} is not at {known['sha']} # {known['version']}")
    return problems


def workflow(text: str) -> list[str]:
    """What is wrong with a workflow: permissions, reasons, time limits, credentials."""
    return list(_workflow(text))


def _workflow(text: str) -> Iterator[str]:
    document = yaml.safe_load(text)
    if document.get("permissions") != {}:
        yield "the workflow grants something to every job"
    called_alone = set(document.get(True) or ()) == {"workflow_call"}  # YAML reads `on` as true
    if "concurrency" not in document and not called_alone:
        yield "runs of it may overlap"
    for line in text.splitlines():
        if re.search(r"^\s+[a-z-]+: (read|write)\b", line) and "#" not in line:
            yield f"no reason beside {line.strip()}"
    for name, job in document["jobs"].items():
        yield from (f"{name}: {problem}" for problem in _job(job))
    yield from pins(text)


def _job(job: dict[str, Any]) -> Iterator[str]:
    if "uses" in job:  # a workflow beside it, whose own jobs are looked at there; it takes no time limit
        if not str(job["uses"]).startswith("./.github/workflows/"):
            yield f"it calls {job['uses']}, which is not beside it"
        if "permissions" not in job:
            yield "permissions is not set"
        return
    yield from (f"{key} is not set" for key in ("timeout-minutes", "permissions") if key not in job)
    writes = {scope for scope, level in (job.get("permissions") or {}).items() if level == "write"}
    uses = [str(step.get("uses", "")) for step in job["steps"]]
    if writes and any(_RUNS_USER_CODE.fullmatch(use) for use in uses):
        yield f"it runs user code with {', '.join(sorted(writes))}: write"
    if writes and any(use.startswith("actions/checkout@") for use in uses):
        yield "it checks out with a token that may write"
    for step in job["steps"]:
        checks_out = str(step.get("uses", "")).startswith("actions/checkout@")
        if checks_out and (step.get("with") or {}).get("persist-credentials") is not False:
            yield "the checkout keeps its token"
        yield from (problem for problem in _step(step) if "shell" not in problem)
