"""Files of outcomes in the shapes that harnesses write, made from one list of attempts."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np


@dataclass(frozen=True)
class Tried:
    """One attempt, as tests make it up; ``passed`` is None for one that ended in an error."""

    case: str
    passed: bool | None
    score: float
    cost: float
    topic: str
    attempt: int = 1


def tried(share: float, *, cases: int = 300, attempts: int = 1, seed: int = 1, drift: float = 0.0) -> list[Tried]:
    """Cases of which a share passes, the same ones for each call but for a share that drifts."""
    hard = np.random.default_rng(0).random(cases)
    draw = np.random.default_rng(seed)
    found = []
    for at in range(cases):
        for attempt in range(attempts):
            chance = draw.random() if draw.random() < drift else hard[at]
            passed = bool(chance < share)
            score = round(float(np.clip(share + (0.2 if passed else -0.2) + 0.1 * draw.normal(), 0, 1)), 4)
            topic = ("billing", "shipping", "returns")[at % 3]
            cost = round(0.002 + 0.001 * draw.random(), 6)
            found.append(Tried(f"case {at}", passed, score, cost, topic, attempt + 1))
    return found


def table(path: Path, rows: Sequence[Tried]) -> Path:
    """One JSON object a line."""
    lines = [
        {"id": each.case, "passed": each.passed, "attempt": each.attempt, "usd": each.cost, "topic": each.topic}
        for each in rows
    ]
    path = path.with_suffix(".jsonl")
    path.write_text("".join(json.dumps(each) + "\n" for each in lines), "utf-8")
    return path


def promptfoo(path: Path, rows: Sequence[Tried], *, provider: str = "openai:gpt-4.1") -> Path:
    """``promptfoo eval --output``, version 3."""
    results = [
        {
            "cost": each.cost,
            "error": None if each.passed else "Expected output to contain the answer",
            "failureReason": 2 if each.passed is None else 0 if each.passed else 1,
            "gradingResult": {"pass": bool(each.passed), "score": each.score, "reason": "", "componentResults": []},
            "id": f"r{at}",
            "latencyMs": 612,
            "namedScores": {},
            "prompt": {"raw": f"Answer: {each.case}", "label": "Answer: {{question}}"},
            "promptId": "5f2c",
            "promptIdx": 0,
            "provider": {"id": provider, "label": ""},
            "response": {"output": "An answer.", "tokenUsage": {"total": 41, "prompt": 30, "completion": 11}},
            "score": each.score,
            "success": bool(each.passed),
            "testCase": {
                "vars": {"question": each.case},
                "assert": [{"type": "contains", "value": "answer"}],
                "options": {},
                "metadata": {"topic": each.topic},
            },
            "testIdx": at,
            "vars": {"question": each.case},
            "metadata": {},
        }
        for at, each in enumerate(rows)
    ]
    stats = {"successes": sum(bool(each.passed) for each in rows), "failures": 0, "errors": 0}
    whole = {
        "evalId": "eval-x-2026-11-01T09:00:00",
        "results": {"version": 3, "timestamp": "2026-11-01T09:00:00.000Z", "prompts": [], "results": results,
                    "stats": stats},
        "config": {"description": "support answers"},
        "shareableUrl": None,
    }  # fmt: skip
    return _json(path, whole)


def deepeval(path: Path, rows: Sequence[Tried]) -> Path:
    """A test run of DeepEval, as ``.latest_test_run.json`` holds it."""
    cases = [
        {
            "name": f"test_case_{at}",
            "input": each.case,
            "actualOutput": "An answer.",
            "expectedOutput": "The answer.",
            "tokenCost": each.cost,
            "success": each.passed,
            "metricsData": [
                {
                    "name": "Correctness [GEval]",
                    "threshold": 0.5,
                    "success": bool(each.passed),
                    "score": each.score,
                    "reason": "It says so.",
                    "strictMode": False,
                    "evaluationModel": "gpt-4.1",
                    **({"error": "the judge timed out"} if each.passed is None else {}),
                }
            ],
            "runDuration": 1.2,
            "order": at,
            "metadata": {"topic": each.topic},
        }
        for at, each in enumerate(rows)
    ]
    run = {"testFile": "test_support.py", "testCases": cases, "conversationalTestCases": [], "metricsScores": []}
    return _json(path, {"testRunData": run})


def inspect(path: Path, rows: Sequence[Tried], *, status: str = "success") -> Path:
    """A log of Inspect, as JSON."""
    samples = [
        {
            "id": each.case,
            "epoch": each.attempt,
            "input": each.case,
            "target": "The answer.",
            "messages": [],
            "scores": {"match": {"value": "C" if each.passed else "I", "answer": "An answer.", "history": []}},
            "metadata": {"topic": each.topic},
            "model_usage": {"openai/gpt-4.1": {"input_tokens": 30, "output_tokens": 11, "total_tokens": 41}},
            **({"error": {"message": "timeout", "traceback": ""}} if each.passed is None else {}),
        }
        for each in rows
    ]
    whole = {
        "version": 2,
        "status": status,
        "eval": {"task": "support", "model": "openai/gpt-4.1", "created": "2026-11-01T09:00:00+00:00"},
        "results": {"total_samples": len(rows), "completed_samples": len(rows), "scores": []},
        "samples": samples,
    }
    return _json(path, whole)


def junit(path: Path, rows: Sequence[Tried]) -> Path:
    """``pytest --junitxml``, with a skipped test and properties."""
    inner = {True: "", False: '<failure message="assert 1 == 2">E assert 1 == 2</failure>', None: "<error/>"}
    tests = "".join(
        f'<testcase classname="tests.test_support" name={quoteattr(each.case)} time="{each.cost:.3f}">'
        f'<properties><property name="topic" value={quoteattr(each.topic)} /></properties>{inner[each.passed]}'
        "</testcase>"
        for each in rows
    )
    skipped = (
        '<testcase classname="tests.test_support" name="later" time="0.0"><skipped type="pytest.skip"/></testcase>'
    )
    path = path.with_suffix(".xml")
    path.write_text(
        '<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="0" '
        f'tests="{len(rows) + 1}" time="3.1" hostname="ci">{tests}{skipped}</testsuite></testsuites>',
        "utf-8",
    )
    return path


def _json(path: Path, whole: dict[str, Any]) -> Path:
    path = path.with_suffix(".json")
    path.write_text(json.dumps(whole, indent=1), "utf-8")
    return path


SHAPES: dict[str, Callable[[Path, Sequence[Tried]], Path]] = {
    "table": table, "promptfoo": promptfoo, "deepeval": deepeval, "inspect": inspect, "junit": junit,
}  # fmt: skip
COLUMNS: dict[str, Any] = {"case": "id", "outcome": "passed", "repeat": "attempt", "cost": "usd"}
"""Of the table."""
